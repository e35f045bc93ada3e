//! What every handler reaches: the catalog, the connectors, the engine.

use crate::{
    limit::Limit,
    metrics::Metrics,
    problem::{Code, Problem},
};
use headwater_catalog::{self as catalog, Principal, Role, Store, engine::Engine};
use headwater_core::{CheckReport, Cx, Error, ErrorKind, Host, Opened, Registry, Result, Secret};
use jiff::Timestamp;
use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use subtle::ConstantTimeEq;
use tokio::{
    runtime::Handle,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

/// How long a source may take to say what can be read.
const CHECK_LIMIT: Duration = Duration::from_secs(30);
/// How long a connector may take to end its work at the source.
const STOP_GRACE: Duration = Duration::from_secs(5);

/// What one server shares between its requests.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) store: Store,
    pub(crate) registry: Arc<Registry>,
    pub(crate) host: Host,
    pub(crate) engine: Engine,
    /// Where work goes on that is no request's own: a request's runtime has one thread.
    pub(crate) runtime: Handle,
    pub(crate) metrics: Metrics,
    pub(crate) base_path: String,
    pub(crate) body_limit: usize,
    pub(crate) max_upload: u64,
    pub(crate) limit: Option<Limit>,
    pub(crate) admin_key: Option<Secret>,
    pub(crate) stopping: AtomicBool,
}

impl App {
    /// Whose key this is.
    pub(crate) async fn authenticate(&self, key: &str) -> Result<Option<Principal>, Problem> {
        let is_admin_key = |own: &Secret| own.expose().as_bytes().ct_eq(key.as_bytes()).into();
        if self.admin_key.as_ref().is_some_and(is_admin_key) {
            return Ok(Some(Principal {
                key_id: None,
                name: "HEADWATER_ADMIN_KEY".to_owned(),
                role: Role::Admin,
                space: None,
            }));
        }
        Ok(self.store.authenticate(key, Timestamp::now()).await?)
    }

    /// Whether requests can be answered, and will be for a while.
    pub(crate) async fn is_ready(&self) -> bool {
        !self.stopping.load(Ordering::Relaxed) && self.store.ready().await.is_ok()
    }

    /// Refuses a sync of a connector that only uploads can feed. Settings that no longer parse are the run's to
    /// tell.
    pub(crate) fn check_fetches(&self, connector: &catalog::Connector) -> Result<(), Problem> {
        let Ok(kind) = self.registry.get(&connector.kind) else {
            return Ok(());
        };
        match (kind.waits_for_input(connector.config.clone()), kind.inputs) {
            (Ok(true), [first, ..]) => {
                let detail = format!(
                    "there is nothing to fetch from: upload {first} to .../connectors/{}/dbt-manifest instead",
                    connector.id
                );
                Err(Problem::new(Code::NothingToSync, detail))
            }
            _ => Ok(()),
        }
    }

    /// Opens a stored connector and asks its source what can be read.
    pub(crate) async fn check(&self, connector: &catalog::Connector) -> Result<Result<CheckReport>, Problem> {
        let credentials = match self.store.credentials(connector.id).await {
            // Sealed with a key that is gone: the connector cannot be used until they are sent again.
            Err(catalog::Error::Keys(why)) => return Ok(Err(Error::new(ErrorKind::Unauthenticated, why))),
            other => other?,
        };
        let kind = self.registry.get(&connector.kind);
        let opened = kind.and_then(|kind| kind.open(connector.config.clone(), credentials, &self.host));
        Ok(match opened {
            Ok(opened) => self.ask(opened).await,
            Err(error) => Err(error),
        })
    }

    /// Asks the source of settings that are not stored yet, and refuses them when it does not answer well.
    pub(crate) async fn verify(&self, opened: Opened) -> Result<(), Problem> {
        let report = self.ask(opened).await.map_err(Problem::unverified)?;
        tracing::debug!(source = report.message, "settings verified");
        Ok(())
    }

    /// Asks a source what can be read. Dropped, it ends the connector's work at the source, too.
    async fn ask(&self, opened: Opened) -> Result<CheckReport> {
        let stop = CancellationToken::new();
        let _hung_up = stop.clone().drop_guard();
        let checked = self.runtime.spawn(check_in_time(opened, stop));
        checked.await.unwrap_or_else(|_panicked| {
            let message = "the connector panicked; see the log";
            Err(Error::new(ErrorKind::Unexpected, message))
        })
    }
}

/// Checks until told to stop, or for as long as a check may take; leaves the connector its time to end
/// its work at the source.
async fn check_in_time(opened: Opened, stop: CancellationToken) -> Result<CheckReport> {
    let cx = Cx::new(stop.clone());
    let mut check = pin!(opened.connector.check(&cx));
    tokio::select! {
        checked = &mut check => return checked,
        () = stop.cancelled() => {}
        () = sleep(CHECK_LIMIT) => stop.cancel(),
    }
    if timeout(STOP_GRACE, check).await.is_err() {
        tracing::warn!("the connector did not stop in time");
    }
    let message = "the source did not answer in time";
    Err(Error::new(ErrorKind::Unavailable, message).with_context("seconds", CHECK_LIMIT.as_secs()))
}
