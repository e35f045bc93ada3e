-- Without expressions: those wait for locks. A reference to a partition is shown as one to the whole table.
SELECT k.conrelid, k.oid, k.conname, k.contype, k.conkey, n.nspname, f.relname,
       CASE cardinality(k.confkey)
            WHEN 1 THEN ARRAY[(SELECT a.attname
                                 FROM pg_attribute a
                                WHERE a.attrelid = k.confrelid AND a.attnum = k.confkey[1])]
            ELSE ARRAY(SELECT a.attname
                         FROM unnest(k.confkey) WITH ORDINALITY AS u(attnum, place)
                         JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.attnum
                        ORDER BY u.place)
        END
  FROM unnest($1::oid[]) AS wanted(oid)
  JOIN pg_constraint k ON k.conrelid = wanted.oid
  LEFT JOIN pg_class direct ON direct.oid = k.confrelid
  LEFT JOIN pg_class f
    ON f.oid = CASE WHEN direct.relispartition THEN pg_partition_root(direct.oid) ELSE direct.oid END
  LEFT JOIN pg_namespace n ON n.oid = f.relnamespace
 WHERE k.conparentid = 0 AND k.contype NOT IN ('n', 't')
 ORDER BY k.conrelid
