//! Runs: one attempt to bring a connector's products up to date; in the API, a sync job.
//!
//! A run is asked for ([`Store::start_run`]), waits, is claimed by a node with a lease and an epoch
//! ([`Store::claim_run`]), and ends once. A connector has at most one run that has not ended: a partial
//! unique index sees to it.

mod history;
mod lease;
mod progress;
mod row;
mod start;

pub use history::RunFilter;
pub use lease::{Claim, Heartbeat};
pub use progress::{Outcome, SplitEnd, SplitState, StoredSplit};
pub(crate) use {
    history::HistoryQueries, lease::LeaseQueries, progress::ProgressQueries, row::RunRow, start::RunQueries,
};

use crate::{ConnectorId, RunId, SpaceId, name::names};
use headwater_core::{Cost, Path};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

names! {
    /// How a run stands.
    pub enum RunStatus {
        /// Waiting for a free worker, or being worked on.
        Running = "running",
        /// Ended well; perhaps not complete.
        Completed = "completed",
        /// Ended by an error.
        Failed = "failed",
        /// Ended by someone.
        Cancelled = "cancelled",
    }
}

names! {
    /// What a run that has not ended is at.
    pub enum Phase {
        /// Waiting for a free worker.
        Queued = "queued",
        /// Listing containers.
        Discovering = "discovering",
        /// Reading splits.
        Reading = "reading",
        /// Deciding on removals and counting.
        Finishing = "finishing",
    }
}

names! {
    /// What made a run start.
    pub enum Trigger {
        /// A call of the API.
        Api = "api",
        /// A schedule.
        Schedule = "schedule",
        /// An upload.
        Upload = "upload",
    }
}

names! {
    /// Whether a run read everything in scope.
    pub enum Completeness {
        /// Everything that the principal may see.
        Complete = "complete",
        /// Something was refused or broke off; see [`Run::partial`].
        Partial = "partial",
    }
}

names! {
    /// What became of the products that a run found gone.
    pub enum Removals {
        /// There were none.
        None = "none",
        /// They are stale now.
        Applied = "applied",
        /// They wait for a decision.
        Held = "held",
        /// Someone decided that they stay.
        Discarded = "discarded",
        /// A newer run came before a decision.
        Superseded = "superseded",
    }
}

names! {
    /// Why removals are held.
    pub enum RemovalReason {
        /// Too many at once.
        Limit = "limit",
        /// What the principal gets to see has changed.
        Visibility = "visibility",
        /// A whole namespace went, in a source that shows only what was granted.
        NamespaceVanished = "namespace_vanished",
    }
}

/// A run.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// The space of its connector.
    pub space_id: SpaceId,
    /// Its connector, which may be deleted.
    pub connector_id: ConnectorId,
    /// The connector's name at the start.
    pub connector_name: String,
    /// How it stands.
    pub status: RunStatus,
    /// What it is at; `None` when it has ended.
    pub phase: Option<Phase>,
    /// What made it start.
    pub trigger: Trigger,
    /// Products that are new.
    pub products_created: u64,
    /// Products that changed.
    pub products_updated: u64,
    /// Products that were seen and are as they were.
    pub products_unchanged: u64,
    /// Products that are gone or no longer in scope.
    pub products_archived: u64,
    /// Whether everything was read; `None` until it has ended.
    pub completeness: Option<Completeness>,
    /// What became of the products found gone.
    pub removals: Removals,
    /// Why they are held.
    pub removal_reason: Option<RemovalReason>,
    /// The containers that were not read in full.
    pub partial: Vec<PartialPath>,
    /// How far it is: for people, approximate.
    pub progress: Progress,
    /// What it cost at the source.
    pub cost: Cost,
    /// How many warnings there were.
    pub warnings_count: u64,
    /// Why it failed.
    pub error: Option<RunError>,
    /// Whether someone asked it to stop.
    pub cancel_requested: bool,
    /// When it was asked for.
    pub started_at: Timestamp,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
}

/// A container that was not read in full.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartialPath {
    /// The container.
    pub path: Path,
    /// Stable: `permission_denied`.
    pub code: String,
    /// For people.
    pub detail: String,
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// How many splits there are; 0 until discovery has ended.
    pub splits_total: u64,
    /// How many of them have ended.
    pub splits_done: u64,
    /// How many assets have arrived.
    pub assets_seen: u64,
}

/// Why a run failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunError {
    /// Stable: `unauthenticated`.
    pub code: String,
    /// For people.
    pub detail: String,
}

/// What was asked of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RunRequest {
    /// Reads everything, whatever the stored versions say.
    pub full_refresh: bool,
    /// Accepts that the settings now lead to another source.
    pub accept_source: bool,
}
