//! Streams what the postgres connector reads, in a program of its own: no catalog, no server.
//!
//! ```text
//! PGPASSWORD=... cargo run -p embed -- HOST PORT DATABASE USER
//! ```

use futures_util::StreamExt;
use headwater_core::{Error, ErrorKind, Host, Item, Options, Registry, Result, SyncEvent, model::Flow, sync};
use headwater_postgres::Postgres;
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> std::process::ExitCode {
    match run().await {
        Ok(true) => std::process::ExitCode::SUCCESS,
        Ok(false) => std::process::ExitCode::from(2),
        Err(error) => {
            eprintln!("embed: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}

/// Reads the database named by the arguments; says whether everything in it was read.
async fn run() -> Result<bool> {
    let (config, credentials) = settings()?;

    // A registry opens connectors from JSON, as they come from a file or a request. A program that knows
    // its connector at compile time can call `Postgres::open` with typed settings instead.
    let mut registry = Registry::default();
    registry.register::<Postgres>();
    let opened = registry
        .get("postgres")?
        .open(config, credentials, &Host::default())?;

    let mut options = Options::default();
    options.scope = opened.scope;
    let mut events = sync(opened.connector, options);

    let mut complete = true;
    while let Some(event) = events.next().await {
        match event {
            SyncEvent::Discovered(discovery) => eprintln!("{} splits to read", discovery.splits.len()),
            SyncEvent::Failed(error) => return Err(error),
            SyncEvent::Item { item, .. } => complete &= show(item),
            SyncEvent::Ended {
                result: Err(error),
                retry_in,
                ..
            } => {
                eprintln!("{error}");
                complete &= retry_in.is_some();
            }
            _ => {}
        }
    }
    Ok(complete)
}

/// Prints an item; says whether it leaves the picture complete.
fn show(item: Item) -> bool {
    match item {
        Item::Asset(asset) => {
            println!("{:<18} {}", asset.kind.as_str(), asset.key);
            for field in asset.fields.as_option().into_iter().flatten() {
                println!("    {:<30} {}", field.name, field.native_type);
            }
            true
        }
        Item::Lineage { owner, edges } => {
            for edge in edges {
                let arrow = match edge.flow {
                    Flow::In => "<-",
                    Flow::Out => "->",
                };
                println!("{:<18} {owner} {arrow} {}", "edge", edge.end.path);
            }
            true
        }
        Item::Warning(warning) => {
            eprintln!("{}: {}", warning.code, warning.detail);
            true
        }
        Item::Closed(_, listing) => listing.is_complete(),
        _ => true,
    }
}

fn settings() -> Result<(Value, Value)> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [host, port, database, user] = arguments.as_slice() else {
        return Err(Error::new(
            ErrorKind::ConfigInvalid,
            "usage: embed HOST PORT DATABASE USER",
        ));
    };
    let port: u16 = port.parse().map_err(|_not_a_number| {
        Error::invalid_field("/config/port", "expected an integer from 0 to 65535")
    })?;
    let password = std::env::var("PGPASSWORD").unwrap_or_default();
    Ok((
        json!({"host": host, "port": port, "database": database}),
        json!({"username": user, "password": password}),
    ))
}
