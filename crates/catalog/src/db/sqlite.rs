//! SQLite: the file, its connections and their pool.

use super::PATIENCE;
use crate::{Error, Result};
use diesel::{Connection, SqliteConnection, connection::SimpleConnection, result::Error::DatabaseError};
use diesel_async::sync_connection_wrapper::{SpawnBlocking, SyncConnectionWrapper};
use futures_util::future::BoxFuture;
use std::{
    error::Error as StdError,
    io::ErrorKind,
    ops::{Deref, DerefMut},
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
    time::{Duration, Instant},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// Connections for reads.
pub(super) const READERS: usize = 4;

/// How long a statement waits for other connections to the file.
const BUSY: Duration = Duration::from_secs(5);
const PRAGMAS: &str = "PRAGMA synchronous = NORMAL;
    PRAGMA foreign_keys = ON;";

/// A connection that runs its statements on a thread of its own.
pub(crate) type SqliteConn = SyncConnectionWrapper<SqliteConnection, OwnThread>;

/// The thread of one connection; it ends with the connection. Statements that moved from one blocking thread of a
/// runtime to the next would leave memory with each of them, which glibc keeps by thread. And the wrapper's own default
/// waits, when its future is dropped, in a way that panics on a single-threaded runtime (actix runs its handlers on such);
/// here the statement just runs to its end and its connection is not lent again.
pub(crate) struct OwnThread(mpsc::Sender<Job>);

type Job = Box<dyn FnOnce() + Send>;

impl OwnThread {
    /// Starts the thread. Where the system has none left, that is logged, and each statement is an error.
    fn start() -> Self {
        let (jobs, todo) = mpsc::channel::<Job>();
        let thread = thread::Builder::new().name("headwater-sqlite".to_owned());
        if let Err(error) = thread.spawn(move || todo.into_iter().for_each(|job| job())) {
            tracing::error!(%error, "a connection to the catalog gets no thread");
        }
        Self(jobs)
    }
}

impl SpawnBlocking for OwnThread {
    fn spawn_blocking<'a, R>(
        &mut self,
        task: impl FnOnce() -> R + Send + 'static,
    ) -> BoxFuture<'a, Result<R, Box<dyn StdError + Send + Sync>>>
    where
        R: Send + 'static,
    {
        let (done, result) = oneshot::channel();
        let job = move || {
            // A panic is told by the hook; it ends the statement, not the thread.
            if let Ok(value) = panic::catch_unwind(AssertUnwindSafe(task)) {
                // Nobody waits any more where the future was dropped.
                drop(done.send(value));
            }
        };
        // A job that cannot be sent is dropped, and the future learns of it.
        drop(self.0.send(Box::new(job)));
        Box::pin(async {
            result
                .await
                .map_err(|_dropped| "the statement broke off; see the log".into())
        })
    }

    fn get_runtime() -> Self {
        Self::start()
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
    conn.batch_execute(&format!("PRAGMA busy_timeout = {}", BUSY.as_millis()))?;
    log_ahead(&mut conn)?;
    conn.batch_execute(PRAGMAS)?;
    Ok(conn)
}

/// Turns the file's write-ahead log on. Of several connections that do so at once SQLite refuses all but one without
/// waiting, whatever `busy_timeout` says.
fn log_ahead(conn: &mut SqliteConnection) -> Result<()> {
    let until = Instant::now() + BUSY;
    loop {
        match conn.batch_execute("PRAGMA journal_mode = WAL") {
            Err(DatabaseError(_, told))
                if told.message() == "database is locked" && Instant::now() < until =>
            {
                thread::sleep(Duration::from_millis(10));
            }
            result => return Ok(result?),
        }
    }
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
                let mut thread = OwnThread::start();
                let opened = thread.spawn_blocking(move || connect(&file)).await;
                SqliteConn::with_runtime(opened.map_err(Error::store)??, thread)
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread::ThreadId;

    async fn thread_of(conn: &mut SqliteConn) -> ThreadId {
        let statement = conn.spawn_blocking(|_| Ok(thread::current().id()));
        statement.await.unwrap()
    }

    #[tokio::test]
    async fn a_connection_keeps_its_thread_even_when_a_statement_panics() {
        let folder = tempfile::tempdir().unwrap();
        let pool = Pool::new(&folder.path().join("a.db"), 2);
        let mut lease = pool.get().await.unwrap();
        let own = thread_of(&mut lease).await;
        let mut other = pool.get().await.unwrap();
        assert_ne!(own, thread_of(&mut other).await);

        let broken = lease.spawn_blocking(|_| -> diesel::QueryResult<()> { panic!("a statement's own") });
        let error = broken.await.unwrap_err().to_string();
        assert!(error.contains("broke off"), "{error}");
        assert_eq!(own, thread_of(&mut lease).await);

        super::super::Lease::give_back(lease);
        assert_eq!(own, thread_of(&mut pool.get().await.unwrap()).await);
    }
}
