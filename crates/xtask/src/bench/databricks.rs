//! The Databricks connector: reads of a fake workspace, whose answers each take a while, as those of a service do.

use super::report::mebibytes;
use crate::{
    Result,
    http::Client,
    workspace::{self, cargo, target_dir},
};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

const SCHEMAS: usize = 200;
/// Tables of each schema, and as many as that for the comparison of memory.
const TABLES: usize = 50;
const FEWER: usize = 5;
/// Milliseconds that each answer takes.
const DELAY: usize = 10;
const CONCURRENCY: [usize; 3] = [1, 8, 32];
const TOKEN: &str = "dapi-0123456789abcdef";

/// Measures both ways to read keys at several concurrencies, then memory.
pub(super) fn run() -> Result {
    let programs = build()?;
    let tables = SCHEMAS * TABLES;
    println!(
        "{tables} tables of 12 columns in {SCHEMAS} schemas, a fake workspace, {DELAY} ms added to each answer\n"
    );
    println!("| keys by | concurrency | requests | statements | wall | tables/s | peak RSS |");
    println!("|---|--:|--:|--:|--:|--:|--:|");
    for constraints in ["sql", "get"] {
        for concurrency in CONCURRENCY {
            let read = read(&programs, TABLES, constraints, concurrency)?;
            println!(
                "| `{constraints}` | {concurrency} | {} | {} | {:.1} s | {:.0} | {} |",
                read.requests,
                read.statements,
                read.seconds,
                tables as f64 / read.seconds,
                mebibytes(read.peak),
            );
        }
    }
    println!();
    for constraints in ["sql", "get"] {
        let [few, many] = [FEWER, TABLES].map(|tables| read(&programs, tables, constraints, 8));
        println!(
            "peak RSS with keys by `{constraints}` at {tables} tables to that at {}: {:.2}",
            SCHEMAS * FEWER,
            many?.peak as f64 / few?.peak as f64
        );
    }
    Ok(())
}

/// What one read took.
struct Read {
    requests: u64,
    statements: u64,
    seconds: f64,
    peak: u64,
}

fn build() -> Result<PathBuf> {
    workspace::run(&mut cargo([
        "build",
        "--release",
        "--quiet",
        "-p",
        "headwater-databricks",
        "--examples",
    ])?)?;
    Ok(target_dir()?.join("release/examples"))
}

fn read(programs: &Path, tables: usize, constraints: &str, concurrency: usize) -> Result<Read> {
    let fake = Fake::start(programs, tables)?;
    let mut config = json!({
        "host": fake.url, "catalog": "main", "constraints": constraints, "concurrency": concurrency,
    });
    if constraints == "sql" {
        config["warehouse_id"] = json!("a1b2c3");
    }
    let mut read = Command::new(programs.join("read"));
    read.arg(config.to_string()).env("DATABRICKS_TOKEN", TOKEN);
    let told: Value = serde_json::from_str(&workspace::read(&mut read)?)?;
    let number = |name: &str| told[name].as_u64().unwrap_or_default();
    if number("assets") != (SCHEMAS * tables) as u64 || number("schemas") != SCHEMAS as u64 {
        return Err(format!("not everything was read: {told}").into());
    }
    Ok(Read {
        requests: fake.requests()?,
        statements: number("statements"),
        seconds: told["seconds"].as_f64().unwrap_or_default(),
        peak: number("peak_bytes"),
    })
}

/// The fake workspace, in a process of its own. It ends when its input does, so also when this process is killed.
struct Fake {
    child: Child,
    url: String,
}

impl Fake {
    fn start(programs: &Path, tables: usize) -> Result<Self> {
        let mut child = Command::new(programs.join("workspace"))
            .args([SCHEMAS, tables, DELAY].map(|number| number.to_string()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut url = String::new();
        BufReader::new(child.stdout.take().ok_or("the fake has no output")?).read_line(&mut url)?;
        let url = url.trim().to_owned();
        Ok(Self { child, url })
    }

    /// The requests that arrived, but this one.
    fn requests(&self) -> Result<u64> {
        let client = Client {
            address: self.url.trim_start_matches("http://").to_owned(),
            key: String::new(),
        };
        let told = client.get("/count")?;
        Ok(told["count"].as_u64().unwrap_or_default().saturating_sub(1))
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _status = self.child.wait();
    }
}
