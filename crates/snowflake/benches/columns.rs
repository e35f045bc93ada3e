//! Reads wide databases from the fake of the tests: how fast, and in how much memory.
//!
//! `cargo xtask bench snowflake`, or `cargo bench -p headwater-snowflake`. The fake runs in a process of its own, and so
//! does each read, so that CPU and memory are those of the reader alone; the time on the wall is that of both, because
//! the fake makes and compresses the answers while they are waited for. The floor asks the same two statements that
//! carry nearly all rows, decompresses and parses their chunks, and drops them.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a program for developers"
)]
#![allow(dead_code, unused_imports, reason = "the fake offers more than is measured")]

#[path = "../tests/it/fake/mod.rs"]
mod fake;

use fake::{CHUNK_KEY, Catalog, Fake, credentials};
use flate2::read::GzDecoder;
use futures_util::StreamExt;
use headwater_core::{Connect, Host, Item, Options, Registry, Secret, SyncEvent};
use headwater_http::{Client, Method, Settings, Url, header::HeaderName};
use headwater_snowflake::Snowflake;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{
    env, fs,
    io::{BufRead, BufReader, Read},
    process::{Child, Command, Stdio},
    time::Instant,
};

const SIZES: [usize; 2] = [1000, 10_000];
const SCHEMAS: usize = 10;
const COLUMNS: usize = 20;
/// Rows of a chunk: as many as the smaller database has tables, so that both fill chunks of each list.
const CHUNK: usize = 1000;
/// Runs of each kind, of which the median is shown.
const RUNS: usize = 5;

#[tokio::main]
async fn main() {
    let args: Vec<String> = env::args().collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [_, "serve", tables] => serve(tables.parse().unwrap()).await,
        [_, "floor", config] => tell(floor(serde_json::from_str(config).unwrap()).await),
        [_, "read", config] => tell(read(serde_json::from_str(config).unwrap()).await),
        _ => compare(),
    }
}

/// What one process used.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Used {
    rows: usize,
    wall: f64,
    /// Seconds.
    cpu: f64,
    /// KiB.
    peak: u64,
}

fn compare() {
    println!(
        "{COLUMNS} columns in each table, {SCHEMAS} schemas, chunks of {CHUNK} rows, medians of {RUNS}\n"
    );
    println!("| tables | | rows | wall | CPU | rows/s of wall | rows/s of CPU | peak RSS | ratio of CPU |");
    println!("|--:|---|--:|--:|--:|--:|--:|--:|--:|");
    let peaks = SIZES.map(|tables| {
        let fake = Server::start(tables);
        let [floor, read] = ["floor", "read"].map(|what| fake.measure(what));
        assert_eq!(
            (floor.rows, read.rows),
            (tables * (COLUMNS + 1), tables * (COLUMNS + 1)),
            "rows are missing"
        );
        row(tables, "floor: fetch, decompress, parse", &floor, "");
        let ratio = format!("{:.2}", read.cpu / floor.cpu);
        row(tables, "connector", &read, &ratio);
        read.peak
    });
    let [few, many] = peaks;
    println!(
        "\npeak RSS at {} tables to that at {}: {:.2}",
        SIZES[1],
        SIZES[0],
        many as f64 / few as f64
    );
}

fn row(tables: usize, what: &str, used: &Used, ratio: &str) {
    let rows = used.rows as f64;
    println!(
        "| {tables} | {what} | {rows} | {:.2} s | {:.2} s | {:.0} | {:.0} | {:.1} MiB | {ratio} |",
        used.wall,
        used.cpu,
        rows / used.wall,
        rows / used.cpu,
        used.peak as f64 / 1024.0
    );
}

/// The fake, in a process of its own. It ends when its input does.
struct Server {
    process: Child,
    config: String,
}

impl Server {
    fn start(tables: usize) -> Self {
        let mut process = Command::new(env::current_exe().unwrap())
            .args(["serve", &tables.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut config = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut config)
            .unwrap();
        Self { process, config }
    }

    /// The median by CPU of some runs.
    fn measure(&self, what: &str) -> Used {
        let one = |_| -> Used {
            let mut reader = Command::new(env::current_exe().unwrap());
            let output = reader.args([what, self.config.trim()]).output().unwrap();
            let error = String::from_utf8_lossy(&output.stderr);
            serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{what}: {error}"))
        };
        let mut runs: Vec<Used> = (0..RUNS).map(one).collect();
        runs.sort_by(|a, b| a.cpu.total_cmp(&b.cpu));
        runs[RUNS / 2].clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        self.process.wait().unwrap();
    }
}

/// Serves until its standard input ends.
async fn serve(tables: usize) {
    let fake = Fake::with(Catalog::wide(SCHEMAS, tables, COLUMNS), |knobs| {
        knobs.chunk = Some(CHUNK)
    })
    .await;
    println!("{}", fake.config());
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()))
        .await
        .unwrap()
        .unwrap();
}

