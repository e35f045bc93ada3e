-- Informational: Redshift does not enforce them. One row for each column that a foreign key refers to.
SELECT k.conrelid::bigint, k.oid::bigint, k.conname::text, k.contype::text, array_to_string(k.conkey, ',')::text,
       array_to_string(k.confkey, ',')::text, fn.nspname::text, f.relname::text, a.attnum::bigint, a.attname::text
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_constraint k ON k.conrelid = c.oid
  LEFT JOIN pg_class f ON f.oid = k.confrelid
  LEFT JOIN pg_namespace fn ON fn.oid = f.relnamespace
  LEFT JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = ANY (k.confkey)
 WHERE c.oid::bigint BETWEEN CAST($1 AS bigint) AND CAST($2 AS bigint)
   AND n.nspname IN ({schemas}) AND k.contype IN ('p', 'u', 'f')
 ORDER BY 1, 2
