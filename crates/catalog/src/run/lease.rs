//! Leases and epochs: how nodes share runs without ever sharing one.
//!
//! A node claims a run by a guarded UPDATE that raises the run's epoch and sets the end of its lease, by the
//! *database's* clock: nodes need not agree on the time. It renews the lease while it works. When it dies
//! the lease ends, and another node claims the run with the next epoch. Each transaction of a worker begins
//! with [`LeaseQueries::fence`], so that a node which merely stalled can write nothing once it was replaced.
//! The same fence makes a clock that jumps harmless: at worst a run changes hands that need not have.

use super::{Phase, Run, RunRequest, RunRow, progress::ProgressQueries as _, row};
use crate::{
    Connector, Error, Result, RunId, Store,
    connector::ConnectorQueries as _,
    db::{Engine, in_tx, on_conn, queries},
    schema::run,
    store::now,
};
use diesel::{
    dsl::{exists, sql},
    prelude::*,
    sql_types::{BigInt, Bool, Nullable, Text},
};
use diesel_async::RunQueryDsl;
use headwater_core::Discovery;
use std::time::Duration;

/// A run in the hands of this node.
#[derive(Debug, Clone)]
pub struct Claim {
    /// The run as it was when it was claimed.
    pub run: Run,
    /// The number that every write for this run repeats.
    pub epoch: i64,
    /// What was asked for.
    pub request: RunRequest,
    /// What an earlier claim found: its splits are to be resumed.
    pub discovery: Option<Discovery>,
    /// The run's connector.
    pub connector: Connector,
    /// How long a lease lasts without a heartbeat.
    pub lease: Duration,
}

impl Claim {
    /// The run.
    pub fn id(&self) -> RunId {
        self.run.id
    }
}

/// What a heartbeat learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heartbeat {
    /// Whether someone asked the run to stop.
    pub cancel_requested: bool,
}

impl Store {
    /// Takes the run that has waited longest, or one whose node has gone silent; `None` when there is none. One
    /// whose row another transaction holds at the moment is passed over on PostgreSQL.
    ///
    /// # Errors
    /// The database's.
    pub async fn claim_run(&self, node: &str, lease: Duration) -> Result<Option<Claim>> {
        in_tx!(self.db(), |c| {
            match c.take(node, micros(lease)).await? {
                Some(row) => c.claim_of(row, lease).await.map(Some),
                None => Ok(None),
            }
        })
    }

    /// Whether a claim that found nothing passed over a run.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn has_passed_over_run(&self) -> Result<bool> {
        on_conn!(self.db(), |c| c.is_any_passed_over().await)
    }

    /// Renews the lease.
    ///
    /// # Errors
    /// [`Error::LeaseLost`]: stop at once.
    pub async fn heartbeat(&self, claim: &Claim) -> Result<Heartbeat> {
        in_tx!(self.db(), |c| c.renew(claim).await)
    }

    /// Hands a run back that has not ended, so that the next free worker resumes it.
    ///
    /// # Errors
    /// [`Error::LeaseLost`].
    pub async fn release(&self, claim: &Claim) -> Result<()> {
        in_tx!(self.db(), |c| c.hand_back(claim).await)
    }

    /// Says what the run is at.
    ///
    /// # Errors
    /// [`Error::LeaseLost`].
    pub async fn set_phase(&self, claim: &Claim, phase: Phase) -> Result<()> {
        in_tx!(self.db(), |c| {
            c.fence(claim).await?;
            diesel::update(run::table.find(claim.id().to_string()))
                .set(run::phase.eq(phase.as_str()))
                .execute(c)
                .await?;
            Ok(())
        })
    }
}

/// The longest lease. One that ends later was written while the clock was ahead, and holds nothing.
const LONGEST: i64 = 600_000_000;

fn micros(lease: Duration) -> i64 {
    i64::try_from(lease.as_micros()).map_or(LONGEST, |micros| micros.min(LONGEST))
}

/// The condition of a run that nobody works on, by the database's clock.
fn is_free(now: &str) -> String {
    format!("(lease_until IS NULL OR lease_until < {now} OR lease_until > {now} + {LONGEST})")
}

