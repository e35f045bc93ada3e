-- All that waits for a relation's lock. $1 views, $2 relations with defaults, $3 check and exclusion
-- constraints, $4 tables partitioned by an expression. A default can name no column, so that without its
-- relation it prints the same and waits for nothing.
SELECT 'v'::"char", v.oid, 0::int8, pg_get_viewdef(v.oid)
  FROM unnest($1::oid[]) AS v(oid)
UNION ALL
SELECT 'd', d.adrelid, d.adnum::int8,
       pg_get_expr(d.adbin, CASE WHEN a.attgenerated = '' THEN 0 ELSE d.adrelid END)
  FROM unnest($2::oid[]) AS r(oid)
  JOIN pg_attrdef d ON d.adrelid = r.oid
  JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
UNION ALL
SELECT 'c', k.conrelid, k.oid::int8,
       CASE k.contype WHEN 'c' THEN pg_get_expr(k.conbin, k.conrelid) ELSE pg_get_constraintdef(k.oid) END
  FROM unnest($3::oid[]) AS c(oid)
  JOIN pg_constraint k ON k.oid = c.oid
UNION ALL
SELECT 'p', p.oid, 0::int8, pg_get_partkeydef(p.oid)
  FROM unnest($4::oid[]) AS p(oid)