fn tell(used: Used) {
    println!("{}", serde_json::to_string(&used).unwrap());
}

/// The connector, driven as `scan` drives it.
async fn read(config: Value) -> Used {
    let mut registry = Registry::default();
    registry.register::<Snowflake>();
    let kind = registry.get(Snowflake::KIND).unwrap();
    let opened = kind.open(config, credentials(), &Host::default()).unwrap();
    let mut options = Options::default();
    options.scope = opened.scope;
    let begun = Instant::now();
    let mut events = headwater_core::sync(opened.connector, options);
    let mut rows = 0;
    while let Some(event) = events.next().await {
        if let SyncEvent::Item {
            item: Item::Asset(asset),
            ..
        } = event
        {
            rows += 1 + asset.fields.as_option().unwrap().len();
        }
    }
    used(rows, begun)
}

/// Rows as they come, first those in the answer itself.
#[derive(Debug, Deserialize)]
struct Answer {
    rowset: Rows,
    chunks: Vec<Chunk>,
}

type Rows = Vec<Vec<Option<String>>>;

#[derive(Debug, Deserialize)]
struct Chunk {
    url: String,
}

/// The least that reading takes: the rows of all tables and columns as texts, each chunk dropped before the next.
async fn floor(config: Value) -> Used {
    let host = config["host"].as_str().unwrap();
    let client = Client::new(&Host::default(), Settings::new("the fake")).unwrap();
    let post = |path: &str| client.request(Method::POST, Url::parse(&format!("{host}{path}")).unwrap());
    let begun = Instant::now();
    let login = post("/session/v1/login-request").json(&json!({"data": {"PASSWORD": fake::PASSWORD}}));
    let login: Value = login.unwrap().send().await.unwrap().json().unwrap();
    let token = login["data"]["token"].as_str().unwrap();
    let token = Secret::new(format!("Snowflake Token=\"{token}\""));
    let names: serde_json::Map<String, Value> = (0..SCHEMAS)
        .map(|schema| {
            let name = json!({"type": "TEXT", "value": format!("S{schema:03}")});
            ((schema + 1).to_string(), name)
        })
        .collect();
    let mut rows = 0;
    for view in ["TABLES", "COLUMNS"] {
        let sql = format!("SELECT * FROM SHOP.INFORMATION_SCHEMA.{view} WHERE TABLE_SCHEMA IN (?)");
        let body = json!({"sqlText": sql, "asyncExec": false, "sequenceId": 1, "bindings": names});
        let request = post("/queries/v1/query-request")
            .authorization(&token)
            .json(&body);
        let mut reply: Value = request.unwrap().send().await.unwrap().json().unwrap();
        let answer: Answer = serde_json::from_value(reply["data"].take()).unwrap();
        rows += answer.rowset.len();
        for chunk in answer.chunks {
            rows += fetch(&client, &chunk).await.len();
        }
    }
    used(rows, begun)
}

async fn fetch(client: &Client, chunk: &Chunk) -> Rows {
    let request = client.request(Method::GET, Url::parse(&chunk.url).unwrap());
    let key = HeaderName::from_static("x-amz-server-side-encryption-customer-key");
    let reply = request.secret_header(key, &Secret::new(CHUNK_KEY)).send().await;
    let mut text = b"[".to_vec();
    GzDecoder::new(reply.unwrap().body.as_ref())
        .read_to_end(&mut text)
        .unwrap();
    text.push(b']');
    serde_json::from_slice(&text).unwrap()
}

/// What this process used so far, by Linux' `/proc`. Ticks are hundredths of a second.
fn used(rows: usize, begun: Instant) -> Used {
    let wall = begun.elapsed().as_secs_f64();
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    // Behind the program's name, which stands in parentheses, the eleventh field is that of user time.
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks: f64 = fields[11..13]
        .iter()
        .map(|field| field.parse::<f64>().unwrap())
        .sum();
    Used {
        rows,
        wall,
        cpu: ticks / 100.0,
        peak: line.split_whitespace().nth(1).unwrap().parse().unwrap(),
    }
}
