//! What a worker writes down of a run: the cut, each split's end, warnings, cost, and the end.
//!
//! The splits are frozen when they are first recorded, so that whoever resumes the run resumes this very
//! cut. A new attempt at a split voids what the attempt before claimed (how far namespaces were listed, how
//! many assets were seen), not what it wrote.

use super::{
    Claim, Completeness, LeaseQueries as _, PartialPath, RemovalReason, Removals, Run, RunError, RunRow,
    RunStatus,
    row::{self, CostDoc},
};
use crate::{
    Error, Result, RunId, Store,
    db::{bulk_writes, in_tx, on_conn, queries},
    error::stored,
    name::names,
    schema::{connector, run, run_split, run_warning, run_warning_count},
    store::{count, now},
};
use diesel::{dsl::max, prelude::*, upsert::excluded};
use diesel_async::RunQueryDsl;
use headwater_core::{Cost, Discovery, Listing, Path, Split, Warning};
use std::collections::HashMap;

/// How many warnings of one code are kept; the rest is counted.
const KEPT_PER_CODE: i64 = 100;

names! {
    /// How a split stands.
    pub enum SplitState {
        /// Not read yet, or not to its end.
        Pending = "pending",
        /// Read to its end.
        Done = "done",
        /// Given up.
        Failed = "failed",
    }
}

/// A split of a run, as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredSplit {
    /// Its place in the discovery, from 0.
    pub ordinal: i64,
    /// The split.
    pub split: Split,
    /// How its newest attempt ended.
    pub end: SplitEnd,
}

/// What the newest attempt at a split claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SplitEnd {
    /// How the split stands.
    pub state: SplitState,
    /// How far each namespace was listed.
    pub closed: Vec<(Path, Listing)>,
    /// How many distinct assets it saw.
    pub seen: u64,
    /// Why it was given up.
    pub error: Option<RunError>,
}

impl SplitEnd {
    /// A split that is still to be read.
    fn pending() -> Self {
        Self {
            state: SplitState::Pending,
            closed: Vec::new(),
            seen: 0,
            error: None,
        }
    }
}

/// How a run ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Completed, failed or cancelled.
    pub status: RunStatus,
    /// Products that are new.
    pub products_created: u64,
    /// Products that changed.
    pub products_updated: u64,
    /// Products that were seen and are as they were.
    pub products_unchanged: u64,
    /// Products that are gone or no longer in scope.
    pub products_archived: u64,
    /// Whether everything was read; `None` for a run that did not complete.
    pub completeness: Option<Completeness>,
    /// What became of the products found gone.
    pub removals: Removals,
    /// Why they are held.
    pub removal_reason: Option<RemovalReason>,
    /// The containers that were not read in full.
    pub partial: Vec<PartialPath>,
    /// Why it failed.
    pub error: Option<RunError>,
}

impl Outcome {
    /// A run that ends with nothing to tell.
    pub fn new(status: RunStatus) -> Self {
        Self {
            status,
            products_created: 0,
            products_updated: 0,
            products_unchanged: 0,
            products_archived: 0,
            completeness: None,
            removals: Removals::None,
            removal_reason: None,
            partial: Vec::new(),
            error: None,
        }
    }

    /// A run that ends with an error.
    pub fn failed(code: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            error: Some(RunError {
                code: code.into(),
                detail: detail.into(),
            }),
            ..Self::new(RunStatus::Failed)
        }
    }
}

impl Store {
    /// Freezes what discovery found, before any split is read.
    ///
    /// # Errors
    /// [`Error::LeaseLost`].
    pub async fn record_discovery(&self, claim: &Claim, discovery: &Discovery) -> Result<()> {
        in_tx!(self.db(), |c| {
            c.fence(claim).await?;
            c.put_discovery(&claim.id().to_string(), discovery).await
        })
    }

    /// The splits of a run, in order.
    ///
    /// # Errors
    /// The database's.
    pub async fn splits(&self, run: RunId) -> Result<Vec<StoredSplit>> {
        on_conn!(self.db(), |c| c.stored_splits(&run.to_string()).await)
    }

    /// Voids what earlier attempts at a split claimed: a new one begins.
    ///
    /// # Errors
    /// [`Error::LeaseLost`].
    pub async fn begin_split(&self, claim: &Claim, ordinal: i64) -> Result<()> {
        self.end_split(claim, ordinal, &SplitEnd::pending()).await
    }

    /// Records how an attempt at a split ended.
    ///
    /// # Errors
    /// [`Error::LeaseLost`].
    pub async fn end_split(&self, claim: &Claim, ordinal: i64, end: &SplitEnd) -> Result<()> {
        in_tx!(self.db(), |c| {
            c.fence(claim).await?;
            c.put_split_end(&claim.id().to_string(), ordinal, end).await
        })
    }

    /// Adds warnings: all are counted, the first 100 of each code are kept.
    ///
    /// # Errors
    /// [`Error::LeaseLost`].
    pub async fn add_warnings(&self, claim: &Claim, warnings: &[Warning]) -> Result<()> {
        in_tx!(self.db(), |c| {
            c.fence(claim).await?;
            c.put_warnings(&claim.id().to_string(), warnings).await
        })
    }

