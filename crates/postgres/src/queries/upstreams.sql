-- What the views read, by their SELECT rule. System relations are no assets.
SELECT DISTINCT w.ev_class, n.nspname, u.relname
  FROM unnest($1::oid[]) AS wanted(oid)
  JOIN pg_rewrite w ON w.ev_class = wanted.oid AND w.ev_type = '1'
  JOIN pg_depend d
    ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refclassid = 'pg_class'::regclass
   AND d.refobjid <> w.ev_class
  JOIN pg_class direct ON direct.oid = d.refobjid AND direct.relkind IN ('r', 'p', 'v', 'm', 'f')
  JOIN pg_class u
    ON u.oid = CASE WHEN direct.relispartition THEN pg_partition_root(direct.oid) ELSE direct.oid END
  JOIN pg_namespace n
    ON n.oid = u.relnamespace AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
 ORDER BY w.ev_class, n.nspname, u.relname
