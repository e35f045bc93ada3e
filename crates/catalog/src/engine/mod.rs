//! Does the runs that are asked for.
//!
//! An engine claims waiting runs, one for each free worker, and does each to its end: it opens the connector,
//! drives [`headwater_core::sync`], writes what comes in batches, and decides at the end what is gone. Any
//! number of engines may share one store; what they share of a run is its lease, see [`Store::claim_run`].
//!
//! Told to stop, an engine hands its runs back: another resumes them at the splits that are still to do. An
//! engine that dies says nothing, and its runs are taken over when their leases end.

mod baseline;
mod heartbeat;
mod session;
mod upload;
mod worker;

pub use upload::Upload;

use crate::{Actor, Claim, ConnectorId, Result, Run, RunId, RunRequest, SpaceId, Store, reconcile::Rules};
use headwater_core::{Host, Registry};
use std::{fmt, io, path::PathBuf, sync::Arc, time::Duration};
use tokio::{
    sync::{Mutex, Semaphore, mpsc, watch},
    task::{JoinError, JoinSet},
    time::sleep,
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

/// How long the transactions last that hold the row of a run.
const MOMENT: Duration = Duration::from_millis(100);

/// How an engine works.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// Most runs at once.
    pub workers: usize,
    /// The name of this node, for people who look at leases.
    pub node: String,
    /// How long a run stays with a node that says nothing; ten minutes at most.
    pub lease: Duration,
    /// How often a lease is renewed, and a cancellation by another node is noticed that did not wake this one.
    pub heartbeat: Duration,
    /// How often to look for runs of which no wake-up told: those whose lease has ended, for one.
    pub poll: Duration,
    /// How long a stopped connector may take to end its work at the source.
    pub grace: Duration,
    /// First wait before a split is read again; doubles each time.
    pub backoff: Duration,
    /// Removals of more than this share of a connector's active products are held,
    pub removal_limit: f64,
    /// where they are more than this number.
    pub removal_floor: u64,
    /// Where uploaded files are kept while their runs last.
    pub uploads: PathBuf,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            workers: 4,
            node: format!("node-{}", RunId::new()),
            lease: Duration::from_secs(30),
            heartbeat: Duration::from_secs(10),
            poll: Duration::from_secs(1),
            grace: Duration::from_secs(10),
            backoff: Duration::from_millis(500),
            removal_limit: 0.20,
            removal_floor: 10,
            uploads: PathBuf::from("headwater.uploads"),
        }
    }
}

/// Does the runs that are asked for. Clones are the same engine.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    store: Store,
    registry: Arc<Registry>,
    host: Host,
    options: EngineOptions,
    woken: watch::Sender<()>,
    uploaded: mpsc::UnboundedSender<(Claim, Upload)>,
    uploads: Mutex<mpsc::UnboundedReceiver<(Claim, Upload)>>,
}

/// What a look for a run to do found.
enum Look {
    Run(Box<Claim>),
    Nothing {
        /// How long to wait for a wake-up before the next look.
        pause: Duration,
    },
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("options", &self.0.options)
            .finish_non_exhaustive()
    }
}

impl Engine {
    /// An engine that does nothing until it is [`run`](Self::run).
    pub fn new(store: Store, registry: Arc<Registry>, host: Host, options: EngineOptions) -> Self {
        let (uploaded, uploads) = mpsc::unbounded_channel();
        Self(Arc::new(Inner {
            uploaded,
            uploads: Mutex::new(uploads),
            store,
            registry,
            host,
            options,
            woken: watch::Sender::new(()),
        }))
    }

    /// Says that a run was asked for or called off, so that nobody waits for the next look.
    pub fn wake(&self) {
        self.0.wake();
    }

    /// A place for the files of an upload.
    ///
    /// # Errors
    /// When the folder of [`EngineOptions::uploads`] cannot be written to.
    pub fn new_upload(&self) -> io::Result<Upload> {
        Upload::new(&self.0.options.uploads)
    }

    /// Asks for a run that reads uploaded files. It is this node's: no other has them.
    ///
    /// # Errors
    /// As [`Store::start_run`].
    pub async fn submit(
        &self,
        to: (SpaceId, ConnectorId),
        upload: Upload,
        request: RunRequest,
        actor: &Actor,
    ) -> Result<Run> {
        let (store, options) = (&self.0.store, &self.0.options);
        let node = (options.node.as_str(), options.lease);
        let claim = store.start_upload(upload.run(), to, request, node, actor).await?;
        let run = claim.run.clone();
        // An engine that has stopped renews nothing: the run ends as lost.
        let _stopped = self.0.uploaded.send((claim, upload));
        Ok(run)
    }

    /// Does runs until `stop`, then hands back those that have not ended. To be run on a multi-thread
    /// runtime: reading and writing go on at once.
    pub async fn run(&self, stop: CancellationToken) {
        let gate = Arc::new(Semaphore::new(self.0.options.workers.max(1)));
        let mut woken = self.0.woken.subscribe();
        let mut running = JoinSet::new();
        let _listener = self.0.clone().listen();
        let mut uploads = self.0.uploads.lock().await;
        upload::sweep(&self.0.store, &self.0.options.uploads).await;
        let work_on_upload = |(claim, upload): (Claim, Upload)| {
            let (engine, stop, gate) = (self.0.clone(), stop.clone(), gate.clone());
            worker::work_on_upload(engine, claim, stop, upload, gate)
        };
        loop {
            let permit = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(uploaded) = uploads.recv() => {
                    running.spawn(work_on_upload(uploaded));
                    continue;
                }
                permit = gate.clone().acquire_owned() => permit,
            };
            while let Some(ended) = running.try_join_next() {
                report(ended);
            }
            let pause = match self.0.look().await {
                Look::Run(claim) => {
                    let (engine, stop) = (self.0.clone(), stop.clone());
                    running.spawn(async move {
                        let _permit = permit;
                        worker::work(engine, *claim, stop).await;
                    });
                    continue;
                }
                Look::Nothing { pause } => pause,
            };
            drop(permit);
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(uploaded) = uploads.recv() => {
                    running.spawn(work_on_upload(uploaded));
                }
                _ = woken.changed() => {}
                () = sleep(pause) => {}
            }
        }
        while let Some(ended) = running.join_next().await {
            report(ended);
        }
    }
}

impl Inner {
    fn wake(&self) {
        self.woken.send_replace(());
    }

    async fn look(&self) -> Look {
        let poll = self.options.poll;
        self.claim().await.unwrap_or_else(|error| {
            tracing::warn!(error = ?error, "no run can be claimed; trying again");
            Look::Nothing { pause: poll }
        })
    }

    async fn claim(&self) -> Result<Look> {
        let (store, options) = (&self.store, &self.options);
        if let Some(claim) = store.claim_run(&options.node, options.lease).await? {
            return Ok(Look::Run(Box::new(claim)));
        }
        // Nothing more may tell of a run that was passed over.
        let pause = match store.has_passed_over_run().await? {
            true => MOMENT.min(options.poll),
            false => options.poll,
        };
        Ok(Look::Nothing { pause })
    }

    /// Wakes this engine when another server asks for a run or calls one off, until dropped.
    fn listen(self: Arc<Self>) -> AbortOnDropHandle<()> {
        AbortOnDropHandle::new(tokio::spawn(async move {
            self.store.db().listen(|| self.wake()).await;
        }))
    }

    fn rules(&self) -> Rules {
        Rules {
            removal_limit: self.options.removal_limit,
            removal_floor: self.options.removal_floor,
        }
    }
}

fn report(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a worker broke off; its run is taken over when the lease ends");
    }
}
