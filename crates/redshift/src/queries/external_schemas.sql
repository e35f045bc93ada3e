-- The schemas whose tables are elsewhere, and whether the user sees these.
-- https://docs.aws.amazon.com/redshift/latest/dg/r_PG_EXTERNAL_SCHEMA.html
-- The options are never read: they name secrets.
-- has_schema_privilege gives a boolean: AWS's own views compare it with true.
-- https://github.com/awslabs/amazon-redshift-utils/blob/master/src/AdminViews/v_get_schema_priv_by_user.sql
SELECT n.nspname::text, e.eskind::bigint, e.esdbname::text, has_schema_privilege(n.nspname::text, 'USAGE')
  FROM pg_external_schema e
  JOIN pg_namespace n ON n.oid = e.esoid
