-- The schemas whose tables are elsewhere. https://docs.aws.amazon.com/redshift/latest/dg/r_PG_EXTERNAL_SCHEMA.html
-- The options are never read: they name secrets.
SELECT n.nspname::text, e.eskind::bigint, e.esdbname::text
  FROM pg_external_schema e
  JOIN pg_namespace n ON n.oid = e.esoid
