//! One run, from its claim to its end.

use super::{
    Inner,
    baseline::StoredVersions,
    heartbeat::{self, Stop, Why},
    session::{Ending, Session, failed},
    upload::{self, Upload},
};
use crate::{Claim, Error, Outcome, Phase, Result, Run, RunStatus, SplitState, Trigger, reconcile::Target};
use futures_util::{FutureExt, StreamExt};
use headwater_core::{Cx, Discovery, Opened, Options, Split, SyncEvent};
use std::{collections::HashMap, panic::AssertUnwindSafe, sync::Arc, time::Duration};
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

/// The highest epoch of a run that is still worth a try: one for each claim, one for each time it was handed
/// back. A run that kills its workers must not go on for ever.
const MAX_EPOCH: i64 = 12;

/// Does a run to its end, or as far as this node gets.
pub(super) async fn work(engine: Arc<Inner>, claim: Claim, shutdown: CancellationToken) {
    Worker::new(engine, claim, shutdown, None).work().await;
}

/// Keeps an upload's run until a worker is free, and does it to its end.
pub(super) async fn work_on_upload(
    engine: Arc<Inner>,
    claim: Claim,
    shutdown: CancellationToken,
    upload: Upload,
    gate: Arc<Semaphore>,
) {
    let worker = Worker::new(engine, claim, shutdown, Some(upload));
    let _permit = tokio::select! {
        biased;
        () = worker.stop.signal().cancelled() => None,
        permit = gate.acquire_owned() => permit.ok(),
    };
    worker.work().await;
}

struct Worker {
    engine: Arc<Inner>,
    claim: Claim,
    stop: Stop,
    upload: Option<Upload>,
    _lease: tokio_util::task::AbortOnDropHandle<()>,
}

/// What a resumed run has left to do.
struct Left {
    discovery: Discovery,
    splits: Vec<Split>,
    ordinals: HashMap<String, i64>,
}

impl Worker {
    fn new(engine: Arc<Inner>, claim: Claim, shutdown: CancellationToken, upload: Option<Upload>) -> Self {
        let stop = Stop::default();
        Self {
            _lease: heartbeat::keep(engine.clone(), claim.clone(), stop.clone(), shutdown),
            engine,
            claim,
            stop,
            upload,
        }
    }

    async fn work(&self) {
        let span = tracing::info_span!(
            "sync",
            run = %self.claim.id(),
            connector = %self.claim.run.connector_id,
            kind = self.claim.connector.kind,
            epoch = self.claim.epoch,
        );
        self.work_to_its_end().instrument(span).await;
    }

    async fn work_to_its_end(&self) {
        metrics::gauge!("headwater_syncs_running").increment(1.0);
        let begin = Instant::now();
        let ended = match AssertUnwindSafe(self.perform()).catch_unwind().await {
            Ok(ended) => ended,
            Err(_panic) => {
                let outcome = Outcome::failed("unexpected", "the server broke off; its log says why");
                self.engine
                    .store
                    .finish_run(&self.claim, &outcome)
                    .await
                    .map(Some)
            }
        };
        metrics::gauge!("headwater_syncs_running").decrement(1.0);
        match ended {
            Ok(Some(run)) => self.tell(&run, begin.elapsed()),
            Ok(None) => tracing::info!("sync handed back"),
            Err(Error::LeaseLost) => tracing::warn!("sync is no longer this node's; nothing more is written"),
            Err(error) => {
                tracing::error!(error = ?error, "sync broke off; it is taken over when its lease ends");
            }
        }
    }

    /// Does the run. `None` when it was handed back.
    async fn perform(&self) -> Result<Option<Run>> {
        let (target, opened) = match self.open().await? {
            Ok(ready) => ready,
            Err(outcome) => {
                return self
                    .engine
                    .store
                    .finish_run(&self.claim, &outcome)
                    .await
                    .map(Some);
            }
        };
        let left = self.left().await?;
        let mut events = Box::pin(headwater_core::sync(
            opened.connector,
            self.options(&target, &opened.scope, left.as_ref()).await?,
        ));
        let resumed = left.map(|left| (left.discovery, left.ordinals));
        let session = Session::new(&self.engine.store, &target, &opened.scope, resumed);
        let ending = session.take_all(&mut events, &self.stop).await;
        if !matches!(ending, Ok(Ending::Read(_))) {
            self.stop_connector(&mut events).await;
        }
        match ending? {
            Ending::Read(discovery) => {
                self.engine.store.set_phase(&self.claim, Phase::Finishing).await?;
                let rules = self.engine.rules();
                let completed = self
                    .engine
                    .store
                    .complete_run(&target, &discovery, &opened.scope, &rules);
                completed.await.map(Some)
            }
            Ending::Failed(outcome) => self.engine.store.end_run(&target, outcome).await.map(Some),
            Ending::Stopped => self.stopped(&target).await,
        }
    }

