//! What is read of the API's answers.

use serde::{Deserialize, de::IgnoredAny};
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Debug, Deserialize)]
pub(super) struct Started {
    pub(super) job_id: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
}

/// Anything that has an id, of which no more is read.
#[derive(Debug, Deserialize)]
pub(super) struct Listed {
    pub(super) id: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Job {
    pub(super) job_id: String,
    pub(super) status: String,
    pub(super) phase: Option<String>,
    pub(super) progress: Progress,
    pub(super) products_created: u64,
    pub(super) products_updated: u64,
    pub(super) products_archived: u64,
    pub(super) products_unchanged: u64,
    pub(super) error: Option<JobError>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Progress {
    pub(super) assets_seen: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct JobError {
    pub(super) detail: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Product {
    pub(super) id: String,
    pub(super) product_type: String,
    pub(super) path: Vec<String>,
    pub(super) description: Option<String>,
    pub(super) owners: Option<Vec<String>>,
    pub(super) fields: Option<Vec<IgnoredAny>>,
    pub(super) stats: Option<Stats>,
    pub(super) lineage: Lineage,
    pub(super) schema_changes: Vec<SchemaChange>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Stats {
    #[serde(default)]
    pub(super) properties: Measured,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Measured {
    #[serde(default)]
    pub(super) test_results: BTreeMap<String, TestResult>,
}

#[derive(Debug, Deserialize)]
pub(super) struct TestResult {
    pub(super) status: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Lineage {
    pub(super) downstream: Vec<End>,
}

#[derive(Debug, Deserialize)]
pub(super) struct SchemaChange {
    pub(super) job_id: String,
    pub(super) changes: Vec<Change>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Change {
    pub(super) op: String,
    pub(super) part: String,
    pub(super) path: Vec<String>,
    pub(super) attribute: Option<String>,
    pub(super) before: Value,
    pub(super) after: Value,
}

#[derive(Debug, Deserialize)]
pub(super) struct Graph {
    pub(super) edges: Vec<Arc>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Arc {
    pub(super) upstream: End,
    pub(super) downstream: End,
}

/// An end of an edge. Other ends than those of dbt are tables of the warehouse.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub(super) struct End {
    pub(super) family: String,
    pub(super) path: Vec<String>,
}
