-- What the wanted schemas hold. Partitions are part of their parent; indexes, sequences, TOAST tables and
-- row types are no assets. A kind that is unknown here is listed all the same.
SELECT c.oid, c.relnamespace, c.relname, c.relkind
  FROM pg_class c
 WHERE c.relnamespace = ANY ($1) AND NOT c.relispartition AND c.relkind NOT IN ('i', 'I', 'S', 't', 'c')
 ORDER BY c.oid
