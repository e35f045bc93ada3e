//! Rows of the information schema to the model.

use crate::{
    quote,
    read::{
        nested::{Nested, Shape, type_row},
        usage::Object,
    },
    row::Row,
    types::TypeRow,
};
use headwater_core::{
    Facet, Path, Result,
    model::{
        Asset, AssetKind, Constraint, ConstraintKind, Definition, Field, Flow, Identity, LineageEdge,
        LineageEnd, Namespace, Properties, Stat, Stats, Version,
    },
};
use headwater_sql_lineage::Name;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A table or view as it is listed.
#[derive(Debug)]
pub(crate) struct TableRow {
    pub(crate) schema: String,
    pub(crate) name: String,
    pub(crate) kind: AssetKind,
    owner: Option<String>,
    comment: Option<String>,
    clustering_key: Option<String>,
    stats: Stats,
    properties: Properties,
    last_ddl: Option<Timestamp>,
}

/// A column as it is listed.
#[derive(Debug)]
pub(crate) struct ColumnRow {
    name: String,
    ordinal: u32,
    pub(crate) kind: TypeRow,
    default: Option<String>,
    nullable: bool,
    identity: Option<Identity>,
    collation: Option<String>,
    comment: Option<String>,
}

/// What was read of one table beside its row. A part that is `None` was not read.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    pub(crate) columns: Option<Vec<ColumnRow>>,
    pub(crate) keys: Option<Vec<Constraint>>,
    /// The text of a view or of a dynamic table.
    pub(crate) text: Option<String>,
    pub(crate) secure: Option<bool>,
    pub(crate) usage: Option<Object>,
}

impl TableRow {
    /// Reads a row; `None` for what is no asset: tables of one session.
    pub(crate) fn read(mut row: Row) -> Result<Option<Self>> {
        let listed = row.require("TABLE_TYPE")?;
        let temporary = row.flag("IS_TEMPORARY") || listed.contains("TEMPORARY");
        let dynamic = row.flag("IS_DYNAMIC");
        let Some(kind) = kind(&listed, dynamic).filter(|_| !temporary) else {
            return Ok(None);
        };
        let mut properties = Properties::new();
        for (column, name) in [
            ("IS_TRANSIENT", "transient"),
            ("IS_ICEBERG", "iceberg"),
            ("IS_HYBRID", "hybrid"),
            ("AUTO_CLUSTERING_ON", "auto_clustering"),
        ] {
            if row.flag(column) {
                properties.insert(name.into(), json!(true));
            }
        }
        if listed == "EVENT TABLE" {
            properties.insert("event".into(), json!(true));
        }
        if let Some(days) = row.number::<u32>("RETENTION_TIME") {
            properties.insert("retention_days".into(), json!(days));
        }
        let last_ddl = row.time("LAST_DDL");
        Ok(Some(Self {
            schema: row.require("TABLE_SCHEMA")?,
            name: row.require("TABLE_NAME")?,
            owner: row.take_text("TABLE_OWNER"),
            comment: row.take_text("COMMENT"),
            clustering_key: row.take_text("CLUSTERING_KEY"),
            stats: stats(&mut row, last_ddl),
            kind,
            properties,
            last_ddl,
        }))
    }

    /// Whether a query makes it.
    pub(crate) fn has_text(&self) -> bool {
        [
            AssetKind::VIEW,
            AssetKind::MATERIALIZED_VIEW,
            AssetKind::DYNAMIC_TABLE,
        ]
        .contains(&self.kind)
    }

    /// Whether Snowflake keeps it up to date from a query.
    pub(crate) fn is_dynamic(&self) -> bool {
        self.kind == AssetKind::DYNAMIC_TABLE
    }

