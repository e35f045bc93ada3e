-- Tables with one row or more, for those who may read it.
-- https://docs.aws.amazon.com/redshift/latest/dg/r_SVV_TABLE_INFO.html
SELECT "schema"::varchar(128), "table"::varchar(128), "size"::bigint, tbl_rows::bigint, estimated_visible_rows::bigint
  FROM svv_table_info
 WHERE "schema" IN ({schemas})
