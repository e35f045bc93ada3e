//! Reads one split: whole schemas of one database, in one snapshot.
//!
//! First comes a plain listing of the relations in scope. Then each kind of fact (relations, columns,
//! comments, constraints, upstreams of views) is a cursor ordered by relation, and the cursors are merged
//! page by page: the number of statements does not grow with the number of tables, and memory holds one
//! page. None of these lists waits for a relation's lock; what does is in [`definitions`].

mod cursor;
pub(crate) mod definitions;
pub(crate) mod rows;
pub(crate) mod types;

use crate::{
    access::Part,
    convert::{self, Completion, Draft},
    session::{Limits, Session, Values},
};
use cursor::{Cursor, List, OfRelation};
use definitions::{Reader, Wanted};
use headwater_core::{Error, ErrorKind, Listing, Path, Result, Scope, Split, SplitSink};
use rows::{
    BoundRow, ColumnRow, CommentRow, ConstraintRow, ForeignTableRow, ListingRow, NamespaceRow,
    PartitioningRow, RelationRow, UpstreamRow,
};
use std::collections::{BTreeMap, HashMap};
use tokio_postgres::types::Type;
use types::ColumnTypes;

/// Relations of a page.
const PAGE: usize = 250;
/// Columns at which a page ends early.
const PAGE_COLUMNS: usize = 4096;
/// Rows that a cursor of columns or comments fetches at once.
const FETCH: usize = 2048;

