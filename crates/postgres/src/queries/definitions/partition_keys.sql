SELECT 'p'::"char", p.oid, 0::int8, pg_get_partkeydef(p.oid)
  FROM unnest($4::oid[]) AS p(oid)
