//! The BigQuery connector in mode `rest`: scans of a fake with a latency.

use super::{
    bigquery_fake::{Fake, PROJECT},
    measure::{children, watch},
    report::mebibytes,
};
use crate::{Result, workspace};
use serde_json::json;
use std::{
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

const TABLES: usize = 10_000;
/// About what a request to Google takes from within its network.
const LATENCY: Duration = Duration::from_millis(20);
const AT_ONCE: [u16; 3] = [1, 8, 32];

/// Scans once for each number of requests at once, and prints a table.
pub(super) fn run() -> Result {
    let program = workspace::build_release("headwater-server")?;
    println!(
        "{TABLES} tables of 20 columns in 4 datasets, {} ms before each answer\n",
        LATENCY.as_millis()
    );
    println!(
        "| requests at once | tables/s | wall | CPU | peak RSS | requests for tables | other requests |"
    );
    println!("|--:|--:|--:|--:|--:|--:|--:|");
    for at_once in AT_ONCE {
        scan(&program, at_once)?;
    }
    Ok(())
}

fn scan(program: &Path, at_once: u16) -> Result {
    let fake = Fake::start(TABLES, LATENCY)?;
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
    let (tables, others) = fake.counts();
    if tables != TABLES as u64 {
        return Err(format!("{tables} requests for {TABLES} tables").into());
    }
    println!(
        "| {at_once} | {:.0} | {wall:.1} s | {cpu:.2} s | {} | {tables} | {others} |",
        TABLES as f64 / wall,
        mebibytes(peak)
    );
    Ok(())
}
