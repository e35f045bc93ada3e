//! A throw-away server, for tests that must know every database of it.

use crate::database::Server;
use std::{
    env, fs,
    net::TcpListener,
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

/// Ended with this value.
pub(crate) struct Cluster {
    dir: TempDir,
    bin: PathBuf,
    pub(crate) server: Server,
}

impl Cluster {
    /// One of each version that there are programs of.
    pub(crate) fn of_each_version() -> Vec<Self> {
        let first = env::var("HEADWATER_TEST_PG_BIN").expect(
            "HEADWATER_TEST_PG_BIN is not set: run cargo xtask test, which finds PostgreSQL's programs",
        );
        let other = env::var("HEADWATER_TEST_PG_BIN_ALT").ok();
        let bins = std::iter::once(first).chain(other);
        bins.map(|bin| Self::start(bin.into())).collect()
    }

    fn start(bin: PathBuf) -> Self {
        let dir = TempDir::new().unwrap();
        let path = dir.path();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(path.join("pw"), "pw").unwrap();
        let initdb = "-D data -U postgres -A scram-sha-256 --pwfile=pw --no-sync";
        run(path, &bin.join("initdb"), &initdb.split(' ').collect::<Vec<_>>());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let options = format!(
            "-p {port} -c listen_addresses=127.0.0.1 -k {} -c fsync=off -c shared_buffers=16MB",
            path.display()
        );
        run(
            path,
            &bin.join("pg_ctl"),
            &["-D", "data", "-l", "log", "-o", &options, "-w", "start"],
        );
        let server = Server {
            host: "127.0.0.1".into(),
            port,
            user: "postgres".into(),
            password: "pw".into(),
        };
        Self { dir, bin, server }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let stop = ["-D", "data", "-m", "immediate", "stop"];
        run(self.dir.path(), &self.bin.join("pg_ctl"), &stop);
    }
}

/// Runs a program in the directory, which is made its user's own: PostgreSQL refuses to run as root.
fn run(dir: &Path, program: &Path, arguments: &[&str]) {
    const NOBODY: u32 = 65534;
    let is_root = fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    let mut command = if is_root {
        chown(dir, Some(NOBODY), Some(NOBODY)).unwrap();
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .arg(program);
        command
    } else {
        Command::new(program)
    };
    let output = command
        .current_dir(dir)
        .args(arguments)
        .output()
        .expect("PostgreSQL's programs run");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
