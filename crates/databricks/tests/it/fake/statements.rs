//! The Statement Execution API: ids at once, results by chunks, inline or as links.

use super::{Seen, State, ok, refusal};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use wiremock::ResponseTemplate;

type Row = Vec<Option<String>>;

/// What a warehouse says of a result that is too large: <https://github.com/databrickslabs/ucx/issues/3447>.
const TOO_LARGE: &str = "Inline byte limit exceeded. Statements executed with disposition=INLINE can have a result size \
    of at most 26214400 bytes. Please execute the statement with disposition=EXTERNAL_LINKS if you want to download the \
    full result.";

pub(crate) struct Statement {
    looks: u32,
    rows: Vec<Row>,
    columns: usize,
    links: bool,
    failure: Option<Value>,
    cancelled: bool,
}

pub(super) fn answer(state: &mut State, seen: &Seen, segments: &[&str], own: &str) -> ResponseTemplate {
    match segments {
        [] if seen.method == "POST" => submit(state, seen),
        [id, "cancel"] => {
            state.cancelled.push((*id).to_owned());
            if let Some(statement) = state.statements.get_mut(*id) {
                statement.cancelled = true;
            }
            ok(json!({}))
        }
        [id] => look(state, id, own),
        [id, "result", "chunks", index] => chunk(state, id, index.parse().unwrap_or(usize::MAX), own),
        _ => refusal(404, "ENDPOINT_NOT_FOUND"),
    }
}

fn submit(state: &mut State, seen: &Seen) -> ResponseTemplate {
    let body: Value = serde_json::from_str(&seen.body).unwrap_or_default();
    let sql = body["statement"].as_str().unwrap_or_default();
    let values: BTreeMap<&str, &str> = body["parameters"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|one| Some((one["name"].as_str()?, one["value"].as_str()?)))
        .collect();
    if body["warehouse_id"] != "a1b2c3" || body["wait_timeout"] != "0s" || body["format"] != "JSON_ARRAY" {
        return refusal(400, "INVALID_PARAMETER_VALUE");
    }
    let links = body["disposition"] == "EXTERNAL_LINKS";
    let (rows, columns) = rows(state, sql, &values);
    let failure = if state.refused_sql.is_some_and(|part| sql.contains(part)) {
        Some(
            json!({"error_code": "BAD_REQUEST", "message": format!("[INSUFFICIENT_PERMISSIONS] {}", super::QUOTED)}),
        )
    } else if !links && rows.len() > state.inline {
        Some(json!({"error_code": "BAD_REQUEST", "message": TOO_LARGE}))
    } else {
        None
    };
    let id = format!("statement-{}", state.statements.len() + 1);
    let statement = Statement {
        looks: 0,
        rows,
        columns,
        links,
        failure,
        cancelled: false,
    };
    state.statements.insert(id.clone(), statement);
    ok(json!({"statement_id": id, "status": {"state": "PENDING"}}))
}

fn look(state: &mut State, id: &str, own: &str) -> ResponseTemplate {
    let running = state.running;
    let Some(statement) = state.statements.get_mut(id) else {
        return refusal(404, "RESOURCE_DOES_NOT_EXIST");
    };
    statement.looks += 1;
    if statement.cancelled {
        return ok(json!({"statement_id": id, "status": {"state": "CANCELED"}}));
    }
    if statement.looks <= running {
        return ok(json!({"statement_id": id, "status": {"state": "RUNNING"}}));
    }
    if let Some(error) = &statement.failure {
        return ok(json!({"statement_id": id, "status": {"state": "FAILED", "error": error}}));
    }
    let (count, columns) = (statement.rows.len(), statement.columns);
    let chunks = count.div_ceil(state.chunk).max(1);
    let manifest = json!({
        "format": "JSON_ARRAY", "schema": {"column_count": columns}, "total_chunk_count": chunks,
        "total_row_count": count, "truncated": false,
    });
    let manifest = or_as_said(manifest, &state.said["manifest"]);
    let result = or_as_said(data(state, id, 0, own), &state.said["result"]);
    ok(
        json!({"statement_id": id, "status": {"state": state.ends_as}, "manifest": manifest, "result": result}),
    )
}

fn or_as_said(mut truth: Value, said: &Value) -> Value {
    if let (Some(truth), Some(said)) = (truth.as_object_mut(), said.as_object()) {
        truth.extend(said.clone());
    }
    truth
}

fn chunk(state: &State, id: &str, index: usize, own: &str) -> ResponseTemplate {
    match state.statements.contains_key(id) {
        true => ok(or_as_said(data(state, id, index, own), &state.said["chunk"])),
        false => refusal(404, "RESOURCE_DOES_NOT_EXIST"),
    }
}

fn data(state: &State, id: &str, index: usize, own: &str) -> Value {
    let statement = &state.statements[id];
    let rows: Vec<&Row> = statement
        .rows
        .iter()
        .skip(index * state.chunk)
        .take(state.chunk)
        .collect();
    let next = ((index + 1) * state.chunk < statement.rows.len()).then_some(index + 1);
    if !statement.links {
        return json!({
            "chunk_index": index, "row_count": rows.len(), "data_array": rows, "next_chunk_index": next,
        });
    }
    json!({"external_links": [{
        "chunk_index": index, "row_count": rows.len(), "next_chunk_index": next,
        "external_link": format!("{own}/results/{id}/{index}?signature=of-the-storage"),
        "expiration": "2026-11-26T12:00:00Z", "http_headers": {"x-storage-key": "of-the-storage"},
    }]})
}

