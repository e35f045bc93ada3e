//! How a run begins, and how it is called off.

use super::{Claim, HistoryQueries as _, LeaseQueries as _, Run, RunRequest, RunRow, Trigger, row};
use crate::{
    Actor, ConnectorId, Error, Result, RunId, SpaceId, Store,
    audit::{AuditQueries as _, AuditRow},
    connector::ConnectorQueries as _,
    db::{Engine as _, in_tx, on_conn, queries},
    id,
    schema::run,
    store::{now, time},
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use std::time::Duration;

impl Store {
    /// Asks for a run. It waits until a worker claims it.
    ///
    /// # Errors
    /// [`Error::SyncInProgress`] naming the run that has not ended, [`Error::ConnectorInactive`],
    /// [`Error::NotFound`].
    pub async fn start_run(
        &self,
        space: SpaceId,
        connector: ConnectorId,
        request: RunRequest,
        trigger: Trigger,
        actor: &Actor,
    ) -> Result<Run> {
        let new = NewRun {
            id: RunId::new(),
            space,
            connector,
            request: row::text(&request)?,
            trigger,
        };
        let row = in_tx!(self.db(), |c| {
            let row = c.insert_run(&new, actor).await?;
            c.wake_all().await?;
            Ok(row)
        })?;
        row.try_into()
    }

    /// Asks for a run of files that this node alone has: it is this node's from the start, and any other that
    /// finds its lease ended cannot go on with it.
    ///
    /// # Errors
    /// As [`start_run`](Self::start_run).
    pub(crate) async fn start_upload(
        &self,
        run: RunId,
        (space, connector): (SpaceId, ConnectorId),
        request: RunRequest,
        (node, lease): (&str, Duration),
        actor: &Actor,
    ) -> Result<Claim> {
        let new = NewRun {
            id: run,
            space,
            connector,
            request: row::text(&request)?,
            trigger: Trigger::Upload,
        };
        in_tx!(self.db(), |c| {
            let row = c.insert_run(&new, actor).await?;
            let row = c.hold(&row.id, node, lease).await?;
            c.claim_of(row, lease).await
        })
    }

    /// Whether a run of the connector could begin now.
    ///
    /// # Errors
    /// As [`start_run`](Self::start_run).
    pub async fn check_free(&self, space: SpaceId, connector: ConnectorId) -> Result<()> {
        let (space, id) = (space.to_string(), connector.to_string());
        on_conn!(self.db(), |c| {
            let connector = c.connector(&space, &id).await?;
            match c.active_run(&id).await? {
                Some(active) => Err(active),
                None if !connector.is_active => Err(Error::ConnectorInactive),
                None => Ok(()),
            }
        })
    }

    /// Whether a run of any space has ended; `None` for one that is not known here.
    pub(crate) async fn has_ended(&self, run: RunId) -> Result<Option<bool>> {
        let id = run.to_string();
        let status: Option<String> = on_conn!(self.db(), |c| {
            let status = run::table.find(&id).select(run::status);
            Ok(status.first(c).await.optional()?)
        })?;
        Ok(status.map(|status| status != "running"))
    }

    /// Calls a run off. One that nobody works on ends at once, one that has ended stays as it is; any
    /// other is told to stop and ends when its worker has stopped.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn cancel_run(&self, space: SpaceId, run: RunId, actor: &Actor) -> Result<Run> {
        let (space_id, id) = (space.to_string(), run.to_string());
        let row = in_tx!(self.db(), |c| {
            let before = c.run_of_space(&space_id, &id).await?;
            let asked = diesel::update(run::table.find(&id))
                .filter(run::status.eq("running"))
                .filter(run::cancel_requested.eq(false))
                .set(run::cancel_requested.eq(true))
                .execute(c)
                .await?;
            if asked == 0 {
                return Ok(before);
            }
            c.record(AuditRow::new(
                Some(space),
                actor,
                "sync.cancel",
                ("sync_job", run),
            ))
            .await?;
            c.cancel_unclaimed(&id).await?;
            c.wake_all().await?;
            c.run_of_space(&space_id, &id).await
        })?;
        row.try_into()
    }
}

/// A run to be made.
struct NewRun {
    id: RunId,
    space: SpaceId,
    connector: ConnectorId,
    request: String,
    trigger: Trigger,
}

queries! {
    /// How runs are made.
    trait StartQueries {
        /// Makes a run that nobody has claimed.
        async fn insert_run(&mut self, new: &NewRun, actor: &Actor) -> Result<RunRow> {
            let (space, connector) = (new.space.to_string(), new.connector.to_string());
            let of = self.lock_connector(&space, &connector).await?;
            if let Some(active) = self.active_run(&connector).await? {
                return Err(active);
            }
            if !of.is_active {
                return Err(Error::ConnectorInactive);
            }
            let of = (space, new.connector, of.name);
            let row = RunRow::queued(new.id, of, &new.request, new.trigger, now());
            diesel::insert_into(run::table).values(&row).execute(self).await?;
            let started = AuditRow::new(Some(new.space), actor, "sync.start", ("sync_job", &row.id));
            self.record(started).await?;
            Ok(row)
        }
    }
}

queries! {
    /// Queries on runs that have not ended.
    pub(crate) trait RunQueries {
        /// The refusal to start another run, where the connector has one that has not ended.
        async fn active_run(&mut self, connector: &str) -> Result<Option<Error>> {
            let active: Option<(String, i64)> = run::table
                .filter(run::connector_id.eq(connector))
                .filter(run::status.eq("running"))
                .select((run::id, run::started_at))
                .first(self)
                .await
                .optional()?;
            active
                .map(|(run, started_at)| {
                    Ok(Error::SyncInProgress {
                        run: id::stored(&run, "run.id")?,
                        started_at: time(started_at),
                    })
                })
                .transpose()
        }

        /// Ends the connector's run as cancelled, whoever works on it: the epoch moves on, so that the
        /// worker can write nothing more.
        async fn cancel_active(&mut self, connector: &str) -> Result<()> {
            diesel::update(run::table)
                .filter(run::connector_id.eq(connector))
                .filter(run::status.eq("running"))
                .set((
                    run::status.eq("cancelled"),
                    run::phase.eq(None::<String>),
                    run::cancel_requested.eq(true),
                    run::epoch.eq(run::epoch + 1),
                    run::lease_until.eq(None::<i64>),
                    run::completed_at.eq(now()),
                ))
                .execute(self)
                .await?;
            Ok(())
        }
    }
}
