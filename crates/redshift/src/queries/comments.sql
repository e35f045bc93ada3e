-- On relations (0) and their columns.
SELECT d.objoid::bigint, d.objsubid::bigint, d.description::text
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_description d ON d.objoid = c.oid
  JOIN pg_class k ON k.oid = d.classoid AND k.relname = 'pg_class'
 WHERE c.oid::bigint BETWEEN CAST($1 AS bigint) AND CAST($2 AS bigint)
   AND n.nspname IN ({schemas})
 ORDER BY 1, 2
