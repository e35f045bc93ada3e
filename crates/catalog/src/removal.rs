//! Removals: what a run found gone, and who decides on it.
//!
//! A source that has lost a grant answers with a shorter list and no error. So removals that look like lost
//! sight, or that are many, are held: the run completes, and a person applies or discards the list. A newer
//! run supersedes a list that nobody decided on.

use crate::{
    Actor, ConnectorId, Error, ProductId, RemovalReason, Removals, Result, Run, RunId, SpaceId, Store,
    audit::{AuditQueries as _, AuditRow},
    db::{in_tx, on_conn, queries},
    error::stored,
    id, path,
    run::HistoryQueries as _,
    schema::{connector, product, removal, run},
    store::{count, now},
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use headwater_core::{Container, Discovery, Path, Visibility};
use std::collections::{BTreeMap, HashSet};

/// How many candidates a list shows.
const SHOWN: i64 = 1_000;

/// The products that a run holds, or held, back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemovalCandidates {
    /// Why they are held.
    pub reason: RemovalReason,
    /// How many there are.
    pub total: u64,
    /// The first 1,000 of them, by hosting location.
    pub items: Vec<(ProductId, Path)>,
}

/// What a person decides on held removals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// They are gone: the products become stale.
    Apply,
    /// They stay as they are.
    Discard,
}

impl Store {
    /// The removals that a run held; `None` for a run that held none.
    ///
    /// # Errors
    /// The database's.
    pub async fn removal_candidates(&self, run: RunId) -> Result<Option<RemovalCandidates>> {
        let id = run.to_string();
        on_conn!(self.db(), |c| {
            let reason: Option<Option<String>> = run::table
                .find(&id)
                .select(run::removal_reason)
                .first(c)
                .await
                .optional()?;
            let Some(reason) = reason.flatten() else {
                return Ok(None);
            };
            let total: i64 = removal::table
                .filter(removal::run_id.eq(&id))
                .count()
                .get_result(c)
                .await?;
            let items: Vec<(String, String)> = removal::table
                .inner_join(product::table.on(product::id.eq(removal::product_id)))
                .filter(removal::run_id.eq(&id))
                .order((product::hosting_location, product::id))
                .limit(SHOWN)
                .select((product::id, product::key))
                .load(c)
                .await?;
            Ok(Some(RemovalCandidates {
                reason: stored(&reason, "run.removal_reason")?,
                total: count(total),
                items: items
                    .into_iter()
                    .map(|(id, key)| Ok((id::stored(&id, "product.id")?, path::path(&key))))
                    .collect::<Result<_>>()?,
            }))
        })
    }

    /// The stored keys of the products that earlier runs of a connector hold back.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn held_keys(&self, connector: ConnectorId) -> Result<HashSet<String>> {
        let connector = connector.to_string();
        on_conn!(self.db(), |c| {
            let keys: Vec<String> = removal::table
                .inner_join(run::table.on(run::id.eq(removal::run_id)))
                .inner_join(product::table.on(product::id.eq(removal::product_id)))
                .filter(run::connector_id.eq(&connector))
                .filter(run::removals.eq(Removals::Held.as_str()))
                .select(product::key)
                .load(c)
                .await?;
            Ok(keys.into_iter().collect())
        })
    }

    /// Decides, once, on the removals that a run holds. What has come back meanwhile is not removed.
    ///
    /// # Errors
    /// [`Error::NoRemovalsHeld`], [`Error::RemovalsDecided`] also when a newer run has superseded the list,
    /// [`Error::NotFound`].
    pub async fn decide_removals(
        &self,
        space: SpaceId,
        run: RunId,
        decision: Decision,
        actor: &Actor,
    ) -> Result<Run> {
        let (space_id, id) = (space.to_string(), run.to_string());
        let (removals, action) = match decision {
            Decision::Apply => (Removals::Applied, "removals.apply"),
            Decision::Discard => (Removals::Discarded, "removals.discard"),
        };
        let row = in_tx!(self.db(), |c| {
            let decided = diesel::update(run::table.find(&id))
                .filter(run::space_id.eq(&space_id))
                .filter(run::removals.eq(Removals::Held.as_str()))
                .set(run::removals.eq(removals.as_str()))
                .execute(c)
                .await?;
            let of = Run::try_from(c.run_of_space(&space_id, &id).await?)?;
            if decided == 0 {
                return Err(match of.removal_reason {
                    Some(_) => Error::RemovalsDecided,
                    None => Error::NoRemovalsHeld,
                });
            }
            if decision == Decision::Apply {
                let archived = c.archive_candidates(&id).await?;
                diesel::update(run::table.find(&id))
                    .set(run::products_archived.eq(run::products_archived + archived))
                    .execute(c)
                    .await?;
                c.adopt_visibility_of(&of.connector_id.to_string(), &id).await?;
            }
            c.record(AuditRow::new(Some(space), actor, action, ("sync_job", run)))
                .await?;
            c.run_of_space(&space_id, &id).await
        })?;
        row.try_into()
    }
}

