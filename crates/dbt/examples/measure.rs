//! What `cargo xtask bench dbt` runs: the connector over artifacts, everything that it reports dropped, and the
//! floor of that, a bare read of the same files.
//!
//!     measure bare FILE..
//!     measure connector MANIFEST [CATALOG]

use futures_util::StreamExt;
use headwater_core::{Host, Item, LocalFiles, Options, Registry, SyncEvent};
use headwater_dbt::Dbt;
use serde::{
    Deserialize, Deserializer,
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
    let entries = Sections.deserialize(&mut json)?;
    json.end()?;
    println!("{entries} entries");
    Ok(())
}

struct Sections;
struct Entries;

impl<'de> DeserializeSeed<'de> for Sections {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Sections {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an artifact")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<usize, A::Error> {
        let mut entries = 0;
        while map.next_key::<IgnoredAny>()?.is_some() {
            entries += map.next_value_seed(Entries)?;
        }
        Ok(entries)
    }
}
