//! Reads wide databases from the fake of the tests: how fast, and in how much memory.
//!
//! `cargo bench -p headwater-snowflake`. The fake runs in a process of its own, and so does each read, so that the peak
//! of memory is that of the connector alone. The fake makes and compresses the answers while they are waited for: what
//! is measured is both together.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a program for developers"
)]
#![allow(dead_code, unused_imports, reason = "the fake offers more than is measured")]

#[path = "../tests/it/fake/mod.rs"]
mod fake;

use fake::{Catalog, Fake, credentials};
use futures_util::StreamExt;
use headwater_core::{Connect, Host, Item, Options, Registry, SyncEvent};
use headwater_snowflake::Snowflake;
use serde_json::Value;
use std::{
    env, fs,
    io::{BufRead, BufReader, Read},
    process::{Command, Stdio},
    time::Instant,
};

const COLUMNS: usize = 20;
/// Rows of a chunk.
const CHUNK: usize = 5000;

#[tokio::main]
async fn main() {
    let args: Vec<String> = env::args().collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [_, "serve", tables] => serve(tables.parse().unwrap()).await,
        [_, "read", config] => read(serde_json::from_str(config).unwrap()).await,
        _ => [1000, 10_000].into_iter().for_each(measure),
    }
}

fn measure(tables: usize) {
    let own = env::current_exe().unwrap();
    let mut fake = Command::new(&own)
        .args(["serve", &tables.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut config = String::new();
    BufReader::new(fake.stdout.take().unwrap())
        .read_line(&mut config)
        .unwrap();
    let output = Command::new(own).args(["read", config.trim()]).output().unwrap();
    print!("{}", String::from_utf8_lossy(&output.stdout));
    drop(fake.stdin.take());
    fake.wait().unwrap();
}

/// Serves until its standard input ends.
async fn serve(tables: usize) {
    let fake = Fake::with(Catalog::wide(10, tables, COLUMNS), |knobs| {
        knobs.chunk = Some(CHUNK)
    })
    .await;
    println!("{}", fake.config());
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()))
        .await
        .unwrap()
        .unwrap();
}

async fn read(config: Value) {
    let mut registry = Registry::default();
    registry.register::<Snowflake>();
    let kind = registry.get(Snowflake::KIND).unwrap();
    let opened = kind.open(config, credentials(), &Host::default()).unwrap();
    let mut options = Options::default();
    options.scope = opened.scope;
    let begun = Instant::now();
    let mut events = headwater_core::sync(opened.connector, options);
    let (mut tables, mut columns) = (0, 0);
    while let Some(event) = events.next().await {
        if let SyncEvent::Item {
            item: Item::Asset(asset),
            ..
        } = event
        {
            tables += 1;
            columns += asset.fields.as_option().unwrap().len();
        }
    }
    let seconds = begun.elapsed().as_secs_f64();
    println!(
        "{tables} tables, {columns} columns: {seconds:.2} s, {:.0} rows/s, peak {} MiB",
        (tables + columns) as f64 / seconds,
        peak() / 1024
    );
}

/// The peak of memory in KiB.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
