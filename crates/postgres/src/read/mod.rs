//! Reads one split: whole schemas of one database, in one snapshot.
//!
//! First comes a plain listing of the relations in scope. Then each kind of fact (relations, columns,
//! comments, constraints, upstreams of views) is a cursor ordered by relation, and the cursors are merged
//! page by page: the number of statements does not grow with the number of tables, and memory holds one
//! page. None of these lists waits for a relation's lock; what does is in [`definitions`].

mod cursor;
pub(crate) mod definitions;
mod lists;
pub(crate) mod rows;
pub(crate) mod types;

use crate::{
    access::Part,
    convert::{self, Completion, Draft},
    session::{Session, Settings, Values},
};
use definitions::{Reader, Wanted};
use headwater_core::{Error, ErrorKind, Listing, Path, Result, Scope, Split, SplitSink};
use lists::{Lists, PAGE};
use rows::{ListingRow, NamespaceRow};
use std::collections::{BTreeMap, HashMap};
use tokio_postgres::types::Type;
use types::ColumnTypes;

/// Columns at which a page ends early.
const PAGE_COLUMNS: usize = 4096;

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
    let database = database(split)?;
    warn_refused(session, database, out).await?;
    let schemas = read_namespaces(session, database, split, out).await?;
    let listing = list(session, &schemas, scope, out).await?;
    let mut reading = Reading::begin(session, database, &schemas, &listing, settings).await?;
    while reading.page(out).await? {
        out.cost(session.take_cost()).await?;
    }
    warn_unknown(out, "constraint", &reading.odd_constraints).await?;
    if reading.definitions.gave_up() {
        let detail = "too many relations are locked or change: definitions, expressions and sizes of others may be \
                      unread as well";
        out.warn("definitions_given_up", detail, Some(Path::new([database])))
            .await?;
    }
    for path in &split.namespaces {
        let listing = match schemas.values().any(|read| read == path) {
            true => Listing::Complete,
            false => Listing::partial(
                "not_found",
                "the schema was dropped or renamed before it was read",
            ),
        };
        out.close(path, listing).await?;
    }
    out.cost(session.take_cost()).await
}

/// Closes a split of which nothing can be read.
pub(crate) async fn close_unread(split: &Split, error: &Error, out: &SplitSink) -> Result<()> {
    for path in &split.namespaces {
        out.close(path, Listing::failed(error)).await?;
    }
    Ok(())
}

/// Tells which parts the role may not read, each once.
async fn warn_refused(session: &Session, database: &str, out: &SplitSink) -> Result<()> {
    for part in Part::SECONDARY {
        if let Some(grant) = session.facts.access.grant(*part) {
            let detail = format!("{} are not read: the role may not; run: {grant}", part.name());
            out.warn("permission_denied", detail, Some(Path::new([database])))
                .await?;
        }
    }
    Ok(())
}

/// Emits the database and the split's schemas, and returns the schemas by oid.
async fn read_namespaces(
    session: &Session,
    database: &str,
    split: &Split,
    out: &SplitSink,
) -> Result<HashMap<u32, Path>> {
    let names: Vec<&str> = split.namespaces.iter().filter_map(Path::name).collect();
    let access = &session.facts.access;
    let (commented, shared) = (access.may(Part::Comments), access.may(Part::DatabaseComments));
    let values: Values<'_> = &[
        (&names, Type::TEXT_ARRAY),
        (&commented, Type::BOOL),
        (&shared, Type::BOOL),
    ];
    let rows: Vec<NamespaceRow> = session
        .query(include_str!("../queries/namespaces.sql"), values)
        .await?;
    let mut schemas = HashMap::new();
    for row in rows {
        let namespace = if row.oid == 0 {
            convert::namespace(Path::new([database]), "database", row, shared)
        } else {
            let path = Path::new([database, row.name.as_str()]);
            schemas.insert(row.oid, path.clone());
            convert::namespace(path, "schema", row, commented)
        };
        out.namespace(namespace).await?;
    }
    Ok(schemas)
}

/// Lists the relations that become assets. Kinds that are unknown are counted and told.
async fn list(
    session: &Session,
    schemas: &HashMap<u32, Path>,
    scope: &Scope,
    out: &SplitSink,
) -> Result<Vec<Listed>> {
    let oids: Vec<u32> = schemas.keys().copied().collect();
    let values: Values<'_> = &[(&oids, Type::OID_ARRAY)];
    let rows: Vec<ListingRow> = session
        .query(include_str!("../queries/listing.sql"), values)
        .await?;
    let (known, unknown): (Vec<_>, Vec<_>) = rows
        .into_iter()
        .partition(|row| convert::kind(row.kind).is_some());
    let mut counts = BTreeMap::new();
    for row in unknown {
        *counts.entry(row.kind).or_default() += 1;
    }
    warn_unknown(out, "relation", &counts).await?;
    let in_scope = known.into_iter().filter(|row| scope.admits_table(&row.name));
    Ok(in_scope
        .map(|row| Listed {
            oid: row.oid,
            kind: row.kind,
        })
        .collect())
}