    /// Adds to what the run cost and to the assets that arrived.
    ///
    /// # Errors
    /// [`Error::LeaseLost`].
    pub async fn add_progress(&self, claim: &Claim, assets: u64, cost: Cost) -> Result<()> {
        in_tx!(self.db(), |c| {
            c.fence(claim).await?;
            c.put_progress(&claim.id().to_string(), assets, cost).await
        })
    }

    /// Ends the run, once and for all.
    ///
    /// # Errors
    /// [`Error::LeaseLost`], also when it has ended before.
    pub async fn finish_run(&self, claim: &Claim, outcome: &Outcome) -> Result<Run> {
        let row = in_tx!(self.db(), |c| {
            c.fence(claim).await?;
            c.put_outcome(claim, outcome).await
        })?;
        row.try_into()
    }
}

#[derive(Debug, Insertable)]
#[diesel(table_name = run_split)]
pub(crate) struct SplitRow {
    run_id: String,
    ordinal: i64,
    split: String,
    state: &'static str,
    closed: &'static str,
    seen: i64,
}

#[derive(Debug, Insertable)]
#[diesel(table_name = run_warning)]
pub(crate) struct WarningRow {
    run_id: String,
    ordinal: i64,
    code: String,
    detail: String,
    path: Option<String>,
}

#[derive(Debug, Insertable)]
#[diesel(table_name = run_warning_count)]
pub(crate) struct WarningCountRow {
    run_id: String,
    code: String,
    total: i64,
}

bulk_writes! {
    /// Writes of many rows of a run.
    pub(crate) trait RunBulk {
        fn insert_splits(rows: Vec<SplitRow>) {
            diesel::insert_into(run_split::table).values(rows)
        }

        fn insert_warnings(rows: Vec<WarningRow>) {
            diesel::insert_into(run_warning::table).values(rows)
        }

        fn upsert_warning_counts(rows: Vec<WarningCountRow>) {
            diesel::insert_into(run_warning_count::table)
                .values(rows)
                .on_conflict((run_warning_count::run_id, run_warning_count::code))
                .do_update()
                .set(run_warning_count::total.eq(excluded(run_warning_count::total)))
        }
    }
}

