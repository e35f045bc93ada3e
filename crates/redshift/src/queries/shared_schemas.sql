-- https://docs.aws.amazon.com/redshift/latest/dg/r_SVV_REDSHIFT_SCHEMAS.html
SELECT schema_name::varchar(128)
  FROM svv_redshift_schemas
 WHERE database_name = $1 AND schema_name NOT LIKE 'pg|_%' ESCAPE '|' AND schema_name <> 'information_schema'
 ORDER BY 1
