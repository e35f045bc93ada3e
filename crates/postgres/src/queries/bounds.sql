-- The first partitions by name, and their bounds. A bound names no column, so that without its relation it
-- prints the same and waits for no lock.
SELECT wanted.oid, c.relname, pg_get_expr(c.relpartbound, 0)
  FROM unnest($1::oid[]) AS wanted(oid)
 CROSS JOIN LATERAL (
   SELECT c.oid, c.relname, c.relpartbound
     FROM pg_inherits i
     JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = wanted.oid
    ORDER BY c.relname, c.oid
    LIMIT 100
 ) AS c
 ORDER BY wanted.oid, c.relname, c.oid
