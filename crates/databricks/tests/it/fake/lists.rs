//! Unity Catalog: lists by pages, and single objects.

use super::{Seen, State, ok, refusal};
use serde_json::{Map, Value, json};
use wiremock::ResponseTemplate;

/// What stands in a token: letters that need encoding in a query.
const ODD: &str = "+/=&%ü ";
/// What a list of tables leaves out: <https://docs.databricks.com/api/workspace/tables/list>.
const NOT_LISTED: [&str; 2] = ["table_constraints", "view_dependencies"];

pub(super) fn answer(state: &State, seen: &Seen, segments: &[&str]) -> ResponseTemplate {
    let of = |name: &str| seen.query.get(name).map(String::as_str).unwrap_or_default();
    let (catalog, schema) = (of("catalog_name"), of("schema_name"));
    let asked = match segments {
        [list] => format!("{list} {}", [catalog, schema].join(".").trim_matches('.')),
        [list, .., name] => format!("{list} {name}"),
        [] => String::new(),
    };
    let asked = asked.trim();
    if state.refused.contains(asked) {
        return refusal(403, "PERMISSION_DENIED");
    }
    if state.missing.contains(asked) {
        return refusal(404, "SCHEMA_DOES_NOT_EXIST");
    }
    match segments {
        ["metastore_summary"] => ok(json!({
            "metastore_id": "m-1", "name": "metastore", "global_metastore_id": "aws:eu-central-1:m-1", "cloud": "aws",
            "region": "eu-central-1", "owner": "admins",
        })),
        ["effective-permissions", "catalog", _] => {
            let assigned = |name| json!({"principal": state.principal, "privileges": [{"privilege": name}]});
            let all = state.privileges.iter().map(assigned);
            page(state, seen, "privilege_assignments", all)
        }
        ["catalogs"] => page(
            state,
            seen,
            "catalogs",
            state.catalogs.iter().map(|one| one.row.clone()),
        ),
        ["catalogs", name] => match state.catalogs.iter().find(|one| one.row["name"] == *name) {
            Some(found) => ok(found.row.clone()),
            None => refusal(404, "CATALOG_DOES_NOT_EXIST"),
        },
        ["tables", full_name] => get_table(state, full_name),
        [list] => in_catalog(state, seen, list, catalog, schema),
        _ => refusal(404, "ENDPOINT_NOT_FOUND"),
    }
}

fn in_catalog(state: &State, seen: &Seen, list: &str, catalog: &str, schema: &str) -> ResponseTemplate {
    let Some(catalog) = state.catalogs.iter().find(|one| one.row["name"] == catalog) else {
        return refusal(404, "CATALOG_DOES_NOT_EXIST");
    };
    if list == "schemas" {
        return page(
            state,
            seen,
            "schemas",
            catalog.schemas.iter().map(|one| one.row.clone()),
        );
    }
    let Some(schema) = catalog.schemas.iter().find(|one| one.row["name"] == schema) else {
        return refusal(404, "SCHEMA_DOES_NOT_EXIST");
    };
    let numbered = |count: usize| (0..count).map(|number| json!({"name": format!("n{number}")}));
    match list {
        "tables" => page(state, seen, "tables", schema.tables.iter().map(listed)),
        "volumes" => page(state, seen, "volumes", schema.volumes.iter().cloned()),
        "functions" => page(state, seen, "functions", numbered(schema.functions)),
        "models" => page(state, seen, "registered_models", numbered(schema.models)),
        _ => refusal(404, "ENDPOINT_NOT_FOUND"),
    }
}

fn listed(table: &Value) -> Value {
    let mut table = table.clone();
    if let Some(fields) = table.as_object_mut() {
        NOT_LISTED.iter().for_each(|name| drop(fields.remove(*name)));
    }
    table
}

fn get_table(state: &State, full_name: &str) -> ResponseTemplate {
    let schemas = state.catalogs.iter().flat_map(|one| &one.schemas);
    let own = schemas.filter(|one| {
        one.row["full_name"]
            .as_str()
            .is_some_and(|name| full_name.starts_with(name))
    });
    let found = own
        .flat_map(|one| &one.tables)
        .find(|one| one["full_name"] == full_name);
    match found {
        Some(found) => ok(found.clone()),
        None => refusal(404, "TABLE_DOES_NOT_EXIST"),
    }
}

/// A page. Without `max_results=0` the list is cut, as a server may do with an unpaged call.
fn page(state: &State, seen: &Seen, key: &str, all: impl Iterator<Item = Value>) -> ResponseTemplate {
    let token = seen
        .query
        .get("page_token")
        .map_or("0", |token| token.trim_start_matches(ODD));
    let Ok(step) = token.parse::<usize>() else {
        return refusal(400, "INVALID_PARAMETER_VALUE");
    };
    let mut rows: Vec<Value> = all.collect();
    if state.reversed {
        rows.reverse();
    }
    // Every second step is a page without rows.
    let (pages, is_empty) = match state.empty_pages {
        true => (step / 2, step % 2 == 1),
        false => (step, false),
    };
    let from = (pages * state.page).min(rows.len());
    let to = (from + state.page).min(rows.len());
    let is_paged = seen.query.get("max_results").is_some_and(|most| most == "0");
    let mut answer = Map::new();
    let own = rows.get(from..to).unwrap_or_default().to_vec();
    answer.insert(key.to_owned(), json!(if is_empty { Vec::new() } else { own }));
    let next = match state.endless {
        true => Some(step),
        false => (is_paged && to < rows.len()).then_some(step + 1),
    };
    if let Some(next) = next {
        answer.insert("next_page_token".to_owned(), json!(format!("{ODD}{next}")));
    }
    ok(Value::Object(answer))
}
