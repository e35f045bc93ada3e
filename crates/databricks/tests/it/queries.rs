//! The statements themselves, on DuckDB: the emulators have neither an information schema of a catalog nor system
//! tables, and the fake knows a statement by its words only. The tables have the columns that Databricks documents:
//! <https://docs.databricks.com/sql/language-manual/sql-ref-information-schema.html>,
//! <https://docs.databricks.com/admin/system-tables/lineage.html>.

use crate::sdk::python;
use serde_json::{Value, json};

const SCRIPT: &str = r#"
import duckdb, json, os
c = duckdb.connect()
c.execute("ATTACH ':memory:' AS lake; CREATE SCHEMA lake.info; CREATE SCHEMA lake.access")
# Spark's function of that name takes a number of days.
c.execute("CREATE MACRO date_sub(day, days) AS day - CAST(days AS INTEGER)")
c.execute(os.environ["TABLES"])
print(json.dumps(c.execute(os.environ["STATEMENT"], json.loads(os.environ["PARAMETERS"])).fetchall()))
"#;

/// Runs a statement of the connector's on these tables.
async fn rows(statement: &str, tables: &str, parameters: Value) -> Value {
    // DuckDB reserves the names of the schema and of the catalog, and marks parameters in another way.
    let mut statement = statement
        .replace("{catalog}.information_schema", "lake.info")
        .replace("system.access", "lake.access");
    for name in parameters.as_object().unwrap().keys() {
        statement = statement.replace(&format!(":{name}"), &format!("${name}"));
    }
    let variables = [
        ("TABLES", tables),
        ("STATEMENT", &statement),
        ("PARAMETERS", &parameters.to_string()),
    ];
    python(SCRIPT, &variables).await
}

const KEYS: &str = include_str!("../../src/queries/constraints.sql");

/// `orders` refers to `customers` by two columns that are named in another order, and to another catalog by one.
const CONSTRAINTS: &str = "
CREATE TABLE lake.info.table_constraints (constraint_catalog STRING, constraint_schema STRING, constraint_name STRING,
    table_catalog STRING, table_schema STRING, table_name STRING, constraint_type STRING);
CREATE TABLE lake.info.key_column_usage (constraint_catalog STRING, constraint_schema STRING, constraint_name STRING,
    table_catalog STRING, table_schema STRING, table_name STRING, column_name STRING, ordinal_position INT,
    position_in_unique_constraint INT);
CREATE TABLE lake.info.referential_constraints (constraint_catalog STRING, constraint_schema STRING,
    constraint_name STRING, unique_constraint_catalog STRING, unique_constraint_schema STRING,
    unique_constraint_name STRING);
INSERT INTO lake.info.table_constraints VALUES
    ('main', 'sales', 'orders_fk', 'main', 'sales', 'orders', 'FOREIGN KEY'),
    ('main', 'sales', 'abroad_fk', 'main', 'sales', 'orders', 'FOREIGN KEY'),
    ('main', 'sales', 'positive', 'main', 'sales', 'orders', 'CHECK'),
    ('main', 'crm', 'pk', 'main', 'crm', 'customers', 'PRIMARY KEY'),
    ('main', 'sales', 'pk', 'main', 'sales', 'orders', 'PRIMARY KEY'),
    ('main', 'zoo', 'pk', 'main', 'zoo', 'animals', 'PRIMARY KEY');
INSERT INTO lake.info.key_column_usage VALUES
    ('main', 'sales', 'orders_fk', 'main', 'sales', 'orders', 'customer', 2, 1),
    ('main', 'sales', 'orders_fk', 'main', 'sales', 'orders', 'region', 1, 2),
    ('main', 'sales', 'abroad_fk', 'main', 'sales', 'orders', 'currency', 1, 1),
    ('main', 'crm', 'pk', 'main', 'crm', 'customers', 'id', 1, NULL),
    ('main', 'crm', 'pk', 'main', 'crm', 'customers', 'area', 2, NULL),
    ('main', 'sales', 'pk', 'main', 'sales', 'orders', 'id', 1, NULL),
    ('main', 'zoo', 'pk', 'main', 'zoo', 'animals', 'id', 1, NULL);
INSERT INTO lake.info.referential_constraints VALUES
    ('main', 'sales', 'orders_fk', 'main', 'crm', 'pk'),
    ('main', 'sales', 'abroad_fk', 'other', 'x', 'pk');
";

#[tokio::test]
async fn keys_come_by_schema_with_their_columns_in_order_and_the_other_side_beside() {
    let told = rows(KEYS, CONSTRAINTS, json!({"first": "crm", "last": "sales"})).await;
    let told: Vec<String> = told.as_array().unwrap().iter().map(line).collect();
    assert_eq!(
        told,
        [
            "crm | customers | pk | PRIMARY KEY | id | - | - | - | -",
            "crm | customers | pk | PRIMARY KEY | area | - | - | - | -",
            "sales | orders | abroad_fk | FOREIGN KEY | currency | - | - | - | -",
            "sales | orders | orders_fk | FOREIGN KEY | region | main | crm | customers | area",
            "sales | orders | orders_fk | FOREIGN KEY | customer | main | crm | customers | id",
            "sales | orders | pk | PRIMARY KEY | id | - | - | - | -",
        ]
    );
}

