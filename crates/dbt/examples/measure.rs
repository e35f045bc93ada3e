//! What `cargo xtask bench dbt` runs: the connector over artifacts, everything that it reports dropped, and the
//! floor of that, a bare read of the same files.
//!
//!     measure bare FILE..
//!     measure connector MANIFEST [CATALOG]

use futures_util::StreamExt;
use headwater_core::{Host, Item, LocalFiles, Options, Registry, SyncEvent};
use headwater_dbt::Dbt;
use serde::{
    Deserializer,
    de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor},
};
use serde_json::json;
use std::{env, error::Error, fmt, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["bare", files @ ..] => files.iter().try_for_each(|file| bare(file)),
        ["connector", manifest] => connector(manifest, None),
        ["connector", manifest, catalog] => connector(manifest, Some(catalog)),
        _ => Err("usage: measure bare FILE.. | measure connector MANIFEST [CATALOG]".into()),
    }
}

/// serde_json over a slice: each entry of each section is parsed for itself, and dropped.
fn bare(file: &str) -> Result<(), Box<dyn Error>> {
    let text = fs::read(file)?;
    let mut json = serde_json::Deserializer::from_slice(&text);
    let entries = Entries { of_sections: true }.deserialize(&mut json)?;
    json.end()?;
    println!("{entries} entries");
    Ok(())
}

/// Counts the members of an object, or those of its members.
struct Entries {
    of_sections: bool,
}

impl<'de> DeserializeSeed<'de> for Entries {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Entries {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an artifact")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<usize, A::Error> {
        let mut entries = 0;
        while map.next_key::<IgnoredAny>()?.is_some() {
            entries += match self.of_sections {
                true => map.next_value_seed(Self { of_sections: false })?,
                false => map.next_value::<IgnoredAny>().map(|_| 1)?,
            };
        }
        Ok(entries)
    }

    fn visit_unit<E>(self) -> Result<usize, E> {
        Ok(0)
    }
}

/// Reads local files as a service does that embeds the connector: what is reported is taken on the same runtime, and
/// dropped.
fn connector(manifest: &str, catalog: Option<&str>) -> Result<(), Box<dyn Error>> {
    let mut registry = Registry::default();
    registry.register::<Dbt>();
    let mut host = Host::default();
    host.local_files = LocalFiles::Allowed;
    let config = json!({"manifest_path": manifest, "catalog_path": catalog});
    let opened = registry.get("dbt")?.open(config, json!({}), &host)?;
    let mut options = Options::default();
    options.scope = opened.scope;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    // The main thread is none of the runtime's: each product would be made on one thread and dropped on the other.
    let assets = runtime.block_on(runtime.spawn(async move {
        let mut events = headwater_core::sync(opened.connector, options);
        let mut assets = 0;
        while let Some(event) = events.next().await {
            match event {
                SyncEvent::Item {
                    item: Item::Asset(_), ..
                } => assets += 1,
                SyncEvent::Failed(error)
                | SyncEvent::Ended {
                    result: Err(error), ..
                } => return Err(error),
                _ => {}
            }
        }
        Ok(assets)
    }))??;
    println!("{assets} assets");
    Ok(())
}
