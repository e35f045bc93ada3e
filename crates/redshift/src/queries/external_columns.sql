-- https://docs.aws.amazon.com/redshift/latest/dg/r_SVV_EXTERNAL_COLUMNS.html
SELECT schemaname::text, tablename::text, columnname::text, external_type::text, columnnum::bigint, part_key::bigint,
       is_nullable::text
  FROM svv_external_columns
 WHERE redshift_database_name = $1 AND schemaname IN ({schemas})
 ORDER BY 1, 2, 5
