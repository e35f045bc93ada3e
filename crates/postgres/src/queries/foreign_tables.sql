-- Where the rows of foreign tables are. User mappings are never read: they hold passwords.
SELECT t.ftrelid, s.srvname, w.fdwname, t.ftoptions, s.srvoptions
  FROM unnest($1::oid[]) AS wanted(oid)
  JOIN pg_foreign_table t ON t.ftrelid = wanted.oid
  JOIN pg_foreign_server s ON s.oid = t.ftserver
  JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw
 ORDER BY t.ftrelid