/// The storage that links lead to. It refuses whoever shows the workspace's token, or not the headers of the link.
pub(super) fn storage(state: &mut State, seen: &Seen, id: &str, index: &str) -> ResponseTemplate {
    let signed = seen
        .query
        .get("signature")
        .is_some_and(|text| text == "of-the-storage");
    let keyed = seen.storage_key.as_deref() == Some("of-the-storage");
    if seen.authorization.is_some() || !signed || !keyed {
        return ResponseTemplate::new(400).set_body_string("<Error><Code>InvalidArgument</Code></Error>");
    }
    if state.ended_links > 0 {
        state.ended_links -= 1;
        return ResponseTemplate::new(403).set_body_string("<Error><Code>AccessDenied</Code></Error>");
    }
    let index: usize = index.parse().unwrap_or(usize::MAX);
    let rows = state.statements[id]
        .rows
        .iter()
        .skip(index * state.chunk)
        .take(state.chunk);
    ResponseTemplate::new(200).set_body_json(rows.collect::<Vec<_>>())
}

/// What a statement reads, by the relations that it names.
fn rows(state: &State, sql: &str, values: &BTreeMap<&str, &str>) -> (Vec<Row>, usize) {
    if sql.starts_with("SELECT 1 ") {
        return (vec![vec![Some("1".to_owned())]], 1);
    }
    if sql == "SHOW SCHEMAS IN hive_metastore" {
        let names = state
            .hive
            .iter()
            .map(|[schema, ..]| vec![Some((*schema).to_owned())]);
        let mut rows: Vec<Row> = names.collect();
        rows.dedup();
        return (rows, 1);
    }
    if sql.starts_with("SHOW TABLE EXTENDED IN hive_metastore.") {
        let own = state
            .hive
            .iter()
            .filter(|[schema, ..]| sql.contains(&format!(".`{schema}` LIKE '*'")));
        let value = |text: &&str| (!text.is_empty()).then(|| (*text).to_owned());
        let row = |table: &[&str; 4]| table.iter().map(value).collect();
        return (own.map(row).collect(), 4);
    }
    let of = |name: &str| values.get(name).copied().unwrap_or_default();
    let within = |schema: &str| (of("first")..=of("last")).contains(&schema);
    // The catalog of an information schema stands in the text, quoted.
    let quoted = |catalog: &str| sql.contains(&format!("`{catalog}`.information_schema."));
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    if sql.contains("system.access.table_lineage") && of("days") == "30" {
        let events = state
            .events
            .iter()
            .filter(|event| event[0] == of("catalog") && within(event[1]));
        let row = |event: &[&str; 8]| event.iter().skip(1).map(|value| text(value)).collect();
        return (sorted(events.map(row)), 7);
    }
    if sql.contains(".column_tags") {
        let tags = state
            .tags
            .iter()
            .filter(|tag| quoted(tag[0]) && (tag[1].is_empty() || within(tag[1])));
        let row = |tag: &[&str; 6]| {
            tag.iter()
                .skip(1)
                .map(|value| Some((*value).to_owned()))
                .collect()
        };
        return (sorted(tags.map(row)), 5);
    }
    let catalogs = state
        .catalogs
        .iter()
        .filter(|one| quoted(one.row["name"].as_str().unwrap()));
    let tables = catalogs.flat_map(|one| &one.schemas).flat_map(|one| &one.tables);
    let tables = tables.filter(|table| within(table["schema_name"].as_str().unwrap()));
    (sorted(tables.flat_map(key_rows)), 9)
}

fn sorted(rows: impl Iterator<Item = Row>) -> Vec<Row> {
    let mut rows: Vec<(usize, Row)> = rows.enumerate().collect();
    // By schema and table; within them as they were given.
    rows.sort_by(|(place, one), (other_place, other)| (&one[..2], place).cmp(&(&other[..2], other_place)));
    rows.into_iter().map(|(_, row)| row).collect()
}

fn key_rows(table: &Value) -> Vec<Row> {
    let own = |name: &str| table[name].as_str().map(str::to_owned);
    let mut rows = Vec::new();
    for constraint in table["table_constraints"].as_array().into_iter().flatten() {
        for (field, kind) in [
            ("primary_key_constraint", "PRIMARY KEY"),
            ("foreign_key_constraint", "FOREIGN KEY"),
        ] {
            let key = &constraint[field];
            let parent: Vec<Option<String>> = match key["parent_table"].as_str() {
                Some(name) => name.split('.').map(|part| Some(part.to_owned())).collect(),
                None => vec![None; 3],
            };
            for (place, column) in key["child_columns"].as_array().into_iter().flatten().enumerate() {
                let mut row = vec![
                    own("schema_name"),
                    own("name"),
                    key["name"].as_str().map(str::to_owned),
                ];
                row.extend([Some(kind.to_owned()), column.as_str().map(str::to_owned)]);
                row.extend(parent.clone());
                row.push(key["parent_columns"][place].as_str().map(str::to_owned));
                rows.push(row);
            }
        }
    }
    rows
}
