//! Uploaded files: on the disk of one node, for one run, and gone with it.

use crate::{RunId, Store};
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

/// The files of one run, in a folder that has the run's name. Dropped, they are gone.
#[derive(Debug)]
pub struct Upload {
    run: RunId,
    folder: PathBuf,
    files: BTreeMap<String, PathBuf>,
}

impl Upload {
    pub(super) fn new(below: &Path) -> io::Result<Self> {
        let run = RunId::new();
        let upload = Self {
            run,
            folder: folder(below, run),
            files: BTreeMap::new(),
        };
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&upload.folder)?;
        Ok(upload)
    }

    /// The run that will read them.
    pub(super) fn run(&self) -> RunId {
        self.run
    }

    /// The file to write one of the connector's inputs to.
    pub fn file(&mut self, input: &str) -> PathBuf {
        let file = self.folder.join(input);
        self.files.insert(input.to_owned(), file.clone());
        file
    }

    /// Whether one of the inputs was given.
    pub fn has(&self, input: &str) -> bool {
        self.files.contains_key(input)
    }

    /// The files by the names of the inputs.
    pub(super) fn files(&self) -> impl Iterator<Item = (&String, &PathBuf)> {
        self.files.iter()
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        remove(&self.folder);
    }
}

fn folder(below: &Path, run: RunId) -> PathBuf {
    below.join(run.to_string())
}

/// Removes what a run that has ended may have left here.
pub(super) fn remove_of(below: &Path, run: RunId) {
    remove(&folder(below, run));
}

fn remove(folder: &Path) {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(%error, "uploaded files cannot be removed");
        }
        _ => {}
    }
}

/// How long files are kept whose run is not known here: an upload that broke off, or another catalog's.
const UNKNOWN: Duration = Duration::from_secs(24 * 60 * 60);

/// Removes what dead processes have left, and spares the files of runs that have not ended: other nodes, and
/// other catalogs, may share the folder.
pub(super) async fn sweep(store: &Store, below: &Path) {
    for entry in fs::read_dir(below).into_iter().flatten().flatten() {
        let Some(run) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        match store.has_ended(run).await {
            Ok(Some(true)) => remove(&entry.path()),
            Ok(None) if age(&entry).is_some_and(|age| age > UNKNOWN) => remove(&entry.path()),
            Ok(_) => {}
            Err(error) => tracing::warn!(?error, "it cannot be told which uploaded files are still needed"),
        }
    }
}

fn age(entry: &fs::DirEntry) -> Option<Duration> {
    entry.metadata().ok()?.modified().ok()?.elapsed().ok()
}