/// A row as one text, with a dash for what is null.
fn line(row: &Value) -> String {
    let cells = row.as_array().unwrap().iter();
    let cells: Vec<&str> = cells.map(|cell| cell.as_str().unwrap_or("-")).collect();
    cells.join(" | ")
}

const TAGS: &str = include_str!("../../src/queries/tags.sql");
const TAGGED: &str = "
CREATE TABLE lake.info.catalog_tags (catalog_name STRING, tag_name STRING, tag_value STRING);
CREATE TABLE lake.info.schema_tags (catalog_name STRING, schema_name STRING, tag_name STRING, tag_value STRING);
CREATE TABLE lake.info.table_tags (catalog_name STRING, schema_name STRING, table_name STRING, tag_name STRING,
    tag_value STRING);
CREATE TABLE lake.info.column_tags (catalog_name STRING, schema_name STRING, table_name STRING, column_name STRING,
    tag_name STRING, tag_value STRING);
INSERT INTO lake.info.catalog_tags VALUES ('main', 'domain', 'retail');
INSERT INTO lake.info.schema_tags VALUES ('main', 'sales', 'tier', 'gold'), ('main', 'zoo', 'tier', 'tin');
INSERT INTO lake.info.table_tags VALUES ('main', 'sales', 'orders', 'pii', ''), ('main', 'crm', 'people', 'pii', ''),
    ('main', 'zoo', 'animals', 'pii', '');
INSERT INTO lake.info.column_tags VALUES ('main', 'sales', 'orders', 'total', 'unit', 'EUR'),
    ('main', 'zoo', 'animals', 'weight', 'unit', 'kg');
";

#[tokio::test]
async fn tags_of_all_levels_come_by_schema_and_those_of_the_catalog_first() {
    let told = rows(TAGS, TAGGED, json!({"first": "crm", "last": "sales"})).await;
    assert_eq!(
        told,
        json!([
            ["", "", "", "domain", "retail"],
            ["crm", "people", "", "pii", ""],
            ["sales", "", "", "tier", "gold"],
            ["sales", "orders", "", "pii", ""],
            ["sales", "orders", "total", "unit", "EUR"],
        ])
    );
}

const EVENTS: &str = include_str!("../../src/queries/lineage.sql");
const LINEAGE: &str = "
CREATE TABLE lake.access.table_lineage (source_table_catalog STRING, source_table_schema STRING,
    source_table_name STRING, target_table_catalog STRING, target_table_schema STRING, target_table_name STRING,
    event_date DATE);
CREATE TABLE lake.access.column_lineage (source_table_catalog STRING, source_table_schema STRING,
    source_table_name STRING, source_column_name STRING, target_table_catalog STRING, target_table_schema STRING,
    target_table_name STRING, target_column_name STRING, event_date DATE);
INSERT INTO lake.access.table_lineage VALUES
    ('main', 'crm', 'customers', 'main', 'sales', 'orders', current_date() - 3),
    ('main', 'crm', 'customers', 'main', 'sales', 'orders', current_date()),
    ('main', 'crm', 'leads', 'main', 'sales', 'orders', current_date() - 31),
    ('main', 'crm', 'people', 'main', 'sales', 'orders', current_date() - 29),
    (NULL, NULL, NULL, 'main', 'sales', 'orders', current_date()),
    ('main', 'crm', 'customers', NULL, NULL, NULL, current_date()),
    ('main', 'crm', 'customers', 'other', 'sales', 'orders', current_date()),
    ('main', 'crm', 'customers', 'main', 'zoo', 'animals', current_date());
INSERT INTO lake.access.column_lineage VALUES
    ('main', 'crm', 'customers', 'id', 'main', 'sales', 'orders', 'customer', current_date()),
    ('main', 'crm', 'customers', 'id', 'main', 'sales', 'orders', 'customer', current_date() - 1),
    ('main', 'crm', 'customers', 'old', 'main', 'sales', 'orders', 'customer', current_date() - 31),
    (NULL, NULL, NULL, NULL, 'main', 'sales', 'orders', 'customer', current_date());
";

#[tokio::test]
async fn events_of_the_last_days_come_once_for_each_pair() {
    let parameters = json!({"first": "crm", "last": "sales", "catalog": "main", "days": "30"});
    let told = rows(EVENTS, LINEAGE, parameters).await;
    let mut told = told.as_array().unwrap().clone();
    // Where null sorts among the columns differs between the two.
    told.sort_by_key(Value::to_string);
    let pair = |of: &str, columns: [Value; 2]| {
        let [source, target] = columns;
        json!(["sales", "orders", "main", "crm", of, source, target])
    };
    assert_eq!(
        told,
        [
            pair("customers", [json!("id"), json!("customer")]),
            pair("customers", [Value::Null, Value::Null]),
            pair("people", [Value::Null, Value::Null]),
        ]
    );
}