async fn warn_unknown(out: &SplitSink, what: &str, counts: &BTreeMap<char, usize>) -> Result<()> {
    for (kind, count) in counts {
        let detail = format!("{what}s of the unknown kind {kind:?} are left out: {count}");
        out.warn(format!("unknown_{what}_kind"), detail, None).await?;
    }
    Ok(())
}

/// A relation of the listing.
#[derive(Debug, Clone, Copy)]
struct Listed {
    oid: u32,
    kind: char,
}

/// The open lists, and what outlives a page.
#[derive(Debug)]
struct Reading<'a> {
    session: &'a Session,
    database: &'a str,
    schemas: &'a HashMap<u32, Path>,
    lists: Lists,
    types: ColumnTypes,
    definitions: Reader,
    settings: Settings,
    odd_constraints: BTreeMap<char, usize>,
}

impl<'a> Reading<'a> {
    async fn begin(
        session: &'a Session,
        database: &'a str,
        schemas: &'a HashMap<u32, Path>,
        listing: &[Listed],
        settings: Settings,
    ) -> Result<Self> {
        Ok(Self {
            session,
            database,
            schemas,
            lists: Lists::open(session, listing).await?,
            types: ColumnTypes::default(),
            definitions: Reader::new(settings),
            settings,
            odd_constraints: BTreeMap::new(),
        })
    }

    /// Reads and emits the next page; `false` when there was none.
    async fn page(&mut self, out: &SplitSink) -> Result<bool> {
        let drafts = self.drafts().await?;
        if drafts.is_empty() {
            return Ok(false);
        }
        out.beat();
        self.count_odd(&drafts);
        let new = self
            .types
            .unknown(drafts.iter().flat_map(|draft| draft.columns.iter().flatten()));
        self.types.learn(self.session, new).await?;
        let wanted = self.all_wanted(&drafts);
        let texts = self.definitions.read(self.session, &wanted, out).await?;
        self.warn(&drafts, &wanted, &texts, out).await?;
        let sizes = self.sizes(&drafts, out).await?;
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
            let upstreams = draft.upstreams.take();
            let asset = draft.into_asset(schema, kind, &mut completion);
            let owner = asset.key.clone();
            out.asset(asset).await?;
            if let Some(upstreams) = upstreams {
                out.lineage(owner, convert::lineage(self.database, upstreams))
                    .await?;
            }
        }
        Ok(true)
    }

    /// The next relations with all that the lists say of them.
    async fn drafts(&mut self) -> Result<Vec<Draft>> {
        self.lists.fill(self.session).await?;
        let (mut drafts, mut width) = (Vec::new(), 0);
        while drafts.len() < PAGE && width < PAGE_COLUMNS {
            let Some(draft) = self.lists.next(self.session).await? else {
                break;
            };
            width += draft.columns.as_ref().map_or(0, Vec::len);
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
    async fn sizes(&mut self, drafts: &[Draft], out: &SplitSink) -> Result<Option<definitions::Texts>> {
        if !self.settings.exact_sizes || !self.session.facts.access.may(Part::ExactSizes) {
            return Ok(None);
        }
        let wanted: Vec<Wanted> = drafts
            .iter()
            .filter(|draft| convert::is_stored(draft.relation.kind))
            .map(|draft| Wanted::size(draft.relation.oid))
            .collect();
        let sizes = self.definitions.read(self.session, &wanted, out).await?;
        self.warn(drafts, &wanted, &sizes, out).await?;
        Ok(Some(sizes))
    }

    fn count_odd(&mut self, drafts: &[Draft]) {
        let constraints = drafts.iter().flat_map(|draft| draft.constraints.iter().flatten());
        for row in constraints.filter(|row| convert::constraint_kind(row.kind).is_none()) {
            *self.odd_constraints.entry(row.kind).or_default() += 1;
        }
    }

    /// Names the relations whose texts or sizes are unread.
    async fn warn(
        &self,
        drafts: &[Draft],
        wanted: &[Wanted],
        texts: &definitions::Texts,
        out: &SplitSink,
    ) -> Result<()> {
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
            out.warn(code, detail, path).await?;
        }
        Ok(())
    }
}
