//! Lists that only SHOW has: texts of views, keys.
//!
//! SHOW answers with at most 10,000 rows. It is asked for a whole database where that has fewer, else schema by schema,
//! where some lists can be paged: a page of a whole database cannot, because its rows are ordered by schema and the
//! cursor knows only names.

use super::slice::SHOWN;
use crate::{error, quote, result::Rows, row::Row, session::Session};
use headwater_core::{Error, ErrorKind, Path, Result};
use std::collections::{BTreeMap, VecDeque};

/// What to list.
#[derive(Debug, Clone, Copy)]
pub(crate) struct List {
    /// `VIEWS`.
    pub(crate) what: &'static str,
    /// The column of the schema's name.
    pub(crate) schema: &'static str,
    /// Whether `LIMIT .. FROM ..` is understood.
    pub(crate) paged: bool,
}

#[derive(Debug, Clone)]
enum Place {
    Database,
    Schema { name: String, after: Option<String> },
}

/// A page that is being read.
#[derive(Debug)]
struct Page {
    place: Place,
    rows: Rows,
    /// Whether it has as many rows as SHOW answers with, so that there may be more.
    full: bool,
    /// The name of the last row.
    last: Option<String>,
}

/// The rows of a list over some schemas of a database.
#[derive(Debug)]
pub(crate) struct Shown<'s> {
    session: &'s Session<'s>,
    database: &'s str,
    list: List,
    schemas: Vec<String>,
    places: VecDeque<Place>,
    open: Option<Page>,
    /// The schemas whose list could not be read to its end, and why.
    pub(crate) refused: BTreeMap<String, Error>,
}

impl Page {
    /// The row with its schema; `None` for the one that ended the page before.
    fn take(&mut self, mut row: Row, list: &List) -> Result<Option<(String, Row)>> {
        let (schema, after) = match &self.place {
            Place::Database => (row.require(list.schema)?, None),
            Place::Schema { name, after } => (name.clone(), after.as_deref()),
        };
        if list.paged {
            let name = row.text("name").map(str::to_owned);
            if name.is_some() && name.as_deref() == after {
                return Ok(None);
            }
            self.last = name.or(self.last.take());
        }
        Ok(Some((schema, row)))
    }
}

impl<'s> Shown<'s> {
    /// `whole` tells whether the list of the database has fewer rows than SHOW answers with.
    pub(crate) fn new(
        session: &'s Session<'s>,
        database: &'s str,
        list: List,
        schemas: Vec<String>,
        whole: bool,
    ) -> Self {
        let mut shown = Self {
            session,
            database,
            list,
            schemas,
            places: VecDeque::new(),
            open: None,
            refused: BTreeMap::new(),
        };
        match whole {
            true => shown.places.push_back(Place::Database),
            false => shown.by_schema(),
        }
        shown
    }

    /// The next row, with its schema; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<(String, Row)>> {
        loop {
            let Some(page) = &mut self.open else {
                match self.places.pop_front() {
                    Some(place) => self.ask(place).await?,
                    None => return Ok(None),
                }
                continue;
            };
            match self.session.next(&mut page.rows).await? {
                Some(row) => {
                    if let Some(found) = page.take(row, &self.list)?
                        && self.schemas.contains(&found.0)
                    {
                        return Ok(Some(found));
                    }
                }
                None => self.turn(),
            }
        }
    }

    async fn ask(&mut self, place: Place) -> Result<()> {
        match self.session.query(&self.sql(&place), &[]).await {
            Ok(rows) => {
                let full = rows.total().is_some_and(|total| total >= SHOWN);
                let last = None;
                match place {
                    Place::Database if full => self.by_schema(),
                    place => {
                        self.open = Some(Page {
                            place,
                            rows,
                            full,
                            last,
                        })
                    }
                }
                Ok(())
            }
            Err(error) if error::is_of_one_read(&error) => {
                self.refuse(place, error);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Goes on to the next page of the same schema, if there is one.
    fn turn(&mut self) {
        let Some(Page {
            place: Place::Schema { name, after },
            full: true,
            last,
            ..
        }) = self.open.take()
        else {
            return;
        };
        if self.list.paged && last.is_some() && last != after {
            self.places.push_front(Place::Schema { name, after: last });
            return;
        }
        let error = Error::new(
            ErrorKind::Unexpected,
            "the list has more rows than SHOW answers with",
        );
        self.refused.insert(name, error.with_code("list_truncated"));
    }

    fn refuse(&mut self, place: Place, error: Error) {
        match place {
            Place::Database => self.by_schema(),
            Place::Schema { name, .. } => {
                if error::is_unknown(&error) {
                    // A list that the server does not know is not asked for in each schema.
                    for place in std::mem::take(&mut self.places) {
                        if let Place::Schema { name, .. } = place {
                            self.refused.insert(name, error.clone());
                        }
                    }
                }
                self.refused.insert(name, error);
            }
        }
    }

    fn by_schema(&mut self) {
        let place = |name: &String| Place::Schema {
            name: name.clone(),
            after: None,
        };
        self.places = self.schemas.iter().map(place).collect();
    }

    fn sql(&self, place: &Place) -> String {
        let what = self.list.what;
        match place {
            Place::Database => format!("SHOW {what} IN DATABASE {}", quote::identifier(self.database)),
            Place::Schema { name, after } => {
                let place = quote::path(&Path::new([self.database, name]));
                let mut sql = format!("SHOW {what} IN SCHEMA {place}");
                if self.list.paged {
                    sql.push_str(&format!(" LIMIT {SHOWN}"));
                    if let Some(after) = after {
                        sql.push_str(&format!(" FROM {}", quote::literal(after)));
                    }
                }
                sql
            }
        }
    }
}
