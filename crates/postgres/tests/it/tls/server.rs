//! A throw-away PostgreSQL with TLS.

use super::{Certified, Lets};
use std::{
    env, fs,
    net::TcpListener,
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::{Path, PathBuf},
    process::{Command, Output},
};
use tempfile::TempDir;

/// Ended with this value.
pub(super) struct TlsServer {
    dir: TempDir,
    bin: PathBuf,
    pub(super) port: u16,
}

impl TlsServer {
    /// `None` where no program here is built with TLS.
    pub(super) fn start(certified: Option<&Certified>, lets: Lets) -> Option<Self> {
        let (dir, bin) = bins().into_iter().find_map(|bin| Some((with_tls(&bin)?, bin)))?;
        let path = dir.path();
        let line = match lets {
            Lets::Both => "host",
            Lets::OnlyTls => "hostssl",
            Lets::OnlyPlain => "hostnossl",
        };
        let rule = format!("{line} all all all scram-sha-256\n");
        fs::write(path.join("data/pg_hba.conf"), rule).unwrap();
        let tls = match certified {
            Some(certified) => {
                write_key(&path.join("data"), certified);
                "-c ssl=on"
            }
            None => "",
        };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let options = format!(
            "-p {port} -c log_connections=on -c listen_addresses=127.0.0.1 -k {} -c fsync=off {tls}",
            path.display()
        );
        let start = ["-D", "data", "-l", "log", "-o", &options, "-w", "start"];
        succeed(run(path, &bin.join("pg_ctl"), &start));
        Some(Self { dir, bin, port })
    }

    pub(super) fn last_was_encrypted(&self) -> bool {
        let log = fs::read_to_string(self.dir.path().join("log")).unwrap();
        let mut logins = log.lines().filter(|line| line.contains("connection authorized"));
        logins
            .next_back()
            .is_some_and(|line| line.contains("SSL enabled"))
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        let stop = ["-D", "data", "-m", "immediate", "stop"];
        run(self.dir.path(), &self.bin.join("pg_ctl"), &stop);
    }
}

/// The directories of PostgreSQL's programs.
fn bins() -> Vec<PathBuf> {
    let first = env::var("HEADWATER_TEST_PG_BIN")
        .expect("HEADWATER_TEST_PG_BIN is not set: run cargo xtask test, which finds PostgreSQL's programs");
    let other = env::var("HEADWATER_TEST_PG_BIN_ALT").ok();
    std::iter::once(first).chain(other).map(PathBuf::from).collect()
}

/// A new data directory, where these programs are built with TLS.
fn with_tls(bin: &Path) -> Option<TempDir> {
    let dir = TempDir::new().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(dir.path().join("pw"), "pw").unwrap();
    let initdb = "-D data -U postgres -A scram-sha-256 --pwfile=pw --no-sync";
    let initdb: Vec<&str> = initdb.split(' ').collect();
    run(dir.path(), &bin.join("initdb"), &initdb)
        .status
        .success()
        .then_some(())?;
    let library = run(
        dir.path(),
        &bin.join("postgres"),
        &["-C", "ssl_library", "-D", "data"],
    );
    (!library.stdout.trim_ascii().is_empty()).then_some(dir)
}

fn succeed(output: Output) {
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Runs a program in the directory, which is made its user's own: PostgreSQL refuses to run as root.
fn run(dir: &Path, program: &Path, arguments: &[&str]) -> Output {
    const NOBODY: u32 = 65534;
    let mut command = if fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0) {
        chown(dir, Some(NOBODY), Some(NOBODY)).unwrap();
        let mut command = Command::new("setpriv");
        command.args([
            &format!("--reuid={NOBODY}"),
            &format!("--regid={NOBODY}"),
            "--clear-groups",
        ]);
        command.arg(program);
        command
    } else {
        Command::new(program)
    };
    command
        .current_dir(dir)
        .args(arguments)
        .output()
        .expect("PostgreSQL's programs run")
}

fn write_key(data: &Path, certified: &Certified) {
    let (certificate, key) = (data.join("server.crt"), data.join("server.key"));
    fs::write(certificate, &certified.certificate).unwrap();
    fs::write(&key, &certified.key).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    chown(&key, Some(fs::metadata(data).unwrap().uid()), None).unwrap();
}
