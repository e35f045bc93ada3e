-- Events, so each pair once. The names of columns are null for a pair of tables. Both tables are cut by event_date:
-- https://docs.databricks.com/admin/system-tables/lineage.html
SELECT DISTINCT target_table_schema, target_table_name, source_table_catalog, source_table_schema, source_table_name,
       CAST(NULL AS STRING) AS source_column_name, CAST(NULL AS STRING) AS target_column_name
FROM system.access.table_lineage
WHERE target_table_catalog = :catalog AND target_table_schema BETWEEN :first AND :last
  AND source_table_name IS NOT NULL AND event_date >= date_sub(current_date(), :days)
UNION ALL
SELECT DISTINCT target_table_schema, target_table_name, source_table_catalog, source_table_schema, source_table_name,
       source_column_name, target_column_name
FROM system.access.column_lineage
WHERE target_table_catalog = :catalog AND target_table_schema BETWEEN :first AND :last
  AND source_table_name IS NOT NULL AND event_date >= date_sub(current_date(), :days)
ORDER BY target_table_schema, target_table_name, source_table_catalog, source_table_schema, source_table_name,
         source_column_name, target_column_name
