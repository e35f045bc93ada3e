use super::asset::code;
use crate::{
    artifact::{CatalogEntry, Members, RunResult},
    project::{Product, TestRecord},
};
use headwater_core::{
    Facet,
    model::{Properties, Stat, Stats},
};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// The names that adapters give to the number of rows, and to the size.
const ROWS: [&str; 3] = ["row_count", "num_rows", "rows"];
const BYTES: [&str; 3] = ["bytes", "num_bytes", "size"];

/// What moves from one run of dbt to the next; unread where no artifact tells any of it.
///
/// Compiled code is among it: an incremental model compiles differently on its first run, and again when
/// only its documentation is made.
pub(crate) fn stats(product: &Product<'_>) -> Facet<Stats> {
    let catalog = product.catalog.as_ref();
    let record = &product.record;
    let mut stats = Stats {
        row_count: catalog.and_then(|entry| number(entry, &ROWS)).map(Stat::estimate),
        size_bytes: catalog
            .and_then(|entry| number(entry, &BYTES))
            .map(Stat::estimate),
        last_altered: None,
        properties: Properties::new(),
    };
    let mut put = |name: &'static str, value: Value| stats.properties.insert(name.into(), value);
    if let Some(code) = code(record.node.compiled_code) {
        put("compiled_code", Value::String(code));
    }
    if let Some(result) = &record.result {
        put("run_status", json!(result.status));
    }
    let results = test_results(&product.tests);
    if !results.is_empty() {
        put("test_results", Value::Object(results));
    }
    if let Some(freshness) = &record.freshness {
        put("freshness_status", json!(freshness.status));
        let loaded = freshness
            .max_loaded_at
            .as_deref()
            .and_then(|at| at.parse::<Timestamp>().ok());
        stats.last_altered = loaded.map(Stat::exact);
    }
    match stats == Stats::default() {
        true => Facet::Unread,
        false => Facet::Read(stats),
    }
}

fn test_results(tests: &[TestRecord<'_>]) -> Map<String, Value> {
    let told = tests
        .iter()
        .filter_map(|test| Some((test.name.to_string(), result(test.result.as_ref()?))));
    told.collect()
}

fn result(result: &RunResult) -> Value {
    match result.failures {
        Some(failures) => json!({"status": result.status, "failures": failures}),
        None => json!({"status": result.status}),
    }
}

/// The first of these that is a whole number. Adapters write numbers as 12, 12.0 or "12".
fn number(entry: &CatalogEntry<'_>, names: &[&str]) -> Option<u64> {
    let stats = Members::of(entry.stats.as_ref());
    names.iter().find_map(|name| {
        let (_, stat) = stats.iter().find(|(key, _)| **key == **name)?;
        match stat.value?.told()? {
            Value::String(text) => text.parse().ok(),
            // Beyond 2^53 a float is no exact count, but these are estimates.
            value => value
                .as_u64()
                .or(value.as_f64().filter(|n| *n >= 0.0).map(|n| n as u64)),
        }
    })
}
