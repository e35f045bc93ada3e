//! A throw-away PostgreSQL server.

use super::{Binaries, Reaper, account::Account};
use crate::{
    Result,
    workspace::{read, run},
};
use std::{
    fs::{self, File},
    io::{BufWriter, Read, Write},
    net::TcpListener,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Made for tests: no durability, room for many at once, nothing but the loopback address.
const SETTINGS: &str = "-c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=300 \
    -c max_locks_per_transaction=512 -c fsync=off -c full_page_writes=off -c synchronous_commit=off";

/// A running server. Dropped, it and its files are gone; also when this process is killed.
#[derive(Debug)]
pub(crate) struct Postgres {
    /// The folder of its programs.
    pub(crate) bin: PathBuf,
    /// The version: `18.1`.
    pub(crate) version: String,
    data: PathBuf,
    port: u16,
    password: String,
    _reaper: Reaper,
}

impl Postgres {
    /// Starts a server on a free port.
    pub(crate) fn start(binaries: &Binaries) -> Result<Self> {
        Self::start_with(binaries, "")
    }

    /// Starts a server with more settings: `-c NAME=VALUE ...`.
    pub(crate) fn start_with(binaries: &Binaries, settings: &str) -> Result<Self> {
        let account = Account::choose()?;
        let dir = account.temp_dir()?;
        let (data, log) = (dir.join("data"), dir.join("log"));
        let bin = runnable(binaries, account, &dir)?;
        let script = "\"$1\" -D \"$2\" -m immediate stop; rm -rf -- \"$3\"";
        let reaper = Reaper::new(account.command("sh"), script, [&bin.join("pg_ctl"), &data, &dir])?;

        let password = random_hex()?;
        let password_file = dir.join("password");
        let mut file = File::options()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&password_file)?;
        file.write_all(password.as_bytes())?;
        account.own(&password_file)?;
        let mut initdb = account.command(bin.join("initdb"));
        initdb.args([
            "-U",
            "postgres",
            "-A",
            "scram-sha-256",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
        ]);
        read(initdb.arg("-D").arg(&data).arg("--pwfile").arg(&password_file))?;

        let port = start(account, &bin, &data, &log, settings)?;
        eprintln!("PostgreSQL {} on 127.0.0.1:{port}", binaries.version);
        Ok(Self {
            bin,
            version: binaries.version.clone(),
            data,
            port,
            password,
            _reaper: reaper,
        })
    }

    /// The port on 127.0.0.1.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// A superuser's URL of a database.
    pub(crate) fn url(&self, database: &str) -> String {
        format!(
            "postgres://postgres:{}@127.0.0.1:{}/{database}",
            self.password, self.port
        )
    }

    /// The process that started all others of the server.
    pub(crate) fn postmaster(&self) -> Result<u32> {
        let file = fs::read_to_string(self.data.join("postmaster.pid"))?;
        Ok(file.lines().next().unwrap_or_default().parse()?)
    }

    /// psql as the superuser, which ends at the first statement that fails.
    pub(crate) fn psql(&self, database: &str) -> Command {
        let mut psql = Command::new(self.bin.join("psql"));
        psql.args([
            "-X",
            "-q",
            "-v",
            "ON_ERROR_STOP=1",
            "-h",
            "127.0.0.1",
            "-U",
            "postgres",
        ]);
        psql.args(["-p", &self.port.to_string(), "-d", database]);
        psql.env("PGPASSWORD", &self.password)
            .env("PGOPTIONS", "-c client_min_messages=warning");
        psql
    }

    /// Runs SQL as the superuser, statement by statement, until one fails.
    pub(crate) fn execute(&self, database: &str, sql: &str) -> Result {
        self.execute_from(database, |stdin| stdin.write_all(sql.as_bytes()))
    }

    /// As [`execute`](Self::execute), with SQL that is written while it runs.
    pub(crate) fn execute_from(
        &self,
        database: &str,
        write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
    ) -> Result {
        let mut psql = self.psql(database);
        let mut child = psql
            .args(["-f", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()?;
        if let Some(stdin) = child.stdin.take() {
            let mut stdin = BufWriter::new(stdin);
            write(&mut stdin)?;
            stdin.flush()?;
        }
        match child.wait()?.success() {
            true => Ok(()),
            false => Err("psql could not run the SQL".into()),
        }
    }
}

/// The folder of the programs, or a copy of it where the account cannot reach them.
fn runnable(binaries: &Binaries, account: Account, dir: &Path) -> Result<PathBuf> {
    if account.can_execute(&binaries.dir.join("initdb")) {
        return Ok(binaries.dir.clone());
    }
    let copy = dir.join("install");
    run(Command::new("cp").arg("-R").arg(&binaries.install).arg(&copy))?;
    account.own_all(&copy)?;
    let bin = copy.join(binaries.dir.strip_prefix(&binaries.install)?);
    match account.can_execute(&bin.join("initdb")) {
        true => Ok(bin),
        false => Err(format!(
            "{} cannot be run by an account that is not root",
            binaries.dir.display()
        )
        .into()),
    }
}

/// Starts the server; a port that was free may be taken a moment later, so more than one is tried.
fn start(account: Account, bin: &Path, data: &Path, log: &Path, settings: &str) -> Result<u16> {
    let mut last = None;
    for _ in 0..3 {
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let mut pg_ctl = account.command(bin.join("pg_ctl"));
        pg_ctl
            .arg("-D")
            .arg(data)
            .arg("-l")
            .arg(log)
            .args(["-w", "-t", "60"]);
        match read(
            pg_ctl
                .arg("-o")
                .arg(format!("-p {port} {SETTINGS} {settings}"))
                .arg("start"),
        ) {
            Ok(_) => return Ok(port),
            Err(error) => last = Some(error),
        }
    }
    let log = fs::read_to_string(log).unwrap_or_default();
    let error = last.map(|error| error.to_string()).unwrap_or_default();
    Err(format!("PostgreSQL did not start: {error}\n{}", log.trim()).into())
}

/// 128 random bits.
pub(crate) fn random_hex() -> Result<String> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
