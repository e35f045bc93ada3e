-- What the views read. A late-binding view has no dependencies.
SELECT DISTINCT w.ev_class::bigint, un.nspname::text, u.relname::text
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_rewrite w ON w.ev_class = c.oid
  JOIN pg_depend d ON d.objid = w.oid AND d.refobjid <> w.ev_class
  JOIN pg_class u ON u.oid = d.refobjid AND u.relkind IN ('r', 'v', 'm', 'p')
  JOIN pg_namespace un ON un.oid = u.relnamespace AND un.nspname !~ '^pg_' AND un.nspname <> 'information_schema'
 WHERE c.oid::bigint BETWEEN CAST($1 AS bigint) AND CAST($2 AS bigint)
   AND n.nspname IN ({schemas})
 ORDER BY 1, 2, 3
