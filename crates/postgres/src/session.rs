//! One read-only transaction on one database.
//!
//! All statements are sent unnamed and all settings with `SET LOCAL`, so that a pooler in transaction mode
//! may stand between. Statements that are awaited together travel together.

use crate::{
    access::{self, Access},
    config::Config,
    connect::Server,
    error,
};
use headwater_core::{Cost, Error, ErrorKind, Result};
use headwater_pg_wire::{Connection, FromRow, Pulse, Values};
use std::{
    future::Future,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};
use tokio::sync::oneshot;
use tokio_postgres::{CancelToken, Client, Row, types::Type};

/// How long the server may take, and what it is to measure.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) statement: Duration,
    pub(crate) lock: Duration,
    pub(crate) snapshot: Duration,
    pub(crate) exact_sizes: bool,
}

impl From<&Config> for Settings {
    fn from(config: &Config) -> Self {
        Self {
            statement: Duration::from_secs(config.statement_timeout),
            lock: Duration::from_millis(config.lock_timeout),
            snapshot: Duration::from_secs(config.snapshot_limit),
            exact_sizes: config.exact_sizes,
        }
    }
}

/// What the server says of itself.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) version: String,
    pub(crate) block_size: u64,
    pub(crate) access: Access,
    /// The server knows no encoding and refuses to send what is not UTF-8: the bytes are taken as they are.
    raw: bool,
}

#[derive(Debug)]
pub(crate) struct Session {
    client: Client,
    settings: Settings,
    last_words: oneshot::Receiver<Error>,
    pulse: Pulse,
    pub(crate) facts: Facts,
    statements: AtomicU64,
    requests: AtomicU64,
    begun: Instant,
    /// Milliseconds after `begun` at which the snapshot was taken.
    renewed: AtomicU64,
    /// Milliseconds after `begun` up to which the cost was told.
    told: AtomicU64,
}

const RAW: &str = "SET LOCAL client_encoding = 'SQL_ASCII'";

/// The oldest server whose catalogs the statements fit.
const OLDEST: i32 = 120_000;

impl Session {
    /// Logs in, begins the transaction and learns what the role may read.
    pub(crate) async fn open(server: &Server, database: &str, settings: Settings) -> Result<Self> {
        let Connection {
            client,
            task,
            last_words,
        } = server.connect(database).await?;
        let pulse = Pulse::new(task, settings.statement);
        let begun = pulse.answer(begin(&client, settings));
        let facts = pulse.watch(|| {}, begun).await?;
        Ok(Self {
            client,
            settings,
            last_words,
            pulse,
            facts,
            statements: AtomicU64::new(2),
            requests: AtomicU64::new(2),
            begun: Instant::now(),
            renewed: AtomicU64::new(0),
            told: AtomicU64::new(0),
        })
    }

    /// Runs work on this session for as long as the server answers, and calls `beat` while it does.
    pub(crate) async fn watch<T>(&self, beat: impl Fn(), work: impl Future<Output = Result<T>>) -> Result<T> {
        self.pulse.watch(beat, work).await
    }

    /// Why the work on it failed. A statement that finds the connection closed does not know what the server
    /// said when it closed it: a standby that had to go on replaying, an administrator.
    pub(crate) async fn explain(self, error: Error) -> Error {
        if error.kind() != ErrorKind::Unavailable || !self.client.is_closed() {
            return error;
        }
        self.last_words.await.unwrap_or(error)
    }

    /// All rows of a statement.
    pub(crate) async fn query<T: FromRow>(&self, sql: &str, values: Values<'_>) -> Result<Vec<T>> {
        self.statements.fetch_add(1, Ordering::Relaxed);
        self.rows(sql, values).await.map_err(error::of_statement)
    }

    /// Declares a cursor over a statement.
    pub(crate) async fn declare(&self, name: &str, sql: &str, values: Values<'_>) -> Result<()> {
        self.statements.fetch_add(1, Ordering::Relaxed);
        self.requests.fetch_add(1, Ordering::Relaxed);
        let declare = format!("DECLARE {name} NO SCROLL CURSOR FOR {sql}");
        let declared = self.client.execute_typed(&declare, values);
        self.pulse.answer(declared).await.map_err(error::of_statement)?;
        Ok(())
    }

    /// Makes the statements that follow walk indexes from the relations they are given. The server cannot
    /// know that its catalogs are in memory, nor that a split is a small part of them: left alone it hashes
    /// whole catalogs, for each split again.
    pub(crate) async fn prefer_indexes(&self) -> Result<()> {
        let settings = "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off;
                        SET LOCAL random_page_cost = 1";
        self.execute(settings).await.map_err(error::of_statement)
    }

    /// The next rows of a cursor.
    pub(crate) async fn fetch<T: FromRow>(&self, name: &str, count: usize) -> Result<Vec<T>> {
        let fetch = format!("FETCH FORWARD {count} FROM {name}");
        self.rows(&fetch, &[]).await.map_err(error::of_statement)
    }

