//! The one error type of the catalog.

use crate::{Name, RunId};
use jiff::Timestamp;
use std::{error::Error as StdError, fmt, sync::Arc};

/// A result whose error is [`Error`] unless said otherwise.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why the catalog refused or could not do something.
///
/// # Contract
/// The text ([`Display`](fmt::Display)) is safe to show to a client: it holds no secret, no value of a
/// config and no text of the database. What the database said is the source, and only logged.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Error {
    /// There is no such thing, or it belongs to another space.
    NotFound(&'static str),
    /// A space of this slug exists.
    SlugTaken,
    /// The space still has connectors.
    SpaceNotEmpty,
    /// The connector is being synced.
    SyncInProgress {
        /// The run that is on its way.
        run: RunId,
        /// When it was asked for.
        started_at: Timestamp,
    },
    /// The connector is switched off.
    ConnectorInactive,
    /// The config now leads elsewhere, so that credentials must be sent again.
    CredentialsRequired,
    /// The removals of this run were decided before.
    RemovalsDecided,
    /// This run holds no removals.
    NoRemovalsHeld,
    /// Config, credentials or a parameter are wrong.
    Invalid(headwater_core::Error),
    /// What a change was based on has changed since: read again, then try again.
    Conflict,
    /// Another node has taken the run over, or it has ended: nothing was written.
    LeaseLost,
    /// The database was written by a newer release.
    SchemaTooNew {
        /// The migration that this release does not know.
        version: String,
    },
    /// The database's address cannot be used; the text says why.
    InvalidUrl(&'static str),
    /// The key ring cannot be read, or has no key for what is stored; the text says what to do.
    Keys(String),
    /// The database failed, or holds something that cannot be understood.
    Store(Arc<dyn StdError + Send + Sync>),
}

impl Error {
    /// The database failed.
    pub(crate) fn store(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Store(Arc::from(source.into()))
    }

    /// A stored value cannot be understood. Names the column, never the value.
    pub(crate) fn corrupt(column: &'static str) -> Self {
        Self::store(format!("stored value cannot be understood [column={column}]"))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound(what) => write!(f, "{what} not found"),
            Self::SlugTaken => f.write_str("a space with this slug exists; choose another slug"),
            Self::SpaceNotEmpty => f.write_str("space has connectors; delete them first"),
            Self::SyncInProgress { .. } => f.write_str("Sync already in progress"),
            Self::ConnectorInactive => f.write_str("connector is inactive; set is_active to true first"),
            Self::CredentialsRequired => {
                f.write_str("this change says where a secret is sent; send the credentials with it")
            }
            Self::RemovalsDecided => f.write_str("removals of this sync were decided before"),
            Self::NoRemovalsHeld => f.write_str("this sync holds no removals"),
            Self::Invalid(error) => error.fmt(f),
            Self::Conflict => f.write_str("changed by someone else at the same time; try again"),
            Self::LeaseLost => f.write_str("run is no longer held by this node"),
            Self::SchemaTooNew { version } => write!(
                f,
                "database was written by a newer release; start that release or a later one [migration={version}]"
            ),
            Self::InvalidUrl(why) => f.write_str(why),
            Self::Keys(why) => f.write_str(why),
            Self::Store(_) => f.write_str("catalog's database failed"),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Invalid(error) => Some(error),
            Self::Store(source) => Some(&**source),
            _ => None,
        }
    }
}

impl From<diesel::result::Error> for Error {
    fn from(error: diesel::result::Error) -> Self {
        Self::store(error)
    }
}

impl From<headwater_core::Error> for Error {
    fn from(error: headwater_core::Error) -> Self {
        Self::Invalid(error)
    }
}

/// A stored name that this release does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownName;

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unknown name")
    }
}

impl StdError for UnknownName {}

/// Reads a stored name.
pub(crate) fn stored<T: Name>(text: &str, column: &'static str) -> Result<T> {
    T::parse(text).ok_or_else(|| Error::corrupt(column))
}
