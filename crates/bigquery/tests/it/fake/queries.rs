//! Queries of INFORMATION_SCHEMA, answered from the fake's tables.

use super::{State, fault, ok, parameter};
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, time::Duration};
use wiremock::{Request, ResponseTemplate};

const PAGE: usize = 3;
/// `PARTITIONS` cannot be queried for more: <https://cloud.google.com/bigquery/docs/information-schema-partitions>
const PARTITIONED: usize = 1000;

/// `jobs.query`
pub(super) fn start(state: &mut State, request: &Request) -> ResponseTemplate {
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    let sql = body["query"].as_str().unwrap();
    assert_eq!(body["useLegacySql"], false, "legacy SQL is the API's default");
    assert!(body["maximumBytesBilled"].is_string());
    if sql == "SELECT 1" {
        return ok(
            &json!({"jobComplete": true, "jobReference": {"projectId": super::PROJECT, "jobId": "one"}}),
        );
    }
    if body["location"] != "EU" {
        return fault(404, "notFound");
    }
    let (_, view) = sql.split_once(".INFORMATION_SCHEMA.").unwrap();
    let view = view.split_whitespace().next().unwrap();
    if let Some(refused) = state.refused_views.get(view) {
        // A failed query may come with a status of success.
        return ok(&json!({"jobComplete": true, "rows": [], "totalRows": "0",
            "errors": [{"reason": "accessDenied", "message": refused}]}));
    }
    // A view of storage is one of a location's.
    let dataset = match view {
        "TABLE_STORAGE" => {
            assert!(sql.contains("`region-EU`"), "{sql}");
            sql.split('\'').nth(1).unwrap()
        }
        _ => sql.split('`').nth(3).unwrap(),
    };
    let tables: Vec<&Value> = state
        .datasets
        .get(dataset)
        .into_iter()
        .flat_map(BTreeMap::values)
        .collect();
    if view == "PARTITIONS" && tables.len() > PARTITIONED {
        return fault(400, "invalidQuery");
    }
    let rows: Vec<Map<String, Value>> = tables.into_iter().flat_map(|table| rows(view, table)).collect();
    let id = format!("job-{}", state.jobs.len());
    let names: Vec<String> = rows.iter().flat_map(|row| row.keys().cloned()).collect();
    let mut names: Vec<String> = names
        .into_iter()
        .collect::<std::collections::BTreeSet<_>>()
        .into_iter()
        .collect();
    if names.is_empty() {
        names.push("table_name".to_owned());
    }
    let cells = |row: &Map<String, Value>| {
        let cells: Vec<Value> = names.iter().map(|name| json!({"v": row.get(name)})).collect();
        json!({"f": cells})
    };
    let result = json!({
        "schema": names.iter().map(|name| json!({"name": name, "type": "STRING"})).collect::<Vec<_>>(),
        "rows": rows.iter().map(cells).collect::<Vec<_>>(),
    });
    let slow = state.slow_jobs;
    state.jobs.insert(id.clone(), (result, slow));
    let delay = state.begin_delay;
    page(state, &id, 0, true).set_delay(delay)
}

/// `jobs.get`, which Google's client asks where a job is not done.
pub(super) fn job(state: &mut State, id: &str) -> ResponseTemplate {
    let Some((_, slow)) = state.jobs.get_mut(id) else {
        return fault(404, "notFound");
    };
    let done = *slow == 0;
    *slow = slow.saturating_sub(1);
    ok(&resource(id, done))
}

fn resource(id: &str, done: bool) -> Value {
    json!({"kind": "bigquery#job", "id": id, "configuration": {"jobType": "QUERY", "query": {"query": ""}},
        "jobReference": {"projectId": super::PROJECT, "jobId": id, "location": "EU"},
        "status": {"state": if done { "DONE" } else { "RUNNING" }}})
}

/// `jobs.cancel`, for which no token that only reads is enough.
pub(super) fn cancel(state: &mut State, id: &str, request: &Request) -> ResponseTemplate {
    let may = |token| state.writing.contains(token);
    if !state.tokens.is_empty() && !super::bearer(request).is_some_and(may) {
        return fault(403, "insufficientPermissions");
    }
    assert_eq!(parameter(request, "location").as_deref(), Some("EU"));
    assert!(request.body.is_empty());
    state.cancelled.push(id.to_owned());
    if let Some((_, slow)) = state.jobs.get_mut(id) {
        *slow = 0;
    }
    ok(&json!({"kind": "bigquery#jobCancelResponse", "job": resource(id, true)}))
}

/// `jobs.getQueryResults`
pub(super) fn results(state: &mut State, job: &str, request: &Request) -> ResponseTemplate {
    assert_eq!(
        parameter(request, "location").as_deref(),
        Some("EU"),
        "a job is found at its location only"
    );
    let start = parameter(request, "pageToken").map_or(0, |token| token.parse().unwrap());
    page(state, job, start, false)
}

