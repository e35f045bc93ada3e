//! Writes one batch, in one transaction that begins with the fence.
//!
//! What is stored is looked up by hash first. Equal hashes end it: such a product is not written. Only for
//! the others is the stored document read, merged under what was read, hashed again and compared.

use super::{
    batch::{Batch, Edges, Prepared, Read, ReadEdges},
    diff::diff,
    hash::digest,
    merge::merge,
    stats,
    target::Target,
    write::{EdgeRow, ReconcileBulk as _, StatsRow, WriteQueries as _},
};
use crate::{
    Error, ProductId, Result, Store,
    change::{ChangeBulk as _, ChangeRow},
    db::{in_tx, is_duplicate, queries},
    path,
    product::{Manual, ProductRow, search_text, slug},
    run::{LeaseQueries as _, ProgressQueries as _},
    schema::connector,
    store::now,
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use headwater_core::{Discovery, Path};
use std::collections::HashMap;

/// How often a batch is tried again when another run of the space took one of its slugs.
const ATTEMPTS: usize = 5;

impl Store {
    /// Freezes what discovery found, and remembers which source it was.
    ///
    /// # Errors
    /// [`Error::LeaseLost`]: nothing was written.
    pub(crate) async fn begin_reading(&self, target: &Target, discovery: &Discovery) -> Result<()> {
        in_tx!(self.db(), |c| {
            c.fence(&target.claim).await?;
            c.put_discovery(&target.run, discovery).await?;
            if discovery.identity.is_some() && discovery.identity != target.claim.connector.source_identity {
                diesel::update(connector::table.find(&target.connector))
                    .set(connector::source_identity.eq(&discovery.identity))
                    .execute(c)
                    .await?;
            }
            Ok(())
        })
    }

    /// Writes a batch. Returns the edges whose owner is not known: its asset may still come.
    ///
    /// # Errors
    /// [`Error::LeaseLost`]: nothing was written.
    pub(crate) async fn commit(&self, target: &Target, batch: Batch) -> Result<Vec<Edges>> {
        let batch = batch.prepare(target);
        let mut attempt = 1;
        loop {
            let written = in_tx!(self.db(), |c| {
                c.fence(&target.claim).await?;
                c.put_progress(&target.run, batch.arrived, batch.cost).await?;
                c.put_warnings(&target.run, &batch.warnings).await?;
                c.put_batch(target, &batch).await
            });
            match written {
                Err(error) if attempt < ATTEMPTS && is_slug_taken(&error) => attempt += 1,
                other => return other,
            }
        }
    }
}

/// Two runs of one space that insert at the same time do not see each other's slugs.
fn is_slug_taken(error: &Error) -> bool {
    match error {
        Error::Store(source) => source.downcast_ref().is_some_and(is_duplicate),
        _ => false,
    }
}

/// What is stored of a key, without its document.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) id: String,
    pub(super) hash: Vec<u8>,
    pub(super) state: String,
    pub(super) native_id: Option<String>,
    pub(super) version: Option<String>,
    pub(super) edges_hash: Option<Vec<u8>>,
    /// Whether this batch makes it: its row has its edges' hash, its edges are still to come.
    pub(super) is_new: bool,
}

/// What is to be written of a batch.
#[derive(Debug, Default)]
struct Plan {
    insert: Vec<ProductRow>,
    update: Vec<ProductRow>,
    changes: Vec<ChangeRow>,
    reactivate: Vec<String>,
}

