//! Entries of the artifacts beside the manifest.

use super::{
    borrowed::{Json, Literal, Members, Str},
    entry::Entry,
};
use serde::{Deserialize, Serialize};

/// What the warehouse says of one relation: an entry of `catalog.json`.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(crate) struct CatalogEntry<'a> {
    pub(crate) metadata: Option<Relation<'a>>,
    pub(crate) columns: Option<Members<'a, CatalogColumn<'a>>>,
    pub(crate) stats: Option<Members<'a, CatalogStat<'a>>>,
}

/// The relation's own name, in the case that the warehouse keeps.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(crate) struct Relation<'a> {
    pub(crate) database: Option<Str<'a>>,
    pub(crate) schema: Option<Str<'a>>,
    pub(crate) name: Option<Str<'a>>,
}

/// A column as the warehouse has it.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(crate) struct CatalogColumn<'a> {
    #[serde(rename = "type")]
    pub(crate) data_type: Option<Str<'a>>,
    pub(crate) index: Option<i64>,
    pub(crate) comment: Option<Literal<'a>>,
}

/// A number or time that an adapter tells of a relation.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(crate) struct CatalogStat<'a> {
    pub(crate) value: Option<Json<'a>>,
}

/// How a node fared: an entry of `run_results.json`.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct RunResult {
    pub(crate) unique_id: Option<String>,
    pub(crate) status: Option<String>,
    pub(crate) failures: Option<u64>,
}

/// The command that left the results.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Args {
    /// `build`, `test`, `generate`, ...
    pub(crate) which: Option<String>,
}

/// How fresh a source is: an entry of `sources.json`.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct FreshnessResult {
    pub(crate) unique_id: Option<String>,
    pub(crate) status: Option<String>,
    pub(crate) max_loaded_at: Option<String>,
}

impl Entry for CatalogEntry<'_> {
    type Of<'a> = CatalogEntry<'a>;
}

impl Entry for RunResult {
    type Of<'a> = Self;
}

impl Entry for FreshnessResult {
    type Of<'a> = Self;
}

impl Entry for Args {
    type Of<'a> = Self;
}
