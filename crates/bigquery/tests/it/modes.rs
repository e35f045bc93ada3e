//! Both modes on one dataset, and what only one of them sees.

use crate::{
    emulator::Emulator,
    fake::{Fake, fault},
    run::{none, path, read_with},
};
use headwater_core::model::{Asset, Origin};
use headwater_testkit::Collected;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The parts in which two reads of one asset differ.
fn differences(rest: &Asset, sql: &Asset) -> Vec<&'static str> {
    let stats = |asset: &Asset| asset.stats.as_option().cloned().unwrap_or_default();
    let (r, s) = (stats(rest), stats(sql));
    let parts = [
        ("kind", rest.kind == sql.kind),
        ("version", rest.version == sql.version),
        ("description", rest.description == sql.description),
        ("fields", rest.fields == sql.fields),
        ("constraints", rest.constraints == sql.constraints),
        ("definition", rest.definition == sql.definition),
        ("tags", rest.tags == sql.tags),
        ("properties", rest.properties == sql.properties),
        ("row_count", r.row_count == s.row_count),
        ("size_bytes", r.size_bytes == s.size_bytes),
        ("last_altered", r.last_altered == s.last_altered),
    ];
    parts
        .into_iter()
        .filter(|(_, same)| !same)
        .map(|(part, _)| part)
        .collect()
}

fn compare(rest: &Collected, sql: &Collected) -> BTreeMap<String, Vec<&'static str>> {
    assert!(
        rest.is_complete() && sql.is_complete(),
        "{:?} {:?}",
        sql.closed,
        sql.ended
    );
    assert_eq!(rest.paths(), sql.paths());
    let pairs = rest
        .assets
        .iter()
        .map(|(path, asset)| (path, differences(asset, &sql.assets[path])));
    pairs
        .map(|(path, parts)| (path.name().unwrap().to_owned(), parts))
        .collect()
}

async fn both(fake: &Fake) -> (Collected, Collected) {
    let rest = read_with(fake, json!({}), none()).await;
    let sql = read_with(fake, json!({"mode": "sql"}), none()).await;
    (rest, sql)
}

async fn shop() -> Fake {
    let fake = Fake::start().await;
    fake.table("sales", "orders", json!({
        "description": "all \"orders\"\nof the shop", "labels": {"tier": "gold", "pii": ""},
        "timePartitioning": {"type": "DAY", "field": "at"}, "tableConstraints": {"primaryKey": {"columns": ["id"]}},
        "ddl": "CREATE TABLE `shop-1.sales.orders`\n(\n)\nPARTITION BY DATE(at)\nOPTIONS();",
        "schema": {"fields": [
            {"name": "id", "type": "INTEGER", "mode": "REQUIRED", "description": "the key"},
            {"name": "at", "type": "TIMESTAMP"},
            {"name": "during", "type": "RANGE", "rangeElementType": {"type": "DATE"}},
            {"name": "items", "type": "RECORD", "mode": "REPEATED", "fields": [
                {"name": "sku", "type": "STRING", "description": "what"},
                {"name": "price", "type": "NUMERIC", "precision": "10", "scale": "2"}]}]}}));
    fake.table(
        "sales",
        "recent",
        json!({"type": "VIEW", "view": {"query": "SELECT id FROM sales.orders", "useLegacySql": false},
        "schema": {"fields": [{"name": "id", "type": "INTEGER"}]}}),
    );
    for name in ["a", "b", "z"] {
        fake.table("sales", name, json!({}));
    }
    fake
}

#[tokio::test]
async fn both_modes_see_the_same_but_for_the_etag_and_times_of_views() {
    let fake = shop().await;
    fake.state().slow_jobs = 2;
    let (rest, sql) = both(&fake).await;
    let seen = compare(&rest, &sql);
    assert_eq!(seen["orders"], ["version"]);
    assert_eq!(seen["a"], ["version"]);
    // INFORMATION_SCHEMA.PARTITIONS, where the times come from, has no views.
    assert_eq!(seen["recent"], ["version", "last_altered"]);
    assert_eq!((sql.cost.statements, sql.cost.bytes_billed), (7, 7 * 10_485_760));
    assert!(sql.warnings.is_empty(), "{:?}", sql.warnings);
    assert_eq!(rest.lineage, sql.lineage);
    let edges = &rest.lineage[&path("sales", "recent")];
    assert_eq!(
        edges.iter().map(|edge| &edge.end.path).collect::<Vec<_>>(),
        [&path("sales", "orders")]
    );
}

