//! The end of a split: what it claims, what it found gone, what was only renamed.

use super::{
    diff::diff,
    hash::{Digest, digest, digest_path},
    merge::merge,
    target::Target,
};
use crate::{
    ChangeOp, Result, SplitEnd, SplitState, Store,
    change::{Change, ChangeBulk as _, ChangeRow},
    db::{bulk_writes, in_tx, queries},
    path,
    product::{ProductQueries as _, ProductRow},
    run::{LeaseQueries as _, ProgressQueries as _},
    schema::{edge, product, product_stats, removal},
    store::now,
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use headwater_core::{Scope, model::Name};
use serde_json::json;
use std::collections::{HashMap, HashSet};

/// How many values one statement compares a column with.
const VALUES: usize = 1_000;

impl Store {
    /// Records how the last attempt at a split ended. What a successful one closed as complete and did not
    /// see becomes a candidate for removal, unless it was renamed.
    ///
    /// # Errors
    /// [`Error::LeaseLost`](crate::Error::LeaseLost): nothing was written.
    pub(crate) async fn conclude_split(
        &self,
        target: &Target,
        ordinal: i64,
        end: &SplitEnd,
        seen: &HashSet<Digest>,
        scope: &Scope,
    ) -> Result<()> {
        let complete: Vec<String> = end
            .closed
            .iter()
            .filter(|(_, listing)| end.state == SplitState::Done && listing.is_complete())
            .map(|(namespace, _)| path::key(namespace))
            .collect();
        in_tx!(self.db(), |c| {
            c.fence(&target.claim).await?;
            c.put_split_end(&target.run, ordinal, end).await?;
            let gone = c.unseen(target, &complete, seen, scope).await?;
            c.put_candidates(&target.run, gone).await?;
            c.follow_renames(target).await
        })
    }
}

/// A row of `removal`.
#[derive(Debug, Insertable)]
#[diesel(table_name = removal)]
pub(super) struct RemovalRow {
    run_id: String,
    product_id: String,
}

bulk_writes! {
    /// Writes of candidates.
    trait RemovalBulk {
        fn insert_removals(rows: Vec<RemovalRow>) {
            diesel::insert_into(removal::table).values(rows).on_conflict_do_nothing()
        }
    }
}

/// What may be the old or the new place of one object: native id, kind, stored key and product.
type Identified = (Option<String>, String, String, String);

/// What the old and the new place of one object share: native id, kind and the outermost container. Ids are
/// rarely unique beyond it: a database made from another as its template has the same.
type Identity = (Option<String>, String, Option<Name>);

queries! {
    /// Candidates for removal.
    pub(super) trait CandidateQueries {
        /// Records candidates for removal; again is as good as once.
        async fn put_candidates(&mut self, run: &str, products: Vec<String>) -> Result<()> {
            let row = |product_id| RemovalRow {
                run_id: run.to_owned(),
                product_id,
            };
            self.insert_removals(products.into_iter().map(row).collect()).await?;
            Ok(())
        }
    }
}

queries! {
    /// The end of a split.
    trait SplitQueries {
        /// The active products of these namespaces that were not seen. What is no longer in scope was not to
        /// be seen, and is none of them.
        async fn unseen(
            &mut self,
            target: &Target,
            namespaces: &[String],
            seen: &HashSet<Digest>,
            scope: &Scope,
        ) -> Result<Vec<String>> {
            let mut gone = Vec::new();
            for namespaces in namespaces.chunks(VALUES) {
                let active: Vec<(String, String)> = product::table
                    .filter(product::connector_id.eq(&target.connector))
                    .filter(product::namespace.eq_any(namespaces))
                    .filter(product::state.eq("active"))
                    .select((product::id, product::key))
                    .load(self)
                    .await?;
                gone.extend(active.into_iter().filter_map(|(id, key)| {
                    let path = path::path(&key);
                    (!seen.contains(&digest_path(&path)) && scope.admits(&path)).then_some(id)
                }));
            }
            Ok(gone)
        }

        /// Finds candidates that this run saw under a new path: the source's own id, the same and only once
        /// on either side, says so.
        async fn follow_renames(&mut self, target: &Target) -> Result<()> {
            let gone: Vec<Identified> = removal::table
                .inner_join(product::table.on(product::id.eq(removal::product_id)))
                .filter(removal::run_id.eq(&target.run))
                .filter(product::native_id.is_not_null())
                .filter(product::created_run.ne(&target.run))
                .select((product::native_id, product::kind, product::key, product::id))
                .load(self)
                .await?;
            let native_ids: Vec<&String> = gone.iter().filter_map(|(id, ..)| id.as_ref()).collect();
            let mut new: Vec<Identified> = Vec::new();
            for native_ids in native_ids.chunks(VALUES) {
                let found: Vec<Identified> = product::table
                    .filter(product::connector_id.eq(&target.connector))
                    .filter(product::native_id.eq_any(native_ids))
                    .filter(product::created_run.eq(&target.run))
                    .filter(product::state.eq("active"))
                    .select((product::native_id, product::kind, product::key, product::id))
                    .load(self)
                    .await?;
                new.extend(found);
            }
            let mut new = each_once(new);
            for (identity, old) in each_once(gone) {
                if let Some(new) = new.remove(&identity) {
                    self.rename(target, &old, &new).await?;
                }
            }
            Ok(())
        }

        /// Lets the product at the old path take over the new path, and drops the one that this run made
        /// there. Id, slug and what people wrote stay.
        async fn rename(&mut self, target: &Target, old: &str, new: &str) -> Result<()> {
            let old = self.product_row(&target.space, old).await?;
            let new = self.product_row(&target.space, new).await?;
            let (old_id, new_id) = (old.id.clone(), new.id.clone());
            let (row, change) = moved(target, old, new)?;
            diesel::delete(removal::table.find((&target.run, &old_id))).execute(self).await?;
            self.take_over_stats(&old_id, &new_id).await?;
            diesel::delete(edge::table.filter(edge::product_id.eq(&old_id))).execute(self).await?;
            diesel::update(edge::table.filter(edge::product_id.eq(&new_id)))
                .set(edge::product_id.eq(&old_id))
                .execute(self)
                .await?;
            diesel::delete(product::table.find(&new_id)).execute(self).await?;
            diesel::update(product::table.find(&old_id))
                .set((
                    product::key.eq(&row.key),
                    product::namespace.eq(&row.namespace),
                    product::folded.eq(&row.folded),
                    product::name.eq(&row.name),
                    product::hosting_location.eq(&row.hosting_location),
                    product::search.eq(&row.search),
                    product::doc.eq(&row.doc),
                    product::hash.eq(&row.hash),
                    product::edges_hash.eq(&row.edges_hash),
                    product::version.eq(&row.version),
                    product::changed_run.eq(&row.changed_run),
                    product::updated_at.eq(row.updated_at),
                ))
                .execute(self)
                .await?;
            self.insert_changes(vec![change]).await?;
            Ok(())
        }

        /// Gives one product the statistics of another, where that one has any.
        async fn take_over_stats(&mut self, to: &str, from: &str) -> Result<()> {
            let measured: i64 = product_stats::table
                .filter(product_stats::product_id.eq(from))
                .count()
                .get_result(self)
                .await?;
            if measured > 0 {
                diesel::delete(product_stats::table.find(to)).execute(self).await?;
                diesel::update(product_stats::table.find(from))
                    .set(product_stats::product_id.eq(to))
                    .execute(self)
                    .await?;
            }
            Ok(())
        }
    }
}

/// The products by identity, those left out that share theirs.
fn each_once(found: Vec<Identified>) -> HashMap<Identity, String> {
    let mut by_identity: HashMap<Identity, Vec<String>> = HashMap::new();
    for (native_id, kind, key, product) in found {
        let outermost = path::path(&key).segments().first().cloned();
        let identity = (native_id, kind, outermost);
        by_identity.entry(identity).or_default().push(product);
    }
    by_identity
        .into_iter()
        .filter_map(|(identity, mut products)| match products.len() {
            1 => products.pop().map(|only| (identity, only)),
            _ => None,
        })
        .collect()
}

/// The old row at the new path, and what changed.
fn moved(target: &Target, old: ProductRow, new: ProductRow) -> Result<(ProductRow, ChangeRow)> {
    let (before, read) = (old.doc()?, new.doc()?);
    let after = merge(read, before.clone());
    let mut changes = vec![Change {
        op: ChangeOp::Changed,
        part: "path".to_owned(),
        path: Vec::new(),
        attribute: None,
        before: json!(old.path()),
        after: json!(new.path()),
    }];
    changes.extend(diff(&before, &after));
    let at = now();
    let change = ChangeRow::new(&old.id, &target.run, at, &changes)?;
    let mut row = ProductRow {
        key: new.key,
        namespace: new.namespace,
        folded: new.folded,
        name: new.name,
        hosting_location: new.hosting_location,
        hash: digest(&after).to_vec(),
        edges_hash: new.edges_hash,
        version: new.version,
        changed_run: target.run.clone(),
        updated_at: at,
        ..old
    };
    row.set_doc(&after)?;
    Ok((row, change))
}
