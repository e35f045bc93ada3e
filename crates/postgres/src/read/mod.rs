//! Reads one split: whole schemas of one database, in one snapshot where that does not take too long.
//!
//! First comes a plain listing of the relations in scope. Then each kind of fact (relations, columns,
//! comments, constraints, upstreams of views) is a cursor ordered by relation, and the cursors are merged
//! page by page: the number of statements does not grow with the number of tables, and memory holds two
//! pages. None of these lists waits for a relation's lock; what does is in [`definitions`].
//!
//! A server that holds a snapshot cannot clean up behind anybody's updates. So between two pages a snapshot
//! that is too old is given up, and what the next one holds under names that were not read yet is read from
//! there. A table that another takes the place of is found by its name, whichever of them was read before.

mod cursor;
pub(crate) mod definitions;
mod listing;
mod lists;
pub(crate) mod rows;
pub(crate) mod types;

use crate::{
    access::Part,
    convert::{self, Completion, Draft},
    session::{Session, Settings},
};
use definitions::{Reader, Wanted};
use headwater_core::{Error, ErrorKind, Listing, Path, Result, Scope, Split, SplitSink};
use listing::Seen;
use lists::Lists;
use std::collections::{BTreeMap, HashMap, HashSet};
use types::ColumnTypes;

/// The database that a split belongs to.
pub(crate) fn database(split: &Split) -> Result<&str> {
    let first = split.namespaces.first().and_then(|path| path.segments().first());
    first
        .map(|name| &**name)
        .ok_or_else(|| Error::new(ErrorKind::Unexpected, "a split without a schema"))
}

/// Reads a split to its end.
pub(crate) async fn read(
    session: &Session,
    split: &Split,
    scope: &Scope,
    settings: Settings,
    out: &SplitSink,
) -> Result<()> {
    let mut reading = Reading {
        session,
        database: database(split)?,
        split,
        scope,
        settings,
        out,
        schemas: HashMap::new(),
        types: ColumnTypes::default(),
        seen: Seen::default(),
        described: HashSet::new(),
        definitions: Reader::new(settings),
        renewals: 0,
        odd_relations: BTreeMap::new(),
        odd_constraints: BTreeMap::new(),
    };
    reading.warn_refused().await?;
    loop {
        let lists = reading.list().await?;
        if reading.pages(lists).await? {
            break;
        }
        session.renew().await?;
        reading.renewals += 1;
    }
    reading.warn_in_sum().await?;
    reading.close().await?;
    out.cost(session.take_cost()).await
}

/// Closes a split of which nothing can be read.
pub(crate) async fn close_unread(split: &Split, error: &Error, out: &SplitSink) -> Result<()> {
    for path in &split.namespaces {
        out.close(path, Listing::failed(error)).await?;
    }
    Ok(())
}

/// What outlives a page, and from `seen` on a snapshot.
struct Reading<'a> {
    session: &'a Session,
    database: &'a str,
    split: &'a Split,
    scope: &'a Scope,
    settings: Settings,
    out: &'a SplitSink,
    /// By oid.
    schemas: HashMap<u32, Path>,
    types: ColumnTypes,
    seen: Seen,
    described: HashSet<Path>,
    definitions: Reader,
    renewals: u32,
    odd_relations: BTreeMap<char, usize>,
    odd_constraints: BTreeMap<char, usize>,
}

