//! The Headwater server and command line: a thin REST layer over the catalog, and the `headwater` binary.
//!
//! A program with connectors of its own serves them with the bundled API:
//!
//! ```no_run
//! use headwater_core::Registry;
//! use headwater_server::ServerConfig;
//!
//! # async fn serve() -> Result<(), headwater_server::ServerError> {
//! let mut registry = Registry::default();
//! // registry.register::<MyConnector>();
//! headwater_server::run(ServerConfig::default(), registry).await
//! # }
//! ```
//!
//! [`cli::run`] does the same behind the whole command line. The way of a request: `routes` says which
//! handler takes it and who may call it, `middleware` admits the caller, `extract` makes typed values of it, a
//! handler makes one call to the catalog, `wire` is what goes back, `problem` what goes back when it fails.

mod app;
mod bootstrap;
pub mod cli;
mod config;
mod error;
mod extract;
mod handlers;
mod limit;
mod metrics;
mod middleware;
pub mod openapi;
mod problem;
mod routes;
mod server;
mod settings;
pub mod wire;

pub use config::{SecretKey, ServerConfig};
pub use error::ServerError;
pub use server::Server;

use headwater_core::Registry;
use std::io::{self, IsTerminal, Write};
use tokio::signal;

/// Serves until SIGTERM or Ctrl-C, then ends in order. Standard output gets the line
/// `listening on http://ADDRESS:PORT` once requests are answered.
///
/// # Errors
/// When a setting cannot be used, the catalog cannot be opened, the address is taken, or serving ends by
/// itself.
pub async fn run(config: ServerConfig, registry: Registry) -> Result<(), ServerError> {
    let asked = asked_to_stop()?;
    let base_path = config.base_path.trim_end_matches('/').to_owned();
    let server = Server::start(config, registry).await?;
    announce(&format!("http://{}", server.address()), &base_path);
    server.run_until(asked).await
}

/// Says where the server is; on a terminal also what to do with it.
fn announce(address: &str, base_path: &str) {
    let mut out = io::stdout();
    let _closed = writeln!(out, "listening on {address}");
    if out.is_terminal() {
        let _closed = writeln!(
            out,
            "docs at {address}{base_path}/docs/\ntry: curl -H \"Authorization: Bearer $HEADWATER_KEY\" \
             {address}{base_path}/catalog/connector-types"
        );
    }
    let _closed = out.flush();
}

/// Ready when the process is asked to stop. Listens from now on.
fn asked_to_stop() -> Result<impl Future<Output = ()>, ServerError> {
    let failed = |error: io::Error| ServerError::new("cannot listen to signals").with_source(error);
    #[cfg(unix)]
    let mut terminate = signal::unix::signal(signal::unix::SignalKind::terminate()).map_err(failed)?;
    #[cfg(unix)]
    let mut interrupt = signal::unix::signal(signal::unix::SignalKind::interrupt()).map_err(failed)?;
    Ok(async move {
        #[cfg(unix)]
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        #[cfg(not(unix))]
        let _interrupted = signal::ctrl_c().await;
    })
}
