//! A Headwater server, or a program built on it, on a catalog of its own.

use crate::{
    Result,
    http::Client,
    peers::{Reaper, random_hex},
    workspace::run,
};
use serde_json::Value;
use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// A running server. Dropped, it and its catalog are gone; also when this process is killed.
#[derive(Debug)]
pub(crate) struct Server {
    /// Talks to it as its admin.
    pub(crate) client: Client,
    child: Child,
    // What the server still has to say goes nowhere, yet it must not write into a closed pipe.
    _stdout: BufReader<ChildStdout>,
    _reaper: Reaper,
    dir: TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _told = run(Command::new("sh").args(["-c", TERMINATE, "sh", &self.child.id().to_string()]));
        let _status = self.child.wait();
    }
}

/// How long a sync may take.
const PATIENCE: Duration = Duration::from_secs(600);
/// The catalog, in the server's folder.
const DATABASE: &str = "headwater.db";
const TERMINATE: &str = "kill -s TERM \"$1\"";
/// Where this process was killed: as above, then the catalog goes once the server has gone.
const REAP: &str = "kill -s TERM \"$1\" && for _ in $(seq 150); do kill -0 \"$1\" || break; sleep 0.1; done; \
    rm -rf -- \"$2\"";

impl Server {
    /// Starts the program's `serve` on SQLite and a free port.
    pub(crate) fn start(program: &Path) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("headwater-").tempdir()?;
        let log = dir.path().join("log");
        let key = format!("hw_demo_{}", random_hex()?);
        let database = format!("sqlite://{}", dir.path().join(DATABASE).display());
        let mut child = Command::new(program)
            .args(["serve", "--listen", "127.0.0.1:0", "--database-url", &database])
            .env("HEADWATER_ADMIN_KEY", &key)
            .current_dir(dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(&log)?)
            .spawn()?;
        let id = child.id().to_string();
        let reaper = Reaper::new(Command::new("sh"), REAP, [id.as_ref(), dir.path().as_os_str()])?;
        let mut stdout = BufReader::new(child.stdout.take().ok_or("the server has no output")?);
        let mut line = String::new();
        stdout.read_line(&mut line)?;
        let Some(address) = line.trim().strip_prefix("listening on http://") else {
            let log = fs::read_to_string(&log).unwrap_or_default();
            return Err(format!("the server did not start:\n{}", log.trim()).into());
        };
        let client = Client {
            address: address.to_owned(),
            key,
        };
        Ok(Self {
            client,
            child,
            _reaper: reaper,
            _stdout: stdout,
            dir,
        })
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The file of its catalog.
    pub(crate) fn database(&self) -> PathBuf {
        self.dir.path().join(DATABASE)
    }

    /// Waits until the server ends by itself.
    pub(crate) fn wait(&mut self) -> Result {
        self.child.wait()?;
        Ok(())
    }

    /// Starts a sync and waits for its end.
    pub(crate) fn sync(&self, connector: &str) -> Result<Value> {
        let path = format!("/catalog/spaces/default/connectors/{connector}/sync");
        let started = self.client.post(&path, &serde_json::json!({}))?;
        self.ended(&started)
    }

    /// Waits for the end of a sync that was started.
    pub(crate) fn ended(&self, started: &Value) -> Result<Value> {
        let job = started["job_id"].as_str().ok_or("the sync has no job_id")?;
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let job = self
                .client
                .get(&format!("/catalog/spaces/default/sync-jobs/{job}"))?;
            match job["status"].as_str() {
                Some("running") => sleep(Duration::from_millis(100)),
                Some("completed") => return Ok(job),
                _ => return Err(format!("the sync ended with {}", job["error"]).into()),
            }
        }
        Err(format!("the sync did not end in {} seconds", PATIENCE.as_secs()).into())
    }
}
