SELECT
  table_name,
  total_rows AS row_count,
  total_logical_bytes AS size_bytes,
  storage_last_modified_time AS last_modified_time
FROM {location}.INFORMATION_SCHEMA.TABLE_STORAGE
WHERE table_schema = {name} AND NOT deleted
ORDER BY table_name
