-- On relations (objsubid 0) and their columns.
SELECT d.objoid, d.objsubid, d.description
  FROM unnest($1::oid[]) AS wanted(oid)
  JOIN pg_description d ON d.objoid = wanted.oid AND d.classoid = 'pg_class'::regclass
 ORDER BY d.objoid
