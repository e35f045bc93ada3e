//! The lists of a split: one cursor each, ordered by relation and merged relation by relation.

use super::{
    cursor::{Cursor, List, OfRelation},
    listing::Listed,
    rows::{
        BoundRow, ColumnRow, CommentRow, ConstraintRow, ForeignTableRow, PartitioningRow, RelationRow,
        UpstreamRow,
    },
};
use crate::{
    access::Part,
    convert::{self, Draft},
    session::Session,
};
use headwater_core::Result;

/// Rows that a cursor of few rows a relation fetches at once.
const PAGE: usize = 250;
/// Rows that a cursor of columns or comments fetches at once.
const FETCH: usize = 1024;

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

/// The open cursors. A list that the role may not read is `None`.
#[derive(Debug)]
pub(super) struct Lists {
    relations: Cursor<RelationRow>,
    columns: Option<Cursor<ColumnRow>>,
    comments: Option<Cursor<CommentRow>>,
    constraints: Option<Cursor<ConstraintRow>>,
    upstreams: Option<Cursor<UpstreamRow>>,
    partitioning: Option<Cursor<PartitioningRow>>,
    bounds: Option<Cursor<BoundRow>>,
    foreign_tables: Option<Cursor<ForeignTableRow>>,
}

impl Lists {
    /// Declares all cursors and fetches their first rows in one round trip.
    pub(super) async fn open(session: &Session, listing: &[Listed]) -> Result<Self> {
        let of = |wanted: fn(char) -> bool| -> Vec<u32> {
            let wanted = listing.iter().filter(|listed| wanted(listed.kind));
            wanted.map(|listed| listed.oid).collect()
        };
        let (all, views) = (of(|_| true), of(convert::is_view));
        let (partitioned, foreign) = (of(|kind| kind == 'p'), of(|kind| kind == 'f'));
        let may = |part| session.facts.access.may(part);
        let mut lists = Self {
            relations: Cursor::new(&RELATIONS),
            columns: readable(&COLUMNS, may(Part::Columns)),
            comments: readable(&COMMENTS, may(Part::Comments)),
            constraints: readable(&CONSTRAINTS, may(Part::Columns) && may(Part::Constraints)),
            upstreams: readable(&UPSTREAMS, may(Part::Lineage)),
            partitioning: readable(&PARTITIONING, may(Part::Partitions)),
            bounds: readable(&BOUNDS, may(Part::PartitionBounds)),
            foreign_tables: readable(&FOREIGN_TABLES, may(Part::ForeignTables)),
        };
        tokio::try_join!(
            session.prefer_indexes(),
            lists.relations.open(session, &all),
            open(&mut lists.columns, session, &all),
            open(&mut lists.comments, session, &all),
            open(&mut lists.constraints, session, &all),
            open(&mut lists.upstreams, session, &views),
            open(&mut lists.partitioning, session, &partitioned),
            open(&mut lists.bounds, session, &partitioned),
            open(&mut lists.foreign_tables, session, &foreign),
        )?;
        Ok(lists)
    }

    /// Whether no relation is left.
    pub(super) fn are_at_end(&self) -> bool {
        self.relations.is_at_end()
    }

    /// Fetches ahead on all cursors in one round trip.
    pub(super) async fn fill(&mut self, session: &Session) -> Result<()> {
        tokio::try_join!(
            self.relations.fill(session),
            fill(&mut self.columns, session),
            fill(&mut self.comments, session),
            fill(&mut self.constraints, session),
            fill(&mut self.upstreams, session),
            fill(&mut self.partitioning, session),
            fill(&mut self.bounds, session),
            fill(&mut self.foreign_tables, session),
        )?;
        Ok(())
    }

    /// Whether all that the lists say of a relation was fetched.
    fn cover(&self, relation: u32) -> bool {
        covers(&self.columns, relation)
            && covers(&self.comments, relation)
            && covers(&self.constraints, relation)
            && covers(&self.upstreams, relation)
            && covers(&self.partitioning, relation)
            && covers(&self.bounds, relation)
            && covers(&self.foreign_tables, relation)
    }

    /// The next relation with all that the lists say of it, where all of that was fetched already. The `first`
    /// of a page is fetched to its end: one relation may have more columns than are fetched at once.
    pub(super) async fn next(&mut self, session: &Session, first: bool) -> Result<Option<Draft>> {
        if !self.relations.peek().is_some_and(|oid| first || self.cover(oid)) {
            return Ok(None);
        }
        let Some(relation) = self.relations.next() else {
            return Ok(None);
        };
        let oid = relation.oid;
        Ok(Some(Draft {
            columns: of(&mut self.columns, session, oid).await?,
            comments: of(&mut self.comments, session, oid).await?,
            constraints: of(&mut self.constraints, session, oid).await?,
            upstreams: match convert::is_view(relation.kind) {
                true => of(&mut self.upstreams, session, oid).await?,
                false => None,
            },
            partitioning: one_of(&mut self.partitioning, session, oid).await?,
            bounds: of(&mut self.bounds, session, oid).await?,
            foreign: one_of(&mut self.foreign_tables, session, oid).await?,
            relation,
        }))
    }
}

fn covers<T: OfRelation>(cursor: &Option<Cursor<T>>, relation: u32) -> bool {
    cursor.as_ref().is_none_or(|cursor| cursor.covers(relation))
}

fn readable<T: OfRelation>(list: &'static List, readable: bool) -> Option<Cursor<T>> {
    readable.then(|| Cursor::new(list))
}

async fn open<T: OfRelation>(
    cursor: &mut Option<Cursor<T>>,
    session: &Session,
    relations: &[u32],
) -> Result<()> {
    match cursor {
        Some(cursor) => cursor.open(session, relations).await,
        None => Ok(()),
    }
}

async fn fill<T: OfRelation>(cursor: &mut Option<Cursor<T>>, session: &Session) -> Result<()> {
    match cursor {
        Some(cursor) => cursor.fill(session).await,
        None => Ok(()),
    }
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

async fn one_of<T: OfRelation>(
    cursor: &mut Option<Cursor<T>>,
    session: &Session,
    relation: u32,
) -> Result<Option<T>> {
    let rows = of(cursor, session, relation).await?;
    Ok(rows.and_then(|mut rows| rows.pop()))
}
