-- What the wanted schemas hold; indexes and sequences are no assets.
SELECT c.oid::bigint, n.nspname::text, c.relname::text, c.relkind::text, c.relnatts::bigint
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname IN ({schemas}) AND c.relkind IN ('r', 'v', 'm', 'p')
 ORDER BY 1
