//! Opens the connector as a program does, and reads to the end.

use crate::fake::{Fake, PROJECT};
use headwater_bigquery::BigQuery;
use headwater_core::{
    Connect, Cx, Discovery, Host, LocalFiles, Opened, Options, Path, Registry, Result, model::Asset,
};
use headwater_testkit::{Collected, collect};
use serde_json::{Value, json};
use std::time::Duration;

pub(crate) fn open(config: Value, credentials: Value) -> Result<Opened> {
    let mut registry = Registry::default();
    registry.register::<BigQuery>();
    let mut host = Host::default();
    host.local_files = LocalFiles::Allowed;
    registry.get(BigQuery::KIND)?.open(config, credentials, &host)
}

/// The config of the fake's project, changed at some keys.
pub(crate) fn config(fake: &Fake, change: Value) -> Value {
    let mut config = json!({"project_id": PROJECT, "endpoint": fake.uri(), "requests_per_second": 10_000});
    for (key, value) in change.as_object().unwrap() {
        config[key] = value.clone();
    }
    config
}

pub(crate) fn none() -> Value {
    json!({"auth_type": "none"})
}

pub(crate) fn options(opened: &Opened) -> Options {
    let mut options = Options::default();
    options.scope = opened.scope.clone();
    options.backoff = Duration::from_millis(20);
    options
}

/// Reads all with a changed config.
pub(crate) async fn read_with(fake: &Fake, change: Value, credentials: Value) -> Collected {
    let opened = open(config(fake, change), credentials).unwrap();
    let options = options(&opened);
    collect(opened.connector, options).await
}

pub(crate) async fn read(fake: &Fake) -> Collected {
    read_with(fake, json!({}), none()).await
}

pub(crate) async fn discover(fake: &Fake, credentials: Value) -> Result<Discovery> {
    let opened = open(config(fake, json!({})), credentials).unwrap();
    opened.connector.discover(&opened.scope, &Cx::default()).await
}

pub(crate) fn path(dataset: &str, table: &str) -> Path {
    Path::new([PROJECT, dataset, table])
}

pub(crate) fn asset<'a>(run: &'a Collected, dataset: &str, table: &str) -> &'a Asset {
    let path = path(dataset, table);
    run.assets
        .get(&path)
        .unwrap_or_else(|| panic!("no {path} among {:?}", run.paths()))
}
