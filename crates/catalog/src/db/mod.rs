//! The two engines behind one set of queries.
//!
//! A query is written once and compiled for each engine: inline in [`on_conn!`] (reads) and [`in_tx!`]
//! (writes), or as a method of a trait made by [`queries!`], where several transactions share it. What
//! really differs stands in [`Engine`]; writing many rows at once differs too, see [`bulk_writes!`].
//!
//! SQLite has one writer, so that a transaction never meets "database is locked", and a few readers.
//! Every write transaction begins as a writer (`BEGIN IMMEDIATE`): one that reads first and writes later
//! would fail at once when another connection wrote in between.

mod migrate;
mod postgres;
mod sqlite;
mod wakeup;

use crate::{Error, Result};
use diesel::{QueryResult, connection::AnsiTransactionManager as SyncTransactions};
use diesel_async::{
    AnsiTransactionManager, AsyncPgConnection, SimpleAsyncConnection, TransactionManager,
    pooled_connection::deadpool,
};
use std::{fmt, future::Future, time::Duration};

pub(crate) use sqlite::SqliteConn;

/// How long a caller waits for a free connection.
const PATIENCE: Duration = Duration::from_secs(10);

/// The pools of one engine.
pub(crate) enum Db {
    Postgres {
        pool: deadpool::Pool<AsyncPgConnection>,
        options: Box<postgres::Options>,
    },
    Sqlite {
        writer: sqlite::Pool,
        readers: sqlite::Pool,
    },
}

impl Db {
    /// Connects, and brings the tables up to this release.
    pub(crate) async fn open(url: &str) -> Result<Self> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let options = postgres::options(url)?;
            migrate::postgres(&options).await?;
            return Ok(Self::Postgres {
                pool: postgres::pool(options.clone())?,
                options: Box::new(options),
            });
        }
        match url.strip_prefix("sqlite://") {
            Some(file) => {
                let file = sqlite::create(file)?;
                migrate::sqlite(&file).await?;
                Ok(Self::Sqlite {
                    writer: sqlite::Pool::new(&file, 1),
                    readers: sqlite::Pool::new(&file, sqlite::READERS),
                })
            }
            None => Err(Error::InvalidUrl(
                "database url must begin with sqlite:// or postgres://",
            )),
        }
    }

    /// A connection for reads.
    pub(crate) async fn reader(&self) -> Result<Conn> {
        match self {
            Self::Postgres { pool, .. } => Self::postgres(pool).await,
            Self::Sqlite { readers, .. } => Ok(Conn::Sqlite(readers.get().await?)),
        }
    }

    /// A connection for a transaction that writes.
    pub(crate) async fn writer(&self) -> Result<Conn> {
        match self {
            Self::Postgres { pool, .. } => Self::postgres(pool).await,
            Self::Sqlite { writer, .. } => Ok(Conn::Sqlite(writer.get().await?)),
        }
    }

    /// Calls `woken` whenever a transaction that [woke all](Engine::wake_all) was committed, by whichever
    /// server. SQLite has but one server, and ends at once.
    pub(crate) async fn listen(&self, woken: impl Fn()) {
        if let Self::Postgres { options, .. } = self {
            wakeup::listen((**options).clone(), woken).await;
        }
    }

    async fn postgres(pool: &deadpool::Pool<AsyncPgConnection>) -> Result<Conn> {
        match tokio::time::timeout(PATIENCE, pool.get()).await {
            Ok(lease) => Ok(Conn::Postgres(lease.map_err(Error::store)?)),
            Err(_elapsed) => Err(Error::store("no connection of the pool became free in time")),
        }
    }
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Postgres { .. } => "postgres",
            Self::Sqlite { .. } => "sqlite",
        })
    }
}

/// A connection of either engine, lent by its pool.
#[expect(
    clippy::large_enum_variant,
    reason = "it is matched where it is made and never kept"
)]
pub(crate) enum Conn {
    Postgres(deadpool::Object<AsyncPgConnection>),
    Sqlite(sqlite::Lease),
}

/// What a pool lends.
///
/// A future may be dropped at any `await` (an HTTP client hung up): its connection is then in the middle
/// of something and must not be lent again. The PostgreSQL pool finds out by itself when the connection
/// comes back; a SQLite connection is only kept when it is given back expressly.
pub(crate) trait Lease: Send {
    /// Hands the connection back in good order.
    fn give_back(self);
}