    /// All rows of a statement that may fail without ending the transaction, and that keeps no lock: the
    /// savepoint is always rolled back.
    pub(crate) async fn query_apart<T: FromRow>(
        &self,
        sql: &str,
        values: Values<'_>,
        lock: Duration,
    ) -> Result<Vec<T>, tokio_postgres::Error> {
        self.statements.fetch_add(1, Ordering::Relaxed);
        let before = format!("SAVEPOINT apart; SET LOCAL lock_timeout = {}", lock.as_millis());
        let (before, rows, after) = tokio::join!(
            self.execute(&before),
            self.rows(sql, values),
            self.execute("ROLLBACK TO SAVEPOINT apart; RELEASE SAVEPOINT apart"),
        );
        before?;
        after?;
        rows
    }

    /// One small round trip.
    pub(crate) async fn ping(&self) -> Result<()> {
        self.execute("SELECT 1").await.map_err(error::of_statement)
    }

    /// Ends the transaction, with its cursors, and begins another: the server need no longer keep what the
    /// old snapshot saw.
    pub(crate) async fn renew(&self) -> Result<()> {
        let mut renew = format!("COMMIT; {}", begin_statements(self.settings));
        if self.facts.raw {
            renew.push_str(RAW);
        }
        self.execute(&renew).await.map_err(error::of_statement)?;
        self.renewed.store(self.now(), Ordering::Relaxed);
        Ok(())
    }

    /// Ends the transaction.
    pub(crate) async fn finish(&self) -> Result<()> {
        self.execute("COMMIT").await.map_err(error::of_statement)
    }

    /// What was sent since the last call, and for how long the server held a snapshot.
    pub(crate) fn take_cost(&self) -> Cost {
        let now = self.now();
        let told = self.told.swap(now, Ordering::Relaxed);
        Cost {
            requests: self.requests.swap(0, Ordering::Relaxed),
            statements: self.statements.swap(0, Ordering::Relaxed),
            source_seconds: Duration::from_millis(now.saturating_sub(told)).as_secs_f64(),
            ..Cost::default()
        }
    }

    /// How long the server has held the snapshot for us.
    pub(crate) fn snapshot_age(&self) -> Duration {
        Duration::from_millis(self.now().saturating_sub(self.renewed.load(Ordering::Relaxed)))
    }

    /// Milliseconds since the session began.
    fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    pub(crate) fn cancel_token(&self) -> CancelToken {
        self.client.cancel_token()
    }

    /// Statements without values and rows.
    async fn execute(&self, sql: &str) -> Result<(), tokio_postgres::Error> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.pulse.answer(self.client.batch_execute(sql)).await
    }

    async fn rows<T: FromRow>(&self, sql: &str, values: Values<'_>) -> Result<Vec<T>, tokio_postgres::Error> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let rows = headwater_pg_wire::query(&self.client, sql, values);
        self.pulse.answer(rows).await
    }
}

/// Begins the transaction and asks what the server is.
async fn begin(client: &Client, settings: Settings) -> Result<Facts> {
    let (relations, functions) = access::names(settings.exact_sizes);
    let values: Values<'_> = &[(&relations, Type::TEXT_ARRAY), (&functions, Type::TEXT_ARRAY)];
    let begin = begin_statements(settings);
    let (begun, row) = tokio::join!(
        client.batch_execute(&begin),
        client.query_typed_one(include_str!("queries/session.sql"), values),
    );
    begun.map_err(error::of_statement)?;
    let row = row.map_err(error::of_statement)?;
    let facts = read_facts(&row)?;
    if facts.raw {
        client.batch_execute(RAW).await.map_err(error::of_statement)?;
    }
    Ok(facts)
}

fn begin_statements(settings: Settings) -> String {
    format!(
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
         SET LOCAL search_path = pg_catalog;
         SET LOCAL statement_timeout = {};
         SET LOCAL lock_timeout = {};
         SET LOCAL idle_in_transaction_session_timeout = '10min';
         SET LOCAL jit = off;
         SET LOCAL work_mem = '16MB';
         SET LOCAL cursor_tuple_fraction = 1;",
        settings.statement.as_millis(),
        settings.lock.as_millis(),
    )
}

fn read_facts(row: &Row) -> Result<Facts> {
    let read = || -> Result<_, tokio_postgres::Error> {
        let mut refused: Vec<String> = row.try_get(5)?;
        refused.extend(row.try_get::<_, Vec<String>>(6)?);
        let version: String = row.try_get(0)?;
        Ok((
            version,
            row.try_get::<_, i32>(1)?,
            row.try_get::<_, i32>(2)?,
            Access::new(row.try_get(3)?, refused),
            row.try_get::<_, &str>(4)? == "SQL_ASCII",
        ))
    };
    let (version, number, block_size, access, raw) = read().map_err(error::of_statement)?;
    if number < OLDEST {
        return Err(
            Error::new(ErrorKind::Unsupported, "PostgreSQL 12 or later is needed")
                .with_context("version", version),
        );
    }
    Ok(Facts {
        // Distributions append their own: `15.18 (Debian 15.18-0+deb12u1)`.
        version: version.split(' ').next().unwrap_or_default().to_owned(),
        block_size: u64::try_from(block_size).unwrap_or(8192),
        access,
        raw,
    })
}
