//! From the API's rows to the model. Pure.

use crate::{
    rows::{CatalogRow, ColumnRow, ConstraintRow, SchemaRow, TableRow, VolumeRow},
    types::{self, bounded, text_in},
};
use headwater_core::{
    Facet, Path,
    model::{
        Asset, AssetKind, Constraint, ConstraintKind, Definition, Field, Identity, Namespace, Properties,
        Reference, Stat, Stats, Version,
    },
};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

const METRIC_VIEW: AssetKind = AssetKind::custom("metric_view");
/// Properties of a table that move by themselves, by their beginnings.
const MEASURED: [&str; 4] = [
    "spark.sql.statistics.",
    "delta.lastCommitTimestamp",
    "delta.lastUpdateVersion",
    "delta.rowTracking",
];
/// Words in the names of properties whose values are not for a catalog.
const HIDDEN: [&str; 4] = ["password", "secret", "token", "credential"];

/// What a table is; its text in the API stays in the properties.
pub(crate) fn kind(table_type: Option<&str>) -> AssetKind {
    match table_type.unwrap_or_default() {
        "EXTERNAL" | "EXTERNAL_SHALLOW_CLONE" => AssetKind::EXTERNAL_TABLE,
        "VIEW" => AssetKind::VIEW,
        "MATERIALIZED_VIEW" => AssetKind::MATERIALIZED_VIEW,
        "STREAMING_TABLE" => AssetKind::STREAMING_TABLE,
        "FOREIGN" => AssetKind::FOREIGN_TABLE,
        "METRIC_VIEW" => METRIC_VIEW,
        _ => AssetKind::TABLE,
    }
}

/// Whether it is made by a query, so that it has dependencies.
pub(crate) fn is_view(row: &TableRow) -> bool {
    matches!(
        row.table_type.as_deref(),
        Some("VIEW" | "MATERIALIZED_VIEW" | "STREAMING_TABLE" | "METRIC_VIEW")
    )
}

/// Whether it can have keys.
pub(crate) fn may_have_keys(row: &TableRow) -> bool {
    !matches!(
        row.table_type.as_deref(),
        Some("VIEW" | "METRIC_VIEW" | "FOREIGN")
    )
}

/// When a table last changed, as its marker.
pub(crate) fn version(row: &TableRow) -> Option<Version> {
    row.updated_at.map(|at| Version(at.to_string().into()))
}

/// A table as its list shows it. Keys, tags and lineage are not in the list.
pub(crate) fn table(schema: &Path, row: &TableRow) -> Asset {
    let mut asset = Asset::new(schema.child(row.name.as_str()), kind(row.table_type.as_deref()));
    let hidden = row.browse_only == Some(true);
    asset.native_id = row.table_id.as_deref().map(Into::into);
    asset.description = Facet::Read(text(&row.comment));
    asset.fields = fields(row.columns.as_deref(), hidden);
    asset.owners = facet(row.owner.iter().cloned().collect(), hidden && row.owner.is_none());
    asset.definition = facet(definition(row), hidden && row.view_definition.is_none());
    asset.stats = Facet::Read(stats(row));
    asset.properties = properties(row);
    asset
}

fn facet<T>(value: T, unread: bool) -> Facet<T> {
    match unread {
        true => Facet::Unread,
        false => Facet::Read(value),
    }
}

fn text(given: &Option<String>) -> Option<String> {
    given.clone().filter(|text| !text.is_empty())
}

fn definition(row: &TableRow) -> Option<Definition> {
    let text = text(&row.view_definition)?;
    Some(match row.table_type.as_deref() {
        Some("METRIC_VIEW") => Definition {
            language: "yaml".into(),
            text,
        },
        _ => Definition::sql(text),
    })
}

/// A table without columns is none that its list shows: they were left out.
fn fields(columns: Option<&[ColumnRow]>, hidden: bool) -> Facet<Vec<Field>> {
    let Some(columns) = columns.filter(|columns| !(hidden && columns.is_empty())) else {
        return Facet::Unread;
    };
    let mut placed: Vec<&ColumnRow> = columns.iter().collect();
    placed.sort_by_key(|column| column.position.unwrap_or(i64::MAX));
    Facet::Read(placed.into_iter().map(field).collect())
}

fn field(column: &ColumnRow) -> Field {
    let parsed = column.type_json.as_deref().and_then(types::from_json);
    let (parsed, metadata) = parsed.unwrap_or_else(|| (types::simple(&spelled(column)), Value::Null));
    let native = text(&column.type_text).unwrap_or(parsed.native);
    let data_type = bounded(&native).unwrap_or(parsed.data_type);
    let mut field = Field::new(&*column.name, native, data_type);
    field.nullable = column.nullable;
    field.description = Facet::Read(text(&column.comment));
    field.fields = parsed.fields;
    // Delta's own metadata: <https://github.com/delta-io/delta/blob/master/PROTOCOL.md#column-metadata>. What is not
    // there says nothing, since Unity Catalog's API does not promise it.
    if let Some(default) = text_in(&metadata, "CURRENT_DEFAULT") {
        field.default = Facet::Read(Some(default));
    }
    if let Some(expression) = text_in(&metadata, "delta.generationExpression") {
        field.generated = Facet::Read(Some(expression));
    }
    field.identity = metadata
        .get("delta.identity.start")
        .map(|_start| identity(&metadata));
    field
}

