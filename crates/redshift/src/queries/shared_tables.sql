-- https://docs.aws.amazon.com/redshift/latest/dg/r_SVV_REDSHIFT_TABLES.html
SELECT schema_name::varchar(128), table_name::varchar(128), table_type::varchar(128), remarks::varchar(256),
       table_owner::varchar(128)
  FROM svv_redshift_tables
 WHERE database_name = $1 AND schema_name IN ({schemas})
 ORDER BY 1, 2
