-- Owner and comment of the wanted schemas.
SELECT n.nspname::text, u.usename::text, d.description::text
  FROM pg_namespace n
  LEFT JOIN pg_user u ON u.usesysid = n.nspowner
  LEFT JOIN (
    SELECT d.objoid, d.description
      FROM pg_description d
      JOIN pg_class k ON k.oid = d.classoid AND k.relname = 'pg_namespace'
     WHERE d.objsubid = 0
  ) d ON d.objoid = n.oid
 WHERE n.nspname IN ({schemas})
