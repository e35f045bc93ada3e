-- The catalog's own tags come first: nothing sorts before the empty text.
-- https://docs.databricks.com/sql/language-manual/information-schema/column_tags.html
SELECT '' AS schema_name, '' AS table_name, '' AS column_name, tag_name, tag_value
FROM {catalog}.information_schema.catalog_tags
UNION ALL
SELECT schema_name, '', '', tag_name, tag_value
FROM {catalog}.information_schema.schema_tags WHERE schema_name BETWEEN :first AND :last
UNION ALL
SELECT schema_name, table_name, '', tag_name, tag_value
FROM {catalog}.information_schema.table_tags WHERE schema_name BETWEEN :first AND :last
UNION ALL
SELECT schema_name, table_name, column_name, tag_name, tag_value
FROM {catalog}.information_schema.column_tags WHERE schema_name BETWEEN :first AND :last
ORDER BY schema_name, table_name, column_name, tag_name, tag_value
