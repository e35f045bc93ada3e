//! The workspace's own Hive metastore, beside the catalogs of Unity Catalog.

use crate::{
    fake::{Fake, State},
    shop::{run, shop, token, with_warehouse},
};
use headwater_core::{Listing, Path};
use serde_json::{Value, json};

const TEXT: &str = "Database: legacy\nTable: bills\nOwner: root\nType: MANAGED\nProvider: delta\nComment: old ones\n\
    Schema: root\n |-- id: long (nullable = true)\n |-- city: string (nullable = true)\n";

fn state() -> State {
    let hive = vec![
        ["legacy", "bills", "false", TEXT],
        ["legacy", "dunning", "false", TEXT],
        ["other", "x", "false", TEXT],
    ];
    State { hive, ..shop() }
}

fn config(fake: &Fake) -> Value {
    let mut config = with_warehouse(fake);
    config["include_hive_metastore"] = json!(true);
    config
}

#[tokio::test]
async fn its_tables_are_read_beside_those_of_unity_catalog() {
    let fake = Fake::start(state()).await;
    let run = run(config(&fake), token()).await;
    assert!(run.is_complete(), "{:?}", run.closed);
    let bills = &run.assets[&Path::new(["hive_metastore", "legacy", "bills"])];
    assert_eq!(bills.description.value().unwrap(), "old ones");
    let names: Vec<&str> = bills
        .fields
        .as_option()
        .unwrap()
        .iter()
        .map(|field| &*field.name)
        .collect();
    assert_eq!(names, ["id", "city"]);
    assert_eq!(run.paths().len(), 13);
    // Three for the catalog, one for each schema of the metastore.
    assert_eq!(run.cost.statements, 5);
}

#[tokio::test]
async fn what_is_temporary_or_filtered_out_is_not_read() {
    let fake = Fake::start(state()).await;
    fake.state().hive.push(["legacy", "passing_view", "true", TEXT]);
    let mut config = config(&fake);
    config["filters"] = json!({"exclude_tables": ["dun.*"]});
    let run = run(config, token()).await;
    assert!(run.is_complete(), "{:?}", run.closed);
    let legacy = Path::new(["hive_metastore", "legacy"]);
    let paths = run.paths();
    let names: Vec<&Path> = paths.iter().filter(|path| legacy.is_parent_of(path)).collect();
    assert_eq!(names, [&legacy.child("bills")]);
}

#[tokio::test]
async fn a_table_of_it_that_cannot_be_understood_makes_its_schema_partial() {
    let fake = Fake::start(state()).await;
    fake.state().hive.push(["legacy", "odd", "false", ""]);
    let run = run(config(&fake), token()).await;
    let legacy = Path::new(["hive_metastore", "legacy"]);
    assert!(matches!(run.closed[&legacy], Listing::Partial(_)));
    assert!(run.assets.contains_key(&legacy.child("bills")));
}

#[tokio::test]
async fn a_schema_of_it_that_is_refused_is_partial() {
    let fake = Fake::start(state()).await;
    fake.state().refused_sql = Some("`legacy` LIKE");
    let run = run(config(&fake), token()).await;
    let legacy = Path::new(["hive_metastore", "legacy"]);
    assert!(matches!(run.closed[&legacy], Listing::Partial(_)));
    assert_eq!(
        run.closed[&Path::new(["hive_metastore", "other"])],
        Listing::Complete
    );
    assert_eq!(run.paths().len(), 11);
}

#[tokio::test]
async fn a_metastore_that_is_refused_leaves_its_children_unknown() {
    let fake = Fake::start(state()).await;
    fake.state().refused_sql = Some("SHOW SCHEMAS");
    let run = run(config(&fake), token()).await;
    let discovery = run.discovery.as_ref().unwrap();
    let hive = discovery
        .containers
        .iter()
        .find(|one| one.path == Path::new(["hive_metastore"]));
    assert!(matches!(hive.unwrap().children, Listing::Partial(_)));
    assert_eq!(run.paths().len(), 10);
}
