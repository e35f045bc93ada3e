//! For `cargo xtask bench databricks`: the fake workspace of the tests with many tables, until its input ends.
//!
//! Arguments: schemas, tables of each, milliseconds that each answer takes.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    dead_code,
    reason = "the fake belongs to the tests, which use more of it"
)]

#[path = "../tests/it/fake/mod.rs"]
mod fake;

use fake::{Catalog, Fake, Schema, State, column, table};
use serde_json::json;
use std::{io::Read, time::Duration};

/// Columns of each table.
const COLUMNS: usize = 12;

#[tokio::main]
async fn main() {
    let numbers: Vec<usize> = std::env::args()
        .skip(1)
        .map(|text| text.parse().unwrap())
        .collect();
    let schemas = (0..numbers[0]).map(|number| schema(number, numbers[1]));
    let fake = Fake::start(State {
        catalogs: vec![Catalog::new("main", schemas.collect())],
        page: 50,
        chunk: 1000,
        inline: 100_000,
        delay: Duration::from_millis(numbers[2] as u64),
        keeps_requests: false,
        ..State::default()
    })
    .await;
    println!("{}", fake.uri());
    let ended = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    ended.await.unwrap().unwrap();
}

fn schema(number: usize, tables: usize) -> Schema {
    let name = format!("schema_{number:04}");
    let tables = (0..tables).map(|table_number| {
        let columns =
            (0..COLUMNS).map(|place| column(&format!("column_{place:02}"), "bigint", json!("long")));
        let key = json!({"name": format!("pk_{number}_{table_number}"), "child_columns": ["column_00"]});
        let more = json!({
            "comment": "booked by the finance team before month end",
            "table_constraints": [{"primary_key_constraint": key}],
        });
        table(&format!("table_{table_number:05}"), columns.collect(), more)
    });
    let tables = tables.collect();
    Schema::new("main", &name, tables)
}
