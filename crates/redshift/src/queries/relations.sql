-- The relations whose ids are from $1 to $2. reldiststyle is Redshift's own.
SELECT c.oid::bigint, n.nspname::text, c.relname::text, c.relkind::text, u.usename::text, c.reldiststyle::bigint
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_user u ON u.usesysid = c.relowner
 WHERE c.oid::bigint BETWEEN CAST($1 AS bigint) AND CAST($2 AS bigint)
   AND n.nspname IN ({schemas}) AND c.relkind IN ('r', 'v', 'm', 'p')
 ORDER BY 1
