//! What nodes are made of, whatever their names.

use serde_json::{Value, json};

/// What all nodes have that were compiled.
pub(super) fn compiled(read: &[String]) -> Value {
    let of_models = read.iter().filter(|id| !id.starts_with("source."));
    let refs: Vec<Value> = of_models
        .map(|id| json!({"name": last(id), "package": null, "version": null}))
        .collect();
    let of_sources = read.iter().filter(|id| id.starts_with("source."));
    let sources: Vec<Value> = of_sources.map(|id| json!(["landing", last(id)])).collect();
    json!({
        "language": "sql", "refs": refs, "sources": sources, "metrics": [], "functions": [],
        "depends_on": {"macros": ["macro.dbt.is_incremental"], "nodes": read}, "compiled": true,
        "extra_ctes_injected": true, "extra_ctes": [],
        "contract": {"enforced": false, "alias_types": true, "checksum": null},
    })
}

/// A query over what is read, as it is written or as dbt compiles it.
pub(super) fn code(columns: &[String], read: &[String], note: &str, compiled: bool) -> String {
    let tables = read.iter().enumerate().map(|(number, id)| {
        let name = last(id);
        let from = match (compiled, id.starts_with("source.")) {
            (true, true) => format!("\"analytics\".\"landing\".\"{name}\""),
            (true, false) => format!("\"analytics\".\"mart\".\"{name}\""),
            (false, true) => format!("{{{{ source('landing', '{name}') }}}}"),
            (false, false) => format!("{{{{ ref('{name}') }}}}"),
        };
        format!("c{number} as (\n    select * from {from}\n    where updated_at >= current_date - interval '30 day'\n)")
    });
    let tables = tables.collect::<Vec<_>>().join(",\n");
    let selected = columns.iter().enumerate().map(|(place, name)| {
        let table = place % read.len().max(1);
        format!("    coalesce(c{table}.{name}, c0.{name}) as {name}")
    });
    let selected = selected.collect::<Vec<_>>().join(",\n");
    let joined = (1..read.len()).map(|table| format!("left join c{table} on c{table}.id = c0.id\n"));
    let joined: String = joined.collect();
    let head = match compiled {
        true => "",
        false => "{{ config(materialized='table', tags=['nightly']) }}\n\n",
    };
    format!("{head}with {tables}\n\n-- {note}\nselect\n{selected}\nfrom c0\n{joined}group by 1, 2, 3\n")
}

fn last(id: &str) -> &str {
    id.rsplit('.').next().unwrap_or_default()
}

/// A node with more members, or with others in their place.
pub(super) fn with(mut node: Value, more: Value) -> Value {
    if let (Value::Object(node), Value::Object(more)) = (&mut node, more) {
        node.extend(more);
    }
    node
}

/// The configuration of a node, by how it is built.
pub(super) fn config(materialized: &str) -> Value {
    json!({
        "enabled": true, "alias": null, "schema": null, "database": null, "tags": ["nightly"],
        "meta": {"owner": "@team"}, "group": null, "materialized": materialized, "incremental_strategy": null,
        "batch_size": null, "lookback": 1, "begin": null, "persist_docs": {"relation": true, "columns": true},
        "post-hook": [], "pre-hook": [], "quoting": {}, "column_types": {}, "full_refresh": null,
        "unique_key": "id", "on_schema_change": "ignore", "on_configuration_change": "apply", "grants": {},
        "packages": [], "docs": {"show": true, "node_color": null}, "event_time": null, "access": "protected",
        "contract": {"enforced": false, "alias_types": true}, "concurrent_batches": null, "freshness": null,
        "static_analysis": null,
    })
}
