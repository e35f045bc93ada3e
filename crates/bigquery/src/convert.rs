//! From resources to the model.

use crate::{
    partitioning,
    resource::{Dataset, ForeignKey, Labels, Table, TableConstraints, TableReference},
    shards::Series,
    types,
};
use headwater_core::{
    Facet, Path,
    model::{
        Asset, AssetKind, Constraint, ConstraintKind, Definition, Namespace, Origin, Properties, Reference,
        Stat, Stats, Version,
    },
};
use jiff::Timestamp;
use serde_json::{Value, json};

/// The family of BigQuery's paths.
pub(crate) const FAMILY: &str = "bigquery";
/// Source addresses of an external table that are told; of more the number.
const ADDRESSES: usize = 100;

/// A dataset.
pub(crate) fn namespace(path: Path, dataset: Dataset) -> Namespace {
    let mut namespace = Namespace::new(path, "dataset");
    namespace.description = Facet::Read(text(dataset.description));
    namespace.tags = Facet::Read(tags(&dataset.labels));
    let linked = dataset.kind.filter(|kind| !kind.is_empty() && kind != "DEFAULT");
    for (name, value) in [
        ("location", json!(dataset.location)),
        ("friendly_name", json!(text(dataset.friendly_name))),
        ("dataset_type", json!(linked.map(|kind| kind.to_lowercase()))),
        (
            "default_table_expiration_ms",
            json!(dataset.default_table_expiration_ms),
        ),
        (
            "default_partition_expiration_ms",
            json!(dataset.default_partition_expiration_ms),
        ),
        ("default_collation", json!(text(dataset.default_collation))),
        (
            "case_insensitive",
            json!(dataset.is_case_insensitive.filter(|is| *is)),
        ),
    ] {
        insert(&mut namespace.properties, name, value);
    }
    namespace
}

/// What kind of asset a type of the API is. A type that is unknown here counts as a table and keeps its name in
/// the properties.
pub(crate) fn kind(kind: &str) -> AssetKind {
    match kind {
        "VIEW" => AssetKind::VIEW,
        "MATERIALIZED_VIEW" => AssetKind::MATERIALIZED_VIEW,
        "EXTERNAL" => AssetKind::EXTERNAL_TABLE,
        "SNAPSHOT" => AssetKind::SNAPSHOT_TABLE,
        _ => AssetKind::TABLE,
    }
}

/// A table, view or the like.
pub(crate) fn asset(key: Path, table: Table) -> Asset {
    let mut asset = Asset::new(key, kind(&table.kind));
    asset.version = table.etag.as_deref().map(|etag| Version(etag.into()));
    asset.description = Facet::Read(text(table.description.clone()));
    asset.tags = Facet::Read(tags(&table.labels));
    asset.owners = Facet::Unread;
    asset.constraints = Facet::Read(constraints(&table));
    asset.definition = definition(&table);
    asset.stats = Facet::Read(stats(&table));
    asset.properties = properties(&table);
    asset.fields = Facet::Read(
        table
            .schema
            .unwrap_or_default()
            .fields
            .into_iter()
            .map(types::field)
            .collect(),
    );
    asset
}

/// A series of tables, described by its latest. What moves with each day is among the statistics.
pub(crate) fn series(key: Path, series: Series, latest: Option<Table>) -> Asset {
    let read = latest.is_some();
    let mut asset = asset(key, latest.unwrap_or_default());
    asset.version = None;
    if !read {
        asset.fields = Facet::Unread;
        asset.constraints = Facet::Unread;
        asset.description = Facet::Unread;
        asset.tags = Facet::Unread;
    }
    asset.properties.insert("sharded".into(), json!(true));
    if let Some(stats) = asset.stats.as_mut() {
        // The sizes are those of one shard.
        let shard_rows = stats.row_count.take().map(|rows| rows.value);
        let shard_bytes = stats.size_bytes.take().map(|bytes| bytes.value);
        stats.properties.clear();
        for (name, value) in [
            ("shards", json!(series.count)),
            ("first_shard", json!(series.first.to_string())),
            ("last_shard", json!(series.last.to_string())),
            ("last_shard_rows", json!(shard_rows)),
            ("last_shard_bytes", json!(shard_bytes)),
        ] {
            insert(&mut stats.properties, name, value);
        }
    }
    asset
}

