-- The database itself (oid 0) and the wanted schemas. $1 names, $2 whether comments may be read,
-- $3 whether those of shared objects may.
SELECT 0::oid, d.datname, pg_get_userbyid(d.datdba),
       CASE WHEN $3 THEN shobj_description(d.oid, 'pg_database') END
  FROM pg_database d
 WHERE d.datname = current_database()
UNION ALL
SELECT n.oid, n.nspname, pg_get_userbyid(n.nspowner),
       CASE WHEN $2 THEN obj_description(n.oid, 'pg_namespace') END
  FROM pg_namespace n
 WHERE n.nspname = ANY ($1)
