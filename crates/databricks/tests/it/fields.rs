//! The fake holds only names that Unity Catalog has: `fake/fields.json`.
//!
//! Both ways are checked: what the fake answers, and what the connector reads of it.

use crate::{
    fake::Fake,
    shop::{run, shop, token},
};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

const FIELDS: &str = include_str!("fake/fields.json");
const ROWS: &str = include_str!("../../src/rows.rs");

fn names(of: &str) -> BTreeSet<String> {
    let all: Value = serde_json::from_str(FIELDS).unwrap();
    let lists = ["open", "databricks"].map(|from| all[of][from].as_array().unwrap().clone());
    lists
        .concat()
        .iter()
        .map(|name| name.as_str().unwrap().to_owned())
        .collect()
}

fn assert_known(of: &str, object: &Value) {
    let known = names(of);
    let own = object.as_object().unwrap_or_else(|| panic!("{of}: {object}"));
    let unknown: Vec<&String> = own.keys().filter(|name| !known.contains(*name)).collect();
    assert!(unknown.is_empty(), "{of} has no {unknown:?}");
}

fn assert_table(table: &Value) {
    assert_known("TableInfo", table);
    let each = |list: &Value| list.as_array().cloned().unwrap_or_default();
    each(&table["columns"])
        .iter()
        .for_each(|column| assert_known("ColumnInfo", column));
    for constraint in each(&table["table_constraints"]) {
        assert_known("TableConstraint", &constraint);
        let parts: [(&str, &str); 2] = [
            ("primary_key_constraint", "PrimaryKeyConstraint"),
            ("foreign_key_constraint", "ForeignKeyConstraint"),
        ];
        let given = parts.iter().filter(|(name, _)| constraint.get(name).is_some());
        given.for_each(|(name, of)| assert_known(of, &constraint[name]));
    }
    if table["view_dependencies"].is_object() {
        assert_known("DependencyList", &table["view_dependencies"]);
        for dependency in each(&table["view_dependencies"]["dependencies"]) {
            assert_known("Dependency", &dependency);
            assert_known("TableDependency", &dependency["table"]);
        }
    }
}

#[test]
fn the_fake_answers_with_known_names_only() {
    let state = shop();
    let mut tables = 0;
    for catalog in &state.catalogs {
        assert_known("CatalogInfo", &catalog.row);
        for schema in &catalog.schemas {
            assert_known("SchemaInfo", &schema.row);
            schema
                .volumes
                .iter()
                .for_each(|volume| assert_known("VolumeInfo", volume));
            schema.tables.iter().for_each(assert_table);
            tables += schema.tables.len();
        }
    }
    assert!(tables > 9);
}

#[tokio::test]
async fn the_lists_have_known_names_only() {
    let fake = Fake::start(shop()).await;
    run(fake.config(), token()).await;
    let known = names("lists");
    let lists: BTreeSet<String> = fake
        .seen("unity-catalog/")
        .into_iter()
        .filter(|seen| seen.query.contains_key("max_results") && !seen.path.contains("effective"))
        .filter_map(|seen| seen.path.rsplit('/').next().map(str::to_owned))
        .collect();
    // The list of models has another name than its path.
    let unknown: Vec<&String> = lists
        .iter()
        .filter(|name| !known.contains(*name) && *name != "models")
        .collect();
    assert!(unknown.is_empty() && lists.len() >= 5, "{unknown:?} of {lists:?}");
}

#[test]
fn the_connector_reads_known_names_only() {
    for (row, of) in [
        ("CatalogRow", "CatalogInfo"),
        ("SchemaRow", "SchemaInfo"),
        ("TableRow", "TableInfo"),
        ("ColumnRow", "ColumnInfo"),
        ("VolumeRow", "VolumeInfo"),
        ("ConstraintRow", "TableConstraint"),
        ("PrimaryKeyRow", "PrimaryKeyConstraint"),
        ("ForeignKeyRow", "ForeignKeyConstraint"),
        ("DependenciesRow", "DependencyList"),
        ("DependencyRow", "Dependency"),
        ("TableDependencyRow", "TableDependency"),
    ] {
        let (_, rest) = ROWS.split_once(&format!("struct {row} {{")).unwrap();
        let (body, _) = rest.split_once('}').unwrap();
        let fields: Map<String, Value> = body
            .lines()
            .filter_map(|line| line.trim().strip_prefix("pub(crate) ")?.split_once(':'))
            .map(|(name, _)| (name.to_owned(), Value::Null))
            .collect();
        assert!(!fields.is_empty(), "{row}");
        assert_known(of, &Value::Object(fields));
    }
}
