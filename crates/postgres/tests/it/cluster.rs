//! Throw-away PostgreSQL servers of a test's own: to stop, to replicate, to give other rules to.

use crate::database::Server;
use std::{
    env, fs,
    net::TcpListener,
    os::unix::{
        fs::{MetadataExt, PermissionsExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Command, Output},
};
use tempfile::TempDir;

/// The folders with PostgreSQL's programs: that of `HEADWATER_TEST_PG_BIN`, and beside it that of
/// `HEADWATER_TEST_PG_BIN_ALT` where it is set.
pub(crate) fn bins() -> Vec<PathBuf> {
    let first = env::var("HEADWATER_TEST_PG_BIN")
        .expect("HEADWATER_TEST_PG_BIN is not set: run cargo xtask test, which finds PostgreSQL's programs");
    let other = env::var("HEADWATER_TEST_PG_BIN_ALT").ok();
    std::iter::once(first).chain(other).map(PathBuf::from).collect()
}

/// A server on the loopback address with the superuser `postgres`, whose password is `pw`. Ended with this
/// value.
pub(crate) struct Cluster {
    dir: TempDir,
    bin: PathBuf,
    options: String,
    /// How to reach it as its superuser.
    pub(crate) server: Server,
}

impl Cluster {
    /// A running one of each version that there are programs of.
    pub(crate) fn of_each_version() -> Vec<Self> {
        let start = |bin: &PathBuf| Self::start(bin, "host all all all scram-sha-256\n", "");
        bins().iter().map(start).collect()
    }

    /// A new server that does not run yet, with this as its `pg_hba.conf`.
    pub(crate) fn init(bin: &Path, rules: &str) -> Self {
        let cluster = Self::in_new_folder(bin);
        fs::write(cluster.dir.path().join("pw"), "pw").unwrap();
        cluster.run_or_panic(
            "initdb",
            "-D data -U postgres -A scram-sha-256 --pwfile=pw --no-sync",
        );
        cluster.write("pg_hba.conf", rules);
        cluster
    }

    /// A running server.
    pub(crate) fn start(bin: &Path, rules: &str, options: &str) -> Self {
        let mut cluster = Self::init(bin, rules);
        cluster.start_with(options);
        cluster
    }

    /// A running standby of a server that lets replication in without a password.
    pub(crate) fn standby_of(primary: &Self, options: &str) -> Self {
        let mut standby = Self::in_new_folder(&primary.bin);
        let copy = format!(
            "-D data -R -X stream -c fast --no-sync -h 127.0.0.1 -U postgres -p {}",
            primary.server.port
        );
        standby.run_or_panic("pg_basebackup", &copy);
        standby.start_with(options);
        standby
    }

    fn in_new_folder(bin: &Path) -> Self {
        let dir = TempDir::new().unwrap();
        let cluster = Self {
            dir,
            bin: bin.to_owned(),
            options: String::new(),
            server: Server {
                host: "127.0.0.1".into(),
                port: 0,
                user: "postgres".into(),
                password: "pw".into(),
            },
        };
        own(&cluster.bin, cluster.dir.path());
        cluster
    }

    /// Whether the programs are built with TLS. Those of Linux distributions are, those of the PyPI wheel not.
    pub(crate) fn has_tls(&self) -> bool {
        let library = self.run("postgres", &["-C", "ssl_library", "-D", "data"]);
        !library.stdout.trim_ascii().is_empty()
    }

    /// Starts the server for the first time, on a free port.
    pub(crate) fn start_with(&mut self, options: &str) {
        self.options = options.to_owned();
        for _ in 0..4 {
            self.server.port = free_port();
            if self.try_start() {
                return;
            }
            // What was free a moment ago may be another test's by now. All else is a failure.
            if !self.log().contains("Address already in use") {
                break;
            }
        }
        panic!("{}", self.log());
    }

    /// Starts the server again, on the same port.
    pub(crate) fn resume(&self) {
        assert!(self.try_start(), "{}", self.log());
    }

    fn try_start(&self) -> bool {
        let options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c log_connections=on -c fsync=off \
             -c shared_buffers=16MB {}",
            self.server.port, self.options
        );
        let started = self.run(
            "pg_ctl",
            &["-D", "data", "-l", "log", "-o", &options, "-w", "start"],
        );
        started.status.success()
    }

    /// Stops the server as a crash does.
    pub(crate) fn crash(&self) {
        self.run_or_panic("pg_ctl", "-D data -m immediate -w stop");
    }

    /// Writes a file of the data folder that only the server's account reads, as it insists on for keys.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.dir.path().join("data").join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        own(&self.bin, &path);
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    fn run_or_panic(&self, program: &str, arguments: &str) {
        let arguments: Vec<&str> = arguments.split(' ').collect();
        let output = self.run(program, &arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program}: {said}");
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Output {
        let path = self.bin.join(program);
        let mut command = as_account(&self.bin, &path);
        command
            .current_dir(self.dir.path())
            .args(arguments)
            .output()
            .unwrap_or_else(|error| {
                panic!(
                    "{} is needed for this test and does not run: {error}",
                    path.display()
                )
            })
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.run("pg_ctl", &["-D", "data", "-m", "immediate", "stop"]);
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// A command that runs as this process does, or as another account when that is root: servers refuse it.
pub(crate) fn as_account(owned: &Path, program: &Path) -> Command {
    let mut command = Command::new(program);
    if let Some((user, group)) = account(owned) {
        command.uid(user).gid(group);
    }
    command
}

/// Hands a file or folder to the account that [`as_account`] runs as.
pub(crate) fn own(owned: &Path, path: &Path) {
    if let Some((user, group)) = account(owned) {
        chown(path, Some(user), Some(group)).unwrap();
    }
}

/// The account to run as where this process is root: the owner of these programs, else nobody.
fn account(owned: &Path) -> Option<(u32, u32)> {
    const NOBODY: u32 = 65534;
    if fs::metadata("/proc/self").is_ok_and(|own| own.uid() != 0) {
        return None;
    }
    let owner = fs::metadata(owned).unwrap();
    Some(match owner.uid() {
        0 => (NOBODY, NOBODY),
        user => (user, owner.gid()),
    })
}
