-- How the partitioned tables are cut, and what their leaves add up to.
WITH RECURSIVE leaf(root, oid, relkind, reltuples, relpages) AS (
  SELECT wanted.oid, wanted.oid, 'p'::"char", -1::float4, 0
    FROM unnest($1::oid[]) AS wanted(oid)
  UNION ALL
  SELECT leaf.root, c.oid, c.relkind, c.reltuples, c.relpages
    FROM leaf
    JOIN pg_inherits i ON i.inhparent = leaf.oid
    JOIN pg_class c ON c.oid = i.inhrelid
   WHERE leaf.relkind = 'p'
)
SELECT p.partrelid, p.partstrat, p.partattrs::int2[],
       count(leaf.oid) FILTER (WHERE leaf.relkind <> 'p'),
       sum(leaf.reltuples::float8) FILTER (WHERE leaf.reltuples >= 0 AND leaf.relkind <> 'p'),
       sum(leaf.relpages::int8) FILTER (WHERE leaf.relkind <> 'p')::int8,
       (SELECT count(*) FROM pg_inherits i WHERE i.inhparent = p.partrelid)
  FROM pg_partitioned_table p
  JOIN leaf ON leaf.root = p.partrelid
 GROUP BY p.partrelid, p.partstrat, p.partattrs
 ORDER BY p.partrelid
