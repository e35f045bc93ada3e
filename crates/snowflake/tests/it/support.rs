//! What the tests share.

use headwater_core::{Connect, Cx, Host, LocalFiles, Opened, Options, Registry, Result};
use headwater_snowflake::Snowflake;
use headwater_testkit::{Collected, collect};
use serde_json::Value;
use std::time::Duration;

/// Opens a connector as a program on this machine would.
pub(crate) fn open(config: Value, credentials: Value) -> Result<Opened> {
    let mut registry = Registry::default();
    registry.register::<Snowflake>();
    let mut host = Host::default();
    host.local_files = LocalFiles::Allowed;
    registry.get(Snowflake::KIND)?.open(config, credentials, &host)
}

/// Runs a connector to its end.
pub(crate) async fn run(config: Value, credentials: Value) -> Collected {
    run_opened(open(config, credentials).unwrap(), Cx::default()).await
}

/// Runs an opened connector to its end.
pub(crate) async fn run_opened(opened: Opened, cx: Cx) -> Collected {
    let mut options = Options::default();
    options.scope = opened.scope;
    options.backoff = Duration::from_millis(20);
    options.cx = cx;
    collect(opened.connector, options).await
}
