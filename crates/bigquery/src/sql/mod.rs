//! Mode `sql`: a handful of queries of INFORMATION_SCHEMA for each dataset.
//!
//! Each query is ordered by the table's name and read page by page, and the results are merged: memory holds a page of
//! each. Which tables there are is said by `TABLES` alone. A query that is refused leaves its part of the tables unread.

mod cursor;
mod ddl;
mod keys;
mod literal;
mod options;
mod table;
mod type_text;

use crate::{
    config::Config,
    convert,
    lineage::{self, Origin},
    rest::Reading,
    session::{Query, Session},
    shards::{self, Series},
};
use cursor::{Cursor, Row};
use headwater_core::{Error, ErrorKind, Result, SplitSink, model::Asset};
use std::collections::BTreeMap;
use table::{Parts, Rows};

/// The queries of one dataset.
pub(crate) const QUERIES: u64 = 7;
/// The most tables that `PARTITIONS` can be asked for. Sizes of more are read from `TABLE_STORAGE`, which is some minutes
/// old: <https://cloud.google.com/bigquery/docs/information-schema-partitions>
const PARTITIONED: u64 = 1000;

/// Reports all tables of a dataset.
pub(crate) async fn read(
    session: &Session<'_>,
    config: &Config,
    location: Option<&str>,
    reading: Reading<'_>,
    out: &SplitSink,
) -> Result<()> {
    let mut source = Source {
        session,
        config,
        location,
        reading,
        out,
    };
    let mut tables = source.open(include_str!("../queries/tables.sql")).await?;
    let mut others = source.open_others(tables.total()).await?;
    let mut series: BTreeMap<String, (Series, Asset)> = BTreeMap::new();
    while let Some(row) = tables.next(session, out).await? {
        let name = row.text("table_name").ok_or_else(nameless)?.to_owned();
        let is_shard = reading.collapse && row.text("table_type") == Some("BASE TABLE");
        if !reading.scope.admits_table(&shards::name(&name, is_shard)) {
            continue;
        }
        let rows = others.rows_of(&name, session, out).await?;
        let (table, missing) = table::assemble(&row, rows);
        match shards::split(&name).filter(|_| is_shard) {
            Some((prefix, date)) => {
                let range = match series.get(prefix) {
                    Some((known, _)) => known.with(date),
                    None => Series::of(date),
                };
                // Ordered by name, the latest comes last.
                let key = reading.path.child(shards::wildcard(prefix));
                let mut asset = convert::series(key, range, Some(table));
                missing.take_from(&mut asset);
                series.insert(prefix.to_owned(), (range, asset));
            }
            None => {
                let key = reading.path.child(&*name);
                let origin = Origin::of(&table);
                let mut asset = convert::asset(key.clone(), table);
                missing.take_from(&mut asset);
                out.asset(asset).await?;
                if let Some(origin) = origin {
                    lineage::report(key, origin, reading.collapse, out).await?;
                }
            }
        }
    }
    for (_, asset) in series.into_values() {
        out.asset(asset).await?;
    }
    Ok(())
}

fn nameless() -> Error {
    Error::new(
        ErrorKind::DataInvalid,
        "INFORMATION_SCHEMA.TABLES holds a table without a name",
    )
}

/// Where the rows come from.
struct Source<'a> {
    session: &'a Session<'a>,
    config: &'a Config,
    location: Option<&'a str>,
    reading: Reading<'a>,
    out: &'a SplitSink,
}

