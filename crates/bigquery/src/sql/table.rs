//! From the rows of INFORMATION_SCHEMA to the resource that the API would have given.

use super::{
    cursor::Row,
    ddl::{self, Partitioning},
    keys, options, type_text,
};
use crate::resource::{
    Clustering, CopyOf, FieldSchema, MaterializedView, PolicyTags, Schema, Table, TableReference, View,
};
use headwater_core::{
    Facet,
    model::{Asset, Field, Origin},
};
use jiff::Timestamp;
use serde_json::Value;
use std::collections::BTreeSet;

/// The rows of one table in one result; `None` where the result could not be read.
pub(super) type Rows = Option<Vec<Row>>;

/// The rows of one table in each result.
#[derive(Debug, Default)]
pub(super) struct Parts {
    pub(super) columns: Rows,
    pub(super) field_paths: Rows,
    pub(super) options: Rows,
    pub(super) views: Rows,
    pub(super) keys: Rows,
    /// Rows and bytes.
    pub(super) sizes: Rows,
    /// Whether the sizes are those of some minutes ago.
    pub(super) delayed: bool,
}

/// What of a table was not read.
#[derive(Debug, Default)]
pub(super) struct Missing {
    columns: bool,
    options: bool,
    definition: bool,
    keys: bool,
    stats: bool,
    /// Whether the statistics are not of now.
    delayed: bool,
    defaults: bool,
    /// The columns without comments and policy tags.
    comments: BTreeSet<String>,
}

/// Properties that stand in `TABLE_OPTIONS`.
const OPTIONS: [&str; 6] = [
    "friendly_name",
    "partition_expiration_ms",
    "require_partition_filter",
    "kms_key_name",
    "max_staleness",
    "source_uris",
];

impl Missing {
    /// Marks the parts of an asset that were not read.
    pub(super) fn take_from(&self, asset: &mut Asset) {
        if self.columns {
            asset.fields = Facet::Unread;
        }
        for field in asset.fields.as_mut().into_iter().flatten() {
            let uncommented = self.comments.contains(field.name.as_str());
            mark(field, uncommented, self.defaults);
        }
        // The keys of partitioning and clustering are among the columns.
        if self.keys || self.columns {
            asset.constraints = Facet::Unread;
        }
        if self.definition {
            asset.definition = Facet::Unread;
        }
        if self.options {
            asset.description = Facet::Unread;
            asset.tags = Facet::Unread;
            asset
                .properties
                .extend(OPTIONS.map(|name| (name.into(), Value::Null)));
        }
        if self.stats {
            asset.stats = Facet::Unread;
        }
        if let (true, Some(stats)) = (self.delayed, asset.stats.as_mut()) {
            let counts = [&mut stats.row_count, &mut stats.size_bytes];
            for stat in counts.into_iter().flatten() {
                stat.origin = Origin::Estimate;
            }
        }
    }
}

fn mark(field: &mut Field, uncommented: bool, without_default: bool) {
    if uncommented {
        field.description = Facet::Unread;
        field.tags = Facet::Unread;
    }
    if without_default {
        field.default = Facet::Unread;
    }
    for inner in &mut field.fields {
        mark(inner, uncommented, without_default);
    }
}

/// A table, and what of it was not read.
pub(super) fn assemble(row: &Row, parts: Parts) -> (Table, Missing) {
    let mut table = Table {
        kind: kind(row.text("table_type").unwrap_or_default()).to_owned(),
        creation_time: row.number::<i64>("creation_time").map(|micros| micros / 1000),
        ..Table::default()
    };
    copies(&mut table, row);
    let ddl = row.text("ddl");
    match ddl.and_then(ddl::partitioning) {
        Some(Partitioning::Time(time)) => table.time_partitioning = Some(time),
        Some(Partitioning::Range(range)) => table.range_partitioning = Some(range),
        None => {}
    }
    let columns = parts.columns.as_deref();
    let mut missing = Missing {
        columns: columns.is_none(),
        defaults: columns.is_some_and(|rows| rows.iter().any(|row| !row.has("column_default"))),
        options: parts.options.is_none(),
        keys: parts.keys.is_none(),
        stats: parts.sizes.is_none(),
        delayed: parts.delayed,
        ..Missing::default()
    };
    let mut fields = fields(columns.unwrap_or_default());
    missing.comments = comment(&mut fields, &parts.field_paths.unwrap_or_default());
    table.schema = Some(Schema { fields });
    table.clustering = clustering(columns.unwrap_or_default());
    options::add(&mut table, parts.options.as_deref().unwrap_or_default());
    table.table_constraints = parts.keys.as_deref().map(keys::constraints);
    missing.definition = !define(&mut table, ddl, parts.views.as_deref());
    stats(&mut table, parts.sizes.as_deref().unwrap_or_default());
    (table, missing)
}

/// The API's name of a type of table.
fn kind(table_type: &str) -> &str {
    match table_type {
        "BASE TABLE" | "CLONE" => "TABLE",
        "MATERIALIZED VIEW" => "MATERIALIZED_VIEW",
        other => other,
    }
}

