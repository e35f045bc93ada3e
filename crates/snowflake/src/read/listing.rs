//! A view of the information schema, slice by slice.
//!
//! Snowflake refuses a read of the information schema that has too much to answer. Then the same is asked in smaller
//! slices: fewer schemas, at last ranges of names within one. A schema that cannot be read in any way is left out and
//! named, so that the others are read all the same.

use super::slice::Slice;
use crate::{error, quote, result::Rows, row::Row, session::Session};
use headwater_core::{Error, Result};
use std::collections::{BTreeMap, VecDeque};

/// A statement over a slice of a database, and the same for servers that lack one of its columns.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View {
    pub(crate) sql: &'static str,
    pub(crate) all: &'static str,
}

pub(crate) const TABLES: View = View {
    sql: include_str!("../queries/tables.sql"),
    all: include_str!("../queries/tables_all.sql"),
};
pub(crate) const COLUMNS: View = View {
    sql: include_str!("../queries/columns.sql"),
    all: include_str!("../queries/columns_all.sql"),
};

/// The rows of a view over some schemas of a database.
#[derive(Debug)]
pub(crate) struct Listing<'s> {
    session: &'s Session<'s>,
    database: &'s str,
    view: View,
    slices: VecDeque<Slice>,
    open: Option<Rows>,
    /// The schemas that could not be read, and why.
    pub(crate) refused: BTreeMap<String, Error>,
    answered: bool,
    /// Whether the statement that names its columns was refused.
    lacks_columns: bool,
}

impl<'s> Listing<'s> {
    pub(crate) fn new(session: &'s Session<'s>, database: &'s str, view: View, schemas: Vec<String>) -> Self {
        let slices = match schemas.is_empty() {
            true => VecDeque::new(),
            false => [Slice::Schemas(schemas)].into(),
        };
        Self {
            session,
            database,
            view,
            slices,
            open: None,
            refused: BTreeMap::new(),
            answered: false,
            lacks_columns: false,
        }
    }

    /// The next row; `None` at the end.
    ///
    /// # Errors
    /// When the database cannot be read, or not one of its schemas.
    pub(crate) async fn next(&mut self) -> Result<Option<Row>> {
        loop {
            if let Some(rows) = &mut self.open {
                if let Some(row) = self.session.next(rows).await? {
                    return Ok(Some(row));
                }
                self.open = None;
            }
            let Some(slice) = self.slices.pop_front() else {
                return self.end().map(|()| None);
            };
            match self.ask(&slice).await {
                Ok(rows) => {
                    self.answered = true;
                    self.open = Some(rows);
                }
                Err(error) if error::asks_for_less(&error) => self.narrow(slice, error).await?,
                Err(error) => return Err(error),
            }
        }
    }

    async fn ask(&mut self, slice: &Slice) -> Result<Rows> {
        let (condition, bound) = slice.condition();
        let fill = |sql: &str| {
            sql.replace("{database}", &quote::identifier(self.database))
                .replace("{slice}", &condition)
        };
        if !self.lacks_columns {
            match self.session.query(&fill(self.view.sql), &bound).await {
                Err(error) if error::is_of_a_column(&error) => self.lacks_columns = true,
                result => return result,
            }
        }
        self.session.query(&fill(self.view.all), &bound).await
    }

    async fn narrow(&mut self, slice: Slice, error: Error) -> Result<()> {
        let narrower = match slice.narrow(self.database, self.session).await {
            Err(refused) if error::is_of_one_read(&refused) => None,
            narrower => narrower?,
        };
        match narrower {
            Some(parts) => parts
                .into_iter()
                .rev()
                .for_each(|part| self.slices.push_front(part)),
            None => {
                for schema in slice.schemas() {
                    self.refused.entry(schema).or_insert_with(|| error.clone());
                }
            }
        }
        Ok(())
    }

    /// That not one schema could be read is no answer.
    fn end(&mut self) -> Result<()> {
        match self.refused.values().next() {
            Some(error) if !self.answered => Err(error.clone()),
            _ => Ok(()),
        }
    }
}
