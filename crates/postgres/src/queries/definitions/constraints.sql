-- Checks and exclusions.
SELECT 'c'::"char", k.conrelid, k.oid::int8,
       CASE k.contype WHEN 'c' THEN pg_get_expr(k.conbin, k.conrelid) ELSE pg_get_constraintdef(k.oid) END
  FROM unnest($3::oid[]) AS c(oid)
  JOIN pg_constraint k ON k.oid = c.oid