impl Source<'_> {
    async fn open(&mut self, statement: &str) -> Result<Cursor> {
        let place = self.reading.place;
        let location = format!("region-{}", self.location.unwrap_or_default());
        let sql = statement
            .replace("{dataset}", &quoted(place.project, place.dataset))
            .replace("{location}", &quoted(place.project, &location))
            .replace("{name}", &literal::quoted(place.dataset));
        let query = Query {
            sql: sql.trim_end(),
            billing_project: self.config.billing_project.as_deref().unwrap_or(place.project),
            location: self.location,
            max_bytes_billed: self.config.max_bytes_billed,
        };
        Cursor::open(self.session, &query, self.out).await
    }

    /// A part that the principal may not read, or this BigQuery does not have, is left out with a warning.
    async fn open_part(&mut self, part: &'static str, statement: &str) -> Result<Option<Cursor>> {
        match self.open(statement).await {
            Ok(cursor) => Ok(Some(cursor)),
            Err(error) if is_of_one_part(&error) => {
                let path = Some(self.reading.path.clone());
                self.out
                    .warn(format!("{part}_unread"), error.to_string(), path)
                    .await?;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    async fn open_others(&mut self, tables: u64) -> Result<Others> {
        let delayed = tables > PARTITIONED && self.location.is_some();
        let sizes = match delayed {
            true => include_str!("../queries/storage.sql"),
            false => include_str!("../queries/partitions.sql"),
        };
        Ok(Others {
            columns: self
                .open_part("columns", include_str!("../queries/columns.sql"))
                .await?,
            field_paths: self
                .open_part("comments", include_str!("../queries/field_paths.sql"))
                .await?,
            options: self
                .open_part("options", include_str!("../queries/options.sql"))
                .await?,
            views: self
                .open_part("definitions", include_str!("../queries/views.sql"))
                .await?,
            keys: self
                .open_part("constraints", include_str!("../queries/keys.sql"))
                .await?,
            sizes: self.open_part("stats", sizes).await?,
            delayed,
        })
    }
}

/// A refused query says nothing of the others, but a limit of what may be billed, or of the pace, does.
fn is_of_one_part(error: &Error) -> bool {
    error.code() != "max_bytes_billed"
        && error.code() != crate::error::NO_JOBS
        && matches!(
            error.kind(),
            ErrorKind::PermissionDenied
                | ErrorKind::NotFound
                | ErrorKind::Unsupported
                | ErrorKind::Unexpected
        )
}

/// A dataset's name in a query.
fn quoted(project: &str, dataset: &str) -> String {
    let quote = |name: &str| format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`"));
    format!("{}.{}", quote(project), quote(dataset))
}

/// The results beside the list of tables, where they could be read.
struct Others {
    columns: Option<Cursor>,
    field_paths: Option<Cursor>,
    options: Option<Cursor>,
    views: Option<Cursor>,
    keys: Option<Cursor>,
    sizes: Option<Cursor>,
    delayed: bool,
}

impl Others {
    async fn rows_of(&mut self, table: &str, session: &Session<'_>, out: &SplitSink) -> Result<Parts> {
        Ok(Parts {
            columns: rows(&mut self.columns, table, session, out).await?,
            field_paths: rows(&mut self.field_paths, table, session, out).await?,
            options: rows(&mut self.options, table, session, out).await?,
            views: rows(&mut self.views, table, session, out).await?,
            keys: rows(&mut self.keys, table, session, out).await?,
            sizes: rows(&mut self.sizes, table, session, out).await?,
            delayed: self.delayed,
        })
    }
}

/// The rows of one table; those of tables before it are left behind.
async fn rows(
    cursor: &mut Option<Cursor>,
    table: &str,
    session: &Session<'_>,
    out: &SplitSink,
) -> Result<Rows> {
    let Some(cursor) = cursor else {
        return Ok(None);
    };
    let mut found: Vec<Row> = Vec::new();
    while let Some(row) = cursor.peek(session, out).await? {
        match row.text("table_name").unwrap_or_default().cmp(table) {
            std::cmp::Ordering::Less => drop(cursor.next(session, out).await?),
            std::cmp::Ordering::Equal => found.extend(cursor.next(session, out).await?),
            std::cmp::Ordering::Greater => break,
        }
    }
    Ok(Some(found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted() {
        assert_eq!(quoted("example.com:p", "d"), "`example.com:p`.`d`");
        assert_eq!(quoted("p", r"a`b\"), r"`p`.`a\`b\\`");
    }
}
