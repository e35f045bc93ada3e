use headwater_core::{Cx, Host, LocalFiles, Opened, Options, Registry};
use headwater_dbt::Dbt;
use headwater_testkit::{Collected, collect};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

pub(crate) fn artifact(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/artifacts")
        .join(name)
}

/// A folder with the artifacts of our project, to change at will.
pub(crate) struct Target(TempDir);

impl Target {
    pub(crate) fn new() -> Self {
        let target = Self(TempDir::new().unwrap());
        for name in [
            "manifest.json",
            "catalog.json",
            "run_results.json",
            "sources.json",
        ] {
            fs::copy(artifact(name), target.file(name)).unwrap();
        }
        target
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn config(&self) -> Value {
        json!({
            "manifest_path": self.file("manifest.json"),
            "catalog_path": self.file("catalog.json"),
            "run_results_path": self.file("run_results.json"),
            "sources_path": self.file("sources.json"),
        })
    }

    pub(crate) fn edit(&self, change: impl FnOnce(&mut Value)) {
        let file = self.file("manifest.json");
        let mut manifest = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        change(&mut manifest);
        fs::write(file, manifest.to_string()).unwrap();
    }

    pub(crate) async fn read(&self) -> Collected {
        read(self.config(), Cx::default()).await
    }
}

pub(crate) fn open(config: Value) -> Opened {
    let mut registry = Registry::default();
    registry.register::<Dbt>();
    let mut host = Host::default();
    host.local_files = LocalFiles::Allowed;
    registry
        .get("dbt")
        .unwrap()
        .open(config, json!({}), &host)
        .unwrap()
}

pub(crate) async fn read(config: Value, cx: Cx) -> Collected {
    let opened = open(config);
    let mut options = Options::default();
    options.scope = opened.scope;
    options.cx = cx;
    collect(opened.connector, options).await
}
