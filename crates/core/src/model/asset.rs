use super::{Field, KeyRole, open_names};
use crate::{Facet, Path};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{borrow::Cow, collections::BTreeMap};

/// Facts of a source that have no field of their own, by snake_case name. A name that stands in a connector's code is
/// borrowed from there.
///
/// One that is null was not read: what is known of it stays, as with [`Facet::Unread`]. One that is missing
/// is not so.
pub type Properties = BTreeMap<Cow<'static, str>, Value>;

/// A container of assets or of other containers: a database, a schema, a dataset.
#[derive(Debug, Clone, PartialEq)]
pub struct Namespace {
    /// Where it stands.
    pub path: Path,
    /// What the source calls it: `database`, `schema`, `dataset`, `catalog`.
    pub kind: &'static str,
    /// The comment on it.
    pub description: Facet<Option<String>>,
    /// The role or user that owns it.
    pub owner: Facet<Option<String>>,
    /// Tags or labels on it.
    pub tags: Facet<Vec<String>>,
    /// What else the source says of it.
    pub properties: Properties,
}

impl Namespace {
    /// A namespace of which nothing else was read.
    pub fn new(path: Path, kind: &'static str) -> Self {
        Self {
            path,
            kind,
            description: Facet::Unread,
            owner: Facet::Unread,
            tags: Facet::Unread,
            properties: Properties::new(),
        }
    }
}

open_names! {
    /// What kind of thing an asset is, in snake_case.
    AssetKind {
        /// A table; a partitioned table is one too.
        TABLE = "table",
        /// A view.
        VIEW = "view",
        /// A view whose rows are stored.
        MATERIALIZED_VIEW = "materialized_view",
        /// A table over files outside the database.
        EXTERNAL_TABLE = "external_table",
        /// A table of another database server.
        FOREIGN_TABLE = "foreign_table",
        /// A table that the source keeps up to date from a query.
        DYNAMIC_TABLE = "dynamic_table",
        /// A table fed by a stream.
        STREAMING_TABLE = "streaming_table",
        /// A read-only copy as of a time.
        SNAPSHOT_TABLE = "snapshot_table",
        /// A directory of files with a name of its own.
        VOLUME = "volume",
        /// A dbt model.
        DBT_MODEL = "dbt_model",
        /// A dbt seed.
        DBT_SEED = "dbt_seed",
        /// A dbt snapshot.
        DBT_SNAPSHOT = "dbt_snapshot",
        /// A dbt source.
        DBT_SOURCE = "dbt_source",
        /// A dbt exposure: a dashboard or application downstream.
        DBT_EXPOSURE = "dbt_exposure",
        /// A dbt semantic model.
        DBT_SEMANTIC_MODEL = "dbt_semantic_model",
        /// A dbt metric.
        DBT_METRIC = "dbt_metric",
    }
}

/// The state of an asset's fields as the source marks it. Opaque; compared for equality only.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Version(pub Box<str>);

/// One table, view, model or the like, as read from its source.
///
/// Everything but key and kind may be [`Facet::Unread`]; see there.
#[derive(Debug, Clone, PartialEq)]
pub struct Asset {
    /// Its identity: the namespace's path and its own name.
    pub key: Path,
    /// What kind of thing it is.
    pub kind: AssetKind,
    /// The source's own id. It suggests a rename and is no identity: rebuilt tables change it.
    pub native_id: Option<Box<str>>,
    /// The source's change marker of `fields`, where it has one.
    pub version: Option<Version>,
    /// The comment on it.
    pub description: Facet<Option<String>>,
    /// Its columns in the source's order.
    pub fields: Facet<Vec<Field>>,
    /// Keys, foreign keys, checks, partitioning.
    pub constraints: Facet<Vec<Constraint>>,
    /// The query or code that makes it.
    pub definition: Facet<Option<Definition>>,
    /// Sizes and times.
    pub stats: Facet<Stats>,
    /// Tags or labels on it.
    pub tags: Facet<Vec<String>>,
    /// Roles, users or teams that own it.
    pub owners: Facet<Vec<String>>,
    /// What else the source says of its structure. Part of what counts as a change: measurements and
    /// ids that move by themselves belong to [`Stats::properties`].
    pub properties: Properties,
}

impl Asset {
    /// An asset of which nothing else was read.
    pub fn new(key: Path, kind: AssetKind) -> Self {
        Self {
            key,
            kind,
            native_id: None,
            version: None,
            description: Facet::Unread,
            fields: Facet::Unread,
            constraints: Facet::Unread,
            definition: Facet::Unread,
            stats: Facet::Unread,
            tags: Facet::Unread,
            owners: Facet::Unread,
            properties: Properties::new(),
        }
    }

    /// The last segment of the key.
    pub fn name(&self) -> &str {
        self.key.name().unwrap_or_default()
    }

