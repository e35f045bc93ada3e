-- The floor: what a sync needs of one database, as four COPYs of one snapshot over one connection.
\set ON_ERROR_STOP 1
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SET LOCAL jit = off;
COPY (
  SELECT c.oid, n.nspname, c.relname, c.relkind, c.relpersistence, o.rolname, c.reltuples, c.relpages,
         c.relpages::bigint * 8192, d.description,
         CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_roles o ON o.oid = c.relowner
    LEFT JOIN pg_description d ON d.objoid = c.oid AND d.classoid = 'pg_class'::regclass AND d.objsubid = 0
   WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
     AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
) TO STDOUT;
COPY (
  SELECT a.attrelid, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
         a.attgenerated, pg_get_expr(e.adbin, e.adrelid), d.description
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef e ON e.adrelid = a.attrelid AND e.adnum = a.attnum AND a.atthasdef
    LEFT JOIN pg_description d
      ON d.objoid = a.attrelid AND d.classoid = 'pg_class'::regclass AND d.objsubid = a.attnum
   WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
     AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
) TO STDOUT;
COPY (
  SELECT conrelid, conname, contype, conkey, confrelid, confkey
    FROM pg_constraint
   WHERE contype IN ('p', 'f', 'u') AND conrelid <> 0
) TO STDOUT;
COPY (
  SELECT DISTINCT w.ev_class, d.refobjid, d.refobjsubid
    FROM pg_rewrite w
    JOIN pg_depend d
      ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refclassid = 'pg_class'::regclass
    JOIN pg_class c ON c.oid = w.ev_class
    JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE d.refobjid <> w.ev_class AND n.nspname NOT IN ('pg_catalog', 'information_schema')
) TO STDOUT;
COMMIT;
