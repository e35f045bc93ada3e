-- https://docs.aws.amazon.com/redshift/latest/dg/PG_GET_LATE_BINDING_VIEW_COLS.html
SELECT c.oid::bigint, l.col_num::bigint, l.col_name::text, l.col_type::text
  FROM pg_get_late_binding_view_cols()
       l(view_schema name, view_name name, col_name name, col_type varchar, col_num int)
  JOIN pg_namespace n ON n.nspname = l.view_schema
  JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = l.view_name
 WHERE c.oid::bigint BETWEEN CAST($1 AS bigint) AND CAST($2 AS bigint)
   AND n.nspname IN ({schemas})
 ORDER BY 1, 2