queries! {
    /// Writes of removals.
    pub(crate) trait RemovalQueries {
        /// Makes the candidates of a run stale that are still active. Returns how many.
        async fn archive_candidates(&mut self, run: &str) -> Result<i64> {
            let candidates = removal::table.filter(removal::run_id.eq(run)).select(removal::product_id);
            let archived = diesel::update(product::table)
                .filter(product::id.eq_any(candidates))
                .filter(product::state.eq("active"))
                .set((product::state.eq("stale"), product::updated_at.eq(now())))
                .execute(self)
                .await?;
            Ok(i64::try_from(archived).unwrap_or(i64::MAX))
        }

        /// What was visible, per container, when removals of the connector were last believed.
        async fn visibility(&mut self, connector: &str) -> Result<BTreeMap<Path, Visibility>> {
            let text: String = connector::table
                .find(connector)
                .select(connector::visibility)
                .first(self)
                .await?;
            let known: Vec<(Path, Visibility)> =
                serde_json::from_str(&text).map_err(|_quotes_values| Error::corrupt("connector.visibility"))?;
            Ok(known.into_iter().collect())
        }

        /// Believes what these containers show. A run that did not read everything vouches only for those
        /// of which nothing is stored; of a container that was not listed the stored word stays.
        async fn adopt_visibility(
            &mut self,
            connector: &str,
            containers: &[Container],
            is_complete: bool,
        ) -> Result<()> {
            let before = self.visibility(connector).await?;
            let mut after = before.clone();
            for container in containers {
                if is_complete || !before.contains_key(&container.path) {
                    after.insert(container.path.clone(), container.visibility.clone());
                }
            }
            if after != before {
                let after: Vec<(Path, Visibility)> = after.into_iter().collect();
                let text = serde_json::to_string(&after).map_err(Error::store)?;
                diesel::update(connector::table.find(connector))
                    .set(connector::visibility.eq(text))
                    .execute(self)
                    .await?;
            }
            Ok(())
        }

        /// Believes what the containers showed that a run discovered.
        async fn adopt_visibility_of(&mut self, connector: &str, run: &str) -> Result<()> {
            let text: Option<String> = run::table.find(run).select(run::discovery).first(self).await?;
            match text {
                Some(text) => {
                    let discovery: Discovery = serde_json::from_str(&text)
                        .map_err(|_quotes_values| Error::corrupt("run.discovery"))?;
                    self.adopt_visibility(connector, &discovery.containers, true).await
                }
                None => Ok(()),
            }
        }

        /// Ends the lists that older runs of the connector still hold.
        async fn supersede_held(&mut self, connector: &str, run: &str) -> Result<()> {
            diesel::update(run::table)
                .filter(run::connector_id.eq(connector))
                .filter(run::id.ne(run))
                .filter(run::removals.eq(Removals::Held.as_str()))
                .set(run::removals.eq(Removals::Superseded.as_str()))
                .execute(self)
                .await?;
            Ok(())
        }

        /// Forgets the candidates of a run.
        async fn drop_candidates(&mut self, run: &str) -> Result<()> {
            diesel::delete(removal::table.filter(removal::run_id.eq(run)))
                .execute(self)
                .await?;
            Ok(())
        }
    }
}
