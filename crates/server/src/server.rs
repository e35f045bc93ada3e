//! A server: HTTP workers, an engine on threads of its own, and how both end.

use crate::{
    ServerConfig, ServerError, app::App, bootstrap, limit::Limit, metrics::Metrics, middleware::observe,
    routes,
};
use actix_web::{HttpServer, dev::ServerHandle, middleware::from_fn, web};
use headwater_catalog::engine::{Engine, EngineOptions};
use headwater_core::{Host, LocalFiles, Registry};
use std::{
    future::Future,
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    runtime::{Builder, Runtime},
    task::JoinHandle,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

/// How long running syncs get to end their statements at the source and to be handed back.
const ENGINE_GRACE: Duration = Duration::from_secs(15);
/// How long a thread for what blocks waits for more to do. What an import leaves in the allocator stays with its
/// thread until that ends: of several that wait, each import would take the next.
const KEEP_ALIVE: Duration = Duration::from_millis(100);
/// How many seconds answers get that are on their way.
const HTTP_GRACE: u64 = 5;

/// A server that listens. Dropped without [`run_until`](Self::run_until), it ends at once: leases that it
/// holds run out by themselves.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    app: web::Data<App>,
    stop: CancellationToken,
    engine: JoinHandle<()>,
    http: JoinHandle<io::Result<()>>,
    http_handle: ServerHandle,
    _runtime: BackgroundRuntime,
}

impl Server {
    /// Opens the catalog, makes what a first start makes, and listens.
    ///
    /// # Errors
    /// When a setting cannot be used, the catalog cannot be opened or the address is taken.
    pub async fn start(config: ServerConfig, registry: Registry) -> Result<Self, ServerError> {
        let base_path = checked_base_path(&config.base_path)?;
        check_admin_key(&config)?;
        let metrics = Metrics::start();
        let store = bootstrap::open_store(&config).await?;
        bootstrap::first_start(&config, &store).await?;
        let runtime = BackgroundRuntime::new()?;
        runtime.handle().spawn(metrics.clone().keep_up());
        let (registry, host) = (Arc::new(registry), host(&config));
        let options = EngineOptions {
            workers: config.workers,
            uploads: bootstrap::upload_dir(&config),
            ..EngineOptions::default()
        };
        let app = web::Data::new(App {
            engine: Engine::new(store.clone(), registry.clone(), host.clone(), options),
            store,
            registry,
            host,
            runtime: runtime.handle().clone(),
            metrics,
            base_path,
            body_limit: config.body_limit,
            max_upload: config.max_upload,
            limit: config.rate_limit.map(Limit::per_second),
            admin_key: config.admin_key,
            stopping: AtomicBool::new(false),
        });
        let (http, address) = listen(&config.listen, app.clone())?;
        let stop = CancellationToken::new();
        let (engine, stopped) = (app.engine.clone(), stop.clone());
        Ok(Self {
            address,
            app,
            stop,
            engine: runtime.handle().spawn(async move { engine.run(stopped).await }),
            http_handle: http.handle(),
            http: runtime.handle().spawn(http),
            _runtime: runtime,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` is ready, then ends in order and within bounds: `/ready` says no, running syncs
    /// are handed back so that another server resumes them, answers on their way are sent.
    ///
    /// # Errors
    /// When serving ends by itself.
    pub async fn run_until(mut self, stop: impl Future<Output = ()>) -> Result<(), ServerError> {
        tokio::select! {
            () = stop => {}
            ended = &mut self.http => {
                let cause = ended.map_err(io::Error::other).and_then(|result| result);
                let error = ServerError::new("serving ended by itself");
                return Err(match cause {
                    Ok(()) => error,
                    Err(cause) => error.with_source(cause),
                });
            }
        }
        tracing::info!("stopping");
        self.app.stopping.store(true, Ordering::Relaxed);
        self.stop.cancel();
        if timeout(ENGINE_GRACE, &mut self.engine).await.is_err() {
            tracing::warn!("a sync did not stop in time; another server resumes it when its lease runs out");
        }
        self.http_handle.stop(true).await;
        Ok(())
    }
}

/// Threads beside the caller's: the engine must not share the single thread of an HTTP worker. Tokio forbids
/// to wait for a runtime's end in async code, so it is left to end in the background.
#[derive(Debug)]
struct BackgroundRuntime(Option<Runtime>, tokio::runtime::Handle);

impl BackgroundRuntime {
    fn new() -> Result<Self, ServerError> {
        let runtime = Builder::new_multi_thread()
            .enable_all()
            .thread_name("headwater-engine")
            .thread_keep_alive(KEEP_ALIVE)
            .build();
        let runtime = runtime.map_err(|error| ServerError::new("cannot start threads").with_source(error))?;
        let handle = runtime.handle().clone();
        Ok(Self(Some(runtime), handle))
    }

    fn handle(&self) -> &tokio::runtime::Handle {
        &self.1
    }
}

impl Drop for BackgroundRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

fn listen(address: &str, app: web::Data<App>) -> Result<(actix_web::dev::Server, SocketAddr), ServerError> {
    let failed =
        |error: io::Error| ServerError::new(format!("cannot listen on {address}")).with_source(error);
    let server = HttpServer::new(move || {
        actix_web::App::new()
            .app_data(app.clone())
            .service(web::scope(&app.base_path).configure(routes::configure))
            .default_service(web::to(routes::nothing_here))
            .wrap(from_fn(observe))
    });
    let server = server
        .disable_signals()
        // A client that hangs up ends what it asked for: its handler is dropped.
        .h1_allow_half_closed(false)
        .shutdown_timeout(HTTP_GRACE)
        .bind(address)
        .map_err(failed)?;
    let bound = server.addrs().first().copied();
    let bound = bound.ok_or_else(|| failed(io::ErrorKind::AddrNotAvailable.into()))?;
    Ok((server.run(), bound))
}

fn host(config: &ServerConfig) -> Host {
    let mut host = Host::default();
    if let Some(directory) = &config.allow_local_files {
        host.local_files = LocalFiles::Below(directory.clone());
    }
    host.insecure_sources = config.allow_insecure_sources;
    host.ambient_credentials = config.allow_ambient_credentials;
    host
}

/// `""` or `/path`, without a slash at the end.
fn checked_base_path(path: &str) -> Result<String, ServerError> {
    let path = path.trim_end_matches('/');
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte);
    if path.is_empty() || (path.starts_with('/') && path.bytes().all(plain)) {
        return Ok(path.to_owned());
    }
    Err(ServerError::new("the base path must look like /headwater"))
}

fn check_admin_key(config: &ServerConfig) -> Result<(), ServerError> {
    let least = ServerConfig::ADMIN_KEY_LENGTH;
    match &config.admin_key {
        Some(key) if key.expose().chars().count() < least => Err(ServerError::new(format!(
            "the admin key is too short: give it {least} characters or more"
        ))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::checked_base_path;

    #[test]
    fn base_paths() {
        assert_eq!(checked_base_path("").unwrap(), "");
        assert_eq!(checked_base_path("/").unwrap(), "");
        assert_eq!(checked_base_path("/headwater/").unwrap(), "/headwater");
        assert!(checked_base_path("headwater").is_err());
        assert!(checked_base_path("/a{b}").is_err());
    }
}
