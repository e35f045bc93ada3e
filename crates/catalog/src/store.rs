//! The door to the catalog.

use crate::{
    KeyRing, Result,
    db::{Db, on_conn},
};
use diesel_async::RunQueryDsl;
use jiff::Timestamp;
use std::sync::Arc;

/// The stored catalog. Cheap to clone.
///
/// # Contract
/// Each method that changes something is one transaction, with its audit event in it. What runs under a
/// [`Claim`](crate::Claim) begins its transaction with a check of the claim's epoch.
#[derive(Debug, Clone)]
pub struct Store(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    db: Db,
    keys: KeyRing,
}

impl Store {
    /// Opens the catalog at `sqlite://relative.db`, `sqlite:///absolute.db` or `postgres://..` and brings
    /// its tables up to this release. A new SQLite file is readable for its owner only.
    ///
    /// # Errors
    /// [`Error::InvalidUrl`](crate::Error::InvalidUrl),
    /// [`Error::SchemaTooNew`](crate::Error::SchemaTooNew), or the database's.
    pub async fn open(url: &str, keys: KeyRing) -> Result<Self> {
        let db = Db::open(url).await?;
        Ok(Self(Arc::new(Inner { db, keys })))
    }

    /// Asks the database for an answer.
    ///
    /// # Errors
    /// When it gives none.
    pub async fn ready(&self) -> Result<()> {
        on_conn!(self.db(), |c| {
            diesel::select(diesel::dsl::sql::<diesel::sql_types::Bool>("1 = 1"))
                .get_result::<bool>(c)
                .await?;
            Ok(())
        })
    }

    pub(crate) fn db(&self) -> &Db {
        &self.0.db
    }

    pub(crate) fn keys(&self) -> &KeyRing {
        &self.0.keys
    }
}

/// The time, as it is stored.
pub(crate) fn now() -> i64 {
    Timestamp::now().as_microsecond()
}

/// A stored time.
pub(crate) fn time(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// A stored count.
pub(crate) fn count(stored: i64) -> u64 {
    u64::try_from(stored).unwrap_or(0)
}
