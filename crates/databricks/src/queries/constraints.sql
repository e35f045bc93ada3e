-- One row for each column of a key. The other side of a foreign key into another catalog stays null.
-- https://docs.databricks.com/sql/language-manual/information-schema/key_column_usage.html
SELECT c.table_schema, c.table_name, c.constraint_name, c.constraint_type, k.column_name,
       p.table_catalog, p.table_schema, p.table_name, p.column_name
FROM {catalog}.information_schema.table_constraints AS c
JOIN {catalog}.information_schema.key_column_usage AS k
  ON k.constraint_schema = c.constraint_schema AND k.constraint_name = c.constraint_name
LEFT JOIN {catalog}.information_schema.referential_constraints AS r
  ON r.constraint_schema = c.constraint_schema AND r.constraint_name = c.constraint_name
LEFT JOIN {catalog}.information_schema.key_column_usage AS p
  ON p.constraint_catalog = r.unique_constraint_catalog AND p.constraint_schema = r.unique_constraint_schema
 AND p.constraint_name = r.unique_constraint_name AND p.ordinal_position = k.position_in_unique_constraint
WHERE c.table_schema BETWEEN :first AND :last AND c.constraint_type IN ('PRIMARY KEY', 'FOREIGN KEY')
ORDER BY c.table_schema, c.table_name, c.constraint_name, k.ordinal_position