queries! {
    /// What a worker writes of its run. Each is part of a transaction that began with the fence.
    pub(crate) trait ProgressQueries {
        /// Stores the discovery, and its splits as rows of their own.
        async fn put_discovery(&mut self, run: &str, discovery: &Discovery) -> Result<()> {
            let mut rows = Vec::with_capacity(discovery.splits.len());
            for (split, ordinal) in discovery.splits.iter().zip(0..) {
                rows.push(SplitRow {
                    run_id: run.to_owned(),
                    ordinal,
                    split: row::text(split)?,
                    state: "pending",
                    closed: "[]",
                    seen: 0,
                });
            }
            let without_splits = Discovery {
                splits: Vec::new(),
                ..discovery.clone()
            };
            let (total, text) = (rows.len(), row::text(&without_splits)?);
            self.insert_splits(rows).await?;
            diesel::update(run::table.find(run))
                .set((
                    run::discovery.eq(text),
                    run::splits_total.eq(signed(total as u64)),
                    run::phase.eq("reading"),
                ))
                .execute(self)
                .await?;
            Ok(())
        }

        /// The splits, in order.
        async fn stored_splits(&mut self, run: &str) -> Result<Vec<StoredSplit>> {
            let rows: Vec<StoredSplitRow> = run_split::table
                .filter(run_split::run_id.eq(run))
                .order(run_split::ordinal)
                .select(StoredSplitRow::as_select())
                .load(self)
                .await?;
            rows.into_iter().map(StoredSplit::try_from).collect()
        }

        /// Stores how an attempt at a split stands or ended.
        async fn put_split_end(&mut self, run: &str, ordinal: i64, end: &SplitEnd) -> Result<()> {
            diesel::update(run_split::table.find((run, ordinal)))
                .set((
                    run_split::state.eq(end.state.as_str()),
                    run_split::closed.eq(row::text(&end.closed)?),
                    run_split::seen.eq(signed(end.seen)),
                    run_split::error_code.eq(end.error.as_ref().map(|error| &error.code)),
                    run_split::error_detail.eq(end.error.as_ref().map(|error| &error.detail)),
                ))
                .execute(self)
                .await?;
            let done: i64 = run_split::table
                .filter(run_split::run_id.eq(run))
                .filter(run_split::state.ne("pending"))
                .count()
                .get_result(self)
                .await?;
            diesel::update(run::table.find(run))
                .set(run::splits_done.eq(done))
                .execute(self)
                .await?;
            Ok(())
        }

        /// Stores warnings.
        async fn put_warnings(&mut self, run: &str, warnings: &[Warning]) -> Result<()> {
            if warnings.is_empty() {
                return Ok(());
            }
            let counts: Vec<(String, i64)> = run_warning_count::table
                .filter(run_warning_count::run_id.eq(run))
                .select((run_warning_count::code, run_warning_count::total))
                .load(self)
                .await?;
            let last: Option<i64> = run_warning::table
                .filter(run_warning::run_id.eq(run))
                .select(max(run_warning::ordinal))
                .first(self)
                .await?;
            let (rows, counts) = sift(run, warnings, counts.into_iter().collect(), last.map_or(0, |last| last + 1))?;
            self.insert_warnings(rows).await?;
            self.upsert_warning_counts(counts).await?;
            diesel::update(run::table.find(run))
                .set(run::warnings_count.eq(run::warnings_count + signed(warnings.len() as u64)))
                .execute(self)
                .await?;
            Ok(())
        }

        /// Adds to the live progress and the cost.
        async fn put_progress(&mut self, run: &str, assets: u64, cost: Cost) -> Result<()> {
            let before: String = run::table.find(run).select(run::cost).first(self).await?;
            let mut sum = Cost::from(row::json::<CostDoc>(&before, "run.cost")?);
            sum += cost;
            diesel::update(run::table.find(run))
                .set((
                    run::assets_seen.eq(run::assets_seen + signed(assets)),
                    run::cost.eq(row::text(&CostDoc::from(sum))?),
                ))
                .execute(self)
                .await?;
            Ok(())
        }

        /// Ends the run; its connector remembers the newest completed one.
        async fn put_outcome(&mut self, claim: &Claim, outcome: &Outcome) -> Result<RunRow> {
            if outcome.status == RunStatus::Completed {
                let started_at = claim.run.started_at.as_microsecond();
                diesel::update(connector::table.find(claim.run.connector_id.to_string()))
                    .set(connector::last_sync_at.eq(started_at))
                    .execute(self)
                    .await?;
            }
            diesel::update(run::table.find(claim.id().to_string()))
                .filter(run::status.eq("running"))
                .filter(run::epoch.eq(claim.epoch))
                .set((
                    (
                        run::status.eq(outcome.status.as_str()),
                        run::phase.eq(None::<String>),
                        run::lease_until.eq(None::<i64>),
                        run::completed_at.eq(now()),
                    ),
                    (
                        run::products_created.eq(signed(outcome.products_created)),
                        run::products_updated.eq(signed(outcome.products_updated)),
                        run::products_unchanged.eq(signed(outcome.products_unchanged)),
                        run::products_archived.eq(signed(outcome.products_archived)),
                    ),
                    (
                        run::completeness.eq(outcome.completeness.map(Completeness::as_str)),
                        run::partial.eq(row::text(&outcome.partial)?),
                        run::removals.eq(outcome.removals.as_str()),
                        run::removal_reason.eq(outcome.removal_reason.map(RemovalReason::as_str)),
                        run::error_code.eq(outcome.error.as_ref().map(|error| &error.code)),
                        run::error_detail.eq(outcome.error.as_ref().map(|error| &error.detail)),
                    ),
                ))
                .returning(RunRow::as_returning())
                .get_result(self)
                .await
                .optional()?
                .ok_or(Error::LeaseLost)
        }
    }
}

/// A row of `run_split`.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = run_split)]
pub(crate) struct StoredSplitRow {
    ordinal: i64,
    split: String,
    state: String,
    closed: String,
    seen: i64,
    error_code: Option<String>,
    error_detail: Option<String>,
}

impl TryFrom<StoredSplitRow> for StoredSplit {
    type Error = Error;

    fn try_from(row: StoredSplitRow) -> Result<Self> {
        Ok(Self {
            ordinal: row.ordinal,
            split: row::json(&row.split, "run_split.split")?,
            end: SplitEnd {
                state: stored(&row.state, "run_split.state")?,
                closed: row::json(&row.closed, "run_split.closed")?,
                seen: count(row.seen),
                error: row.error_code.map(|code| RunError {
                    code,
                    detail: row.error_detail.unwrap_or_default(),
                }),
            },
        })
    }
}

/// Which warnings to keep, and the new counts of their codes.
fn sift(
    run: &str,
    warnings: &[Warning],
    mut counts: HashMap<String, i64>,
    mut ordinal: i64,
) -> Result<(Vec<WarningRow>, Vec<WarningCountRow>)> {
    let mut rows = Vec::new();
    for warning in warnings {
        let seen = counts.entry(warning.code.clone()).or_default();
        *seen += 1;
        if *seen > KEPT_PER_CODE {
            continue;
        }
        rows.push(WarningRow {
            run_id: run.to_owned(),
            ordinal,
            code: warning.code.clone(),
            detail: warning.detail.clone(),
            path: warning.path.as_ref().map(row::text).transpose()?,
        });
        ordinal += 1;
    }
    let counts = counts
        .into_iter()
        .map(|(code, total)| WarningCountRow {
            run_id: run.to_owned(),
            code,
            total,
        })
        .collect();
    Ok((rows, counts))
}

/// A count, as it is stored.
fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
