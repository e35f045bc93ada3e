SELECT
  table_name,
  SUM(total_rows) AS row_count,
  SUM(total_logical_bytes) AS size_bytes,
  MAX(last_modified_time) AS last_modified_time
FROM {dataset}.INFORMATION_SCHEMA.PARTITIONS
GROUP BY table_name
ORDER BY table_name
