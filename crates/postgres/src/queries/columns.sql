-- By relation only: sorting the few columns of one relation is cheaper at the reader.
SELECT a.attrelid, a.attnum, a.attname, a.atttypid, a.atttypmod, a.attnotnull, a.attidentity, a.attgenerated,
       a.atthasdef
  FROM unnest($1::oid[]) AS wanted(oid)
  JOIN pg_attribute a ON a.attrelid = wanted.oid
 WHERE a.attnum > 0 AND NOT a.attisdropped
 ORDER BY a.attrelid