#[tokio::test]
async fn a_result_that_was_cut_is_an_error_and_not_a_shorter_list() {
    let fake = shop().await;
    let cut = json!({"jobComplete": true, "jobReference": {"projectId": "shop-1", "jobId": "j"}, "totalRows": "5",
        "schema": {"fields": [{"name": "table_name"}]}, "rows": [{"f": [{"v": "a"}]}]});
    fake.state().next.push_back(("/queries", crate::fake::ok(&cut)));
    let run = read_with(&fake, json!({"mode": "sql"}), none()).await;
    assert!(!run.is_complete());
    assert!(
        run.ended[0]
            .result
            .as_ref()
            .unwrap_err()
            .to_string()
            .contains("not whole")
    );
}

#[tokio::test]
async fn a_query_at_the_wrong_location_finds_nothing_and_says_so() {
    let fake = shop().await;
    let run = read_with(&fake, json!({"mode": "sql", "location": "US"}), none()).await;
    assert!(!run.is_complete() && run.assets.is_empty(), "{:?}", run.closed);
}

#[tokio::test]
async fn a_refused_list_of_tables_is_not_an_empty_one() {
    let fake = shop().await;
    fake.state().refused_views.insert("TABLES");
    let run = read_with(&fake, json!({"mode": "sql"}), none()).await;
    assert!(
        !run.is_complete() && format!("{:?}", run.closed).contains("metadataViewer"),
        "{:?}",
        run.closed
    );
}

#[tokio::test]
async fn a_query_that_would_bill_too_much_ends_the_split() {
    let fake = shop().await;
    fake.state()
        .always
        .insert("/queries".into(), fault(400, "bytesBilledLimitExceeded"));
    let run = read_with(&fake, json!({"mode": "sql"}), none()).await;
    let error = run.ended[0].result.as_ref().unwrap_err();
    assert_eq!(error.code(), "max_bytes_billed");
    assert!(error.to_string().contains("mode rest"), "{error}");
}

#[tokio::test]
async fn on_the_emulator_each_mode_lacks_what_the_emulator_leaves_out() {
    let emulator = Emulator::new().await;
    emulator.shop().await;
    let rest = emulator.read(json!({})).await;
    let sql = emulator.read(json!({"mode": "sql"})).await;
    let seen = compare(&rest, &sql);
    // Its INFORMATION_SCHEMA has no constraints, no DDL and no COLUMN_FIELD_PATHS; its REST no queries of views.
    let expected: Value = json!({
        "customers": ["version", "fields", "constraints"],
        "orders": ["version", "fields", "constraints", "row_count", "size_bytes", "last_altered"],
        "recent": ["version", "fields", "constraints", "definition", "last_altered"],
    });
    assert_eq!(json!(seen), expected, "{:#?}\n{:#?}", rest.assets, sql.assets);
    let codes: Vec<&str> = sql.warnings.iter().map(|warning| warning.code.as_str()).collect();
    assert_eq!(codes.len(), 4, "two for each dataset: {codes:?}");
    assert!(codes.contains(&"comments_unread") && codes.contains(&"constraints_unread"));
    let view = sql
        .assets
        .values()
        .find(|asset| asset.name() == "recent")
        .unwrap();
    assert!(
        view.definition.value().unwrap().text.contains("SELECT"),
        "{view:?}"
    );
}

#[tokio::test]
async fn sizes_of_a_dataset_that_is_too_large_for_partitions_are_read_elsewhere() {
    let fake = Fake::start().await;
    for number in 0..1001 {
        fake.table("sales", &format!("t{number:04}"), json!({}));
    }
    fake.state().result_page = Some(500);
    let run = read_with(&fake, json!({"mode": "sql"}), none()).await;
    assert!(run.is_complete() && run.assets.len() == 1001, "{:?}", run.closed);
    assert!(run.warnings.is_empty(), "{:?}", run.warnings);
    let stats = run.assets[&path("sales", "t1000")].stats.as_option().unwrap();
    let rows = stats.row_count.unwrap();
    assert_eq!(
        (rows.value, rows.origin),
        (3, Origin::Estimate),
        "of some minutes ago"
    );
    assert!(stats.size_bytes.is_some() && stats.last_altered.is_some());
    assert_eq!(run.cost.statements, 7);
}
