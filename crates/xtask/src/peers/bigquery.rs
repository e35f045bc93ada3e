//! bqemulator, an emulator of BigQuery made by others, and Google's own Python client.

use super::{
    Reaper,
    python::{environment, free_port, listens},
};
use crate::{Result, workspace::read};
use std::{
    fs::{self, File},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// What is installed, in versions that were seen to work together.
const PACKAGES: [&str; 6] = [
    "bqemulator==1.4.0",
    "duckdb==1.5.5",
    "duckdb-extension-spatial==1.5.5",
    "google-cloud-bigquery==3.47.0",
    "numpy==2.4.6",
    "pyarrow==26.0.1",
];
/// Where DuckDB looks for the extension that it would download otherwise, below the home folder.
const EXTENSIONS: &str = ".duckdb/extensions/v1.5.5";

/// A running emulator. Dropped, it and its files are gone; also when this process is killed.
#[derive(Debug)]
pub(crate) struct BigQuery {
    /// The Python that has Google's client.
    pub(crate) python: PathBuf,
    port: u16,
    _reaper: Reaper,
}

impl BigQuery {
    /// Installs it where it is missing, and starts it on free ports.
    ///
    /// # Errors
    /// What was tried.
    pub(crate) fn start() -> Result<Self> {
        let python = environment("python3", &PACKAGES)?.join("bin/python");
        // Ports that were free may be taken a moment later, so more than one pair is tried.
        let mut last = None;
        for _ in 0..3 {
            match Self::start_once(&python) {
                Ok(emulator) => return Ok(emulator),
                Err(error) => last = Some(error),
            }
        }
        let error = last.map(|error| error.to_string()).unwrap_or_default();
        Err(format!("bqemulator did not start: {error}").into())
    }

    fn start_once(python: &Path) -> Result<Self> {
        let home = tempfile::Builder::new().prefix("headwater-").tempdir()?;
        lend_extension(python, home.path())?;
        let log = home.path().join("log");
        let output = File::create(&log)?;
        let (rest, grpc) = (free_port()?, free_port()?);
        let mut child = Command::new(python.with_file_name("bqemulator"))
            .args(["start", "--log-level", "error", "--project", "headwater"])
            .args(["--rest-port", &rest.to_string(), "--grpc-port", &grpc.to_string()])
            .env("HOME", home.path())
            .current_dir(home.path())
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .process_group(0)
            .spawn()?;
        let script = "kill \"$1\"; sleep 1; kill -9 \"$1\"; rm -rf -- \"$2\"";
        let files = home.keep();
        let (id, place) = (child.id().to_string(), files.display().to_string());
        let reaper = Reaper::new(Command::new("sh"), script, [&id, &place])?;
        if let Err(error) = listens(&mut child, rest) {
            let said = fs::read_to_string(&log).unwrap_or_default();
            return Err(format!("{error}\n{}", said.trim()).into());
        }
        eprintln!("bqemulator on 127.0.0.1:{rest}");
        Ok(Self {
            python: python.to_owned(),
            port: rest,
            _reaper: reaper,
        })
    }

    /// Where its REST API is.
    pub(crate) fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

/// Puts DuckDB's extension, which came as a package, where DuckDB looks for it.
fn lend_extension(python: &Path, home: &Path) -> Result {
    let find = "import duckdb, duckdb_extension_spatial as spatial, pathlib; \
                print(pathlib.Path(spatial.__file__).parent / 'extensions' / ('v' + duckdb.__version__)); \
                print(duckdb.sql('PRAGMA platform').fetchone()[0])";
    let found = read(Command::new(python).args(["-c", find]))?;
    let (from, platform) = found
        .split_once('\n')
        .ok_or("DuckDB does not name its platform")?;
    let to = home.join(EXTENSIONS).join(platform.trim());
    fs::create_dir_all(&to)?;
    let file = "spatial.duckdb_extension";
    fs::copy(Path::new(from.trim()).join(file), to.join(file))?;
    Ok(())
}
