-- With indexes and TOAST. A partitioned table has what its leaves have.
SELECT 's'::"char", c.oid, 0::int8,
       CASE c.relkind
            WHEN 'p' THEN (SELECT COALESCE(sum(pg_total_relation_size(t.relid)), 0)
                             FROM pg_partition_tree(c.oid) t
                            WHERE t.isleaf)
            ELSE pg_total_relation_size(c.oid)
       END::text
  FROM unnest($5::oid[]) AS s(oid)
  JOIN pg_class c ON c.oid = s.oid
