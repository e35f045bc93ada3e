//! The connector on artifacts of real versions of dbt, on the shapes of all versions, on files that are damaged, and on
//! places where artifacts are fetched.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]

mod cloud;
mod common;
mod conformance;
mod damaged;
mod fetch;
mod import;
mod real;
mod versions;
mod whole;

use headwater_core::Cx;
use headwater_testkit::Collected;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Reads the artifacts of a folder: those of the four that are there, the manifest at least.
async fn read(folder: &Path) -> Collected {
    let mut config = json!({"manifest_path": folder.join("manifest.json")});
    for name in ["catalog", "run_results", "sources"] {
        let file = folder.join(format!("{name}.json"));
        if file.exists() {
            config[format!("{name}_path")] = json!(file);
        }
    }
    common::read(config, Cx::default()).await
}

/// Reads a manifest alone.
async fn read_manifest(text: &[u8]) -> Collected {
    let folder = tempfile::TempDir::new().unwrap();
    std::fs::write(folder.path().join("manifest.json"), text).unwrap();
    read(folder.path()).await
}

fn parsed(file: &Path) -> Value {
    let text = std::fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    serde_json::from_slice(&text).unwrap()
}

/// The artifacts that are shipped with the example project.
fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../examples/dbt-shop/artifacts")
        .join(name)
}
