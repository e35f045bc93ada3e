-- Every database of users, and whether the role may connect to it. Left out are those that managed services
-- keep for themselves (Amazon RDS, Cloud SQL, AlloyDB, Azure) and those whose DROP was interrupted (-2).
SELECT d.datname, d.datallowconn, has_database_privilege(d.oid, 'CONNECT')
  FROM pg_database d
 WHERE NOT d.datistemplate AND d.datconnlimit <> -2
   AND d.datname NOT IN ('rdsadmin', 'cloudsqladmin', 'alloydbadmin', 'alloydbmetadata', 'azure_maintenance',
                         'azure_sys')
 ORDER BY d.datname