    /// Opens the connector, or says how the run ends without it.
    async fn open(&self) -> Result<Result<(Arc<Target>, Opened), Outcome>> {
        if self.claim.run.cancel_requested {
            return Ok(Err(Outcome::new(RunStatus::Cancelled)));
        }
        if self.claim.run.trigger == Trigger::Upload && self.upload.is_none() {
            upload::remove_of(&self.engine.options.uploads, self.claim.id());
            let detail = "the server that held the uploaded files is gone; upload them again";
            return Ok(Err(Outcome::failed("input_lost", detail)));
        }
        if self.claim.epoch > MAX_EPOCH {
            let detail = "the sync broke off too often; the servers' logs say why";
            return Ok(Err(Outcome::failed("unexpected", detail)));
        }
        let connector = &self.claim.connector;
        let credentials = match self.engine.store.credentials(connector.id).await {
            Ok(credentials) => credentials,
            Err(Error::Keys(why)) => return Ok(Err(Outcome::failed("credentials_unreadable", why))),
            Err(error) => return Err(error),
        };
        let opened = self.engine.registry.get(&connector.kind).and_then(|kind| {
            let opened = kind.open(connector.config.clone(), credentials, &self.engine.host)?;
            Ok((kind, opened))
        });
        let (kind, opened) = match opened {
            Ok(opened) => opened,
            Err(error) => return Ok(Err(failed(&error))),
        };
        let mut target = Target::new(self.claim.clone(), kind, &self.engine.registry);
        target.held = self.engine.store.held_keys(self.claim.run.connector_id).await?;
        Ok(Ok((Arc::new(target), opened)))
    }

    /// What an earlier worker has left to do, where there was one that got as far as that.
    async fn left(&self) -> Result<Option<Left>> {
        let Some(discovery) = self.claim.discovery.clone() else {
            self.engine
                .store
                .set_phase(&self.claim, Phase::Discovering)
                .await?;
            return Ok(None);
        };
        self.engine.store.set_phase(&self.claim, Phase::Reading).await?;
        let stored = self.engine.store.splits(self.claim.id()).await?;
        let pending = stored
            .iter()
            .filter(|stored| stored.end.state == SplitState::Pending);
        Ok(Some(Left {
            discovery,
            splits: pending.map(|stored| stored.split.clone()).collect(),
            ordinals: stored
                .iter()
                .map(|stored| (stored.split.id.clone(), stored.ordinal))
                .collect(),
        }))
    }

    async fn options(
        &self,
        target: &Arc<Target>,
        scope: &headwater_core::Scope,
        left: Option<&Left>,
    ) -> Result<Options> {
        let mut options = Options::default();
        options.scope = scope.clone();
        let uploaded = self.upload.iter().flat_map(Upload::files);
        options.cx = uploaded.fold(Cx::new(self.stop.signal().clone()), |cx, (input, file)| {
            cx.with_input(input, file)
        });
        options.grace = self.engine.options.grace;
        options.backoff = self.engine.options.backoff;
        if let Some(left) = left {
            options.resume = Some(left.splits.clone());
            let cap = left.discovery.max_parallel.unwrap_or(options.parallel);
            options.parallel = options.parallel.min(cap);
        }
        if !self.claim.request.full_refresh {
            options.baseline = Arc::new(StoredVersions {
                store: self.engine.store.clone(),
                target: target.clone(),
            });
        }
        Ok(options)
    }

    /// Leaves the connector its time to end its work at the source.
    async fn stop_connector(&self, events: &mut (impl futures_util::Stream<Item = SyncEvent> + Unpin)) {
        self.stop.signal().cancel();
        let grace = self.engine.options.grace + Duration::from_secs(1);
        let ended = timeout(grace, async { while events.next().await.is_some() {} }).await;
        if ended.is_err() {
            tracing::warn!("the connector did not stop in time");
        }
    }

    async fn stopped(&self, target: &Target) -> Result<Option<Run>> {
        match self.stop.why() {
            Some(Why::Cancelled) => {
                let outcome = Outcome::new(RunStatus::Cancelled);
                self.engine.store.end_run(target, outcome).await.map(Some)
            }
            Some(Why::Shutdown) => self.engine.store.release(&self.claim).await.map(|()| None),
            Some(Why::LeaseLost) => Err(Error::LeaseLost),
            None => {
                let outcome = Outcome::failed("unexpected", "the sync broke off; the server's log says why");
                self.engine.store.end_run(target, outcome).await.map(Some)
            }
        }
    }

    fn tell(&self, run: &Run, took: Duration) {
        tracing::info!(
            status = %run.status,
            created = run.products_created,
            updated = run.products_updated,
            unchanged = run.products_unchanged,
            archived = run.products_archived,
            removals = %run.removals,
            error = run.error.as_ref().map(|error| error.code.as_str()),
            "sync ended"
        );
        let kind = self.claim.connector.kind.clone();
        let labels = [("connector_type", kind), ("status", run.status.to_string())];
        metrics::counter!("headwater_syncs_total", &labels).increment(1);
        metrics::histogram!("headwater_sync_duration_seconds", &labels).record(took.as_secs_f64());
        for (change, number) in [
            ("created", run.products_created),
            ("updated", run.products_updated),
            ("archived", run.products_archived),
        ] {
            metrics::counter!("headwater_products_written_total", "change" => change).increment(number);
        }
    }
}