fn identity(metadata: &Value) -> Identity {
    let explicit = metadata.get("delta.identity.allowExplicitInsert");
    match explicit.and_then(Value::as_bool) {
        Some(true) => Identity::ByDefault,
        _ => Identity::Always,
    }
}

/// The type of a column whose JSON cannot be read.
fn spelled(column: &ColumnRow) -> String {
    if let Some(text) = text(&column.type_text) {
        return text;
    }
    match (column.type_name.as_deref(), column.type_precision) {
        (Some("DECIMAL"), Some(precision)) => {
            format!("decimal({precision},{})", column.type_scale.unwrap_or(0))
        }
        (name, _) => name.unwrap_or_default().to_lowercase(),
    }
}

/// The columns that cut a table into partitions, in their order.
fn partition_columns(row: &TableRow) -> Vec<String> {
    let columns = row.columns.iter().flatten();
    let mut placed: Vec<(i64, &str)> = columns
        .filter_map(|column| Some((column.partition_index?, &*column.name)))
        .collect();
    placed.sort_unstable();
    placed.into_iter().map(|(_, name)| name.to_owned()).collect()
}

/// Keys, and how the rows are cut. The keys come from elsewhere: the list never holds them.
pub(crate) fn constraints(row: &TableRow, keys: Vec<Constraint>) -> Vec<Constraint> {
    let partition = partition_columns(row);
    let cut =
        (!partition.is_empty()).then(|| Constraint::new(None, ConstraintKind::PARTITION_KEY, partition));
    keys.into_iter().chain(cut).collect()
}

/// The keys of one table, as the API gives them for it alone.
pub(crate) fn keys(rows: &[ConstraintRow]) -> Vec<Constraint> {
    let primary = rows.iter().filter_map(|row| row.primary_key_constraint.as_ref());
    let primary =
        primary.map(|key| Constraint::new(key.name.clone(), ConstraintKind::PRIMARY_KEY, &key.child_columns));
    let foreign = rows.iter().filter_map(|row| row.foreign_key_constraint.as_ref());
    let foreign = foreign.map(|key| {
        let mut constraint =
            Constraint::new(key.name.clone(), ConstraintKind::FOREIGN_KEY, &key.child_columns);
        constraint.references = path_of(&key.parent_table).map(|path| Reference {
            path,
            fields: key.parent_columns.clone(),
        });
        constraint
    });
    let mut all: Vec<Constraint> = primary.chain(foreign).collect();
    all.sort_by(|one, other| one.name.cmp(&other.name));
    all
}

/// The path in a full name: three parts. Unity Catalog's names hold no dots.
pub(crate) fn path_of(full_name: &str) -> Option<Path> {
    let parts: Vec<&str> = full_name.split('.').map(|part| part.trim_matches('`')).collect();
    let whole = parts.len() == 3 && parts.iter().all(|part| !part.is_empty());
    whole.then(|| Path::new(parts))
}

fn number(properties: &BTreeMap<String, String>, key: &str) -> Option<Stat<u64>> {
    let value = properties.get(key)?.parse().ok()?;
    // As of the last ANALYZE.
    Some(Stat::estimate(value))
}

fn stats(row: &TableRow) -> Stats {
    let none = BTreeMap::new();
    let all = row.properties.as_ref().unwrap_or(&none);
    let measured = all.iter().filter(|(name, _)| is_measured(name));
    Stats {
        row_count: number(all, "spark.sql.statistics.numRows"),
        size_bytes: number(all, "spark.sql.statistics.totalSize"),
        last_altered: row
            .updated_at
            .and_then(|at| Timestamp::from_millisecond(at).ok())
            .map(Stat::exact),
        properties: measured
            .map(|(name, value)| (name.clone().into(), json!(value)))
            .collect(),
    }
}

fn is_measured(name: &str) -> bool {
    MEASURED.iter().any(|beginning| name.starts_with(beginning))
}

/// The properties that people set; none that may hold a secret.
fn set_properties(all: Option<&BTreeMap<String, String>>) -> Option<Value> {
    let is_hidden = |name: &str| {
        let name = name.to_lowercase();
        HIDDEN.iter().any(|word| name.contains(word))
    };
    let kept: Map<String, Value> = all
        .into_iter()
        .flatten()
        .filter(|(name, _)| !is_hidden(name) && !is_measured(name))
        .map(|(name, value)| (name.clone(), json!(value)))
        .collect();
    (!kept.is_empty()).then_some(Value::Object(kept))
}

