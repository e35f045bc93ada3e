SELECT table_name, option_name, option_value
FROM {dataset}.INFORMATION_SCHEMA.TABLE_OPTIONS
ORDER BY table_name, option_name
