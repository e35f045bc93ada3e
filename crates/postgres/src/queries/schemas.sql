-- Every schema of users, with the number of relations that become assets.
SELECT n.nspname, count(c.oid)
  FROM pg_namespace n
  LEFT JOIN pg_class c
    ON c.relnamespace = n.oid AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
 WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
 GROUP BY n.nspname
 ORDER BY n.nspname
