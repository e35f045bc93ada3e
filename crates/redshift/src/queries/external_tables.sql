-- https://docs.aws.amazon.com/redshift/latest/dg/r_SVV_EXTERNAL_TABLES.html
SELECT schemaname::text, tablename::text, tabletype::text, location::text, input_format::text, output_format::text,
       serialization_lib::text, compressed::bigint
  FROM svv_external_tables
 WHERE redshift_database_name = $1 AND schemaname IN ({schemas})
 ORDER BY 1, 2