impl Lease for deadpool::Object<AsyncPgConnection> {
    fn give_back(self) {}
}

/// How the engines differ.
pub(crate) trait Engine: Send {
    /// The database's clock, in microseconds since 1970.
    const NOW: &'static str;
    /// What makes a sub-query pass over rows that another transaction holds.
    const SKIP_LOCKED: &'static str;

    /// Begins a transaction that will write.
    fn begin(&mut self) -> impl Future<Output = QueryResult<()>> + Send;
    fn commit(&mut self) -> impl Future<Output = QueryResult<()>> + Send;
    fn rollback(&mut self) -> impl Future<Output = QueryResult<()>> + Send;

    /// Tells the servers on this database to look at the runs, once the transaction is committed.
    fn wake_all(&mut self) -> impl Future<Output = QueryResult<()>> + Send;
}

impl Engine for AsyncPgConnection {
    // now() stands still within a transaction that waited for a lock; this one does not.
    const NOW: &'static str = "cast(extract(epoch from clock_timestamp()) * 1000000 as bigint)";
    const SKIP_LOCKED: &'static str = "for update skip locked";

    async fn begin(&mut self) -> QueryResult<()> {
        AnsiTransactionManager::begin_transaction(self).await
    }

    async fn commit(&mut self) -> QueryResult<()> {
        AnsiTransactionManager::commit_transaction(self).await
    }

    async fn rollback(&mut self) -> QueryResult<()> {
        AnsiTransactionManager::rollback_transaction(self).await
    }

    async fn wake_all(&mut self) -> QueryResult<()> {
        self.batch_execute(wakeup::NOTIFY).await
    }
}

impl Engine for SqliteConn {
    const NOW: &'static str = "cast(unixepoch('subsec') * 1000000 as integer)";
    const SKIP_LOCKED: &'static str = "";

    async fn begin(&mut self) -> QueryResult<()> {
        self.spawn_blocking(|conn| SyncTransactions::begin_transaction_sql(conn, "BEGIN IMMEDIATE"))
            .await
    }

    async fn commit(&mut self) -> QueryResult<()> {
        self.spawn_blocking(|conn| {
            <SyncTransactions as diesel::connection::TransactionManager<_>>::commit_transaction(conn)
        })
        .await
    }

    async fn rollback(&mut self) -> QueryResult<()> {
        self.spawn_blocking(|conn| {
            <SyncTransactions as diesel::connection::TransactionManager<_>>::rollback_transaction(conn)
        })
        .await
    }

    /// The one server wakes itself.
    async fn wake_all(&mut self) -> QueryResult<()> {
        Ok(())
    }
}

/// Ends a transaction as its outcome says.
pub(crate) async fn end<L, C, T>(mut lease: L, outcome: Result<T>) -> Result<T>
where
    L: Lease + std::ops::DerefMut<Target = C>,
    C: Engine,
{
    match &outcome {
        Ok(_) => lease.commit().await?,
        Err(_) => {
            if let Err(error) = lease.rollback().await {
                tracing::warn!(%error, "transaction could not be rolled back; its connection is dropped");
                return outcome;
            }
        }
    }
    lease.give_back();
    outcome
}

/// Runs reads on a connection: `on_conn!(db, |c| { .. Ok(value) })`, where the body is a `Result` and may
/// use `?`. It is compiled once per engine.
macro_rules! on_conn {
    ($db:expr, |$c:ident| $body:expr) => {
        match $db.reader().await? {
            $crate::db::Conn::Postgres(lease) => $crate::db::on_conn!(@run lease, $c, $body),
            $crate::db::Conn::Sqlite(lease) => $crate::db::on_conn!(@run lease, $c, $body),
        }
    };
    (@run $lease:ident, $c:ident, $body:expr) => {{
        let mut lease = $lease;
        let outcome: $crate::Result<_> = async {
            let $c = &mut *lease;
            $body
        }
        .await;
        $crate::db::Lease::give_back(lease);
        outcome
    }};
}
pub(crate) use on_conn;

