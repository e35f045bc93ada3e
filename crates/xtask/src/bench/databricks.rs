//! The Databricks connector: reads of a fake workspace, whose answers each take a while, as those of a service do.
//!
//! The floor is the requests that no read can do without, at the same concurrency, with nothing made of the answers.

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

/// A tenth of the tables, for the comparison of memory.
const FEWER: usize = 10;
/// Milliseconds that each answer takes.
const DELAY: usize = 10;
const CONCURRENCY: [usize; 3] = [1, 8, 32];
const TOKEN: &str = "dapi-0123456789abcdef";

/// What is read, and by what.
#[derive(Debug, PartialEq)]
pub(super) struct Options {
    schemas: usize,
    /// Of each schema.
    tables: usize,
    /// How cargo builds the programs: `dev` is enough to see that all of it works.
    profile: String,
}

impl Options {
    pub(super) fn parse(args: &[&str]) -> Result<Self> {
        let mut options = Self {
            schemas: 200,
            tables: 50,
            profile: "release".to_owned(),
        };
        for pair in args.chunks(2) {
            match pair {
                ["--schemas", number] => options.schemas = count(number)?,
                ["--tables", number] => options.tables = count(number)?,
                ["--profile", profile] => options.profile = (*profile).to_owned(),
                _ => return Err(super::USAGE.into()),
            }
        }
        Ok(options)
    }
}

fn count(text: &str) -> Result<usize> {
    match text.parse() {
        Ok(0) | Err(_) => Err("--schemas and --tables take a number, 1 or more".into()),
        Ok(number) => Ok(number),
    }
}

/// Measures both ways to read keys at several concurrencies, then memory.
pub(super) fn run(options: &Options) -> Result {
    let programs = build(&options.profile)?;
    let bench = Bench {
        programs,
        schemas: options.schemas,
    };
    let tables = options.schemas * options.tables;
    println!(
        "{tables} tables of 12 columns in {} schemas, a fake workspace, {DELAY} ms added to each answer\n",
        options.schemas
    );
    println!(
        "| keys by | concurrency | requests | statements | floor | wall | ratio | tables/s | peak RSS |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|--:|--:|");
    for constraints in ["sql", "get"] {
        for concurrency in CONCURRENCY {
            let floor = bench.floor(options.tables, constraints, concurrency)?;
            let read = bench.read(options.tables, constraints, concurrency)?;
            println!(
                "| `{constraints}` | {concurrency} | {} | {} | {floor:.1} s | {:.1} s | {:.2} | {:.0} | {} |",
                read.requests,
                read.statements,
                read.seconds,
                read.seconds / floor,
                tables as f64 / read.seconds,
                mebibytes(read.peak),
            );
        }
    }
    println!();
    for constraints in ["sql", "get"] {
        let fewer = options.tables.div_ceil(FEWER);
        let few = bench.read(fewer, constraints, 8)?.peak;
        let many = bench.read(options.tables, constraints, 8)?.peak;
        println!(
            "peak RSS with keys by `{constraints}` at {tables} tables to that at {}: {:.2}",
            options.schemas * fewer,
            many as f64 / few as f64
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

fn build(profile: &str) -> Result<PathBuf> {
    workspace::run(&mut cargo([
        "build",
        "--profile",
        profile,
        "--quiet",
        "-p",
        "headwater-databricks",
        "--examples",
    ])?)?;
    // Cargo's own name of that folder.
    let folder = if profile == "dev" { "debug" } else { profile };
    Ok(target_dir()?.join(folder).join("examples"))
}

struct Bench {
    programs: PathBuf,
    schemas: usize,
}

impl Bench {
    /// Seconds of the bare requests: the lists, and where keys come so, each table alone. Statements come on top.
    fn floor(&self, tables: usize, constraints: &str, concurrency: usize) -> Result<f64> {
        let fake = Fake::start(&self.programs, self.schemas, tables)?;
        let what = if constraints == "get" { "tables" } else { "lists" };
        let mut floor = Command::new(self.programs.join("floor"));
        floor
            .args([&fake.url, what, &concurrency.to_string()])
            .env("DATABRICKS_TOKEN", TOKEN);
        let told: Value = serde_json::from_str(&workspace::read(&mut floor)?)?;
        told["seconds"]
            .as_f64()
            .ok_or_else(|| "the floor told no time".into())
    }

    fn read(&self, tables: usize, constraints: &str, concurrency: usize) -> Result<Read> {
        let fake = Fake::start(&self.programs, self.schemas, tables)?;
        let mut config = json!({
            "host": fake.url, "catalog": "main", "constraints": constraints, "concurrency": concurrency,
        });
        if constraints == "sql" {
            config["warehouse_id"] = json!("a1b2c3");
        }
        let mut read = Command::new(self.programs.join("read"));
        read.arg(config.to_string()).env("DATABRICKS_TOKEN", TOKEN);
        let told: Value = serde_json::from_str(&workspace::read(&mut read)?)?;
        let number = |name: &str| told[name].as_u64().unwrap_or_default();
        if number("assets") != (self.schemas * tables) as u64 || number("schemas") != self.schemas as u64 {
            return Err(format!("not everything was read: {told}").into());
        }
        Ok(Read {
            requests: fake.requests()?,
            statements: number("statements"),
            seconds: told["seconds"].as_f64().unwrap_or_default(),
            peak: number("peak_bytes"),
        })
    }
}

/// The fake workspace, in a process of its own. It ends when its input does, so also when this process is killed.
struct Fake {
    child: Child,
    url: String,
}

impl Fake {
    fn start(programs: &Path, schemas: usize, tables: usize) -> Result<Self> {
        let mut child = Command::new(programs.join("workspace"))
            .args([schemas, tables, DELAY].map(|number| number.to_string()))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_have_defaults_and_clear_refusals() {
        let by_default = Options::parse(&[]).unwrap();
        assert_eq!((by_default.schemas, by_default.tables), (200, 50));
        assert_eq!(by_default.profile, "release");
        let small = ["--profile", "dev", "--schemas", "4", "--tables", "20"];
        let small = Options::parse(&small).unwrap();
        assert_eq!((small.schemas, small.tables, &*small.profile), (4, 20, "dev"));
        for bad in [&["--schemas"][..], &["--tables", "0"], &["--fast", "1"]] {
            assert!(Options::parse(bad).is_err(), "{bad:?}");
        }
    }
}
