//! The rows and statements of reconcile.

use super::{commit::Known, merge::merge_properties};
use crate::{
    Error, Result,
    db::{bulk_writes, queries},
    lineage::flow_name,
    path,
    product::{ProductRow, numbered, stored_stats},
    schema::{edge, namespace, product, product_stats, removal},
};
use diesel::{prelude::*, upsert::excluded};
use diesel_async::RunQueryDsl;
use headwater_core::{
    Facet, Path,
    model::{LineageEdge, Namespace, Properties, Stats},
};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};

/// A row of `product_stats`.
#[derive(Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = product_stats)]
pub(super) struct StatsRow {
    product_id: String,
    doc: String,
    written_at: i64,
}

impl StatsRow {
    pub(super) fn new(product: &str, stats: &Stats, written_at: i64) -> Result<Self> {
        Ok(Self {
            product_id: product.to_owned(),
            doc: serde_json::to_string(stats).map_err(Error::store)?,
            written_at,
        })
    }
}

/// A row of `edge`.
#[derive(Debug, Insertable)]
#[diesel(table_name = edge)]
pub(super) struct EdgeRow {
    product_id: String,
    ordinal: i64,
    space_id: String,
    flow: &'static str,
    end_family: String,
    end_key: String,
    end_folded: String,
    kind: String,
    field_pairs: String,
}

impl EdgeRow {
    pub(super) fn new(
        owner: &str,
        space: &str,
        ordinal: i64,
        edge: &LineageEdge,
        folded: &Path,
    ) -> Result<Self> {
        Ok(Self {
            product_id: owner.to_owned(),
            ordinal,
            space_id: space.to_owned(),
            flow: flow_name(edge.flow),
            end_family: edge.end.family.to_string(),
            end_key: path::key(&edge.end.path),
            end_folded: path::key(folded),
            kind: edge.kind.to_string(),
            field_pairs: serde_json::to_string(&edge.field_pairs).map_err(Error::store)?,
        })
    }
}

/// A row of `namespace`.
#[derive(Debug, Insertable)]
#[diesel(table_name = namespace)]
pub(super) struct NamespaceRow {
    connector_id: String,
    key: String,
    kind: String,
    doc: String,
}

/// What is stored of a container. An unread part keeps what is stored.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct NamespaceDoc {
    description: Facet<Option<String>>,
    owner: Facet<Option<String>>,
    tags: Facet<Vec<String>>,
    properties: Properties,
}

impl NamespaceDoc {
    fn merge(read: &Namespace, stored: Option<&str>) -> Result<String> {
        let stored = stored.map(serde_json::from_str::<Self>).transpose();
        let stored = stored.map_err(|_quotes_values| Error::corrupt("namespace.doc"))?;
        let mut merged = Self {
            description: read.description.clone(),
            owner: read.owner.clone(),
            tags: read.tags.clone(),
            properties: read.properties.clone(),
        };
        if let Some(stored) = stored {
            merged.description = merged.description.or(stored.description);
            merged.owner = merged.owner.or(stored.owner);
            merged.tags = merged.tags.or(stored.tags);
            merged.properties = merge_properties(merged.properties, &stored.properties);
        }
        serde_json::to_string(&merged).map_err(Error::store)
    }
}

bulk_writes! {
    /// Writes of many rows of products.
    pub(super) trait ReconcileBulk {
        fn insert_products(rows: Vec<ProductRow>) {
            diesel::insert_into(product::table).values(rows)
        }

        /// Replaces what a sync may replace: never the slug, what people wrote or when the product was made.
        fn replace_products(rows: Vec<ProductRow>) {
            diesel::insert_into(product::table)
                .values(rows)
                .on_conflict(product::id)
                .do_update()
                .set((
                    product::native_id.eq(excluded(product::native_id)),
                    product::kind.eq(excluded(product::kind)),
                    product::search.eq(excluded(product::search)),
                    product::doc.eq(excluded(product::doc)),
                    product::hash.eq(excluded(product::hash)),
                    product::version.eq(excluded(product::version)),
                    product::state.eq(excluded(product::state)),
                    product::changed_run.eq(excluded(product::changed_run)),
                    product::updated_at.eq(excluded(product::updated_at)),
                ))
        }

        fn replace_stats(rows: Vec<StatsRow>) {
            diesel::insert_into(product_stats::table)
                .values(rows)
                .on_conflict(product_stats::product_id)
                .do_update()
                .set((
                    product_stats::doc.eq(excluded(product_stats::doc)),
                    product_stats::written_at.eq(excluded(product_stats::written_at)),
                ))
        }

        fn insert_edges(rows: Vec<EdgeRow>) {
            diesel::insert_into(edge::table).values(rows)
        }

        fn replace_namespaces(rows: Vec<NamespaceRow>) {
            diesel::insert_into(namespace::table)
                .values(rows)
                .on_conflict((namespace::connector_id, namespace::key))
                .do_update()
                .set((
                    namespace::kind.eq(excluded(namespace::kind)),
                    namespace::doc.eq(excluded(namespace::doc)),
                ))
        }
    }
}

