-- Every schema of users, its number of relations, and whether the user may look into it.
SELECT n.nspname::text, COALESCE(c.relations, 0)::bigint, has_schema_privilege(n.nspname::text, 'USAGE')
  FROM pg_namespace n
  LEFT JOIN (
    SELECT relnamespace, count(*) AS relations
      FROM pg_class
     WHERE relkind IN ('r', 'v', 'm', 'p')
     GROUP BY relnamespace
  ) c ON c.relnamespace = n.oid
 WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'catalog_history')
 ORDER BY 1
