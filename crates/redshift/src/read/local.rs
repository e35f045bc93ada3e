//! Schemas of the database itself.

use super::{
    describe, over_schemas,
    page::{Of, Page, Range},
    texts, warn_all,
    whole::{Key, Whole, view_behind},
};
use crate::{
    access::{Part, Refused, explained},
    convert::{self, Draft, View},
    lineage,
    payload::Task,
    rows::{ListingRow, RelationRow},
    session::Session,
};
use headwater_core::{Listing, Path, Result, Scope, SplitSink, model::LineageEdge};
use std::collections::{BTreeSet, HashMap, HashSet};

/// Relations of a page.
const RELATIONS: usize = 2000;
/// Columns of a page, as far as the catalog counts them.
const COLUMNS: i64 = 60_000;
/// How often what changed while it was read is looked for again.
const ROUNDS: usize = 4;

pub(super) async fn read(
    session: &Session,
    task: &Task<'_>,
    scope: &Scope,
    unsure: bool,
    out: &SplitSink,
) -> Result<()> {
    let mut refused = Refused::default();
    let listing = list(session, task).await?;
    let views = listing.iter().any(|row| row.kind != "r");
    let mut reading = Reading {
        session,
        task,
        scope,
        out,
        known: HashSet::new(),
        seen: HashSet::new(),
        whole: Whole::read(session, task, views, out).await?,
        definitions: texts::Reader::new(),
    };
    let described = reading.describe(&mut refused).await?;
    let settled = reading.all(listing, &mut refused).await?;
    warn_all(&refused, task, out).await?;
    reading.close(&described, settled, unsure).await
}

async fn list(session: &Session, task: &Task<'_>) -> Result<Vec<ListingRow>> {
    let sql = over_schemas(include_str!("../queries/listing.sql"), 0, &task.schemas);
    let rows = session.query(&sql, &task.schemas);
    let explain = |error| explained(Part::Relations, error, &session.facts.user);
    session.apart(rows).await.map_err(explain)
}

struct Reading<'a> {
    session: &'a Session,
    task: &'a Task<'a>,
    scope: &'a Scope,
    out: &'a SplitSink,
    /// All relations of the last listing, by name.
    known: HashSet<Key>,
    /// Those that were reported.
    seen: HashSet<Key>,
    whole: Whole,
    definitions: texts::Reader,
}