/// Runs a body in one transaction that writes: committed when the body is `Ok`, rolled back when it is
/// `Err`. `in_tx!(db, |c| { .. Ok(value) })`; it is compiled once per engine.
macro_rules! in_tx {
    ($db:expr, |$c:ident| $body:expr) => {
        match $db.writer().await? {
            $crate::db::Conn::Postgres(lease) => $crate::db::in_tx!(@run lease, $c, $body),
            $crate::db::Conn::Sqlite(lease) => $crate::db::in_tx!(@run lease, $c, $body),
        }
    };
    (@run $lease:ident, $c:ident, $body:expr) => {{
        let mut lease = $lease;
        $crate::db::Engine::begin(&mut *lease).await?;
        let outcome: $crate::Result<_> = async {
            let $c = &mut *lease;
            $body
        }
        .await;
        $crate::db::end(lease, outcome).await
    }};
}
pub(crate) use in_tx;

/// Declares a trait of queries and implements it, with the one body given, for both engines' connections.
///
/// ```ignore
/// queries! {
///     /// Queries on spaces.
///     pub(crate) trait SpaceQueries {
///         async fn slug(&mut self, id: SpaceId) -> Result<String> { .. }
///     }
/// }
/// ```
macro_rules! queries {
    (
        $(#[$meta:meta])*
        $vis:vis trait $Trait:ident {
            $(
                $(#[$doc:meta])*
                async fn $name:ident(&mut $me:ident $(, $arg:ident: $Arg:ty)* $(,)?) -> $Out:ty $body:block
            )+
        }
    ) => {
        $(#[$meta])*
        $vis trait $Trait: $crate::db::Engine {
            $(
                $(#[$doc])*
                fn $name(&mut self $(, $arg: $Arg)*) -> impl Future<Output = $Out> + Send;
            )+
        }

        impl $Trait for diesel_async::AsyncPgConnection {
            $(async fn $name(&mut $me $(, $arg: $Arg)*) -> $Out $body)+
        }

        impl $Trait for $crate::db::SqliteConn {
            $(async fn $name(&mut $me $(, $arg: $Arg)*) -> $Out $body)+
        }
    };
}
pub(crate) use queries;

/// Declares writes of many rows: one statement with many rows on PostgreSQL; on SQLite one prepared
/// statement, run row by row in a single blocking call (many-row inserts do not go through the
/// asynchronous wrapper there, and a call per row would cost a hop between threads each).
///
/// `$statement` is an expression over `$rows`: a `&Vec<Row>` on PostgreSQL, a `&Row` on SQLite.
macro_rules! bulk_writes {
    (
        $(#[$meta:meta])*
        $vis:vis trait $Trait:ident {
            $(
                $(#[$doc:meta])*
                fn $name:ident($rows:ident: Vec<$Row:ty>) { $statement:expr }
            )+
        }
    ) => {
        $(#[$meta])*
        $vis trait $Trait: Send {
            $(
                $(#[$doc])*
                fn $name(&mut self, rows: Vec<$Row>) -> impl Future<Output = diesel::QueryResult<usize>> + Send;
            )+
        }

        impl $Trait for diesel_async::AsyncPgConnection {
            $(
                async fn $name(&mut self, rows: Vec<$Row>) -> diesel::QueryResult<usize> {
                    let mut count = 0;
                    // A statement takes at most 65,535 parameters; no row has more than 32.
                    for $rows in rows.chunks(2_000) {
                        count += diesel_async::RunQueryDsl::execute($statement, self).await?;
                    }
                    Ok(count)
                }
            )+
        }

        impl $Trait for $crate::db::SqliteConn {
            $(
                async fn $name(&mut self, rows: Vec<$Row>) -> diesel::QueryResult<usize> {
                    self.spawn_blocking(move |conn| {
                        let mut count = 0;
                        for $rows in &rows {
                            count += diesel::RunQueryDsl::execute($statement, conn)?;
                        }
                        Ok(count)
                    })
                    .await
                }
            )+
        }
    };
}
pub(crate) use bulk_writes;

/// Whether a statement failed because a row of the same key exists.
pub(crate) fn is_duplicate(error: &diesel::result::Error) -> bool {
    use diesel::result::{DatabaseErrorKind::UniqueViolation, Error::DatabaseError};
    matches!(error, DatabaseError(UniqueViolation, _))
}
