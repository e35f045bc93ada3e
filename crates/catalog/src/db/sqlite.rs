//! SQLite: the file, its connections and their pool.

use super::PATIENCE;
use crate::{Error, Result};
use diesel::{Connection, SqliteConnection, connection::SimpleConnection};
use diesel_async::sync_connection_wrapper::{SpawnBlocking, SyncConnectionWrapper};
use futures_util::future::BoxFuture;
use std::{
    error::Error as StdError,
    io::ErrorKind,
    ops::{Deref, DerefMut},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Connections for reads.
pub(super) const READERS: usize = 4;

const PRAGMAS: &str = "PRAGMA busy_timeout = 5000;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    PRAGMA foreign_keys = ON;";

/// A connection that runs each statement on a blocking thread.
pub(crate) type SqliteConn = SyncConnectionWrapper<SqliteConnection, Blocking>;

/// The blocking threads of whichever runtime the statement is awaited on. The wrapper's own default waits,
/// when its future is dropped, in a way that panics on a single-threaded runtime (actix runs its handlers
/// on such); here the statement just runs to its end and its connection is not lent again.
pub(crate) struct Blocking;

impl SpawnBlocking for Blocking {
    fn spawn_blocking<'a, R>(
        &mut self,
        task: impl FnOnce() -> R + Send + 'static,
    ) -> BoxFuture<'a, Result<R, Box<dyn StdError + Send + Sync>>>
    where
        R: Send + 'static,
    {
        Box::pin(async { tokio::task::spawn_blocking(task).await.map_err(Into::into) })
    }

    fn get_runtime() -> Self {
        Self
    }
}

/// Makes the file where it is new, for its owner only, and returns its absolute path.
pub(super) fn create(file: &str) -> Result<PathBuf> {
    if file.is_empty() || file.contains(":memory:") {
        return Err(Error::InvalidUrl(
            "database url must name a file: sqlite://headwater.db or sqlite:///absolute/path.db",
        ));
    }
    let path = std::path::absolute(file).map_err(Error::store)?;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(&path) {
        Ok(_new) => Ok(path),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(path),
        Err(error) => Err(Error::store(error)),
    }
}

/// Opens one connection; blocks.
pub(super) fn connect(file: &Path) -> Result<SqliteConnection> {
    let mut conn = SqliteConnection::establish(&file.to_string_lossy()).map_err(Error::store)?;
    conn.batch_execute(PRAGMAS)?;
    Ok(conn)
}

/// A few connections to one file, opened when they are first needed.
#[derive(Clone)]
pub(crate) struct Pool(Arc<Inner>);

struct Inner {
    file: PathBuf,
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<SqliteConn>>,
}

impl Pool {
    pub(super) fn new(file: &Path, size: usize) -> Self {
        Self(Arc::new(Inner {
            file: file.to_owned(),
            permits: Arc::new(Semaphore::new(size)),
            idle: Mutex::default(),
        }))
    }

    /// Waits for a connection.
    pub(super) async fn get(&self) -> Result<Lease> {
        let permit = tokio::time::timeout(PATIENCE, self.0.permits.clone().acquire_owned())
            .await
            .map_err(|_elapsed| Error::store("no connection of the pool became free in time"))?
            .map_err(Error::store)?;
        let idle = self.0.idle().pop();
        let conn = match idle {
            Some(conn) => conn,
            None => {
                let file = self.0.file.clone();
                let opened = tokio::task::spawn_blocking(move || connect(&file)).await;
                SqliteConn::new(opened.map_err(Error::store)??)
            }
        };
        Ok(Lease {
            conn,
            pool: self.0.clone(),
            _permit: permit,
        })
    }
}

impl Inner {
    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<SqliteConn>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection on loan. Dropped without [`give_back`](super::Lease::give_back) it is closed, as soon as
/// the statement that it runs has ended, which rolls an open transaction back.
pub(crate) struct Lease {
    conn: SqliteConn,
    pool: Arc<Inner>,
    _permit: OwnedSemaphorePermit,
}

impl Deref for Lease {
    type Target = SqliteConn;

    fn deref(&self) -> &SqliteConn {
        &self.conn
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut SqliteConn {
        &mut self.conn
    }
}

impl super::Lease for Lease {
    fn give_back(self) {
        self.pool.idle().push(self.conn);
    }
}