    /// About how many bytes it holds in memory: what batches and channels are bounded by.
    pub fn weight(&self) -> usize {
        let fields = self
            .fields
            .as_option()
            .map_or(0, |fields| fields.iter().map(Field::weight).sum());
        let constraints = self.constraints.as_option().map_or(0, |all| {
            all.iter()
                .map(|c| 160 + c.fields.len() * 32 + c.expression.value().map_or(0, String::len))
                .sum()
        });
        let definition = self
            .definition
            .value()
            .map_or(0, |definition| definition.text.len());
        let description = self.description.value().map_or(0, String::len);
        let measured = self
            .stats
            .as_option()
            .map_or(0, |stats| weight_of_all(&stats.properties));
        let said = weight_of_all(&self.properties) + measured;
        512 + said + fields + constraints + definition + description
    }
}

fn weight_of_all(properties: &Properties) -> usize {
    properties
        .iter()
        .map(|(name, value)| 64 + name.len() + weight_of(value))
        .sum()
}

fn weight_of(value: &Value) -> usize {
    match value {
        Value::String(text) => 32 + text.len(),
        Value::Array(all) => 32 + all.iter().map(weight_of).sum::<usize>(),
        Value::Object(all) => {
            32 + all
                .iter()
                .map(|(name, value)| 64 + name.len() + weight_of(value))
                .sum::<usize>()
        }
        _ => 32,
    }
}

open_names! {
    /// What a constraint says, in snake_case.
    ConstraintKind {
        /// The primary key.
        PRIMARY_KEY = "primary_key",
        /// Values are unique.
        UNIQUE = "unique",
        /// Values exist in another asset.
        FOREIGN_KEY = "foreign_key",
        /// An expression holds for each row.
        CHECK = "check",
        /// Rows exclude each other by operators.
        EXCLUSION = "exclusion",
        /// How the rows are cut into partitions.
        PARTITION_KEY = "partition_key",
        /// How the rows are ordered or clustered in storage.
        CLUSTERING_KEY = "clustering_key",
    }
}

/// A constraint or a physical key of an asset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Constraint {
    /// Its name in the source, where it has one.
    pub name: Option<String>,
    /// What it says.
    #[serde(rename = "type")]
    pub kind: ConstraintKind,
    /// The fields it is over, in its own order.
    pub fields: Vec<String>,
    /// The other side of a foreign key.
    pub references: Option<Reference>,
    /// The expression of a check, or of a key over expressions.
    pub expression: Facet<Option<String>>,
}

/// The other side of a foreign key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// The asset referred to.
    pub path: Path,
    /// Its fields, pairwise with the constraint's own.
    pub fields: Vec<String>,
}

impl Constraint {
    /// A constraint without references and expression.
    pub fn new<S: Into<String>>(
        name: Option<String>,
        kind: ConstraintKind,
        fields: impl IntoIterator<Item = S>,
    ) -> Self {
        Self {
            name,
            kind,
            fields: fields.into_iter().map(Into::into).collect(),
            references: None,
            expression: Facet::Read(None),
        }
    }

    /// The part that the constraint gives to its fields, where it is a key.
    pub fn key_role(&self) -> Option<KeyRole> {
        match self.kind.as_str() {
            "primary_key" => Some(KeyRole::Primary),
            "unique" => Some(KeyRole::Unique),
            "foreign_key" => Some(KeyRole::Foreign),
            _ => None,
        }
    }
}

/// The code that makes an asset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    /// `sql`, `python`, ...
    pub language: String,
    /// The code as the source gives it.
    pub text: String,
}

impl Definition {
    /// A definition in SQL.
    pub fn sql(text: impl Into<String>) -> Self {
        Self {
            language: "sql".into(),
            text: text.into(),
        }
    }
}

/// Where a number comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Counted or kept exactly by the source.
    Exact,
    /// The source's estimate.
    Estimate,
}

/// A measured value and where it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stat<T> {
    /// The value.
    pub value: T,
    /// Where it comes from.
    pub origin: Origin,
}

impl<T> Stat<T> {
    /// An exact value.
    pub fn exact(value: T) -> Self {
        Self {
            value,
            origin: Origin::Exact,
        }
    }

    /// An estimated value.
    pub fn estimate(value: T) -> Self {
        Self {
            value,
            origin: Origin::Estimate,
        }
    }
}

/// What is measured of an asset and moves without anybody changing its structure.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Stats {
    /// Number of rows.
    pub row_count: Option<Stat<u64>>,
    /// Size on storage in bytes.
    pub size_bytes: Option<Stat<u64>>,
    /// When its rows or structure last changed.
    pub last_altered: Option<Stat<Timestamp>>,
    /// What else moves by itself: partition bounds, numbers of shards, artifact ids.
    #[serde(default, skip_serializing_if = "Properties::is_empty")]
    pub properties: Properties,
}
