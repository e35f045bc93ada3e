-- https://docs.aws.amazon.com/redshift/latest/dg/r_SVV_REDSHIFT_COLUMNS.html
SELECT schema_name::varchar(128), table_name::varchar(128), column_name::varchar(128), data_type::varchar(128),
       column_default::varchar(4000), is_nullable::varchar(3), encoding::varchar(128), distkey, sortkey::bigint,
       remarks::varchar(256)
  FROM svv_redshift_columns
 WHERE database_name = $1 AND schema_name IN ({schemas})
 ORDER BY 1, 2, ordinal_position