fn copies(table: &mut Table, row: &Row) {
    let (Some(project), Some(dataset), Some(name)) = (
        row.text("base_table_catalog"),
        row.text("base_table_schema"),
        row.text("base_table_name"),
    ) else {
        return;
    };
    let micros = row
        .number("snapshot_time_ms")
        .and_then(|micros| Timestamp::from_microsecond(micros).ok());
    let copy = CopyOf {
        base_table_reference: TableReference {
            project_id: project.to_owned(),
            dataset_id: dataset.to_owned(),
            table_id: name.to_owned(),
        },
        snapshot_time: micros.map(|time| time.to_string()),
    };
    match row.text("table_type") {
        Some("CLONE") => table.clone_definition = Some(copy),
        Some("SNAPSHOT") => table.snapshot_definition = Some(copy),
        _ => {}
    }
}

/// The columns. Pseudo columns are marked as hidden and have no place among them.
fn fields(rows: &[Row]) -> Vec<FieldSchema> {
    let shown = rows.iter().filter(|row| row.text("is_hidden") != Some("YES"));
    shown
        .map(|row| {
            let name = row.text("column_name").unwrap_or_default();
            let mut field = type_text::field(name, row.text("data_type").unwrap_or_default());
            if field.mode.is_none() && row.text("is_nullable") == Some("NO") {
                field.mode = Some("REQUIRED".to_owned());
            }
            // A column without a default has the text NULL.
            let default = row.text("column_default").filter(|text| *text != "NULL");
            field.default_value_expression = default.map(str::to_owned);
            field
        })
        .collect()
}

/// Adds comments and policy tags, and names the columns that have no row of their own.
fn comment(fields: &mut [FieldSchema], rows: &[Row]) -> BTreeSet<String> {
    let mut uncommented: BTreeSet<String> = fields.iter().map(|field| field.name.clone()).collect();
    for row in rows {
        let Some(path) = row.text("field_path") else {
            continue;
        };
        uncommented.remove(path);
        let mut names = path.split('.');
        let first = names
            .next()
            .and_then(|name| fields.iter_mut().find(|field| field.name == name));
        let found = names.fold(first, |field, name| {
            field.and_then(|field| field.fields.iter_mut().find(|inner| inner.name == name))
        });
        if let Some(field) = found {
            field.description = row.text("description").map(str::to_owned);
            let names = row.texts("policy_tags");
            field.policy_tags = (!names.is_empty()).then_some(PolicyTags { names });
        }
    }
    uncommented
}

fn clustering(rows: &[Row]) -> Option<Clustering> {
    let place = |row: &Row| {
        Some((
            row.number::<u64>("clustering_ordinal_position")?,
            row.text("column_name")?.to_owned(),
        ))
    };
    let mut columns: Vec<(u64, String)> = rows.iter().filter_map(place).collect();
    columns.sort_unstable();
    let fields: Vec<String> = columns.into_iter().map(|(_, name)| name).collect();
    (!fields.is_empty()).then_some(Clustering { fields })
}

/// Adds the query of a view; `false` where it was not read.
fn define(table: &mut Table, ddl: Option<&str>, views: Option<&[Row]>) -> bool {
    match table.kind.as_str() {
        "VIEW" => {
            let row = views.and_then(|rows| rows.first());
            table.view = row.and_then(|row| {
                Some(View {
                    query: row.text("view_definition")?.to_owned(),
                    use_legacy_sql: Some(row.text("use_standard_sql") == Some("NO")),
                })
            });
            table.view.is_some()
        }
        "MATERIALIZED_VIEW" => {
            let query = ddl.and_then(ddl::query);
            table.materialized_view = query.map(|query| MaterializedView {
                query: query.to_owned(),
                ..MaterializedView::default()
            });
            table.materialized_view.is_some()
        }
        _ => true,
    }
}