/// A page of a result. What was billed stands in the answer to `jobs.query` only.
fn page(state: &mut State, id: &str, start: usize, first: bool) -> ResponseTemplate {
    let size = state.result_page.unwrap_or(PAGE);
    let Some((result, slow)) = state.jobs.get_mut(id) else {
        return fault(404, "notFound");
    };
    let job = json!({"projectId": super::PROJECT, "jobId": id, "location": "EU"});
    if *slow > 0 {
        *slow -= 1;
        let waiting = json!({"kind": "bigquery#queryResponse", "jobComplete": false, "jobReference": job});
        return ok(&waiting).set_delay(Duration::from_millis(10));
    }
    let rows = result["rows"].as_array().unwrap();
    let end = (start + size).min(rows.len());
    let mut body = json!({"kind": "bigquery#queryResponse", "jobComplete": true, "jobReference": job,
        "schema": {"fields": result["schema"]}, "totalRows": rows.len().to_string(),
        "totalBytesProcessed": "12"});
    if first {
        body["totalBytesBilled"] = "10485760".into();
    }
    if start < end {
        body["rows"] = rows[start..end].into();
    }
    if end < rows.len() {
        body["pageToken"] = end.to_string().into();
    }
    ok(&body)
}

fn row(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

/// The rows of a table in a view.
fn rows(view: &str, table: &Value) -> Vec<Map<String, Value>> {
    let name = &table["tableReference"]["tableId"];
    let field = |field: &Value, at: usize| {
        row(
            json!({"table_name": name, "column_name": field["name"], "ordinal_position": at.to_string(),
            "data_type": data_type(field), "is_hidden": "NO", "column_default": "NULL",
            "is_nullable": if field["mode"] == "REQUIRED" { "NO" } else { "YES" }, "clustering_ordinal_position": null}),
        )
    };
    let fields = table["schema"]["fields"].as_array().cloned().unwrap_or_default();
    match view {
        "TABLES" => {
            let kind = match table["type"].as_str().unwrap() {
                "TABLE" => "BASE TABLE",
                other => other,
            };
            vec![row(
                json!({"table_name": name, "table_type": kind, "ddl": table["ddl"],
                "creation_time": "1700000000000000"}),
            )]
        }
        "COLUMNS" => fields
            .iter()
            .enumerate()
            .map(|(at, one)| field(one, at + 1))
            .collect(),
        "COLUMN_FIELD_PATHS" => fields
            .iter()
            .flat_map(|one| paths(name, &one["name"], "", one))
            .collect(),
        "TABLE_OPTIONS" => {
            let labels = table["labels"].as_object().cloned().unwrap_or_default();
            let structs: Vec<String> = labels
                .iter()
                .map(|(key, value)| format!("STRUCT(\"{key}\", {value})"))
                .collect();
            let of = |option: &str, value: String| {
                row(json!({"table_name": name, "option_name": option, "option_value": value}))
            };
            let description = table["description"]
                .as_str()
                .map(|text| of("description", format!("{text:?}")));
            let labels = (!structs.is_empty()).then(|| of("labels", format!("[{}]", structs.join(", "))));
            description.into_iter().chain(labels).collect()
        }
        "VIEWS" if table["type"] == "VIEW" => {
            vec![row(
                json!({"table_name": name, "view_definition": table["view"]["query"], "use_standard_sql": "YES"}),
            )]
        }
        "KEY_COLUMN_USAGE" => {
            let columns = table["tableConstraints"]["primaryKey"]["columns"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            let key = |column: &Value| {
                row(
                    json!({"table_name": name, "constraint_name": format!("{}.pk$", name.as_str().unwrap()),
                "constraint_type": "PRIMARY KEY", "column_name": column}),
                )
            };
            columns.iter().map(key).collect()
        }
        "PARTITIONS" | "TABLE_STORAGE" if table["type"] == "TABLE" => {
            vec![row(json!({"table_name": name, "row_count": table["numRows"],
            "size_bytes": table["numBytes"], "last_modified_time": "1700000001000000"}))]
        }
        _ => vec![],
    }
}

fn paths(table: &Value, column: &Value, before: &str, field: &Value) -> Vec<Map<String, Value>> {
    let path = format!("{before}{}", field["name"].as_str().unwrap());
    let inner = field["fields"].as_array().cloned().unwrap_or_default();
    let own = row(
        json!({"table_name": table, "column_name": column, "field_path": path,
        "description": field["description"], "policy_tags": []}),
    );
    let below = inner
        .iter()
        .flat_map(|one| paths(table, column, &format!("{path}."), one));
    std::iter::once(own).chain(below).collect()
}

fn data_type(field: &Value) -> String {
    let name = match field["type"].as_str().unwrap() {
        "INTEGER" => "INT64".to_owned(),
        "RANGE" => format!("RANGE<{}>", field["rangeElementType"]["type"].as_str().unwrap()),
        "RECORD" => {
            let members = field["fields"].as_array().unwrap().iter();
            let members = members.map(|one| format!("{} {}", one["name"].as_str().unwrap(), data_type(one)));
            format!("STRUCT<{}>", members.collect::<Vec<_>>().join(", "))
        }
        "NUMERIC" if field["precision"].is_string() => {
            format!(
                "NUMERIC({}, {})",
                field["precision"].as_str().unwrap(),
                field["scale"].as_str().unwrap()
            )
        }
        other => other.to_owned(),
    };
    match field["mode"] == "REPEATED" {
        true => format!("ARRAY<{name}>"),
        false => name,
    }
}
