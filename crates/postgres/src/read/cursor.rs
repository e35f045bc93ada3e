//! Cursors over lists that are ordered by the relation they belong to.

use crate::session::Session;
use headwater_core::Result;
use headwater_pg_wire::FromRow;
use std::collections::VecDeque;
use tokio_postgres::types::Type;

/// A row that belongs to a relation.
pub(crate) trait OfRelation: FromRow {
    /// The relation's oid.
    fn relation(&self) -> u32;
}

/// A list of facts: a statement over relations `$1`, ordered by relation.
#[derive(Debug)]
pub(crate) struct List {
    /// Of the cursor.
    pub(crate) name: &'static str,
    /// Rows that are fetched at once.
    pub(crate) page: usize,
    pub(crate) sql: &'static str,
}

/// A cursor and the rows that were fetched ahead.
#[derive(Debug)]
pub(crate) struct Cursor<T> {
    list: &'static List,
    ahead: VecDeque<T>,
    exhausted: bool,
}

impl<T: OfRelation> Cursor<T> {
    /// A cursor that yields nothing until it is declared.
    pub(crate) fn new(list: &'static List) -> Self {
        Self {
            list,
            ahead: VecDeque::new(),
            exhausted: true,
        }
    }

    /// Declares the cursor over these relations, if there are any, and fetches the first rows.
    pub(crate) async fn open(&mut self, session: &Session, relations: &[u32]) -> Result<()> {
        if relations.is_empty() {
            return Ok(());
        }
        let list = self.list;
        self.exhausted = false;
        let values = [(&relations as _, Type::OID_ARRAY)];
        let declared = session.declare(list.name, list.sql, &values);
        tokio::try_join!(declared, self.fill(session))?;
        Ok(())
    }

    /// Whether no row is left.
    pub(crate) fn is_at_end(&self) -> bool {
        self.exhausted && self.ahead.is_empty()
    }

    /// Fetches ahead when few rows are left. Awaited for several cursors at once, it is one round trip.
    pub(crate) async fn fill(&mut self, session: &Session) -> Result<()> {
        if self.exhausted || self.ahead.len() >= self.list.page / 2 {
            return Ok(());
        }
        let rows = session.fetch(self.list.name, self.list.page).await?;
        self.exhausted = rows.len() < self.list.page;
        self.ahead.extend(rows);
        Ok(())
    }

    /// The relation of the next row that was fetched.
    pub(crate) fn peek(&self) -> Option<u32> {
        self.ahead.front().map(OfRelation::relation)
    }

    /// The next row that was fetched.
    pub(crate) fn next(&mut self) -> Option<T> {
        self.ahead.pop_front()
    }

    /// Whether all rows of a relation were fetched.
    pub(crate) fn covers(&self, relation: u32) -> bool {
        self.exhausted || self.ahead.back().is_some_and(|row| row.relation() > relation)
    }

    /// All rows of a relation. Rows of relations before it are dropped.
    pub(crate) async fn of(&mut self, session: &Session, relation: u32) -> Result<Vec<T>> {
        let mut found = Vec::new();
        loop {
            while self.ahead.front().is_some_and(|row| row.relation() <= relation) {
                found.extend(self.ahead.pop_front().filter(|row| row.relation() == relation));
            }
            if self.exhausted || !self.ahead.is_empty() {
                return Ok(found);
            }
            self.fill(session).await?;
        }
    }
}
