SELECT t.typid, t.typmod, format_type(t.typid, t.typmod)
  FROM unnest($1::oid[], $2::int4[]) AS t(typid, typmod)
