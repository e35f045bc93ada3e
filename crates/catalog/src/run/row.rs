//! The row of a run.

use super::{PartialPath, Progress, Run, RunError, RunRequest, Trigger};
use crate::{
    ConnectorId, Error, Result, RunId,
    error::stored,
    id,
    schema::run,
    store::{count, time},
};
use diesel::prelude::*;
use headwater_core::Cost;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// A row of `run`.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = run)]
pub(crate) struct RunRow {
    pub(crate) id: String,
    pub(crate) space_id: String,
    pub(crate) connector_id: String,
    connector_name: String,
    status: String,
    phase: Option<String>,
    trigger_kind: String,
    request: String,
    pub(crate) epoch: i64,
    node: Option<String>,
    lease_until: Option<i64>,
    cancel_requested: bool,
    pub(super) discovery: Option<String>,
    splits_total: i64,
    splits_done: i64,
    assets_seen: i64,
    products_created: i64,
    products_updated: i64,
    products_unchanged: i64,
    products_archived: i64,
    completeness: Option<String>,
    partial: String,
    removals: String,
    removal_reason: Option<String>,
    cost: String,
    warnings_count: i64,
    error_code: Option<String>,
    error_detail: Option<String>,
    pub(super) started_at: i64,
    completed_at: Option<i64>,
}

impl RunRow {
    /// A run that waits for a worker.
    pub(super) fn queued(
        id: RunId,
        (space_id, connector_id, connector_name): (String, ConnectorId, String),
        request: &str,
        trigger: Trigger,
        started_at: i64,
    ) -> Self {
        Self {
            id: id.to_string(),
            space_id,
            connector_id: connector_id.to_string(),
            connector_name,
            status: "running".to_owned(),
            phase: Some("queued".to_owned()),
            trigger_kind: trigger.to_string(),
            request: request.to_owned(),
            epoch: 0,
            node: None,
            lease_until: None,
            cancel_requested: false,
            discovery: None,
            splits_total: 0,
            splits_done: 0,
            assets_seen: 0,
            products_created: 0,
            products_updated: 0,
            products_unchanged: 0,
            products_archived: 0,
            completeness: None,
            partial: "[]".to_owned(),
            removals: "none".to_owned(),
            removal_reason: None,
            cost: "{}".to_owned(),
            warnings_count: 0,
            error_code: None,
            error_detail: None,
            started_at,
            completed_at: None,
        }
    }

    /// What was asked of the run.
    pub(super) fn request(&self) -> Result<RunRequest> {
        json(&self.request, "run.request")
    }
}

impl TryFrom<RunRow> for Run {
    type Error = Error;

    fn try_from(row: RunRow) -> Result<Self> {
        let cost: CostDoc = json(&row.cost, "run.cost")?;
        Ok(Self {
            id: id::stored(&row.id, "run.id")?,
            space_id: id::stored(&row.space_id, "run.space_id")?,
            connector_id: id::stored(&row.connector_id, "run.connector_id")?,
            connector_name: row.connector_name,
            status: stored(&row.status, "run.status")?,
            phase: row.phase.map(|name| stored(&name, "run.phase")).transpose()?,
            trigger: stored(&row.trigger_kind, "run.trigger_kind")?,
            products_created: count(row.products_created),
            products_updated: count(row.products_updated),
            products_unchanged: count(row.products_unchanged),
            products_archived: count(row.products_archived),
            completeness: row
                .completeness
                .map(|name| stored(&name, "run.completeness"))
                .transpose()?,
            removals: stored(&row.removals, "run.removals")?,
            removal_reason: row
                .removal_reason
                .map(|name| stored(&name, "run.removal_reason"))
                .transpose()?,
            partial: json::<Vec<PartialPath>>(&row.partial, "run.partial")?,
            progress: Progress {
                splits_total: count(row.splits_total),
                splits_done: count(row.splits_done),
                assets_seen: count(row.assets_seen),
            },
            cost: cost.into(),
            warnings_count: count(row.warnings_count),
            error: row.error_code.map(|code| RunError {
                code,
                detail: row.error_detail.unwrap_or_default(),
            }),
            cancel_requested: row.cancel_requested,
            started_at: time(row.started_at),
            completed_at: row.completed_at.map(time),
        })
    }
}

/// Reads a stored JSON text.
pub(super) fn json<T: DeserializeOwned>(text: &str, column: &'static str) -> Result<T> {
    serde_json::from_str(text).map_err(|_quotes_values| Error::corrupt(column))
}

/// Makes the JSON text to store.
pub(super) fn text(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(Error::store)
}

/// [`Cost`] as it is stored.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct CostDoc {
    requests: u64,
    statements: u64,
    bytes_billed: u64,
    source_seconds: f64,
}

impl From<CostDoc> for Cost {
    fn from(doc: CostDoc) -> Self {
        Self {
            requests: doc.requests,
            statements: doc.statements,
            bytes_billed: doc.bytes_billed,
            source_seconds: doc.source_seconds,
        }
    }
}

impl From<Cost> for CostDoc {
    fn from(cost: Cost) -> Self {
        Self {
            requests: cost.requests,
            statements: cost.statements,
            bytes_billed: cost.bytes_billed,
            source_seconds: cost.source_seconds,
        }
    }
}
