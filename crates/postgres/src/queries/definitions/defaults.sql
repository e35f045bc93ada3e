-- A default can name no column, so that without its relation it prints the same and waits for no lock.
SELECT 'd'::"char", d.adrelid, d.adnum::int8,
       pg_get_expr(d.adbin, CASE WHEN a.attgenerated = '' THEN 0 ELSE d.adrelid END)
  FROM unnest($2::oid[]) AS r(oid)
  JOIN pg_attrdef d ON d.adrelid = r.oid
  JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
