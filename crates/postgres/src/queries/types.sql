-- The types, and all that they are made of. rngmultitypid is read through JSON: versions 12 and 13 have none.
WITH RECURSIVE part(oid) AS (
  SELECT unnest($1::oid[])
  UNION
  SELECT inner_type.oid
    FROM part
    JOIN pg_type t ON t.oid = part.oid
   CROSS JOIN LATERAL (
     SELECT t.typelem WHERE t.typelem <> 0
     UNION ALL SELECT t.typbasetype WHERE t.typbasetype <> 0
     UNION ALL SELECT r.rngsubtype FROM pg_range r
                WHERE t.typtype IN ('r', 'm')
                  AND t.oid IN (r.rngtypid, (to_jsonb(r) ->> 'rngmultitypid')::oid)
     UNION ALL SELECT a.atttypid FROM pg_attribute a
                WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
   ) AS inner_type(oid)
)
SELECT t.oid, t.typname, t.typtype, t.typnotnull, t.typbasetype, t.typtypmod,
       CASE WHEN t.typcategory = 'A' THEN t.typelem ELSE 0 END,
       COALESCE((SELECT r.rngsubtype FROM pg_range r
                  WHERE t.typtype IN ('r', 'm')
                    AND t.oid IN (r.rngtypid, (to_jsonb(r) ->> 'rngmultitypid')::oid)), 0),
       CASE WHEN t.typtype = 'e'
            THEN ARRAY(SELECT e.enumlabel FROM pg_enum e WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder) END,
       member.names, member.types, member.typmods, member.texts
  FROM pg_type t
  LEFT JOIN LATERAL (
    SELECT array_agg(a.attname ORDER BY a.attnum), array_agg(a.atttypid ORDER BY a.attnum),
           array_agg(a.atttypmod ORDER BY a.attnum),
           array_agg(format_type(a.atttypid, a.atttypmod) ORDER BY a.attnum)
      FROM pg_attribute a
     WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
  ) AS member(names, types, typmods, texts) ON true
 WHERE t.oid IN (SELECT oid FROM part)