const RELATIONS: List = List {
    name: "relations",
    page: PAGE,
    sql: include_str!("../queries/relations.sql"),
};
const COLUMNS: List = List {
    name: "columns",
    page: FETCH,
    sql: include_str!("../queries/columns.sql"),
};
const COMMENTS: List = List {
    name: "comments",
    page: FETCH,
    sql: include_str!("../queries/comments.sql"),
};
const CONSTRAINTS: List = List {
    name: "constraints",
    page: PAGE,
    sql: include_str!("../queries/constraints.sql"),
};
const UPSTREAMS: List = List {
    name: "upstreams",
    page: PAGE,
    sql: include_str!("../queries/upstreams.sql"),
};
const PARTITIONING: List = List {
    name: "partitioning",
    page: PAGE,
    sql: include_str!("../queries/partitioning.sql"),
};
const BOUNDS: List = List {
    name: "bounds",
    page: FETCH,
    sql: include_str!("../queries/bounds.sql"),
};
const FOREIGN_TABLES: List = List {
    name: "foreign_tables",
    page: PAGE,
    sql: include_str!("../queries/foreign_tables.sql"),
};

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
    limits: Limits,
    out: &SplitSink,
) -> Result<()> {
    let database = database(split)?;
    warn_refused(session, database, out).await?;
    let schemas = read_namespaces(session, database, split, out).await?;
    let listing = list(session, &schemas, scope, out).await?;
    let mut reading = Reading::begin(session, database, &schemas, &listing, limits).await?;
    while reading.page(out).await? {
        out.cost(session.take_cost()).await?;
    }
    warn_unknown(out, "constraint", &reading.odd_constraints).await?;
    if reading.definitions.gave_up() {
        let detail = "too many relations are locked or change: the definitions and expressions of others may be \
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

/// The open cursors, and what outlives a page.
#[derive(Debug)]
struct Reading<'a> {
    session: &'a Session,
    database: &'a str,
    schemas: &'a HashMap<u32, Path>,
    relations: Cursor<RelationRow>,
    columns: Option<Cursor<ColumnRow>>,
    comments: Option<Cursor<CommentRow>>,
    constraints: Option<Cursor<ConstraintRow>>,
    upstreams: Option<Cursor<UpstreamRow>>,
    foreign_tables: Option<Cursor<ForeignTableRow>>,
    partitioning: Option<Cursor<PartitioningRow>>,
    bounds: Option<Cursor<BoundRow>>,
    types: ColumnTypes,
    definitions: Reader,
    odd_constraints: BTreeMap<char, usize>,
}

impl<'a> Reading<'a> {
    async fn begin(
        session: &'a Session,
        database: &'a str,
        schemas: &'a HashMap<u32, Path>,
        listing: &[Listed],
        limits: Limits,
    ) -> Result<Self> {
        let of = |wanted: fn(char) -> bool| -> Vec<u32> {
            listing
                .iter()
                .filter(|listed| wanted(listed.kind))
                .map(|listed| listed.oid)
                .collect()
        };
        let (all, views) = (of(|_| true), of(convert::is_view));
        let (partitioned, foreign) = (of(|kind| kind == 'p'), of(|kind| kind == 'f'));
        let may = |part| session.facts.access.may(part);
        let (columns, constraints) = (may(Part::Columns), may(Part::Columns) && may(Part::Constraints));
        let ((), relations, columns, comments, constraints, upstreams, foreign_tables, partitioning, bounds) =
            tokio::try_join!(
                session.prefer_indexes(),
                open(session, &RELATIONS, true, &all),
                open(session, &COLUMNS, columns, &all),
                open(session, &COMMENTS, may(Part::Comments), &all),
                open(session, &CONSTRAINTS, constraints, &all),
                open(session, &UPSTREAMS, may(Part::Lineage), &views),
                open(session, &FOREIGN_TABLES, may(Part::ForeignTables), &foreign),
                open(session, &PARTITIONING, may(Part::Partitions), &partitioned),
                open(session, &BOUNDS, may(Part::PartitionBounds), &partitioned),
            )?;
        Ok(Self {
            session,
            database,
            schemas,
            relations: relations.unwrap_or_else(Cursor::empty),
            columns,
            comments,
            constraints,
            upstreams,
            foreign_tables,
            partitioning,
            bounds,
            types: ColumnTypes::default(),
            definitions: Reader::new(limits),
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
        let mut completion = Completion {
            database: self.database,
            block_size: self.session.facts.block_size,
            types: &self.types,
            texts,
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
        self.fill().await?;
        let (mut drafts, mut width) = (Vec::new(), 0);
        while drafts.len() < PAGE && width < PAGE_COLUMNS {
            let Some(relation) = self.relations.next(self.session, 1).await?.pop() else {
                break;
            };
            let (session, oid) = (self.session, relation.oid);
            let draft = Draft {
                columns: of(&mut self.columns, session, oid).await?,
                comments: of(&mut self.comments, session, oid).await?,
                constraints: of(&mut self.constraints, session, oid).await?,
                upstreams: match convert::is_view(relation.kind) {
                    true => of(&mut self.upstreams, session, oid).await?,
                    false => None,
                },
                partitioning: of(&mut self.partitioning, session, oid)
                    .await?
                    .and_then(|mut rows| rows.pop()),
                bounds: of(&mut self.bounds, session, oid).await?,
                foreign: of(&mut self.foreign_tables, session, oid)
                    .await?
                    .and_then(|mut rows| rows.pop()),
                relation,
            };
            width += draft.columns.as_ref().map_or(0, Vec::len);
            drafts.push(draft);
        }
        Ok(drafts)
    }

    /// Fetches ahead on all cursors in one round trip.
    async fn fill(&mut self) -> Result<()> {
        let session = self.session;
        tokio::try_join!(
            self.relations.fill(session),
            fill(&mut self.columns, session),
            fill(&mut self.comments, session),
            fill(&mut self.constraints, session),
            fill(&mut self.upstreams, session),
            fill(&mut self.foreign_tables, session),
            fill(&mut self.partitioning, session),
            fill(&mut self.bounds, session),
        )?;
        Ok(())
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
        }
    }

    fn count_odd(&mut self, drafts: &[Draft]) {
        let constraints = drafts.iter().flat_map(|draft| draft.constraints.iter().flatten());
        for row in constraints.filter(|row| convert::constraint_kind(row.kind).is_none()) {
            *self.odd_constraints.entry(row.kind).or_default() += 1;
        }
    }

    /// Names the relations whose texts are unread.
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
            let (code, what) = match wanted.view {
                true => ("definition_unread", "its definition"),
                false => ("expressions_unread", "its defaults and checks"),
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

/// A cursor over the facts of these relations; none where they may not be read.
async fn open<T: OfRelation>(
    session: &Session,
    list: &'static List,
    readable: bool,
    relations: &[u32],
) -> Result<Option<Cursor<T>>> {
    if !readable {
        return Ok(None);
    }
    if relations.is_empty() {
        return Ok(Some(Cursor::empty()));
    }
    Cursor::open(session, list, relations).await.map(Some)
}

async fn of<T: OfRelation>(
    cursor: &mut Option<Cursor<T>>,
    session: &Session,
    relation: u32,
) -> Result<Option<Vec<T>>> {
    match cursor {
        Some(cursor) => cursor.of(session, relation).await.map(Some),
        None => Ok(None),
    }
}

async fn fill<T: OfRelation>(cursor: &mut Option<Cursor<T>>, session: &Session) -> Result<()> {
    match cursor {
        Some(cursor) => cursor.fill(session).await,
        None => Ok(()),
    }
}
