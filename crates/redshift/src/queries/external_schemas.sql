-- The schemas whose tables are elsewhere, and whether the user sees these.
-- https://docs.aws.amazon.com/redshift/latest/dg/r_PG_EXTERNAL_SCHEMA.html
-- The options are never read: they name secrets.
SELECT n.nspname::text, e.eskind::bigint, e.esdbname::text, has_schema_privilege(n.nspname::text, 'USAGE')
  FROM pg_external_schema e
  JOIN pg_namespace n ON n.oid = e.esoid
