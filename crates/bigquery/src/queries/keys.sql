SELECT
  own.table_name,
  own.constraint_name,
  declared.constraint_type,
  own.column_name,
  referenced.table_catalog AS referenced_project,
  referenced.table_schema AS referenced_dataset,
  referenced.table_name AS referenced_table,
  referenced.column_name AS referenced_column
FROM {dataset}.INFORMATION_SCHEMA.KEY_COLUMN_USAGE AS own
JOIN {dataset}.INFORMATION_SCHEMA.TABLE_CONSTRAINTS AS declared
  ON declared.constraint_name = own.constraint_name
LEFT JOIN (
  SELECT used.constraint_name, used.table_catalog, used.table_schema, used.table_name, used.column_name, target.ordinal_position
  FROM {dataset}.INFORMATION_SCHEMA.CONSTRAINT_COLUMN_USAGE AS used
  JOIN {dataset}.INFORMATION_SCHEMA.KEY_COLUMN_USAGE AS target
    ON target.table_name = used.table_name
    AND target.column_name = used.column_name
    AND target.position_in_unique_constraint IS NULL
) AS referenced
  ON referenced.constraint_name = own.constraint_name
  AND referenced.ordinal_position = own.position_in_unique_constraint
ORDER BY own.table_name, own.constraint_name, own.ordinal_position
