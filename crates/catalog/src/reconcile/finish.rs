//! The end of a run: what is gone or out of scope, whether removals are believed, and the counts.

use super::{
    gone::{Containers, ancestry},
    split::CandidateQueries as _,
    target::Target,
};
use crate::{
    Completeness, Outcome, PartialPath, ProductState, RemovalReason, Removals, Result, Run, RunStatus,
    SplitState, Store, StoredSplit,
    db::{in_tx, on_conn, queries},
    lineage::AmbiguousQueries as _,
    path,
    removal::RemovalQueries as _,
    run::{LeaseQueries as _, ProgressQueries as _},
    schema::{product, removal},
    store::{count, now},
};
use diesel::{dsl::count_star, prelude::*};
use diesel_async::RunQueryDsl;
use headwater_core::{Discovery, Listing, Path, Reason, Scope, Visibility};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// How many rows are looked at, or values compared, at once.
const ROWS: usize = 1_000;

/// When removals are too many to be believed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// The share of the connector's active products.
    pub(crate) removal_limit: f64,
    /// The number that is never too many.
    pub(crate) removal_floor: u64,
}

impl Store {
    /// Ends a run whose splits have all ended: removes or holds back what is gone, counts, and completes it;
    /// or fails it when no split succeeded.
    ///
    /// # Errors
    /// [`Error::LeaseLost`](crate::Error::LeaseLost): nothing was written.
    pub(crate) async fn complete_run(
        &self,
        target: &Target,
        discovery: &Discovery,
        scope: &Scope,
        rules: &Rules,
    ) -> Result<Run> {
        let splits = self.splits(target.claim.id()).await?;
        let mut partial = partial_paths(discovery, &splits);
        let all_failed = splits.iter().all(|split| split.end.state == SplitState::Failed);
        if let Some(error) = splits.iter().find_map(|split| split.end.error.clone())
            && all_failed
        {
            let failed = Outcome {
                error: Some(error),
                partial,
                ..Outcome::new(RunStatus::Failed)
            };
            return self.end_run(target, failed).await;
        }
        let containers = Containers::new(&discovery.containers);
        let survey = self.survey(target, &containers, scope).await?;
        for path in &survey.lost_sight {
            if let Some(Listing::Skipped(reason)) = containers.get(path).map(|one| &one.children) {
                tell(&mut partial, path, &Listing::Partial(vec![reason.clone()]));
            }
        }
        let contested = self.has_contested_links(target).await?;
        let row = in_tx!(self.db(), |c| {
            c.fence(&target.claim).await?;
            let left = c.leave_scope(&survey.out_of_scope).await?;
            c.put_candidates(&target.run, survey.gone.clone()).await?;
            c.drop_inactive_candidates(target).await?;
            let mut outcome = c.counted(target, &splits).await?;
            outcome.status = RunStatus::Completed;
            outcome.completeness = Some(match partial.is_empty() {
                true => Completeness::Complete,
                false => Completeness::Partial,
            });
            outcome.partial.clone_from(&partial);
            c.decide(target, &containers, rules, &mut outcome).await?;
            outcome.products_archived += left;
            if outcome.removals != Removals::Held {
                c.drop_candidates(&target.run).await?;
                c.adopt_visibility(&target.connector, &discovery.containers, partial.is_empty())
                    .await?;
            }
            c.supersede_held(&target.connector, &target.run).await?;
            c.warn_of_links(target, contested).await?;
            c.put_outcome(&target.claim, &outcome).await
        })?;
        row.try_into()
    }

    /// Ends a run that failed or was cancelled. What it wrote stays and is counted; it removes nothing.
    ///
    /// # Errors
    /// [`Error::LeaseLost`](crate::Error::LeaseLost): nothing was written.
    pub(crate) async fn end_run(&self, target: &Target, outcome: Outcome) -> Result<Run> {
        let splits = self.splits(target.claim.id()).await?;
        let row = in_tx!(self.db(), |c| {
            c.fence(&target.claim).await?;
            c.drop_candidates(&target.run).await?;
            let counted = c.counted(target, &splits).await?;
            let outcome = Outcome {
                products_created: counted.products_created,
                products_updated: counted.products_updated,
                products_unchanged: counted.products_unchanged,
                ..outcome.clone()
            };
            c.put_outcome(&target.claim, &outcome).await
        })?;
        row.try_into()
    }

