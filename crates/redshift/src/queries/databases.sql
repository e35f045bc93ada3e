-- Local databases and those of datashares.
-- https://docs.aws.amazon.com/redshift/latest/dg/r_SVV_REDSHIFT_DATABASES.html
SELECT database_name::varchar(128), database_type::varchar(32)
  FROM svv_redshift_databases
 ORDER BY 1
