use super::{Page, Time};
use headwater_catalog::{self as catalog, RemovalCandidates, RunRequest};
use headwater_core::{Cost, Path, Warning};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a sync is asked to do. An absent body asks for nothing special.
#[derive(Debug, Default, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SyncRequest {
    /// Reads everything, whatever is known already.
    full_refresh: bool,
    /// Accepts that the settings now lead to another source than at the first sync.
    accept_source: bool,
}

impl From<SyncRequest> for RunRequest {
    fn from(request: SyncRequest) -> Self {
        Self {
            full_refresh: request.full_refresh,
            accept_source: request.accept_source,
        }
    }
}

/// A sync that was accepted.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StartedSync {
    /// The job's id.
    job_id: String,
    /// The job's id.
    id: String,
    /// `running`.
    #[schema(example = "running")]
    status: &'static str,
    /// What it is at: `queued`, `discovering`, `reading` or `finishing`.
    #[schema(required, example = "queued")]
    phase: Option<&'static str>,
    /// The connector that is synced.
    connector_id: String,
    /// When it was asked for.
    started_at: Time,
}

impl From<catalog::Run> for StartedSync {
    fn from(run: catalog::Run) -> Self {
        Self {
            job_id: run.id.to_string(),
            id: run.id.to_string(),
            status: run.status.as_str(),
            phase: run.phase.map(catalog::Phase::as_str),
            connector_id: run.connector_id.to_string(),
            started_at: Time(run.started_at),
        }
    }
}

/// A sync as the history shows it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SyncJob {
    /// Its id.
    id: String,
    /// Its connector, which may be deleted.
    connector_id: String,
    /// The connector's name at the start.
    connector_name: String,
    /// `running`, `completed`, `failed` or `cancelled`.
    #[schema(example = "completed")]
    status: &'static str,
    /// Products that are new.
    products_created: u64,
    /// Products that changed.
    products_updated: u64,
    /// Products that were seen and are as they were.
    products_unchanged: u64,
    /// Products that are gone or no longer in scope.
    products_archived: u64,
    /// `complete` or `partial`; null until it has ended.
    #[schema(required, example = "complete")]
    completeness: Option<&'static str>,
    /// What became of the products found gone: `none`, `applied`, `held`, `discarded` or `superseded`.
    #[schema(example = "none")]
    removals: &'static str,
    /// What made it start: `api`, `schedule` or `upload`.
    #[schema(example = "api")]
    trigger: &'static str,
    /// How many warnings there were.
    warnings_count: u64,
    /// Why it failed.
    #[schema(required)]
    error: Option<SyncError>,
    /// When it was asked for.
    started_at: Time,
    /// When it ended.
    #[schema(required)]
    completed_at: Option<Time>,
}

impl From<&catalog::Run> for SyncJob {
    fn from(run: &catalog::Run) -> Self {
        Self {
            id: run.id.to_string(),
            connector_id: run.connector_id.to_string(),
            connector_name: run.connector_name.clone(),
            status: run.status.as_str(),
            products_created: run.products_created,
            products_updated: run.products_updated,
            products_unchanged: run.products_unchanged,
            products_archived: run.products_archived,
            completeness: run.completeness.map(catalog::Completeness::as_str),
            removals: run.removals.as_str(),
            trigger: run.trigger.as_str(),
            warnings_count: run.warnings_count,
            error: run.error.clone().map(SyncError::from),
            started_at: Time(run.started_at),
            completed_at: run.completed_at.map(Time),
        }
    }
}

impl From<catalog::Run> for SyncJob {
    fn from(run: catalog::Run) -> Self {
        Self::from(&run)
    }
}

/// Why a sync failed.
#[derive(Debug, Serialize, ToSchema)]
struct SyncError {
    /// Stable name.
    #[schema(example = "unauthenticated")]
    code: String,
    /// For people.
    detail: String,
}

impl From<catalog::RunError> for SyncError {
    fn from(error: catalog::RunError) -> Self {
        Self {
            code: error.code,
            detail: error.detail,
        }
    }
}

/// A sync with all that is known of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SyncJobDetail {
    #[serde(flatten)]
    job: SyncJob,
    /// Its id.
    job_id: String,
    /// What it is at: `queued`, `discovering`, `reading` or `finishing`; null when it has ended.
    #[schema(required, example = "reading")]
    phase: Option<&'static str>,
    /// How far it is; approximate.
    progress: Progress,
    /// The containers that were not read in full.
    partial: Vec<PartialPath>,
    /// The products that would be removed, where removals were held.
    #[schema(required)]
    removal_candidates: Option<Candidates>,
    /// What it cost at the source.
    cost: CostAnswer,
    /// What a person should know; the first 100 of each code are kept.
    warnings: Page<WarningItem>,
}