queries! {
    /// Look-ups and writes of a batch.
    pub(super) trait WriteQueries {
        /// What is stored of these keys, without documents.
        async fn known(&mut self, connector: &str, keys: &[&str]) -> Result<HashMap<String, Known>> {
            type Row = (String, String, Vec<u8>, String, Option<String>, Option<String>, Option<Vec<u8>>);
            let rows: Vec<Row> = product::table
                .filter(product::connector_id.eq(connector))
                .filter(product::key.eq_any(keys))
                .select((
                    product::key,
                    product::id,
                    product::hash,
                    product::state,
                    product::native_id,
                    product::version,
                    product::edges_hash,
                ))
                .load(self)
                .await?;
            let known = |(key, id, hash, state, native_id, version, edges_hash)| {
                let known = Known {
                    id,
                    hash,
                    state,
                    native_id,
                    version,
                    edges_hash,
                    is_new: false,
                };
                (key, known)
            };
            Ok(rows.into_iter().map(known).collect())
        }

        /// Whole rows, by id.
        async fn rows(&mut self, ids: &[&str]) -> Result<HashMap<String, ProductRow>> {
            if ids.is_empty() {
                return Ok(HashMap::new());
            }
            let rows: Vec<ProductRow> = product::table
                .filter(product::id.eq_any(ids))
                .select(ProductRow::as_select())
                .load(self)
                .await?;
            Ok(rows.into_iter().map(|row| (row.id.clone(), row)).collect())
        }

        /// Stored statistics and when they were written, by product.
        async fn stats(&mut self, ids: &[&str]) -> Result<HashMap<String, (Stats, i64)>> {
            if ids.is_empty() {
                return Ok(HashMap::new());
            }
            let rows: Vec<StatsRow> = product_stats::table
                .filter(product_stats::product_id.eq_any(ids))
                .select(StatsRow::as_select())
                .load(self)
                .await?;
            rows.into_iter()
                .map(|row| Ok((row.product_id, (stored_stats(&row.doc)?, row.written_at))))
                .collect()
        }

        /// For each slug one that is free in the space: itself, else with the first number that is free.
        async fn free_slugs(&mut self, space: &str, wanted: Vec<String>) -> Result<Vec<String>> {
            let mut free: Vec<Option<String>> = vec![None; wanted.len()];
            let mut taken: HashSet<String> = HashSet::new();
            let mut numbers = 1..2;
            while free.iter().any(Option::is_none) {
                let open = || wanted.iter().zip(&free).filter(|(_, found)| found.is_none()).map(|(slug, _)| slug);
                let candidates: HashSet<String> =
                    open().flat_map(|slug| numbers.clone().map(|number| numbered(slug, number))).collect();
                let candidates: Vec<String> = candidates.into_iter().collect();
                for candidates in candidates.chunks(5_000) {
                    let found: Vec<String> = product::table
                        .filter(product::space_id.eq(space))
                        .filter(product::slug.eq_any(candidates))
                        .select(product::slug)
                        .load(self)
                        .await?;
                    taken.extend(found);
                }
                for (slug, found) in wanted.iter().zip(&mut free).filter(|(_, found)| found.is_none()) {
                    *found = numbers
                        .clone()
                        .map(|number| numbered(slug, number))
                        .find(|candidate| taken.insert(candidate.clone()));
                }
                numbers = numbers.end..numbers.end * 4;
            }
            Ok(free.into_iter().flatten().collect())
        }

        /// Products that were seen again as they were.
        async fn reactivate(&mut self, ids: &[String], run: &str, now: i64) -> Result<()> {
            if !ids.is_empty() {
                diesel::update(product::table.filter(product::id.eq_any(ids)))
                    .set((
                        product::state.eq("active"),
                        product::changed_run.eq(run),
                        product::updated_at.eq(now),
                    ))
                    .execute(self)
                    .await?;
            }
            Ok(())
        }

        /// Takes products out of the lists that other runs hold.
        async fn forget_held(&mut self, ids: Vec<&str>, run: &str) -> Result<()> {
            if !ids.is_empty() {
                let held = removal::table.filter(removal::product_id.eq_any(ids));
                diesel::delete(held.filter(removal::run_id.ne(run))).execute(self).await?;
            }
            Ok(())
        }

        /// Replaces all edges of products that had others; inserts those of new ones.
        async fn replace_edges(
            &mut self,
            owners: Vec<(String, Option<Vec<u8>>)>,
            rows: Vec<EdgeRow>,
        ) -> Result<()> {
            if !owners.is_empty() {
                let ids: Vec<&String> = owners.iter().map(|(id, _)| id).collect();
                diesel::delete(edge::table.filter(edge::product_id.eq_any(ids)))
                    .execute(self)
                    .await?;
                for (id, hash) in &owners {
                    diesel::update(product::table.find(id))
                        .set(product::edges_hash.eq(hash))
                        .execute(self)
                        .await?;
                }
            }
            self.insert_edges(rows).await?;
            Ok(())
        }

        /// Writes containers that are new or differ.
        async fn put_namespaces(&mut self, connector: &str, read: &HashMap<String, Namespace>) -> Result<()> {
            if read.is_empty() {
                return Ok(());
            }
            let stored: Vec<(String, String, String)> = namespace::table
                .filter(namespace::connector_id.eq(connector))
                .filter(namespace::key.eq_any(read.keys()))
                .select((namespace::key, namespace::kind, namespace::doc))
                .load(self)
                .await?;
            let stored: HashMap<String, (String, String)> =
                stored.into_iter().map(|(key, kind, doc)| (key, (kind, doc))).collect();
            let mut rows = Vec::new();
            for (key, namespace) in read {
                let known = stored.get(key);
                let doc = NamespaceDoc::merge(namespace, known.map(|(_, doc)| doc.as_str()))?;
                if known.is_none_or(|(kind, stored)| kind != namespace.kind || *stored != doc) {
                    rows.push(NamespaceRow {
                        connector_id: connector.to_owned(),
                        key: key.clone(),
                        kind: namespace.kind.to_owned(),
                        doc,
                    });
                }
            }
            // Two runs never write one connector, but rows in one order never deadlock either.
            rows.sort_by(|a, b| a.key.cmp(&b.key));
            self.replace_namespaces(rows).await?;
            Ok(())
        }
    }
}
