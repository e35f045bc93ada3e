//! How a run begins, and how it is called off.

use super::{HistoryQueries as _, LeaseQueries as _, Run, RunRequest, RunRow, Trigger, row};
use crate::{
    Actor, ConnectorId, Error, Result, RunId, SpaceId, Store,
    audit::{AuditQueries as _, AuditRow},
    connector::ConnectorQueries as _,
    db::{Engine as _, in_tx, queries},
    id,
    schema::run,
    store::{now, time},
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

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
        let (space_id, connector_id) = (space.to_string(), connector.to_string());
        let request = row::text(&request)?;
        let row = in_tx!(self.db(), |c| {
            let of = c.lock_connector(&space_id, &connector_id).await?;
            if let Some(active) = c.active_run(&connector_id).await? {
                return Err(active);
            }
            if !of.is_active {
                return Err(Error::ConnectorInactive);
            }
            let row = RunRow::queued((space_id.clone(), connector, of.name), &request, trigger, now());
            diesel::insert_into(run::table).values(&row).execute(c).await?;
            c.wake_all().await?;
            c.record(AuditRow::new(
                Some(space),
                actor,
                "sync.start",
                ("sync_job", &row.id),
            ))
            .await?;
            Ok(row)
        })?;
        row.try_into()
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