impl Reading<'_> {
    /// Reports the schemas that there are.
    async fn describe(&self, refused: &mut Refused) -> Result<BTreeSet<String>> {
        let (rows, commented) = describe(self.session, self.task, refused).await?;
        let mut described = BTreeSet::new();
        for row in rows {
            described.insert(row.name.clone());
            let namespace = convert::namespace(self.task.path(&row.name), row, commented);
            self.out.namespace(namespace).await?;
        }
        Ok(described)
    }

    /// Reads all relations. A split of more than one page is listed again until nothing is new: what was swapped in
    /// between two pages stands under a name that was not read. `false` when that did not settle.
    async fn all(&mut self, mut listing: Vec<ListingRow>, refused: &mut Refused) -> Result<bool> {
        for _round in 0..ROUNDS {
            self.known = listing
                .iter()
                .map(|row| (row.schema.clone(), row.name.clone()))
                .collect();
            listing.retain(|row| self.is_wanted(&row.schema, &row.name));
            if listing.is_empty() {
                return Ok(true);
            }
            for range in pages(&listing) {
                self.page(range, refused).await?;
                self.out.cost(self.session.take_cost()).await?;
            }
            listing = list(self.session, self.task).await?;
        }
        Ok(!listing.iter().any(|row| self.is_wanted(&row.schema, &row.name)))
    }

    /// Whether a relation is in scope, was not reported yet, and is not the inside of a materialized view.
    fn is_wanted(&self, schema: &str, name: &str) -> bool {
        let holds = |set: &HashSet<Key>, name: &str| set.contains(&(schema.to_owned(), name.to_owned()));
        let inside = view_behind(name).is_some_and(|view| holds(&self.known, view));
        !inside && self.scope.admits_table(name) && !holds(&self.seen, name)
    }

    async fn page(&mut self, range: Range, refused: &mut Refused) -> Result<()> {
        let of = Of {
            session: self.session,
            schemas: &self.task.schemas,
            range,
        };
        let mut page = of.read(refused).await?;
        self.out.beat();
        let mut relations = std::mem::take(&mut page.relations);
        relations.retain(|row| self.is_wanted(&row.schema, &row.name));
        let views: Vec<i64> = relations
            .iter()
            .filter(|row| row.kind != "r")
            .map(|row| row.oid)
            .collect();
        let mut definitions = self.definitions.read(of, &views, refused).await?;
        let late = |page: &Page, row: &RelationRow| {
            let columns = page.columns.as_ref();
            row.kind == "v" && columns.is_some_and(|columns| !columns.contains_key(&row.oid))
        };
        let mut late_columns = match relations.iter().any(|row| late(&page, row)) {
            true => texts::late_binding(of, refused).await?,
            false => None,
        };
        let mut drafts = Vec::with_capacity(relations.len());
        for row in relations {
            let key = (row.schema.clone(), row.name.clone());
            let text = definitions.as_mut().and_then(|all| all.found.remove(&row.oid));
            let behind = self.whole.keys.contains_key(&key);
            let view = (row.kind != "r").then(|| View {
                late_binding: late(&page, &row),
                materialized: convert::is_materialized(&row.kind, text.as_deref(), behind),
                broken: definitions
                    .as_ref()
                    .is_some_and(|all| all.broken.contains(&row.oid)),
                text,
                columns: late_columns.as_mut().and_then(|all| all.remove(&row.oid)),
            });
            drafts.push(self.draft(row, key, view, &mut page));
        }
        self.emit(drafts, page.upstreams.is_some()).await
    }

    fn draft(&self, row: RelationRow, key: Key, view: Option<View>, page: &mut Page) -> Draft {
        fn taken<T>(list: &mut Option<HashMap<i64, Vec<T>>>, oid: i64) -> Option<Vec<T>> {
            list.as_mut().map(|all| all.remove(&oid).unwrap_or_default())
        }
        Draft {
            columns: taken(&mut page.columns, row.oid),
            comments: taken(&mut page.comments, row.oid),
            constraints: taken(&mut page.constraints, row.oid),
            upstreams: taken(&mut page.upstreams, row.oid),
            created: taken(&mut page.created, row.oid).map(|rows| rows.into_iter().next()),
            size: self.whole.sizes.as_ref().map(|all| all.get(&key).cloned()),
            state: self.whole.materialized.as_ref().map(|all| all.get(&key).cloned()),
            keys: self.whole.keys.get(&key).cloned().unwrap_or_default(),
            relation: row,
            view,
        }
    }

    /// Reports the drafts, and the edges into views: from dependencies, or from the text where there are none.
    async fn emit(&mut self, mut drafts: Vec<Draft>, dependencies: bool) -> Result<()> {
        let texts: Vec<String> = drafts
            .iter()
            .filter_map(Draft::text_to_parse)
            .map(str::to_owned)
            .collect();
        let mut parsed = lineage::parse(texts).await?.into_iter();
        for mut draft in drafts.drain(..) {
            let key = (draft.relation.schema.clone(), draft.relation.name.clone());
            let path = self.task.path(&key.0).child(&*key.1);
            let edges = match draft.text_to_parse() {
                Some(_) => match parsed.next() {
                    Some(Ok(names)) => Some(self.edges_of_text(&path, &names)),
                    Some(Err(unread)) => {
                        let detail = format!("its lineage is not read: {unread}");
                        self.out
                            .warn("lineage_unread", detail, Some(path.clone()))
                            .await?;
                        None
                    }
                    None => None,
                },
                None => self.edges_of_dependencies(&mut draft, dependencies),
            };
            self.warn_broken(&draft, &path).await?;
            self.seen.insert(key);
            self.out
                .asset(draft.into_asset(path.clone(), self.task.database))
                .await?;
            if let Some(edges) = edges {
                self.out.lineage(path, edges).await?;
            }
        }
        Ok(())
    }

    fn edges_of_text(&self, path: &Path, names: &BTreeSet<Vec<String>>) -> Vec<LineageEdge> {
        let listed = |schema: &str, name: &str| self.known.contains(&(schema.to_owned(), name.to_owned()));
        lineage::of_text(path, self.task.database, names, listed)
    }

    /// Edges of an ordinary view. Of one whose text would say it and was not read, nothing is known.
    fn edges_of_dependencies(&self, draft: &mut Draft, dependencies: bool) -> Option<Vec<LineageEdge>> {
        let view = draft.view.as_ref()?;
        let by_text = view.late_binding || view.materialized;
        let upstreams = draft.upstreams.take().filter(|_| dependencies && !by_text)?;
        Some(lineage::of_dependencies(self.task.database, &upstreams))
    }

    async fn warn_broken(&self, draft: &Draft, path: &Path) -> Result<()> {
        let Some(view) = &draft.view else {
            return Ok(());
        };
        if view.broken {
            let detail = "its definition could not be read: the server stumbles over it";
            self.out
                .warn("definition_unread", detail, Some(path.clone()))
                .await?;
        }
        if view.late_binding && view.columns.as_ref().is_none_or(Vec::is_empty) {
            let detail = "the columns of this late-binding view are not known: what it reads may be gone";
            self.out
                .warn("columns_unread", detail, Some(path.clone()))
                .await?;
        }
        Ok(())
    }

    async fn close(&self, described: &BTreeSet<String>, settled: bool, unsure: bool) -> Result<()> {
        for schema in &self.task.schemas {
            let empty = !self.known.iter().any(|(own, _)| own == schema);
            let listing = match (described.contains(*schema), settled) {
                (false, _) => Listing::partial(
                    "not_found",
                    "the schema was dropped or renamed before it was read",
                ),
                (_, false) => Listing::partial(
                    "unsettled",
                    "relations were swapped faster than they could be read",
                ),
                _ if unsure && empty => Listing::partial(
                    "external_schemas_unread",
                    "the user may not read which schemas are external: this one may be, and have tables elsewhere",
                ),
                _ => Listing::Complete,
            };
            self.out.close(&self.task.path(schema), listing).await?;
        }
        Ok(())
    }
}