    /// The marker of its structure. It also changes once per `interval` days, on a day of its own, so that what the
    /// time of the last DDL does not tell is read again. `None` where there is no such time.
    pub(crate) fn version(&self, interval: u32, today: i64) -> Option<Version> {
        let last_ddl = self.last_ddl.filter(|time| *time > Timestamp::UNIX_EPOCH)?;
        let interval = i64::from(interval);
        if interval == 0 {
            return None;
        }
        let spread = self.name.bytes().fold(0_i64, |sum, byte| sum + i64::from(byte)) % interval;
        let period = (today + spread).div_euclid(interval);
        Some(Version(format!("{}/{period}", last_ddl.as_nanosecond()).into()))
    }

    /// The asset. Columns that were not read leave what is known of them.
    pub(crate) fn into_asset(self, schema: &Path, parts: Parts, nested: Option<&Nested>) -> Asset {
        let has_text = self.has_text();
        let mut asset = Asset::new(schema.child(self.name.as_str()), self.kind);
        let usage = parts.usage;
        asset.description = Facet::Read(self.comment);
        asset.owners = Facet::Read(self.owner.into_iter().collect());
        asset.stats = Facet::Read(self.stats);
        asset.properties = self.properties;
        if parts.secure == Some(true) {
            asset.properties.insert("secure".into(), json!(true));
        }
        asset.definition = match (has_text, parts.text) {
            (false, _) => Facet::Read(None),
            (true, Some(text)) => Facet::Read(Some(Definition::sql(text))),
            (true, None) => Facet::Unread,
        };
        if let Some(mut keys) = parts.keys {
            keys.extend(self.clustering_key.map(clustering));
            asset.constraints = Facet::Read(keys);
        }
        if let Some(columns) = parts.columns {
            asset.fields = Facet::Read(fields(&self.schema, &self.name, columns, nested, usage.as_ref()));
        }
        match usage {
            None => ["masking_policies", "row_access_policies"]
                .iter()
                .for_each(|name| {
                    asset.properties.insert((*name).into(), Value::Null);
                }),
            Some(usage) => {
                asset.properties.extend(usage.policies());
                asset.tags = Facet::Read(usage.tags);
            }
        }
        asset
    }
}

impl ColumnRow {
    /// Reads a row.
    pub(crate) fn read(mut row: Row) -> Result<Self> {
        let identity = row.flag("IS_IDENTITY");
        let generation = row.take("IDENTITY_GENERATION").unwrap_or_default();
        Ok(Self {
            name: row.require("COLUMN_NAME")?,
            ordinal: row.number("ORDINAL_POSITION").unwrap_or(0),
            kind: type_row(&mut row)?,
            default: row.take_text("COLUMN_DEFAULT"),
            nullable: row.flag("IS_NULLABLE"),
            identity: identity.then(|| match generation.eq_ignore_ascii_case("ALWAYS") {
                true => Identity::Always,
                false => Identity::ByDefault,
            }),
            collation: row.take_text("COLLATION_NAME"),
            comment: row.take_text("COMMENT"),
        })
    }
}

fn kind(listed: &str, dynamic: bool) -> Option<AssetKind> {
    match listed {
        "BASE TABLE" if dynamic => Some(AssetKind::DYNAMIC_TABLE),
        "DYNAMIC TABLE" => Some(AssetKind::DYNAMIC_TABLE),
        "BASE TABLE" | "EVENT TABLE" | "HYBRID TABLE" | "ICEBERG TABLE" => Some(AssetKind::TABLE),
        "EXTERNAL TABLE" => Some(AssetKind::EXTERNAL_TABLE),
        "VIEW" => Some(AssetKind::VIEW),
        "MATERIALIZED VIEW" => Some(AssetKind::MATERIALIZED_VIEW),
        _ => None,
    }
}

fn stats(row: &mut Row, last_ddl: Option<Timestamp>) -> Stats {
    let mut stats = Stats {
        row_count: row.number("ROW_COUNT").map(Stat::exact),
        size_bytes: row.number("BYTES").map(Stat::exact),
        last_altered: row.time("LAST_ALTERED").map(Stat::exact),
        ..Stats::default()
    };
    for (name, time) in [("created", row.time("CREATED")), ("last_ddl", last_ddl)] {
        if let Some(time) = time {
            stats.properties.insert(name.into(), json!(time));
        }
    }
    stats
}