queries! {
    /// Reconciles.
    trait CommitQueries {
        async fn put_batch(&mut self, target: &Target, batch: &Prepared) -> Result<Vec<Edges>> {
            let now = now();
            self.put_namespaces(&target.connector, &batch.namespaces).await?;
            let mut keys: Vec<&str> = batch.assets.iter().map(|read| read.key.as_str()).collect();
            keys.extend(batch.edges.iter().map(|edges| edges.key.as_str()));
            keys.extend(batch.unchanged.iter().filter(|key| target.held.contains(*key)).map(String::as_str));
            keys.sort_unstable();
            keys.dedup();
            let mut known = self.known(&target.connector, &keys).await?;
            self.put_products(target, batch, &mut known, now).await?;
            self.put_stats(batch, &known, now).await?;
            let came_back = known.iter().filter(|(key, _)| target.held.contains(*key));
            self.forget_held(came_back.map(|(_, known)| known.id.as_str()).collect(), &target.run).await?;
            self.put_edges(target, batch, &known).await
        }

        /// Writes new and changed products. What is new is known afterwards.
        async fn put_products(
            &mut self,
            target: &Target,
            batch: &Prepared,
            known: &mut HashMap<String, Known>,
            now: i64,
        ) -> Result<()> {
            let differing: Vec<&str> = batch
                .assets
                .iter()
                .filter_map(|read| known.get(&read.key).filter(|known| !known.is_current(read)))
                .map(|known| known.id.as_str())
                .collect();
            let mut stored = self.rows(&differing).await?;
            let (mut plan, mut new) = (Plan::default(), Vec::new());
            for read in &batch.assets {
                match known.get(&read.key) {
                    Some(known) => plan.put(target, read, known, stored.remove(&known.id), now)?,
                    None => new.push(read),
                }
            }
            let slugs = new.iter().map(|read| slug(&read.path.to_string())).collect();
            let slugs = self.free_slugs(&target.space, slugs).await?;
            let edges: HashMap<&str, &ReadEdges> =
                batch.edges.iter().map(|edges| (edges.key.as_str(), edges)).collect();
            for (read, slug) in new.into_iter().zip(slugs) {
                let mut row = new_row(target, read, slug, now)?;
                known.insert(read.key.clone(), Known::new(&row));
                let edges = edges.get(read.key.as_str()).and_then(|edges| edges.hash);
                row.edges_hash = edges.map(|hash| hash.to_vec());
                plan.insert.push(row);
            }
            // In the order of the index that concurrent runs of a space share.
            plan.insert.sort_by(|a, b| a.slug.cmp(&b.slug));
            self.insert_products(plan.insert).await?;
            self.replace_products(plan.update).await?;
            self.insert_changes(plan.changes).await?;
            self.reactivate(&plan.reactivate, &target.run, now).await
        }

        /// Writes the statistics that are due.
        async fn put_stats(&mut self, batch: &Prepared, known: &HashMap<String, Known>, now: i64) -> Result<()> {
            let measured: Vec<_> = batch
                .assets
                .iter()
                .filter_map(|read| Some((known.get(&read.key)?.id.as_str(), read.stats.as_option()?)))
                .collect();
            let ids: Vec<&str> = measured.iter().map(|(id, _)| *id).collect();
            let stored = self.stats(&ids).await?;
            let mut rows = Vec::new();
            for (id, measured) in measured {
                let before = stored.get(id).map(|(stats, written_at)| (stats, *written_at));
                if stats::is_due(before, measured, now) {
                    rows.push(StatsRow::new(id, measured, now)?);
                }
            }
            self.replace_stats(rows).await?;
            Ok(())
        }

        /// Replaces the edges of each owner whose edges are others than before.
        async fn put_edges(
            &mut self,
            target: &Target,
            batch: &Prepared,
            known: &HashMap<String, Known>,
        ) -> Result<Vec<Edges>> {
            let mut orphans = Vec::new();
            let (mut owners, mut rows) = (Vec::new(), Vec::new());
            for edges in &batch.edges {
                match known.get(&edges.key) {
                    None => {
                        let unfolded = edges.edges.iter().map(|(edge, _)| edge.clone());
                        orphans.push((edges.owner.clone(), unfolded.collect()));
                    }
                    Some(owner) if edges.is_known(owner) => {}
                    Some(owner) => {
                        if !owner.is_new {
                            owners.push((owner.id.clone(), edges.hash.map(|hash| hash.to_vec())));
                        }
                        for ((edge, folded), ordinal) in edges.edges.iter().zip(0..) {
                            rows.push(EdgeRow::new(&owner.id, &target.space, ordinal, edge, folded)?);
                        }
                    }
                }
            }
            self.replace_edges(owners, rows).await?;
            Ok(orphans)
        }
    }
}