impl Reading<'_> {
    /// Lists what the snapshot holds and was not read before, and opens the lists over it.
    async fn list(&mut self) -> Result<Lists> {
        let schemas = listing::schemas(self.session, self.database, self.split).await?;
        for namespace in schemas.described {
            if self.described.insert(namespace.path.clone()) {
                self.out.namespace(namespace).await?;
            }
        }
        self.schemas = schemas.paths;
        self.types = ColumnTypes::default();
        let relations = listing::relations(self.session, &self.schemas, self.scope, &self.seen).await?;
        self.odd_relations = relations.unknown;
        Lists::open(self.session, &relations.listed).await
    }

    /// Reads page by page: `true` to the end, `false` when the snapshot has become too old before.
    async fn pages(&mut self, mut lists: Lists) -> Result<bool> {
        while self.page(&mut lists).await? {
            self.out.cost(self.session.take_cost()).await?;
            if self.session.snapshot_age() >= self.settings.snapshot && !lists.are_at_end() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Reads and emits the next page; `false` when there was none.
    async fn page(&mut self, lists: &mut Lists) -> Result<bool> {
        let drafts = self.drafts(lists).await?;
        if drafts.is_empty() {
            return Ok(false);
        }
        self.out.beat();
        self.count_odd(&drafts);
        let new = self
            .types
            .unknown(drafts.iter().flat_map(|draft| draft.columns.iter().flatten()));
        self.types.learn(self.session, new).await?;
        let wanted = self.all_wanted(&drafts);
        // The next page comes in the same round trip.
        let texts = self.definitions.read(self.session, &wanted, self.out);
        let (texts, ()) = tokio::try_join!(texts, lists.fill(self.session))?;
        self.warn(&drafts, &wanted, &texts).await?;
        let sizes = self.sizes(&drafts).await?;
        let mut completion = Completion {
            database: self.database,
            block_size: self.session.facts.block_size,
            types: &self.types,
            texts,
            sizes,
        };
        for mut draft in drafts {
            let (Some(schema), Some(kind)) = (
                self.schemas.get(&draft.relation.namespace),
                convert::kind(draft.relation.kind),
            ) else {
                continue;
            };
            self.seen.insert(schema, &draft.relation.name);
            let upstreams = draft.upstreams.take();
            let asset = draft.into_asset(schema, kind, &mut completion);
            let owner = asset.key.clone();
            self.out.asset(asset).await?;
            if let Some(upstreams) = upstreams {
                let edges = convert::lineage(self.database, upstreams);
                self.out.lineage(owner, edges).await?;
            }
        }
        Ok(true)
    }

    /// The relations of which all that the lists say was fetched.
    async fn drafts(&self, lists: &mut Lists) -> Result<Vec<Draft>> {
        let mut drafts = Vec::new();
        while let Some(draft) = lists.next(self.session, drafts.is_empty()).await? {
            drafts.push(draft);
        }
        Ok(drafts)
    }

    fn all_wanted(&self, drafts: &[Draft]) -> Vec<Wanted> {
        let all = drafts.iter().map(|draft| self.wanted(draft));
        all.filter(|wanted| !wanted.is_empty()).collect()
    }

    /// The texts of a relation that wait for a lock.
    fn wanted(&self, draft: &Draft) -> Wanted {
        let access = &self.session.facts.access;
        let columns = draft.columns.iter().flatten();
        let constraints = draft.constraints.iter().flatten();
        Wanted {
            relation: draft.relation.oid,
            view: convert::is_view(draft.relation.kind) && access.may(Part::ViewDefinitions),
            defaults: access.may(Part::Defaults) && columns.clone().any(|column| column.has_default),
            constraints: constraints
                .filter(|row| access.may(Part::Checks) && convert::has_expression(row.kind))
                .map(|row| row.oid)
                .collect(),
            partition_key: access.may(Part::PartitionKeys)
                && draft
                    .partitioning
                    .as_ref()
                    .is_some_and(|row| row.columns.contains(&0)),
            size: false,
        }
    }

    /// The sizes of a page, where they are to be measured. They are a batch of their own: a relation whose
    /// size cannot be had may still show its texts.
    async fn sizes(&mut self, drafts: &[Draft]) -> Result<Option<definitions::Texts>> {
        if !self.settings.exact_sizes || !self.session.facts.access.may(Part::ExactSizes) {
            return Ok(None);
        }
        let wanted: Vec<Wanted> = drafts
            .iter()
            .filter(|draft| convert::is_stored(draft.relation.kind))
            .map(|draft| Wanted::size(draft.relation.oid))
            .collect();
        let sizes = self.definitions.read(self.session, &wanted, self.out).await?;
        self.warn(drafts, &wanted, &sizes).await?;
        Ok(Some(sizes))
    }

    fn count_odd(&mut self, drafts: &[Draft]) {
        let constraints = drafts.iter().flat_map(|draft| draft.constraints.iter().flatten());
        for row in constraints.filter(|row| convert::constraint_kind(row.kind).is_none()) {
            *self.odd_constraints.entry(row.kind).or_default() += 1;
        }
    }

    /// Names the relations whose texts or sizes are unread.
    async fn warn(&self, drafts: &[Draft], wanted: &[Wanted], texts: &definitions::Texts) -> Result<()> {
        let unread: HashMap<u32, &Wanted> = wanted
            .iter()
            .filter(|wanted| texts.is_unread(wanted.relation))
            .map(|wanted| (wanted.relation, wanted))
            .collect();
        for relation in drafts.iter().map(|draft| &draft.relation) {
            let Some(wanted) = unread.get(&relation.oid) else {
                continue;
            };
            let (code, what) = match (wanted.size, wanted.view) {
                (true, _) => ("size_unread", "its exact size"),
                (false, true) => ("definition_unread", "its definition"),
                (false, false) => ("expressions_unread", "its defaults and checks"),
            };
            let detail = format!("{what} could not be read: it is locked, or changed while it was read");
            let path = self
                .schemas
                .get(&relation.namespace)
                .map(|schema| schema.child(&*relation.name));
            self.out.warn(code, detail, path).await?;
        }
        Ok(())
    }

    /// Tells which parts the role may not read, each once.
    async fn warn_refused(&self) -> Result<()> {
        for part in Part::SECONDARY {
            if let Some(grant) = self.session.facts.access.grant(*part) {
                let detail = format!("{} are not read: the role may not; run: {grant}", part.name());
                self.out
                    .warn("permission_denied", detail, Some(Path::new([self.database])))
                    .await?;
            }
        }
        Ok(())
    }

    /// Tells what is known when all is read.
    async fn warn_in_sum(&self) -> Result<()> {
        for (what, counts) in [
            ("relation", &self.odd_relations),
            ("constraint", &self.odd_constraints),
        ] {
            for (kind, count) in counts {
                let detail = format!("{what}s of the unknown kind {kind:?} are left out: {count}");
                let code = format!("unknown_{what}_kind");
                self.out.warn(code, detail, None).await?;
            }
        }
        let path = || Some(Path::new([self.database]));
        if self.definitions.gave_up() {
            let detail = "too many relations are locked or change: definitions, expressions and sizes of others \
                          may be unread as well";
            self.out.warn("definitions_given_up", detail, path()).await?;
        }
        if self.renewals > 0 {
            let (renewals, limit) = (self.renewals, self.settings.snapshot.as_secs());
            let detail = format!(
                "the snapshot was renewed whenever it was {limit} seconds old (in all: {renewals}): what changed \
                 meanwhile may be shown as it was"
            );
            self.out.warn("snapshot_renewed", detail, path()).await?;
        }
        Ok(())
    }

    async fn close(&self) -> Result<()> {
        for path in &self.split.namespaces {
            let listing = match self.schemas.values().any(|read| read == path) {
                true => Listing::Complete,
                false => Listing::partial(
                    "not_found",
                    "the schema was dropped or renamed before it was read",
                ),
            };
            self.out.close(path, listing).await?;
        }
        Ok(())
    }
}
