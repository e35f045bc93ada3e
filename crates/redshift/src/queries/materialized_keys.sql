-- The keys of materialized views stand on the tables behind them, mv_tbl__NAME__N, as dbt-redshift reads them.
SELECT n.nspname::text, c.relname::text, c.reldiststyle::bigint, a.attname::text, a.attisdistkey,
       a.attsortkeyord::bigint
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_attribute a ON a.attrelid = c.oid
 WHERE n.nspname IN ({schemas}) AND c.relname LIKE 'mv|_tbl|_|_%' ESCAPE '|'
   AND a.attnum > 0 AND NOT a.attisdropped AND (a.attisdistkey OR a.attsortkeyord <> 0)
 ORDER BY 1, 2, a.attnum
