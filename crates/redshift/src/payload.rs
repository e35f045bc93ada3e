//! What a split reads: stored with the run, so without secrets.

use headwater_core::{Error, ErrorKind, Path, Result, Split};
use serde::{Deserialize, Serialize};

/// Which lists a split's schemas are in, and the database to connect to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub(crate) enum Work {
    /// Schemas of the database itself.
    Local {
        /// Nobody says which are external: one without relations may have tables elsewhere.
        unsure: bool,
    },
    /// Schemas whose tables are elsewhere.
    External,
    /// Schemas of a database made of a datashare, asked for in a local one.
    Shared {
        /// The local one.
        through: String,
    },
}

/// A split that was understood.
#[derive(Debug)]
pub(crate) struct Task<'a> {
    pub(crate) work: Work,
    /// The database whose schemas they are.
    pub(crate) database: &'a str,
    /// Their names.
    pub(crate) schemas: Vec<&'a str>,
    pub(crate) split: &'a Split,
}

impl<'a> Task<'a> {
    /// # Errors
    /// `Unexpected` for a split of another version of this connector.
    pub(crate) fn new(split: &'a Split) -> Result<Self> {
        let odd = || {
            Error::new(
                ErrorKind::Unexpected,
                "a split of another version: start the sync anew",
            )
        };
        let work = serde_json::from_value(split.payload.clone()).map_err(|_its_text_quotes| odd())?;
        let first = split.namespaces.first().and_then(|path| path.segments().first());
        Ok(Self {
            work,
            database: first.ok_or_else(odd)?,
            schemas: split.namespaces.iter().filter_map(Path::name).collect(),
            split,
        })
    }

    /// The database to connect to.
    pub(crate) fn entrance(&self) -> &str {
        match &self.work {
            Work::Local { .. } | Work::External => self.database,
            Work::Shared { through } => through,
        }
    }

    /// The path of one of its schemas.
    pub(crate) fn path(&self, schema: &str) -> Path {
        Path::new([self.database, schema])
    }
}