pub(crate) fn path(reference: &TableReference) -> Path {
    Path::new([
        reference.project_id.as_str(),
        reference.dataset_id.as_str(),
        reference.table_id.as_str(),
    ])
}

/// `key:value`, or the key alone.
fn tags(labels: &Labels) -> Vec<String> {
    let tag = |(key, value): (&String, &String)| match value.is_empty() {
        true => key.clone(),
        false => format!("{key}:{value}"),
    };
    labels.iter().map(tag).collect()
}

fn text(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

fn insert(properties: &mut Properties, name: &'static str, value: Value) {
    if !value.is_null() {
        properties.insert(name.into(), value);
    }
}

/// The query of a view. A view that comes without one was not shown whole.
fn definition(table: &Table) -> Facet<Option<Definition>> {
    let language = |legacy| if legacy == Some(true) { "legacy_sql" } else { "sql" };
    let definition = match (&table.view, &table.materialized_view) {
        (Some(view), _) => Definition {
            language: language(view.use_legacy_sql).into(),
            text: view.query.clone(),
        },
        (None, Some(view)) => Definition::sql(view.query.as_str()),
        (None, None) if matches!(table.kind.as_str(), "VIEW" | "MATERIALIZED_VIEW") => return Facet::Unread,
        (None, None) => return Facet::Read(None),
    };
    Facet::Read(Some(definition))
}

fn constraints(table: &Table) -> Vec<Constraint> {
    let declared = table.table_constraints.as_ref().map(declared).unwrap_or_default();
    declared.into_iter().chain(partitioning::keys(table)).collect()
}

/// Keys that BigQuery takes note of and does not enforce.
fn declared(constraints: &TableConstraints) -> Vec<Constraint> {
    let primary = constraints
        .primary_key
        .iter()
        .map(|key| Constraint::new(None, ConstraintKind::PRIMARY_KEY, key.columns.iter().cloned()));
    let mut all: Vec<Constraint> = primary
        .chain(constraints.foreign_keys.iter().map(foreign))
        .collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}

fn foreign(key: &ForeignKey) -> Constraint {
    let pairs = &key.column_references;
    let own = pairs.iter().map(|pair| pair.referencing_column.clone());
    let mut constraint = Constraint::new(key.name.clone(), ConstraintKind::FOREIGN_KEY, own);
    constraint.references = Some(Reference {
        path: path(&key.referenced_table),
        fields: pairs.iter().map(|pair| pair.referenced_column.clone()).collect(),
    });
    constraint
}

fn time(milliseconds: Option<i64>) -> Option<Timestamp> {
    Timestamp::from_millisecond(milliseconds?).ok()
}

/// Sizes and times. Rows that wait in a streaming buffer are not counted yet.
fn stats(table: &Table) -> Stats {
    let origin = match table.streaming_buffer {
        Some(_) => Origin::Estimate,
        None => Origin::Exact,
    };
    let counted = !matches!(table.kind.as_str(), "VIEW" | "EXTERNAL");
    let stat = |value: Option<u64>| value.filter(|_| counted).map(|value| Stat { value, origin });
    let refreshed = table
        .materialized_view
        .as_ref()
        .and_then(|view| view.last_refresh_time);
    let mut properties = Properties::new();
    for (name, value) in [
        ("created_at", json!(time(table.creation_time))),
        ("expires_at", json!(time(table.expiration_time))),
        ("refreshed_at", json!(time(refreshed))),
        (
            "long_term_bytes",
            json!(table.num_long_term_bytes.filter(|_| counted)),
        ),
    ] {
        insert(&mut properties, name, value);
    }
    Stats {
        row_count: stat(table.num_rows),
        size_bytes: stat(table.num_bytes),
        last_altered: time(table.last_modified_time).map(Stat::exact),
        properties,
    }
}

fn properties(table: &Table) -> Properties {
    let mut all = Properties::new();
    let time = table.time_partitioning.as_ref();
    let filter = table
        .require_partition_filter
        .or(time.and_then(|partitioning| partitioning.require_partition_filter));
    let known =
        ["", "TABLE", "VIEW", "MATERIALIZED_VIEW", "EXTERNAL", "SNAPSHOT"].contains(&table.kind.as_str());
    let key = table
        .encryption_configuration
        .as_ref()
        .and_then(|with| with.kms_key_name.clone());
    let tags = Some(&table.resource_tags).filter(|tags| !tags.is_empty());
    for (name, value) in [
        ("friendly_name", json!(text(table.friendly_name.clone()))),
        ("table_type", json!((!known).then(|| table.kind.to_lowercase()))),
        (
            "partition_expiration_ms",
            json!(time.and_then(|partitioning| partitioning.expiration_ms)),
        ),
        (
            "require_partition_filter",
            json!(filter.filter(|required| *required)),
        ),
        ("kms_key_name", json!(key)),
        ("default_collation", json!(text(table.default_collation.clone()))),
        ("max_staleness", json!(text(table.max_staleness.clone()))),
        ("resource_tags", json!(tags)),
    ] {
        insert(&mut all, name, value);
    }
    copy_properties(&mut all, table);
    outside_properties(&mut all, table);
    all
}

fn copy_properties(all: &mut Properties, table: &Table) {
    if let Some(copy) = &table.snapshot_definition {
        insert(all, "snapshot_of", json!(path(&copy.base_table_reference)));
        insert(all, "snapshot_time", json!(copy.snapshot_time));
    }
    if let Some(copy) = &table.clone_definition {
        insert(all, "clone_of", json!(path(&copy.base_table_reference)));
    }
    if let Some(view) = &table.materialized_view {
        insert(all, "enable_refresh", json!(view.enable_refresh));
        insert(all, "refresh_interval_ms", json!(view.refresh_interval_ms));
    }
}

/// Where the rows are, when they are not in BigQuery.
fn outside_properties(all: &mut Properties, table: &Table) {
    if let Some(external) = &table.external_data_configuration {
        let shown: Vec<&String> = external.source_uris.iter().take(ADDRESSES).collect();
        let more = external.source_uris.len().saturating_sub(ADDRESSES);
        insert(all, "source_format", json!(external.source_format));
        insert(
            all,
            "source_uris",
            json!(Some(shown).filter(|shown| !shown.is_empty())),
        );
        insert(
            all,
            "source_uris_omitted",
            json!(Some(more).filter(|more| *more > 0)),
        );
        insert(all, "connection_id", json!(text(external.connection_id.clone())));
    }
    if let Some(biglake) = &table.biglake_configuration {
        insert(all, "connection_id", json!(text(biglake.connection_id.clone())));
        insert(all, "storage_uri", json!(text(biglake.storage_uri.clone())));
        insert(all, "table_format", json!(text(biglake.table_format.clone())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(table: Value) -> Asset {
        let table: Table = serde_json::from_value(table).unwrap();
        asset(Path::new(["p", "d", "t"]), table)
    }

    #[test]
    fn a_table_with_all_that_it_can_have() {
        let asset = read(json!({
            "type": "TABLE", "etag": "e1", "description": "", "friendlyName": "Orders",
            "labels": {"tier": "gold", "pii": ""},
            "schema": {"fields": [{"name": "id", "type": "INTEGER", "mode": "REQUIRED"}]},
            "numRows": "12", "numBytes": "99", "numLongTermBytes": "9",
            "creationTime": "1700000000000", "lastModifiedTime": "1700000001000", "expirationTime": "1800000000000",
            "requirePartitionFilter": true,
            "timePartitioning": {"type": "DAY", "field": "at", "expirationMs": "86400000"},
            "tableConstraints": {
                "primaryKey": {"columns": ["id"]},
                "foreignKeys": [{"name": "fk", "referencedTable": {"projectId": "p", "datasetId": "d", "tableId": "c"},
                    "columnReferences": [{"referencingColumn": "customer", "referencedColumn": "id"}]}]},
            "cloneDefinition": {"baseTableReference": {"projectId": "p", "datasetId": "d", "tableId": "base"},
                "cloneTime": "2026-01-01T00:00:00Z"}
        }));
        assert_eq!(asset.version, Some(Version("e1".into())));
        assert_eq!(asset.description, Facet::Read(None));
        assert_eq!(asset.tags, Facet::Read(vec!["pii".into(), "tier:gold".into()]));
        let constraints = asset.constraints.as_option().unwrap();
        let kinds: Vec<&str> = constraints.iter().map(|one| one.kind.as_str()).collect();
        assert_eq!(kinds, ["primary_key", "foreign_key", "partition_key"]);
        let reference = constraints[1].references.as_ref().unwrap();
        assert_eq!(
            (reference.path.to_string(), &reference.fields[0]),
            ("p.d.c".into(), &"id".to_owned())
        );
        let stats = asset.stats.as_option().unwrap();
        assert_eq!(stats.row_count, Some(Stat::exact(12)));
        assert_eq!(
            stats.last_altered.unwrap().value.as_millisecond(),
            1_700_000_001_000
        );
        assert_eq!(stats.properties["created_at"], "2023-11-14T22:13:20Z");
        assert_eq!(asset.properties["clone_of"], json!(["p", "d", "base"]));
        assert_eq!(asset.properties["partition_expiration_ms"], 86_400_000);
        assert_eq!(asset.properties["friendly_name"], "Orders");
        assert_eq!(asset.properties["require_partition_filter"], true);
    }

    #[test]
    fn views_have_a_definition_and_no_size() {
        let view = read(json!({"type": "VIEW", "numRows": "0", "numBytes": "0",
            "view": {"query": "SELECT 1", "useLegacySql": true}}));
        assert_eq!(view.kind, AssetKind::VIEW);
        assert_eq!(view.definition.value().unwrap().language, "legacy_sql");
        assert_eq!(view.stats.as_option().unwrap().row_count, None);
        assert!(read(json!({"type": "VIEW"})).definition.is_unread());
        let stored = read(
            json!({"type": "MATERIALIZED_VIEW", "numRows": "3", "materializedView":
            {"query": "SELECT 2", "enableRefresh": true, "refreshIntervalMs": "1800000", "lastRefreshTime": "1700000000000"}}),
        );
        assert_eq!(stored.definition, Facet::Read(Some(Definition::sql("SELECT 2"))));
        assert_eq!(stored.properties["refresh_interval_ms"], 1_800_000);
        assert_eq!(
            stored.stats.as_option().unwrap().properties["refreshed_at"],
            "2023-11-14T22:13:20Z"
        );
    }

    #[test]
    fn a_table_without_a_schema_has_no_columns() {
        let asset = read(json!({"type": "TABLE"}));
        assert_eq!(asset.fields, Facet::Read(vec![]));
        assert_eq!(asset.definition, Facet::Read(None));
    }

    #[test]
    fn rows_in_a_streaming_buffer_make_an_estimate() {
        let asset = read(json!({"type": "TABLE", "numRows": "5", "streamingBuffer": {"estimatedRows": "2"}}));
        assert_eq!(
            asset.stats.as_option().unwrap().row_count,
            Some(Stat::estimate(5))
        );
    }

    #[test]
    fn external_tables_say_where_their_rows_are() {
        let uris: Vec<String> = (0..102).map(|n| format!("gs://b/{n}")).collect();
        let asset = read(json!({"type": "EXTERNAL", "externalDataConfiguration":
            {"sourceFormat": "PARQUET", "sourceUris": uris, "connectionId": "p.eu.c"}}));
        assert_eq!(asset.kind, AssetKind::EXTERNAL_TABLE);
        assert_eq!(asset.properties["source_format"], "PARQUET");
        assert_eq!(asset.properties["source_uris"].as_array().unwrap().len(), 100);
        assert_eq!(asset.properties["source_uris_omitted"], 2);
    }

    #[test]
    fn a_series_is_described_by_its_latest_shard() {
        let range = Series {
            count: 3,
            first: 20_260_101,
            last: 20_260_103,
        };
        let latest: Table = serde_json::from_value(json!({"type": "TABLE", "numRows": "7", "etag": "e",
            "schema": {"fields": [{"name": "id", "type": "INTEGER"}]}}))
        .unwrap();
        let key = Path::new(["p", "d", "events_*"]);
        let asset = series(key.clone(), range, Some(latest));
        let stats = asset.stats.as_option().unwrap();
        assert_eq!((asset.version, stats.row_count), (None, None));
        assert_eq!(stats.properties["shards"], 3);
        assert_eq!(stats.properties["last_shard"], "20260103");
        assert_eq!(stats.properties["last_shard_rows"], 7);
        assert!(series(key, range, None).fields.is_unread());
    }
}
