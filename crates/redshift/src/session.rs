//! Read-only transactions on one database, a statement at a time.
//!
//! Redshift knows no savepoints: a statement that is refused ends its transaction. So a transaction is as short as
//! a page, and begins anew without what was refused. Nothing is sent that a server of 8.0.2 does not take: bound
//! values are texts, and every column of an answer is a text, an int8 or a bool, which need no look-up of types.

use crate::{connect::Server, error};
use futures_util::TryStreamExt;
use headwater_core::{Cost, Error, ErrorKind, Result};
use headwater_pg_wire::{Connection, FromRow, Pulse, text};
use std::{
    future::Future,
    pin::Pin,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};
use tokio::sync::oneshot;
use tokio_postgres::{
    CancelToken, Client, Row, RowStream,
    types::{ToSql, Type},
};

/// A session on one database.
#[derive(Debug)]
pub(crate) struct Session {
    client: Client,
    pulse: Pulse,
    last_words: oneshot::Receiver<Error>,
    pub(crate) facts: Facts,
    statements: AtomicU64,
    begun: Instant,
    /// Milliseconds after `begun` up to which the cost was told.
    told: AtomicU64,
}

/// What the server says of itself.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    /// `1.0.113477`, behind the version of PostgreSQL that it came from.
    pub(crate) version: String,
    pub(crate) user: String,
    pub(crate) database: String,
}

impl FromRow for Facts {
    fn from_row(row: &Row) -> Result<Self, tokio_postgres::Error> {
        Ok(Self {
            version: version(&text(row, 0)?).to_owned(),
            user: text(row, 1)?,
            database: text(row, 2)?,
        })
    }
}

/// From `PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC .., Redshift 1.0.113477`.
fn version(text: &str) -> &str {
    let (_, after) = text.rsplit_once("Redshift ").unwrap_or_default();
    after.split([' ', ',']).next().unwrap_or_default()
}

impl Session {
    /// Logs in and says how long a statement may take.
    pub(crate) async fn open(server: &Server, database: &str, statement_timeout: Duration) -> Result<Self> {
        let Connection {
            client,
            task,
            last_words,
        } = server.connect(database).await?;
        let mut session = Self {
            client,
            pulse: Pulse::new(task, statement_timeout),
            last_words,
            facts: Facts {
                version: String::new(),
                user: String::new(),
                database: database.to_owned(),
            },
            statements: AtomicU64::new(0),
            begun: Instant::now(),
            told: AtomicU64::new(0),
        };
        let begin = session.set_up(statement_timeout);
        session.facts = session.watch(|| {}, begin).await?;
        Ok(session)
    }

    async fn set_up(&self, statement_timeout: Duration) -> Result<Facts> {
        let timeout = format!("SET statement_timeout TO {}", statement_timeout.as_millis());
        self.execute(&timeout).await?;
        self.execute("SET query_group TO 'headwater'").await?;
        // So that names in texts that the server makes are qualified.
        self.execute("SET search_path TO pg_catalog").await?;
        let facts = self.query::<Facts>(include_str!("queries/server.sql"), &[]);
        let facts = self.apart(facts).await?;
        facts
            .into_iter()
            .next()
            .ok_or_else(|| Error::new(ErrorKind::DataInvalid, "the server does not say what it is"))
    }

    /// Runs work on this session for as long as the server answers, and calls `beat` while it does.
    pub(crate) async fn watch<T>(&self, beat: impl Fn(), work: impl Future<Output = Result<T>>) -> Result<T> {
        self.pulse.watch(beat, work).await
    }

    /// Why the work on it failed: what the server said when it closed the connection, where it did.
    pub(crate) async fn explain(self, error: Error) -> Error {
        if error.kind() != ErrorKind::Unavailable || !self.client.is_closed() {
            return error;
        }
        self.last_words.await.unwrap_or(error)
    }

    /// Runs work in a read-only transaction, which ends with it.
    pub(crate) async fn apart<T, E: From<Error>>(
        &self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        self.execute("BEGIN READ ONLY").await?;
        match work.await {
            Ok(done) => {
                self.execute("COMMIT").await?;
                Ok(done)
            }
            Err(error) => {
                // A connection that broke has ended it already, and its error is the one to tell.
                let _ended = self.execute("ROLLBACK").await;
                Err(error)
            }
        }
    }

    /// All rows of a statement.
    pub(crate) async fn query<T: FromRow>(&self, sql: &str, values: &[&str]) -> Result<Vec<T>> {
        self.statements.fetch_add(1, Ordering::Relaxed);
        let values = typed(values);
        let rows = headwater_pg_wire::query(&self.client, sql, &values);
        self.pulse.answer(rows).await.map_err(error::of_statement)
    }

    /// The rows of a statement one after the other: a slow consumer holds the server back.
    pub(crate) async fn rows(&self, sql: &str, values: &[&str]) -> Result<Rows<'_>> {
        self.statements.fetch_add(1, Ordering::Relaxed);
        let stream = self.client.query_typed_raw(sql, typed(values));
        let stream = self.pulse.answer(stream).await.map_err(error::of_statement)?;
        Ok(Rows {
            session: self,
            stream: Box::pin(stream),
        })
    }

    /// One small round trip.
    pub(crate) async fn ping(&self) -> Result<()> {
        self.execute("SELECT 1::bigint").await
    }

    /// What was sent since the last call, and how long that took.
    pub(crate) fn take_cost(&self) -> Cost {
        let now = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let told = self.told.swap(now, Ordering::Relaxed);
        let statements = self.statements.swap(0, Ordering::Relaxed);
        Cost {
            requests: statements,
            statements,
            source_seconds: Duration::from_millis(now.saturating_sub(told)).as_secs_f64(),
            ..Cost::default()
        }
    }

    pub(crate) fn cancel_token(&self) -> CancelToken {
        self.client.cancel_token()
    }

    async fn execute(&self, sql: &str) -> Result<()> {
        let done = self.client.batch_execute(sql);
        self.pulse.answer(done).await.map_err(error::of_statement)
    }
}

/// The answer to a statement.
pub(crate) struct Rows<'a> {
    session: &'a Session,
    stream: Pin<Box<RowStream>>,
}

impl Rows<'_> {
    pub(crate) async fn next<T: FromRow>(&mut self) -> Result<Option<T>> {
        let row = self.session.pulse.answer(self.stream.try_next()).await;
        let row = row.and_then(|row| row.map(|row| T::from_row(&row)).transpose());
        row.map_err(error::of_statement)
    }
}

fn typed<'a>(values: &'a [&'a str]) -> Vec<(&'a (dyn ToSql + Sync), Type)> {
    let one = |value: &'a &'a str| (value as &(dyn ToSql + Sync), Type::TEXT);
    values.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_that_of_redshift() {
        let text = "PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2 20041017 (Red Hat \
                    3.4.2-6.fc3), Redshift 1.0.113477";
        assert_eq!(version(text), "1.0.113477");
        assert_eq!(version("PostgreSQL 18.1 on x86_64-pc-linux-gnu"), "");
    }
}
