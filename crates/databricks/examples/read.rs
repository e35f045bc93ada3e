//! For `cargo xtask bench databricks`: reads a workspace once and prints what that took.
//!
//! Arguments: the config as JSON. The token comes from `DATABRICKS_TOKEN`.

use futures_util::StreamExt;
use headwater_core::{Cost, Host, Item, Listing, Options, Registry, SyncEvent};
use headwater_databricks::Databricks;
use serde_json::{Value, json};
use std::{error::Error, time::Instant};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let config: Value = serde_json::from_str(&std::env::args().nth(1).ok_or("give the config")?)?;
    let parallel = config.get("concurrency").and_then(Value::as_u64).unwrap_or(8);
    let mut registry = Registry::default();
    registry.register::<Databricks>();
    let credentials = json!({"token": std::env::var("DATABRICKS_TOKEN")?});
    let opened = registry
        .get("databricks")?
        .open(config, credentials, &Host::default())?;
    let mut options = Options::default();
    options.scope = opened.scope;
    options.parallel = parallel.try_into()?;
    let began = Instant::now();
    let (mut assets, mut complete, mut cost) = (0_u64, 0_u64, Cost::default());
    let mut events = headwater_core::sync(opened.connector, options);
    while let Some(event) = events.next().await {
        match event {
            SyncEvent::Item {
                item: Item::Asset(_), ..
            } => assets += 1,
            SyncEvent::Item {
                item: Item::Closed(_, Listing::Complete),
                ..
            } => complete += 1,
            SyncEvent::Item {
                item: Item::Cost(more),
                ..
            } => cost += more,
            SyncEvent::Item {
                item: Item::Warning(warning),
                ..
            } => return Err(warning.detail.into()),
            SyncEvent::Failed(error) => return Err(error.into()),
            _ => {}
        }
    }
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: u64 = peak.unwrap_or_default().trim().trim_end_matches(" kB").parse()?;
    println!(
        "{}",
        json!({
            "assets": assets, "schemas": complete, "statements": cost.statements,
            "seconds": began.elapsed().as_secs_f64(), "peak_bytes": kib * 1024,
        })
    );
    Ok(())
}