/// `LINEAR(REGION, DAY)`: the columns where it is over nothing else.
fn clustering(expression: String) -> Constraint {
    let inside = expression
        .trim()
        .trim_start_matches("LINEAR")
        .trim()
        .strip_prefix('(')
        .and_then(|rest| rest.strip_suffix(')'));
    let names: Vec<&str> = inside.unwrap_or_default().split(',').map(str::trim).collect();
    let is_plain = |name: &&str| {
        !name.is_empty()
            && name
                .chars()
                .all(|next| next == '_' || next == '$' || next.is_ascii_alphanumeric())
    };
    let fields: Vec<String> = match names.iter().all(is_plain) {
        true => names.iter().map(|name| name.to_uppercase()).collect(),
        false => Vec::new(),
    };
    let mut constraint = Constraint::new(None, ConstraintKind::CLUSTERING_KEY, fields);
    constraint.expression = Facet::Read(Some(expression));
    constraint
}

fn fields(
    schema: &str,
    table: &str,
    mut columns: Vec<ColumnRow>,
    nested: Option<&Nested>,
    usage: Option<&Object>,
) -> Vec<Field> {
    columns.sort_by_key(|column| column.ordinal);
    let one = |column: ColumnRow| {
        let shape = match nested {
            Some(nested) => nested.shape(schema, table, &column.kind),
            None => Shape {
                native: column.kind.native(),
                data_type: column.kind.normalised(),
                fields: Vec::new(),
            },
        };
        let native = match &column.collation {
            Some(collation) => format!("{} COLLATE '{collation}'", shape.native),
            None => shape.native,
        };
        let mut field = Field::new(column.name, native, shape.data_type);
        field.fields = shape.fields;
        field.nullable = Some(column.nullable);
        field.default = Facet::Read(column.default);
        field.identity = column.identity;
        field.description = Facet::Read(column.comment);
        if let Some(usage) = usage {
            let tags = usage.column_tags.get(field.name.as_str()).cloned();
            field.tags = Facet::Read(tags.unwrap_or_default());
        }
        field
    };
    columns.into_iter().map(one).collect()
}

/// The statement that describes a database and its schemas.
pub(crate) fn namespaces_sql(database: &str) -> String {
    include_str!("queries/namespaces.sql").replace("{database}", &quote::identifier(database))
}

/// A database or schema.
pub(crate) fn namespace(path: Path, kind: &'static str, mut row: Row, tags: Facet<Vec<String>>) -> Namespace {
    let mut namespace = Namespace::new(path, kind);
    namespace.description = Facet::Read(row.take_text("COMMENT"));
    namespace.owner = Facet::Read(row.take_text("OWNER"));
    namespace.tags = tags;
    for (column, name) in [
        ("IS_TRANSIENT", "transient"),
        ("IS_MANAGED_ACCESS", "managed_access"),
    ] {
        if row.flag(column) {
            namespace.properties.insert(name.into(), json!(true));
        }
    }
    if let Some(days) = row.number::<u32>("RETENTION_TIME") {
        namespace.properties.insert("retention_days".into(), json!(days));
    }
    namespace
}

/// The edges into a view of a schema. Names without a schema stand in the view's own.
pub(crate) fn lineage(schema: &Path, names: BTreeSet<Name>) -> Vec<LineageEdge> {
    let path = |name: Name| {
        let missing = schema.depth() + 1;
        let outer = missing.checked_sub(name.len())?;
        let around = schema.segments().iter().take(outer).cloned();
        Some(Path::new(around.chain(name.into_iter().map(Into::into))))
    };
    let edge = |path| LineageEdge::new(Flow::In, LineageEnd::new("snowflake", path), "view");
    names.into_iter().filter_map(path).map(edge).collect()
}

#[cfg(test)]
mod tests;
