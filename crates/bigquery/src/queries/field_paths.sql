SELECT * FROM {dataset}.INFORMATION_SCHEMA.COLUMN_FIELD_PATHS ORDER BY table_name, column_name, field_path
