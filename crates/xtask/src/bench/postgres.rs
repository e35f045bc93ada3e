//! The PostgreSQL connector: scans and syncs of generated databases.

use super::{
    Options,
    generate::{self, Shape},
    measure::{self, Postmaster, Used, cpu_of, peak_of},
    proxy::Proxy,
    report::{self, Sample},
};
use crate::{
    Result,
    peers::{self, Postgres, random_hex},
    server::Server,
    workspace,
};
use serde_json::json;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;

const READER: &str = "headwater_reader";
/// The catalogs in memory, and nothing at work that was not asked for.
const SETTINGS: &str = "-c autovacuum=off -c shared_buffers=512MB -c max_wal_size=8GB";
/// What autovacuum would have done by the time that a database of this size is synced.
const SETTLE: &str =
    "VACUUM (ANALYZE) pg_class, pg_attribute, pg_attrdef, pg_constraint, pg_depend, pg_description,
    pg_index, pg_namespace, pg_rewrite, pg_type; CHECKPOINT;";
/// Columns of every table.
const COLUMNS: usize = 12;
/// The largest size again with fewer and wider tables.
const WIDE_COLUMNS: usize = 600;
/// Added each way.
const DELAY: Duration = Duration::from_millis(50);

/// The programs and the server to measure.
struct Bench {
    program: PathBuf,
    postgres: Postgres,
    postmaster: Postmaster,
    password: String,
    dir: TempDir,
}

/// Measures each size, then wide tables, and prints the tables.
pub(super) fn run(options: &Options) -> Result {
    let bench = Bench::start()?;
    println!(
        "PostgreSQL {}, medians of {} runs\n",
        bench.postgres.version, options.repeat
    );
    let mut peaks = Vec::new();
    for size in &options.sizes {
        let database = bench.make(Shape {
            relations: *size,
            columns: COLUMNS,
        })?;
        // A short scan is measured by several.
        let times = u32::try_from((10_000 / size).clamp(1, 20))?;
        let samples: Vec<Sample> = (0..options.repeat)
            .map(|_| bench.sample(&database, times))
            .collect::<Result<_>>()?;
        report::samples(&format!("{size} relations, {COLUMNS} columns each"), &samples);
        println!("{}\n", bench.slow_line(&database)?);
        peaks.push(report::scan_peak(&samples));
        bench.drop(&database)?;
    }
    let widest = options.sizes.iter().max().copied().unwrap_or_default();
    let wide = bench.wide((widest * COLUMNS / WIDE_COLUMNS).max(1))?;
    report::peaks(&options.sizes, &peaks, &wide);
    Ok(())
}

impl Bench {
    fn start() -> Result<Self> {
        let program = workspace::build_release("headwater-server")?;
        let postgres = peers::postgres_with(SETTINGS)?;
        let password = random_hex()?;
        let role = format!("CREATE ROLE {READER} LOGIN PASSWORD '{password}'");
        postgres.execute("postgres", &role)?;
        let dir = tempfile::Builder::new().prefix("headwater-").tempdir()?;
        for (name, text) in [
            ("floor.sql", include_str!("floor.sql")),
            ("insert.py", include_str!("insert.py")),
            ("digest.py", include_str!("digest.py")),
        ] {
            fs::write(dir.path().join(name), text)?;
        }
        Ok(Self {
            program,
            postmaster: Postmaster(postgres.postmaster()?),
            postgres,
            password,
            dir,
        })
    }

    fn make(&self, shape: Shape) -> Result<String> {
        let database = format!("bench_{}x{}", shape.relations, shape.columns);
        eprintln!("making {database}");
        self.postgres
            .execute("postgres", &format!("CREATE DATABASE {database}"))?;
        self.postgres
            .execute_from(&database, |mut out| generate::write(shape, &mut out))?;
        self.postgres.execute(&database, SETTLE)?;
        Ok(database)
    }

    fn drop(&self, database: &str) -> Result {
        self.postgres
            .execute("postgres", &format!("DROP DATABASE {database}"))
    }

