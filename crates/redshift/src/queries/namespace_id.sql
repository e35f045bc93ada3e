-- The id of the cluster's or workgroup's namespace.
-- https://docs.aws.amazon.com/redshift/latest/dg/r_CURRENT_NAMESPACE.html
SELECT current_namespace::text