queries! {
    /// Writes that decide who works on a run.
    pub(crate) trait LeaseQueries {
        /// Claims one run. The outer condition repeats the inner one: on PostgreSQL the row may have been
        /// claimed between the sub-query and the update.
        async fn take(&mut self, node: &str, lease: i64) -> Result<Option<RunRow>> {
            let (now, free) = (<Self as Engine>::NOW, is_free(<Self as Engine>::NOW));
            let longest_waiting = format!(
                "(SELECT id FROM run WHERE status = 'running' AND {free} ORDER BY started_at, id LIMIT 1 {})",
                <Self as Engine>::SKIP_LOCKED
            );
            Ok(diesel::update(run::table)
                .filter(run::id.eq(sql::<Text>(&longest_waiting)))
                .filter(run::status.eq("running"))
                .filter(sql::<Bool>(&free))
                .set((
                    run::epoch.eq(run::epoch + 1),
                    run::node.eq(node),
                    run::lease_until.eq(sql::<Nullable<BigInt>>(&format!("{now} + {lease}"))),
                ))
                .returning(RunRow::as_returning())
                .get_result(self)
                .await
                .optional()?)
        }

        /// Whether there is a run that [`take`](Self::take) passes over while another transaction holds it.
        async fn is_any_passed_over(&mut self) -> Result<bool> {
            if <Self as Engine>::SKIP_LOCKED.is_empty() {
                return Ok(false);
            }
            let free = run::table
                .filter(run::status.eq("running"))
                .filter(sql::<Bool>(&is_free(<Self as Engine>::NOW)));
            Ok(diesel::select(exists(free)).get_result(self).await?)
        }

        /// Claims a run that was made in the same transaction.
        async fn hold(&mut self, run: &str, node: &str, lease: Duration) -> Result<RunRow> {
            let until = format!("{} + {}", <Self as Engine>::NOW, micros(lease));
            Ok(diesel::update(run::table.find(run))
                .set((
                    run::epoch.eq(run::epoch + 1),
                    run::node.eq(node),
                    run::lease_until.eq(sql::<Nullable<BigInt>>(&until)),
                ))
                .returning(RunRow::as_returning())
                .get_result(self)
                .await?)
        }

        /// A claimed run, with what an earlier claim found.
        async fn claim_of(&mut self, row: RunRow, lease: Duration) -> Result<Claim> {
            let connector = self.connector(&row.space_id, &row.connector_id).await?;
            let discovery = match &row.discovery {
                Some(text) => {
                    let mut discovery: Discovery = row::json(text, "run.discovery")?;
                    let splits = self.stored_splits(&row.id).await?;
                    discovery.splits = splits.into_iter().map(|stored| stored.split).collect();
                    Some(discovery)
                }
                None => None,
            };
            Ok(Claim {
                epoch: row.epoch,
                request: row.request()?,
                run: row.try_into()?,
                discovery,
                connector,
                lease,
            })
        }

        /// Renews the lease of a claim.
        async fn renew(&mut self, claim: &Claim) -> Result<Heartbeat> {
            let until = format!("{} + {}", <Self as Engine>::NOW, micros(claim.lease));
            let cancel_requested: Option<bool> = diesel::update(run::table.find(claim.id().to_string()))
                .filter(run::status.eq("running"))
                .filter(run::epoch.eq(claim.epoch))
                .set(run::lease_until.eq(sql::<Nullable<BigInt>>(&until)))
                .returning(run::cancel_requested)
                .get_result(self)
                .await
                .optional()?;
            let cancel_requested = cancel_requested.ok_or(Error::LeaseLost)?;
            Ok(Heartbeat { cancel_requested })
        }

        /// Gives a claim up. The epoch moves on, so that what the worker left behind writes nothing more.
        async fn hand_back(&mut self, claim: &Claim) -> Result<()> {
            let released = diesel::update(run::table.find(claim.id().to_string()))
                .filter(run::status.eq("running"))
                .filter(run::epoch.eq(claim.epoch))
                .set((
                    run::epoch.eq(run::epoch + 1),
                    run::phase.eq("queued"),
                    run::node.eq(None::<String>),
                    run::lease_until.eq(None::<i64>),
                ))
                .execute(self)
                .await?;
            if released == 0 {
                return Err(Error::LeaseLost);
            }
            Ok(self.wake_all().await?)
        }

        /// The first statement of every transaction that writes for a run: holds the run's row, and fails
        /// when the claim is no longer the newest or the run has ended.
        async fn fence(&mut self, claim: &Claim) -> Result<()> {
            let held = diesel::update(run::table.find(claim.id().to_string()))
                .filter(run::status.eq("running"))
                .filter(run::epoch.eq(claim.epoch))
                .set(run::epoch.eq(claim.epoch))
                .execute(self)
                .await?;
            if held == 1 { Ok(()) } else { Err(Error::LeaseLost) }
        }

        /// Ends a run as cancelled when nobody works on it.
        async fn cancel_unclaimed(&mut self, run: &str) -> Result<()> {
            diesel::update(run::table.find(run))
                .filter(run::status.eq("running"))
                .filter(sql::<Bool>(&is_free(<Self as Engine>::NOW)))
                .set((
                    run::status.eq("cancelled"),
                    run::phase.eq(None::<String>),
                    run::epoch.eq(run::epoch + 1),
                    run::completed_at.eq(now()),
                ))
                .execute(self)
                .await?;
            Ok(())
        }
    }
}