fn stats(table: &mut Table, rows: &[Row]) {
    let Some(row) = rows.first() else {
        return;
    };
    table.num_rows = row.number("row_count");
    table.num_bytes = row.number("size_bytes");
    table.last_modified_time = row
        .number::<i64>("last_modified_time")
        .map(|micros| micros / 1000);
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn row(values: Value) -> Row {
        let values = values.as_object().unwrap();
        let pairs: Vec<(&str, Value)> = values
            .iter()
            .map(|(name, value)| (name.as_str(), value.clone()))
            .collect();
        Row::of(&pairs)
    }

    fn rows(values: Value) -> Rows {
        Some(values.as_array().unwrap().iter().cloned().map(row).collect())
    }

    fn whole() -> Parts {
        Parts {
            columns: rows(json!([
                {"column_name": "id", "data_type": "INT64", "is_nullable": "NO", "is_hidden": "NO",
                 "column_default": "NULL", "clustering_ordinal_position": "2"},
                {"column_name": "at", "data_type": "TIMESTAMP", "is_nullable": "YES", "is_hidden": "NO",
                 "column_default": "CURRENT_TIMESTAMP()", "clustering_ordinal_position": "1"},
                {"column_name": "items", "data_type": "ARRAY<STRUCT<sku STRING>>", "is_nullable": "NO",
                 "is_hidden": "NO", "column_default": "NULL", "clustering_ordinal_position": null},
                {"column_name": "_PARTITIONTIME", "data_type": "TIMESTAMP", "is_hidden": "YES", "column_default": null}
            ])),
            field_paths: rows(json!([
                {"field_path": "id", "description": "the key", "policy_tags": [{"v": "projects/p/t"}]},
                {"field_path": "items", "description": null},
                {"field_path": "items.sku", "description": "what"}
            ])),
            options: rows(json!([
                {"option_name": "description", "option_value": "\"all orders\""},
                {"option_name": "labels", "option_value": "[STRUCT(\"tier\", \"gold\")]"},
                {"option_name": "partition_expiration_days", "option_value": "1.5"},
                {"option_name": "expiration_timestamp", "option_value": "TIMESTAMP \"2030-01-01T00:00:00.000Z\""}
            ])),
            views: rows(json!([])),
            keys: rows(json!([
                {"table_name": "t", "constraint_name": "t.fk", "constraint_type": "FOREIGN KEY", "column_name": "a",
                 "referenced_project": "p", "referenced_dataset": "d", "referenced_table": "c", "referenced_column": "x"},
                {"table_name": "t", "constraint_name": "t.fk", "constraint_type": "FOREIGN KEY", "column_name": "b",
                 "referenced_project": "p", "referenced_dataset": "d", "referenced_table": "c", "referenced_column": "y"},
                {"table_name": "t", "constraint_name": "t.pk$", "constraint_type": "PRIMARY KEY", "column_name": "id"}
            ])),
            sizes: rows(
                json!([{"row_count": "7", "size_bytes": "99", "last_modified_time": "1700000000000000"}]),
            ),
            delayed: false,
        }
    }

    fn listed() -> Row {
        row(
            json!({"table_name": "t", "table_type": "BASE TABLE", "creation_time": "1600000000000000",
                   "ddl": "CREATE TABLE `p.d.t`\nPARTITION BY DATE(at)"}),
        )
    }

    #[test]
    fn rows_make_the_resource_that_the_api_gives() {
        let (table, missing) = assemble(&listed(), whole());
        let [id, at, items] = table.schema.as_ref().unwrap().fields.as_slice() else {
            panic!("{:?}", table.schema)
        };
        assert_eq!(
            (id.mode.as_deref(), id.description.as_deref()),
            (Some("REQUIRED"), Some("the key"))
        );
        assert_eq!(id.policy_tags.as_ref().unwrap().names, ["projects/p/t"]);
        assert_eq!(
            at.default_value_expression.as_deref(),
            Some("CURRENT_TIMESTAMP()")
        );
        assert_eq!(items.fields[0].description.as_deref(), Some("what"));
        assert_eq!(
            missing.comments,
            BTreeSet::from(["at".to_owned()]),
            "it has no row of its own"
        );
        assert_eq!(table.clustering.unwrap().fields, ["at", "id"]);
        let time = table.time_partitioning.unwrap();
        assert_eq!(
            (time.field.as_deref(), time.expiration_ms),
            (Some("at"), Some(129_600_000))
        );
        assert_eq!(table.labels["tier"], "gold");
        assert_eq!(table.expiration_time, Some(1_893_456_000_000));
        let keys = table.table_constraints.unwrap();
        assert_eq!(keys.primary_key.unwrap().columns, ["id"]);
        assert_eq!(keys.foreign_keys.len(), 1);
        assert_eq!(keys.foreign_keys[0].name.as_deref(), Some("fk"));
        assert_eq!(keys.foreign_keys[0].column_references[1].referenced_column, "y");
        assert_eq!(
            (table.num_rows, table.last_modified_time),
            (Some(7), Some(1_700_000_000_000))
        );
    }

    #[test]
    fn what_could_not_be_read_is_unread_and_not_empty() {
        let (table, missing) = assemble(&listed(), Parts::default());
        let mut asset = crate::convert::asset(headwater_core::Path::new(["p", "d", "t"]), table);
        missing.take_from(&mut asset);
        assert!(asset.fields.is_unread() && asset.constraints.is_unread() && asset.stats.is_unread());
        assert!(asset.description.is_unread() && asset.tags.is_unread());
        assert_eq!(asset.properties["friendly_name"], Value::Null);
        assert_eq!(asset.definition, Facet::Read(None), "a table has none");

        let view = row(json!({"table_name": "v", "table_type": "VIEW"}));
        let (table, missing) = assemble(&view, Parts::default());
        let mut asset = crate::convert::asset(headwater_core::Path::new(["p", "d", "v"]), table);
        missing.take_from(&mut asset);
        assert!(asset.definition.is_unread());
    }
}
