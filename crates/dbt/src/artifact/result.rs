//! Entries of the artifacts beside the manifest.

use super::Members;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What the warehouse says of one relation: an entry of `catalog.json`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct CatalogEntry {
    pub(crate) metadata: Option<Relation>,
    pub(crate) columns: Option<Members<CatalogColumn>>,
    pub(crate) stats: Option<Members<CatalogStat>>,
}

/// The relation's own name, in the case that the warehouse keeps.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Relation {
    pub(crate) database: Option<String>,
    pub(crate) schema: Option<String>,
    pub(crate) name: Option<String>,
}

/// A column as the warehouse has it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct CatalogColumn {
    #[serde(rename = "type")]
    pub(crate) data_type: Option<String>,
    pub(crate) index: Option<i64>,
    pub(crate) comment: Option<String>,
}

/// A number or time that an adapter tells of a relation.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct CatalogStat {
    pub(crate) value: Option<Value>,
}

/// How a node fared: an entry of `run_results.json`.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct RunResult {
    #[serde(skip_serializing)]
    pub(crate) unique_id: Option<String>,
    pub(crate) status: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
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
    #[serde(skip_serializing)]
    pub(crate) unique_id: Option<String>,
    pub(crate) status: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_loaded_at: Option<String>,
}
