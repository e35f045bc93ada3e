//! Where the artifacts of one reading are.

use headwater_core::model::Properties;
use std::{
    fs::File,
    io::{self, Seek},
    path::PathBuf,
    sync::Arc,
};

/// The artifacts to read together, and where they came from.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    pub(crate) manifest: Input,
    pub(crate) catalog: Option<Input>,
    /// One for each command of a run; where two tell of the same node, the later one counts.
    pub(crate) run_results: Vec<Input>,
    pub(crate) sources: Option<Input>,
    /// Where the spool goes; the system's folder of temporary files if not said.
    pub(crate) spool: Option<PathBuf>,
    pub(crate) origin: Origin,
}

impl Files {
    /// A manifest with nothing beside it.
    pub(crate) fn manifest(manifest: impl Into<Input>) -> Self {
        Self {
            manifest: manifest.into(),
            catalog: None,
            run_results: Vec::new(),
            sources: None,
            spool: None,
            origin: Origin::default(),
        }
    }
}

/// One artifact.
#[derive(Debug, Clone)]
pub(crate) enum Input {
    /// A file that somebody else keeps.
    Path(PathBuf),
    /// A file without a name, which the system takes back when the last user is gone.
    Fetched(Arc<File>),
}

impl Input {
    /// The file, from its beginning.
    pub(crate) fn open(&self) -> io::Result<File> {
        match self {
            Self::Path(path) => File::open(path),
            Self::Fetched(file) => {
                let mut file = file.try_clone()?;
                file.rewind()?;
                Ok(file)
            }
        }
    }
}

impl From<&PathBuf> for Input {
    fn from(path: &PathBuf) -> Self {
        Self::Path(path.clone())
    }
}

/// What a user should know of where artifacts came from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Origin {
    /// Properties of the project: the run of dbt Cloud, say.
    pub(crate) properties: Properties,
    /// What is not as expected: code and detail.
    pub(crate) warnings: Vec<(&'static str, String)>,
    /// How many requests it took.
    pub(crate) requests: u64,
}
