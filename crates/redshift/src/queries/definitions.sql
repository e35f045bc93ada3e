-- Of ordinary views the query; of late-binding and materialized views the whole statement that made them.
SELECT c.oid::bigint, pg_get_viewdef(c.oid)::text
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.oid::bigint BETWEEN CAST($1 AS bigint) AND CAST($2 AS bigint)
   AND n.nspname IN ({schemas}) AND c.relkind IN ('v', 'm')
 ORDER BY 1