/// Cuts a listing, which is ordered by id, into pages.
fn pages(listing: &[ListingRow]) -> Vec<Range> {
    let mut pages: Vec<Range> = Vec::new();
    let (mut relations, mut columns) = (RELATIONS, COLUMNS);
    for row in listing {
        if relations >= RELATIONS || columns + row.columns > COLUMNS {
            pages.push(Range {
                first: row.oid,
                last: row.oid,
            });
            (relations, columns) = (0, 0);
        }
        if let Some(page) = pages.last_mut() {
            page.last = row.oid;
        }
        relations += 1;
        columns += row.columns;
    }
    pages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_bounded_by_relations_and_by_columns() {
        let listing = |count: i64, columns| -> Vec<ListingRow> {
            let row = |oid| ListingRow {
                oid,
                columns,
                ..ListingRow::default()
            };
            (0..count).map(row).collect()
        };
        assert_eq!(pages(&[]), []);
        assert_eq!(pages(&listing(3, 10)), [Range { first: 0, last: 2 }]);
        assert_eq!(pages(&listing(5000, 10)).len(), 3);
        assert_eq!(pages(&listing(100, 1600)).len(), 3);
        assert_eq!(
            pages(&listing(2, 100_000)),
            [Range { first: 0, last: 0 }, Range { first: 1, last: 1 }]
        );
    }
}