    /// Goes through all active products of the connector, a page at a time. Only this run writes them, so
    /// the transaction that follows need not look again.
    async fn survey(&self, target: &Target, containers: &Containers<'_>, scope: &Scope) -> Result<Survey> {
        let mut survey = Survey::default();
        let mut is_gone: HashMap<String, bool> = HashMap::new();
        let mut after = String::new();
        loop {
            let page: Vec<(String, String, String)> = on_conn!(self.db(), |c| {
                Ok(product::table
                    .filter(product::connector_id.eq(&target.connector))
                    .filter(product::state.eq("active"))
                    .filter(product::key.gt(&after))
                    .order(product::key)
                    .limit(ROWS as i64)
                    .select((product::key, product::id, product::namespace))
                    .load(c)
                    .await?)
            })?;
            let Some((last, ..)) = page.last() else {
                return Ok(survey);
            };
            after.clone_from(last);
            for (key, id, namespace) in page {
                if !scope.admits(&path::path(&key)) {
                    survey.out_of_scope.push(id);
                    continue;
                }
                let gone = is_gone.entry(namespace).or_insert_with_key(|namespace| {
                    let namespace = path::path(namespace);
                    survey.lost_sight.extend(containers.skipped(&namespace));
                    containers.is_gone(&namespace)
                });
                if *gone {
                    survey.gone.push(id);
                }
            }
        }
    }
}

/// Products that are to leave the active ones without any split having looked for them.
#[derive(Debug, Default)]
struct Survey {
    out_of_scope: Vec<String>,
    gone: Vec<String>,
    /// Containers that were skipped although something is known below them.
    lost_sight: BTreeSet<Path>,
}

/// A candidate's namespace, and how many candidates it has.
type Namespaces = BTreeMap<Path, i64>;

queries! {
    /// The last transaction of a run.
    trait FinishQueries {
        /// Archives what the filters no longer admit.
        async fn leave_scope(&mut self, products: &[String]) -> Result<u64> {
            let mut left = 0;
            for products in products.chunks(ROWS) {
                left += diesel::update(product::table.filter(product::id.eq_any(products)))
                    .filter(product::state.eq("active"))
                    .set((
                        product::state.eq(ProductState::OutOfScope.as_str()),
                        product::updated_at.eq(now()),
                    ))
                    .execute(self)
                    .await?;
            }
            Ok(left as u64)
        }

        /// Drops candidates that are no longer active.
        async fn drop_inactive_candidates(&mut self, target: &Target) -> Result<()> {
            let inactive = product::table
                .filter(product::connector_id.eq(&target.connector))
                .filter(product::state.ne("active"))
                .select(product::id);
            diesel::delete(removal::table.filter(removal::run_id.eq(&target.run)))
                .filter(removal::product_id.eq_any(inactive))
                .execute(self)
                .await?;
            Ok(())
        }

        /// Applies the removals, or holds them back.
        async fn decide(
            &mut self,
            target: &Target,
            containers: &Containers<'_>,
            rules: &Rules,
            outcome: &mut Outcome,
        ) -> Result<()> {
            let candidates = self.candidates(&target.run).await?;
            if candidates.is_empty() {
                return Ok(());
            }
            outcome.removal_reason = self.reason_to_hold(target, containers, rules, &candidates).await?;
            if outcome.removal_reason.is_some() {
                outcome.removals = Removals::Held;
            } else {
                outcome.removals = Removals::Applied;
                outcome.products_archived += count(self.archive_candidates(&target.run).await?);
            }
            Ok(())
        }

        /// How many candidates each namespace has.
        async fn candidates(&mut self, run: &str) -> Result<Namespaces> {
            let rows: Vec<(String, i64)> = removal::table
                .inner_join(product::table.on(product::id.eq(removal::product_id)))
                .filter(removal::run_id.eq(run))
                .group_by(product::namespace)
                .select((product::namespace, count_star()))
                .load(self)
                .await?;
            Ok(rows.into_iter().map(|(key, total)| (path::path(&key), total)).collect())
        }

        /// Why these removals are not to be believed.
        async fn reason_to_hold(
            &mut self,
            target: &Target,
            containers: &Containers<'_>,
            rules: &Rules,
            candidates: &Namespaces,
        ) -> Result<Option<RemovalReason>> {
            let known = self.visibility(&target.connector).await?;
            if candidates.keys().any(|namespace| sees_otherwise(&known, containers, namespace)) {
                return Ok(Some(RemovalReason::Visibility));
            }
            let filtered: Vec<(&Path, i64)> = candidates
                .iter()
                .filter(|(namespace, _)| is_filtered(&known, containers, namespace))
                .map(|(namespace, total)| (namespace, *total))
                .collect();
            let active = self.active_in(&target.connector, &filtered).await?;
            if filtered.iter().any(|(namespace, gone)| active.get(namespace).is_none_or(|active| active <= gone)) {
                return Ok(Some(RemovalReason::NamespaceVanished));
            }
            let active: i64 = product::table
                .filter(product::connector_id.eq(&target.connector))
                .filter(product::state.eq("active"))
                .count()
                .get_result(self)
                .await?;
            let gone = count(candidates.values().sum());
            Ok(rules.is_too_many(gone, count(active)).then_some(RemovalReason::Limit))
        }

        /// How many active products each of these namespaces has, those found gone included.
        async fn active_in(&mut self, connector: &str, namespaces: &[(&Path, i64)]) -> Result<Namespaces> {
            let mut active = Namespaces::new();
            let keys: Vec<String> = namespaces.iter().map(|(namespace, _)| path::key(namespace)).collect();
            for keys in keys.chunks(ROWS) {
                let rows: Vec<(String, i64)> = product::table
                    .filter(product::connector_id.eq(connector))
                    .filter(product::namespace.eq_any(keys))
                    .filter(product::state.eq("active"))
                    .group_by(product::namespace)
                    .select((product::namespace, count_star()))
                    .load(self)
                    .await?;
                active.extend(rows.into_iter().map(|(key, total)| (path::path(&key), total)));
            }
            Ok(active)
        }

        /// What the run has made and changed. Counted from the products, so that nothing counts twice
        /// however often a split was read; created wins.
        async fn counted(&mut self, target: &Target, splits: &[StoredSplit]) -> Result<Outcome> {
            let created: i64 = product::table
                .filter(product::created_run.eq(&target.run))
                .count()
                .get_result(self)
                .await?;
            let updated: i64 = product::table
                .filter(product::changed_run.eq(&target.run))
                .filter(product::created_run.ne(&target.run))
                .count()
                .get_result(self)
                .await?;
            let seen: u64 = splits.iter().map(|split| split.end.seen).sum();
            let (created, updated) = (count(created), count(updated));
            Ok(Outcome {
                products_created: created,
                products_updated: updated,
                products_unchanged: seen.saturating_sub(created + updated),
                ..Outcome::new(RunStatus::Completed)
            })
        }
    }
}

