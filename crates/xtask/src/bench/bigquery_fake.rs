//! A fake of BigQuery's REST API that answers late: a dataset's tables in pages, and each table.

use crate::Result;
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread::{self, sleep},
    time::Duration,
};

pub(super) const PROJECT: &str = "bench";
pub(super) const DATASETS: usize = 4;
const PAGE: usize = 1000;
const COLUMNS: usize = 20;

/// The fake, on a port of its own. Its threads end with the connections and the process.
#[derive(Debug)]
pub(super) struct Fake {
    pub(super) port: u16,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    tables: AtomicU64,
    others: AtomicU64,
}

/// What is in it, the same for each request.
#[derive(Debug)]
struct Content {
    /// Tables in each dataset.
    tables: usize,
    latency: Duration,
    schema: Value,
}

impl Fake {
    /// Holds this many tables and waits before each answer.
    pub(super) fn start(tables: usize, latency: Duration) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let port = listener.local_addr()?.port();
        let counts = Arc::new(Counts::default());
        let columns = (0..COLUMNS)
            .map(|n| json!({"name": format!("column_{n}"), "type": "STRING", "description": "text"}));
        let content = Arc::new(Content {
            tables: tables / DATASETS,
            latency,
            schema: json!({"fields": columns.collect::<Vec<_>>()}),
        });
        let counted = counts.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (content, counts) = (content.clone(), counted.clone());
                thread::spawn(move || serve(client, &content, &counts));
            }
        });
        Ok(Self { port, counts })
    }

    /// Requests for single tables so far, and all others.
    pub(super) fn counts(&self) -> (u64, u64) {
        (self.counts.tables.load(Relaxed), self.counts.others.load(Relaxed))
    }
}

/// Answers the requests of one connection, none of which has a body.
fn serve(stream: TcpStream, content: &Content, counts: &Counts) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut out = stream.try_clone()?;
    let mut lines = BufReader::new(stream).lines();
    while let Some(request) = lines.next() {
        let request = request?;
        while lines.next().transpose()?.is_some_and(|header| !header.is_empty()) {}
        let target = request.split(' ').nth(1).unwrap_or_default();
        sleep(content.latency);
        let (body, status) = match answer(target, content, counts) {
            Some(body) => (body.to_string(), "200 OK"),
            None => ("{}".to_owned(), "404 Not Found"),
        };
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        out.write_all((head + &body).as_bytes())?;
    }
    Ok(())
}

fn answer(target: &str, content: &Content, counts: &Counts) -> Option<Value> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let below = path
        .strip_prefix("/bigquery/v2/projects/")?
        .strip_prefix(PROJECT)?;
    let parts: Vec<&str> = below.split('/').skip(1).collect();
    let count = match parts.as_slice() {
        ["datasets", _, "tables", _] => &counts.tables,
        _ => &counts.others,
    };
    count.fetch_add(1, Relaxed);
    match parts.as_slice() {
        ["datasets"] => {
            let one = |n| json!({"datasetReference": {"projectId": PROJECT, "datasetId": format!("d{n}")}, "location": "EU"});
            Some(json!({"datasets": (0..DATASETS).map(one).collect::<Vec<_>>()}))
        }
        ["datasets", _] => Some(json!({"location": "EU", "description": "a dataset"})),
        ["datasets", _, "models" | "routines"] => Some(json!({})),
        ["datasets", dataset, "tables"] => Some(page(dataset, query, content.tables)),
        ["datasets", dataset, "tables", table] => Some(json!({
            "type": "TABLE", "etag": "e", "description": "a table", "numRows": "1000", "numBytes": "100000",
            "creationTime": "1700000000000", "lastModifiedTime": "1700000001000", "labels": {"team": "core"},
            "schema": content.schema, "timePartitioning": {"type": "DAY", "field": "column_0"},
            "tableReference": {"projectId": PROJECT, "datasetId": dataset, "tableId": table}})),
        _ => None,
    }
}

fn page(dataset: &str, query: &str, tables: usize) -> Value {
    let token = query.split('&').find_map(|pair| pair.strip_prefix("pageToken="));
    let start: usize = token.and_then(|token| token.parse().ok()).unwrap_or(0);
    let end = (start + PAGE).min(tables);
    let one = |n| {
        json!({"type": "TABLE", "tableReference":
            {"projectId": PROJECT, "datasetId": dataset, "tableId": format!("table_{n:06}")}})
    };
    let mut page = json!({"tables": (start..end).map(one).collect::<Vec<_>>(), "totalItems": tables});
    if end < tables {
        page["nextPageToken"] = end.to_string().into();
    }
    page
}
