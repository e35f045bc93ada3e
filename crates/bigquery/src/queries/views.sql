SELECT table_name, view_definition, use_standard_sql
FROM {dataset}.INFORMATION_SCHEMA.VIEWS
ORDER BY table_name
