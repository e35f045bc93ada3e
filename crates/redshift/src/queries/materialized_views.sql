-- https://docs.aws.amazon.com/redshift/latest/dg/r_SVV_MV_INFO.html
SELECT TRIM(schema_name)::varchar(128), TRIM(name)::varchar(128), TRIM(is_stale)::varchar(1), state::bigint,
       TRIM(autorefresh)::varchar(1), TRIM(autorewrite)::varchar(1)
  FROM svv_mv_info
 WHERE TRIM(database_name) = $1 AND TRIM(schema_name) IN ({schemas})
