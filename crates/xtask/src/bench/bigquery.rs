//! The BigQuery connector in mode `rest`: scans of a fake with a latency, beside a bare client that only fetches.

use super::{
    bigquery_fake::{DATASETS, Fake, PROJECT},
    measure::{children, watch},
    report::mebibytes,
};
use crate::{Result, workspace};
use serde_json::json;
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

const USAGE: &str = "usage: cargo xtask bench bigquery [--tables 10000] [--program target/release/headwater]";

/// About what a request to Google takes from within its network.
const LATENCY: Duration = Duration::from_millis(20);
const AT_ONCE: [u16; 3] = [1, 8, 32];
/// The most tables that the bare client fetches: enough for a rate.
const BARE: usize = 2_000;

/// What to measure.
#[derive(Debug, PartialEq)]
pub(super) struct Options {
    tables: usize,
    /// The program that scans; else it is built.
    program: Option<PathBuf>,
}

impl Options {
    pub(super) fn parse(args: &[&str]) -> Result<Self> {
        let mut options = Self {
            tables: 10_000,
            program: None,
        };
        for pair in args.chunks(2) {
            match pair {
                ["--tables", tables] => {
                    let count = tables.parse().ok();
                    let fits = |count: &usize| *count >= 10 * DATASETS && count.is_multiple_of(10 * DATASETS);
                    options.tables = count
                        .filter(fits)
                        .ok_or_else(|| format!("--tables takes a multiple of {}", 10 * DATASETS))?;
                }
                ["--program", program] => options.program = Some(program.into()),
                _ => return Err(USAGE.into()),
            }
        }
        Ok(options)
    }
}

/// Scans once for each number of requests at once, and prints a table.
pub(super) fn run(options: &Options) -> Result {
    let program = match &options.program {
        Some(program) => program.clone(),
        None => workspace::build_release("headwater-server")?,
    };
    let tables = options.tables;
    println!(
        "{tables} tables of 20 columns in {DATASETS} datasets, {} ms before each answer; F, the floor: a bare client \
         that fetches tables over as many connections, and drops what it gets\n",
        LATENCY.as_millis()
    );
    println!(
        "| requests at once | F tables/s | scan tables/s | ratio of time | CPU | peak RSS | requests for tables | other requests |"
    );
    println!("|--:|--:|--:|--:|--:|--:|--:|--:|");
    for at_once in AT_ONCE {
        let floor = fetch(tables.min(BARE), at_once)?;
        let scan = scan(&program, tables, at_once)?;
        println!(
            "| {at_once} | {floor:.0} | {:.0} | {:.2} F | {:.2} s | {} | {} | {} |",
            scan.rate,
            floor / scan.rate,
            scan.cpu,
            mebibytes(scan.peak),
            scan.requests,
            scan.others
        );
    }
    let [few, many] = [tables / 10, tables].map(|tables| scan(&program, tables, 32));
    let ratio = many?.peak as f64 / few?.peak as f64;
    println!(
        "\npeak RSS at {tables} tables to that at {}, 32 requests at once: {ratio:.2}",
        tables / 10
    );
    Ok(())
}

/// What a scan took.
struct Scan {
    /// Tables in a second.
    rate: f64,
    /// Seconds.
    cpu: f64,
    /// Bytes.
    peak: u64,
    requests: u64,
    others: u64,
}

fn scan(program: &Path, tables: usize, at_once: u16) -> Result<Scan> {
    let fake = Fake::start(tables, LATENCY)?;
    let config = json!({"project_id": PROJECT, "endpoint": format!("http://127.0.0.1:{}", fake.port),
        "concurrency": at_once, "requests_per_second": 10_000});
    let mut command = Command::new(program);
    command
        .args(["scan", "bigquery", "--config", &config.to_string()])
        .args(["--credentials", r#"{"auth_type": "none"}"#])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let (began, before) = (Instant::now(), children()?);
    let peak = watch(command.spawn()?)?;
    let wall = began.elapsed().as_secs_f64();
    let cpu = children()? - before;
    let (requests, others) = fake.counts();
    if requests != tables as u64 {
        return Err(format!("{requests} requests for {tables} tables").into());
    }
    Ok(Scan {
        rate: tables as f64 / wall,
        cpu,
        peak,
        requests,
        others,
    })
}

/// Fetches tables over `at_once` connections: how many in a second.
fn fetch(tables: usize, at_once: u16) -> Result<f64> {
    let fake = Fake::start(tables, LATENCY)?;
    let (port, at_once) = (fake.port, usize::from(at_once));
    let began = Instant::now();
    let threads: Vec<_> = (0..at_once)
        .map(|first| thread::spawn(move || fetch_some(port, (first..tables).step_by(at_once))))
        .collect();
    for thread in threads {
        thread.join().map_err(|_panic| "the bare client panicked")??;
    }
    let wall = began.elapsed().as_secs_f64();
    match fake.counts() {
        (fetched, _) if fetched == tables as u64 => Ok(tables as f64 / wall),
        (fetched, _) => Err(format!("the bare client fetched {fetched} of {tables} tables").into()),
    }
}

fn fetch_some(port: u16, numbers: impl Iterator<Item = usize>) -> std::io::Result<()> {
    let mut out = TcpStream::connect(("127.0.0.1", port))?;
    out.set_nodelay(true)?;
    let mut answers = BufReader::new(out.try_clone()?);
    let mut body = Vec::new();
    for number in numbers {
        let path = format!("/bigquery/v2/projects/{PROJECT}/datasets/d0/tables/table_{number:06}");
        out.write_all(format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n").as_bytes())?;
        let mut length = 0;
        loop {
            let mut line = String::new();
            answers.read_line(&mut line)?;
            match line.trim_end().split_once(": ") {
                Some(("content-length", value)) => length = value.parse().unwrap_or_default(),
                None if line.trim_end().is_empty() => break,
                _ => {}
            }
        }
        body.resize(length, 0);
        answers.read_exact(&mut body)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_have_defaults_and_clear_refusals() {
        assert_eq!(Options::parse(&[]).unwrap().tables, 10_000);
        let chosen = Options::parse(&["--tables", "400", "--program", "headwater"]).unwrap();
        assert_eq!((chosen.tables, chosen.program), (400, Some("headwater".into())));
        for bad in [
            &["--tables"][..],
            &["--tables", "0"],
            &["--tables", "41"],
            &["--fast", "1"],
        ] {
            assert!(Options::parse(bad).is_err(), "{bad:?}");
        }
    }
}