fn properties(row: &TableRow) -> Properties {
    let created = row.created_at.and_then(|at| Timestamp::from_millisecond(at).ok());
    let masks: Map<String, Value> = row
        .columns
        .iter()
        .flatten()
        .filter_map(|column| {
            Some((
                column.name.clone(),
                json!(column.mask.as_ref()?.function_name.as_ref()?),
            ))
        })
        .collect();
    let partition = partition_columns(row);
    let filter = row
        .row_filter
        .as_ref()
        .and_then(|filter| filter.function_name.as_ref());
    let all = [
        ("table_type", row.table_type.as_ref().map(|text| json!(text))),
        (
            "data_source_format",
            row.data_source_format.as_ref().map(|text| json!(text)),
        ),
        (
            "storage_location",
            text(&row.storage_location).map(|text| json!(text)),
        ),
        ("pipeline_id", row.pipeline_id.as_ref().map(|text| json!(text))),
        ("created_at", created.map(|at| json!(at.to_string()))),
        ("created_by", row.created_by.as_ref().map(|text| json!(text))),
        (
            "browse_only",
            row.browse_only.filter(|only| *only).map(|only| json!(only)),
        ),
        (
            "partition_columns",
            (!partition.is_empty()).then(|| json!(partition)),
        ),
        ("row_filter", filter.map(|name| json!(name))),
        (
            "column_masks",
            (!masks.is_empty()).then_some(Value::Object(masks)),
        ),
        ("table_properties", set_properties(row.properties.as_ref())),
    ];
    all.into_iter()
        .filter_map(|(name, value)| Some((name.into(), value?)))
        .collect()
}

/// A volume: a directory of files with a name of its own.
pub(crate) fn volume(schema: &Path, row: &VolumeRow) -> Asset {
    let mut asset = Asset::new(schema.child(row.name.as_str()), AssetKind::VOLUME);
    asset.native_id = row.volume_id.as_deref().map(Into::into);
    asset.description = Facet::Read(text(&row.comment));
    asset.owners = Facet::Read(row.owner.iter().cloned().collect());
    asset.stats = Facet::Read(Stats {
        last_altered: row
            .updated_at
            .and_then(|at| Timestamp::from_millisecond(at).ok())
            .map(Stat::exact),
        ..Stats::default()
    });
    let all = [
        ("volume_type", &row.volume_type),
        ("storage_location", &row.storage_location),
    ];
    asset.properties = all
        .into_iter()
        .filter_map(|(name, value)| Some((name.into(), json!(value.as_ref()?))))
        .collect();
    asset
}

/// Something in a list that could not be understood: it is there, and no more is known.
pub(crate) fn unclear(schema: &Path, raw: &Map<String, Value>) -> Option<Asset> {
    let name = raw.get("name")?.as_str()?;
    let table_type = raw.get("table_type").and_then(Value::as_str);
    Some(Asset::new(schema.child(name), kind(table_type)))
}

/// A catalog.
pub(crate) fn catalog(row: &CatalogRow) -> Namespace {
    let mut namespace = Namespace::new(Path::new([row.name.as_str()]), "catalog");
    namespace.description = Facet::Read(text(&row.comment));
    namespace.owner = Facet::Read(text(&row.owner));
    // The options are left out: those of a foreign catalog lead to credentials.
    let all = [
        ("catalog_type", row.catalog_type.as_ref().map(|text| json!(text))),
        (
            "provider_name",
            row.provider_name.as_ref().map(|text| json!(text)),
        ),
        ("share_name", row.share_name.as_ref().map(|text| json!(text))),
        (
            "connection_name",
            row.connection_name.as_ref().map(|text| json!(text)),
        ),
        ("catalog_properties", set_properties(row.properties.as_ref())),
    ];
    namespace.properties = all
        .into_iter()
        .filter_map(|(name, value)| Some((name.into(), value?)))
        .collect();
    namespace
}

/// A schema, without the numbers of what is in it.
pub(crate) fn schema(path: Path, row: &SchemaRow) -> Namespace {
    let mut namespace = Namespace::new(path, "schema");
    namespace.description = Facet::Read(text(&row.comment));
    namespace.owner = Facet::Read(text(&row.owner));
    let all = [
        (
            "storage_location",
            text(&row.storage_location).map(|text| json!(text)),
        ),
        ("schema_properties", set_properties(row.properties.as_ref())),
    ];
    namespace.properties = all
        .into_iter()
        .filter_map(|(name, value)| Some((name.into(), value?)))
        .collect();
    namespace
}

/// Puts tags on the columns of an asset, and on the asset itself.
pub(crate) fn tag(asset: &mut Asset, own: Vec<String>, mut of_columns: BTreeMap<String, Vec<String>>) {
    asset.tags = Facet::Read(own);
    if let Facet::Read(fields) = &mut asset.fields {
        for field in fields {
            field.tags = Facet::Read(of_columns.remove(field.name.as_str()).unwrap_or_default());
        }
    }
}

#[cfg(test)]
mod tests;