impl SyncJobDetail {
    pub(crate) fn new(
        run: catalog::Run,
        candidates: Option<RemovalCandidates>,
        warnings: catalog::Page<Warning>,
    ) -> Self {
        Self {
            job: SyncJob::from(&run),
            job_id: run.id.to_string(),
            phase: run.phase.map(catalog::Phase::as_str),
            progress: run.progress.into(),
            partial: run.partial.into_iter().map(PartialPath::from).collect(),
            removal_candidates: candidates.map(Candidates::from),
            cost: run.cost.into(),
            warnings: warnings.into(),
        }
    }
}

/// How far a sync is.
#[derive(Debug, Serialize, ToSchema)]
struct Progress {
    /// Units of work; 0 until they are known.
    splits_total: u64,
    /// How many of them have ended.
    splits_done: u64,
    /// How many tables and the like have arrived.
    assets_seen: u64,
}

impl From<catalog::Progress> for Progress {
    fn from(progress: catalog::Progress) -> Self {
        Self {
            splits_total: progress.splits_total,
            splits_done: progress.splits_done,
            assets_seen: progress.assets_seen,
        }
    }
}

/// A container that was not read in full.
#[derive(Debug, Serialize, ToSchema)]
struct PartialPath {
    /// The container.
    #[schema(value_type = Vec<String>)]
    path: Path,
    /// Stable name.
    #[schema(example = "permission_denied")]
    code: String,
    /// For people.
    detail: String,
}

impl From<catalog::PartialPath> for PartialPath {
    fn from(partial: catalog::PartialPath) -> Self {
        Self {
            path: partial.path,
            code: partial.code,
            detail: partial.detail,
        }
    }
}

/// Removals that were held back.
#[derive(Debug, Serialize, ToSchema)]
struct Candidates {
    /// Why: `limit`, `visibility` or `namespace_vanished`.
    #[schema(example = "limit")]
    reason: &'static str,
    /// How many there are.
    total: u64,
    /// The first of them.
    items: Vec<Candidate>,
}

/// A product that would be removed.
#[derive(Debug, Serialize, ToSchema)]
struct Candidate {
    /// The product.
    product_id: String,
    /// Its path.
    #[schema(value_type = Vec<String>)]
    path: Path,
}

impl From<RemovalCandidates> for Candidates {
    fn from(candidates: RemovalCandidates) -> Self {
        let items = candidates.items.into_iter().map(|(product, path)| Candidate {
            product_id: product.to_string(),
            path,
        });
        Self {
            reason: candidates.reason.as_str(),
            total: candidates.total,
            items: items.collect(),
        }
    }
}

/// What a sync cost at the source.
#[derive(Debug, Serialize, ToSchema)]
struct CostAnswer {
    /// Requests sent.
    requests: u64,
    /// Statements run.
    statements: u64,
    /// Bytes that the source bills.
    bytes_billed: u64,
    /// Seconds that the source worked.
    source_seconds: f64,
}

impl From<Cost> for CostAnswer {
    fn from(cost: Cost) -> Self {
        Self {
            requests: cost.requests,
            statements: cost.statements,
            bytes_billed: cost.bytes_billed,
            source_seconds: cost.source_seconds,
        }
    }
}

/// Something that went wrong or was left out.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WarningItem {
    /// Stable name.
    #[schema(example = "definition_unread")]
    code: String,
    /// For people.
    detail: String,
    /// What it is about.
    #[schema(required, value_type = Option<Vec<String>>)]
    path: Option<Path>,
}

impl From<Warning> for WarningItem {
    fn from(warning: Warning) -> Self {
        Self {
            code: warning.code,
            detail: warning.detail,
            path: warning.path,
        }
    }
}

/// What becomes of held removals.
#[derive(Debug, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Decision {
    /// `apply`: the products are gone. `discard`: they stay.
    pub(crate) action: Action,
}

/// `apply` or `discard`.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Action {
    /// The products are gone.
    Apply,
    /// They stay.
    Discard,
}

impl From<Decision> for catalog::Decision {
    fn from(decision: Decision) -> Self {
        match decision.action {
            Action::Apply => Self::Apply,
            Action::Discard => Self::Discard,
        }
    }
}