impl Rules {
    fn is_too_many(&self, gone: u64, active: u64) -> bool {
        gone > self.removal_floor && gone as f64 > active as f64 * self.removal_limit
    }
}

/// Whether a container of the namespace shows other things than when removals were last believed.
fn sees_otherwise(known: &BTreeMap<Path, Visibility>, containers: &Containers<'_>, namespace: &Path) -> bool {
    ancestry(namespace).any(|path| match (known.get(&path), containers.get(&path)) {
        (Some(before), Some(now)) => *before != now.visibility,
        _ => false,
    })
}

/// Whether the source shows of the namespace only what was granted.
fn is_filtered(known: &BTreeMap<Path, Visibility>, containers: &Containers<'_>, namespace: &Path) -> bool {
    let now = containers
        .nearest(namespace)
        .map(|container| &container.visibility);
    matches!(now.or(known.get(namespace)), Some(Visibility::Fingerprint(_)))
}

/// Everything that was not read in full, once for each reason.
fn partial_paths(discovery: &Discovery, splits: &[StoredSplit]) -> Vec<PartialPath> {
    let mut partial = Vec::new();
    for container in &discovery.containers {
        tell(&mut partial, &container.path, &container.children);
    }
    for stored in splits {
        let unclosed = match &stored.end.error {
            Some(error) => Listing::partial(&error.code, &error.detail),
            None => Listing::partial("not_closed", "the connector did not say how far it listed this"),
        };
        for namespace in &stored.split.namespaces {
            let closed = stored.end.closed.iter().find(|(path, _)| path == namespace);
            tell(
                &mut partial,
                namespace,
                closed.map_or(&unclosed, |(_, listing)| listing),
            );
        }
    }
    partial.dedup();
    partial
}

fn tell(partial: &mut Vec<PartialPath>, path: &Path, listing: &Listing) {
    // What was skipped is missed only where something is known of it: see `Survey`.
    let Listing::Partial(reasons) = listing else {
        return;
    };
    let unknown = [Reason {
        code: "partial".to_owned(),
        detail: "not everything was listed".to_owned(),
        grant: None,
    }];
    let reasons = if reasons.is_empty() {
        &unknown
    } else {
        reasons.as_slice()
    };
    partial.extend(reasons.iter().map(|reason| PartialPath {
        path: path.clone(),
        code: reason.code.clone(),
        detail: reason.detail.clone(),
    }));
}