impl Known {
    fn new(row: &ProductRow) -> Self {
        Self {
            id: row.id.clone(),
            hash: row.hash.clone(),
            state: row.state.clone(),
            native_id: row.native_id.clone(),
            version: row.version.clone(),
            edges_hash: None,
            is_new: true,
        }
    }

    /// Whether nothing of the product's row is to be written, its state apart.
    fn is_current(&self, read: &Read) -> bool {
        self.hash == read.hash && self.native_id == read.native_id && self.version == read.version
    }
}

impl ReadEdges {
    fn is_known(&self, owner: &Known) -> bool {
        owner.edges_hash.as_deref() == self.hash.as_ref().map(|hash| hash.as_slice())
    }
}

impl Plan {
    /// Plans what to write for an asset whose product is known. `stored` is its row, where it may differ.
    fn put(
        &mut self,
        target: &Target,
        read: &Read,
        known: &Known,
        stored: Option<ProductRow>,
        now: i64,
    ) -> Result<()> {
        let is_active = known.state == "active";
        let Some(mut row) = stored else {
            if !is_active {
                self.reactivate.push(known.id.clone());
            }
            return Ok(());
        };
        let before = row.doc()?;
        let after = merge(read.doc.clone(), before.clone());
        let hash = digest(&after);
        // Of the document, not of the row: a release that hashes otherwise has not changed the source.
        let is_changed = digest(&before) != hash;
        let version = match read.doc.fields.is_unread() {
            true => row.version.clone(),
            false => read.version.clone(),
        };
        let is_fresh = row.hash == hash && row.native_id == read.native_id && row.version == version;
        if is_changed {
            let changes = diff(&before, &after);
            // A product that this very run made has no history yet.
            if row.created_run != target.run && !changes.is_empty() {
                self.changes
                    .push(ChangeRow::new(&row.id, &target.run, now, &changes)?);
            }
            row.set_doc(&after)?;
        }
        row.hash = hash.to_vec();
        row.native_id.clone_from(&read.native_id);
        row.version = version;
        if is_changed || !is_active {
            row.state = "active".to_owned();
            row.changed_run.clone_from(&target.run);
            row.updated_at = now;
        }
        if is_changed || !is_active || !is_fresh {
            self.update.push(row);
        }
        Ok(())
    }
}

fn new_row(target: &Target, read: &Read, slug: String, now: i64) -> Result<ProductRow> {
    let namespace = read.path.parent().unwrap_or_else(Path::root);
    let folded = target.family.fold(&read.path);
    let doc = &read.doc;
    Ok(ProductRow {
        id: ProductId::new().to_string(),
        space_id: target.space.clone(),
        connector_id: target.connector.clone(),
        key: read.key.clone(),
        namespace: path::key(&namespace),
        family: target.family.name.to_owned(),
        folded: path::key(&folded),
        provider: target.provider.to_owned(),
        native_id: read.native_id.clone(),
        kind: doc.kind.to_string(),
        name: read.path.name().unwrap_or_default().to_owned(),
        slug,
        hosting_location: read.path.to_string(),
        search: search_text(&read.path, doc, &Manual::default()),
        doc: serde_json::to_string(doc).map_err(Error::store)?,
        manual: None,
        hash: read.hash.to_vec(),
        edges_hash: None,
        version: read.version.clone(),
        state: "active".to_owned(),
        created_run: target.run.clone(),
        changed_run: target.run.clone(),
        created_at: now,
        updated_at: now,
    })
}
