//! minilake: an emulator of a Databricks workspace, and Databricks' own SDK beside it.

use super::{
    Reaper,
    binaries::pip,
    python::{free_port, listens},
};
use crate::{
    Result,
    workspace::{read, succeeds, target_dir},
};
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};
use tempfile::TempDir;

/// The emulator and the SDK that the tests seed it with.
const PACKAGES: [&str; 2] = ["minilake==1.9.0", "databricks-sdk==0.162.0"];

/// A running emulator. Dropped, it and its files are gone; also when this process is killed.
#[derive(Debug)]
pub(crate) struct Minilake {
    port: u16,
    /// Where Python finds the packages.
    pub(crate) packages: PathBuf,
    _reaper: Reaper,
    _dir: TempDir,
}

impl Minilake {
    /// Starts the emulator on a free port.
    pub(crate) fn start() -> Result<Self> {
        let packages = install()?;
        let dir = tempfile::Builder::new().prefix("minilake-").tempdir()?;
        let port = free_port()?;
        let log = dir.path().join("log");
        let mut child = Command::new("python3")
            .args(["-m", "minilake", "--port", &port.to_string()])
            .env("PYTHONPATH", &packages)
            .env("MINILAKE_DATA_DIR", dir.path().join("data"))
            // A notebook server of its own is nothing that a test asks for.
            .env("MINILAKE_NOTEBOOK", "0")
            .current_dir(dir.path())
            .stdin(Stdio::null())
            .stdout(File::create(&log)?)
            .stderr(File::options().append(true).open(&log)?)
            .spawn()?;
        let id = child.id().to_string();
        let reaper = Reaper::new(
            Command::new("sh"),
            "kill -s TERM \"$1\"; rm -rf -- \"$2\"",
            [id.as_ref(), dir.path().as_os_str()],
        )?;
        if let Err(error) = listens(&mut child, port) {
            let said = fs::read_to_string(&log).unwrap_or_default();
            return Err(format!("minilake did not start: {error}\n{}", said.trim()).into());
        }
        eprintln!("minilake on 127.0.0.1:{port}");
        Ok(Self {
            port,
            packages,
            _reaper: reaper,
            _dir: dir,
        })
    }

    /// The address of the workspace.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

/// Installs the packages under the target directory, once.
fn install() -> Result<PathBuf> {
    let peers = target_dir()?.join("peers");
    let home = peers.join(PACKAGES.join("-").replace("==", "-"));
    let works = |home: &Path| {
        let mut python = Command::new("python3");
        succeeds(
            python
                .args(["-c", "import minilake, databricks.sdk"])
                .env("PYTHONPATH", home),
        )
    };
    if home.is_dir() && works(&home) {
        return Ok(home);
    }
    let what = PACKAGES.join(" and ");
    eprintln!("installing {what} from PyPI");
    fs::create_dir_all(&peers)?;
    // Installed beside its place and moved there whole: what was interrupted is never taken for complete.
    let partial = tempfile::tempdir_in(&peers)?;
    let mut install = pip(&peers)?;
    install.args([
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--only-binary=:all:",
    ]);
    read(install.arg("--target").arg(partial.path()).args(PACKAGES))
        .map_err(|error| format!("{what} from PyPI: {error}"))?;
    let _stale = fs::remove_dir_all(&home);
    fs::rename(partial.keep(), &home)?;
    match works(&home) {
        true => Ok(home),
        false => Err(format!("{what} from PyPI: they do not run here").into()),
    }
}