    /// Everything once, so that all of it meets the same machine.
    fn sample(&self, database: &str, times: u32) -> Result<Sample> {
        let floor = measure::command(Some(self.postmaster), times, || self.floor(database))?;
        let scan = measure::command(Some(self.postmaster), times, || {
            self.scan(database, self.postgres.port())
        })?;
        let server = Server::start(&self.program)?;
        let connector = self.connect(&server, database)?;
        let first = self.sync(&server, &connector)?;
        let before = self.python("digest.py", &[&server.database()])?;
        let second = self.sync(&server, &connector)?;
        if self.python("digest.py", &[&server.database()])? != before {
            return Err("the second sync wrote to the products, although nothing had changed".into());
        }
        let copy = tempfile::tempdir_in(self.dir.path())?;
        let insert = self.python("insert.py", &[&server.database(), &copy.path().join("copy.db")])?;
        Ok(Sample {
            floor,
            insert: insert.parse()?,
            scan,
            first,
            second,
        })
    }

    /// Peak memory with wide tables. There is no floor beside it: PostgreSQL misjudges the COPYs' joins there.
    fn wide(&self, relations: usize) -> Result<String> {
        let database = self.make(Shape {
            relations,
            columns: WIDE_COLUMNS,
        })?;
        let scan = measure::command(Some(self.postmaster), 1, || {
            self.scan(&database, self.postgres.port())
        })?;
        let server = Server::start(&self.program)?;
        let connector = self.connect(&server, &database)?;
        let first = self.sync(&server, &connector)?;
        self.drop(&database)?;
        Ok(format!(
            "{relations} relations, {WIDE_COLUMNS} columns each: peak RSS {} of `scan`, {} of the server",
            report::mebibytes(scan.peak),
            report::mebibytes(first.peak),
        ))
    }

    fn floor(&self, database: &str) -> Command {
        let mut psql = self.postgres.psql(database);
        psql.arg("-f")
            .arg(self.dir.path().join("floor.sql"))
            .stdout(Stdio::null());
        psql
    }

    fn scan(&self, database: &str, port: u16) -> Command {
        let mut scan = Command::new(&self.program);
        let url = format!("postgres://{READER}@127.0.0.1:{port}/{database}");
        scan.args(["scan", "postgres", "--url", &url])
            .env("PGPASSWORD", &self.password)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        scan
    }

    fn connect(&self, server: &Server, database: &str) -> Result<String> {
        let created = server.client.post(
            "/catalog/spaces/default/connectors",
            &json!({"name": "bench", "connector_type": "postgres",
                    "config": {"host": "127.0.0.1", "port": self.postgres.port(), "database": database},
                    "credentials": {"username": READER, "password": self.password}}),
        )?;
        Ok(created["id"]
            .as_str()
            .ok_or("the connector has no id")?
            .to_owned())
    }

    fn sync(&self, server: &Server, connector: &str) -> Result<Used> {
        let (client, postgres) = (cpu_of(server.id())?, self.postmaster.cpu()?);
        let began = Instant::now();
        let job = server.sync(connector)?;
        if job["completeness"] != "complete" || job["warnings_count"] != 0 {
            return Err(format!("the sync is not complete: {job}").into());
        }
        Ok(Used {
            wall: began.elapsed().as_secs_f64(),
            client: cpu_of(server.id())? - client,
            postgres: self.postmaster.cpu()? - postgres,
            peak: peak_of(server.id())?,
        })
    }

    fn python(&self, script: &str, args: &[&Path]) -> Result<String> {
        workspace::read(
            Command::new("python3")
                .arg(self.dir.path().join(script))
                .args(args),
        )
    }

    /// A scan over a line with a delay, in words.
    fn slow_line(&self, database: &str) -> Result<String> {
        let proxy = Proxy::start(self.postgres.port(), DELAY)?;
        let used = measure::command(Some(self.postmaster), 1, || self.scan(database, proxy.port))?;
        let (connections, round_trips) = proxy.counts();
        Ok(format!(
            "scan with {} ms added to each round trip: {:.1} s, {round_trips} round trips over {connections} connections",
            2 * DELAY.as_millis(),
            used.wall
        ))
    }
}
