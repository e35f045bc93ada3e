use crate::error;
use headwater_core::{Error, ErrorKind, Listing, Result};
use std::{
    fs::{self, DirEntry, FileType},
    path::{Path as FilePath, PathBuf},
};

/// What the names of tables end with.
pub(crate) const EXTENSION: &str = ".csv";
/// The schema of the files that stand in the folder itself; no sub-folder can have this name.
const FOLDER_ITSELF: &str = ".";

/// The names that were found in a folder, sorted.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) names: Vec<String>,
    unnamed: usize,
}

impl Found {
    /// Complete, unless something has a name that cannot be told.
    pub(crate) fn listing(&self) -> Listing {
        match self.unnamed {
            0 => Listing::Complete,
            count => Listing::partial(
                "name_not_unicode",
                format!("{count} names are not UTF-8: rename them"),
            ),
        }
    }
}

/// The folder itself and its sub-folders. Symbolic links are not followed: they may lead out of it.
pub(crate) async fn schemas(directory: PathBuf) -> Result<Found> {
    blocking(move || {
        let mut found = list(&directory, FileType::is_dir, Some)?;
        found.names.insert(0, FOLDER_ITSELF.to_owned());
        Ok(found)
    })
    .await
}

/// The CSV files of a folder, without their extension.
pub(crate) async fn tables(directory: PathBuf) -> Result<Found> {
    let stem = |name: String| {
        name.strip_suffix(EXTENSION)
            .filter(|stem| !stem.is_empty())
            .map(str::to_owned)
    };
    blocking(move || list(&directory, FileType::is_file, stem)).await
}

fn list(
    directory: &FilePath,
    wanted: fn(&FileType) -> bool,
    name_of: impl Fn(String) -> Option<String>,
) -> Result<Found> {
    let mut found = Found::default();
    let unlisted = |error| error::io("the folder cannot be listed", error);
    for entry in fs::read_dir(directory).map_err(unlisted)? {
        let entry: DirEntry = entry.map_err(unlisted)?;
        if !wanted(&entry.file_type().map_err(unlisted)?) {
            continue;
        }
        match entry.file_name().into_string() {
            Ok(name) => found.names.extend(name_of(name)),
            Err(_) => found.unnamed += 1,
        }
    }
    found.names.sort_unstable();
    Ok(found)
}

/// Reads files on a thread where that may block.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(Error::new(ErrorKind::Unexpected, "reading files broke off").with_source(error)),
    }
}
