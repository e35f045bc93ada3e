SELECT 'v'::"char", v.oid, 0::int8, pg_get_viewdef(v.oid)
  FROM unnest($1::oid[]) AS v(oid)
