-- https://docs.aws.amazon.com/redshift/latest/dg/r_PG_CLASS_INFO.html
SELECT c.reloid::bigint, c.relcreationtime::text, c.releffectivediststyle::bigint
  FROM pg_class_info c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.reloid::bigint BETWEEN CAST($1 AS bigint) AND CAST($2 AS bigint)
   AND n.nspname IN ({schemas})
 ORDER BY 1
