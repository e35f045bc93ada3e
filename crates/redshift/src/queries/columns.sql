-- attencodingtype, attisdistkey and attsortkeyord are Redshift's own; the order of an interleaved sort key
-- alternates between positive and negative. https://docs.aws.amazon.com/redshift/latest/dg/r_PG_TABLE_DEF.html
SELECT a.attrelid::bigint, a.attnum::bigint, a.attname::text, format_type(a.atttypid, a.atttypmod)::text,
       a.attnotnull, pg_get_expr(f.adbin, f.adrelid)::text, format_encoding(a.attencodingtype::integer)::text,
       a.attisdistkey, a.attsortkeyord::bigint
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_attribute a ON a.attrelid = c.oid
  LEFT JOIN pg_attrdef f ON f.adrelid = a.attrelid AND f.adnum = a.attnum
 WHERE c.oid::bigint BETWEEN CAST($1 AS bigint) AND CAST($2 AS bigint)
   AND n.nspname IN ({schemas})
   AND a.attnum > 0 AND NOT a.attisdropped
 ORDER BY 1, 2
