SELECT c.oid, c.relnamespace, c.relname, c.relkind, c.relpersistence, pg_get_userbyid(c.relowner),
       c.reltuples, c.relpages, c.relrowsecurity
  FROM unnest($1::oid[]) AS wanted(oid)
  JOIN pg_class c ON c.oid = wanted.oid
 ORDER BY c.oid
