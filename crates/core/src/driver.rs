//! Runs a connector: splits as tasks, one bounded channel, retry, idle time-out, stop with grace.
//!
//! The driver knows nothing of catalogs. It hands out a stream of [`SyncEvent`]s; whoever consumes it
//! decides what to keep. Dropping the stream stops the run.

use crate::{
    Baseline, Cx, Discovery, Error, ErrorKind, Result, Scope, SourceConnector, Split, SplitSink,
    sink::{Item, Outbox, Pulse},
};
use futures_util::{FutureExt, Stream, stream};
use std::{future::Future, panic::AssertUnwindSafe, sync::Arc, time::Duration};
use tokio::{
    sync::Semaphore,
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

/// What happens during a run, in the order it happens within one split.
///
/// # Contract
/// - First `Discovered` (not when resuming) or `Failed`, which ends the run.
/// - Then per split one or more attempts: `Started`, its items, `Ended`. A new attempt voids what the one
///   before it *claimed* (seen, closed), not what was written because of it.
/// - A split without an `Ended` that succeeded has namespaces that are not complete.
#[derive(Debug)]
#[non_exhaustive]
pub enum SyncEvent {
    /// The work is known. Splits hold namespaces in scope only.
    Discovered(Discovery),
    /// The run ends before any split: nothing was listed.
    Failed(Error),
    /// An attempt at a split begins.
    Started {
        /// The split.
        split: Arc<Split>,
        /// From 1.
        attempt: u32,
    },
    /// The split's current attempt read something.
    Item {
        /// The split.
        split: Arc<Split>,
        /// What it read.
        item: Item,
    },
    /// An attempt at a split ended.
    Ended {
        /// The split.
        split: Arc<Split>,
        /// From 1.
        attempt: u32,
        /// How.
        result: Result<()>,
        /// Set when another attempt follows after this time.
        retry_in: Option<Duration>,
    },
}

/// How to run a connector.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// Filters, applied to every item.
    pub scope: Scope,
    /// The splits of a stored discovery that are still to do; `None` discovers. What the discovery said of
    /// `max_parallel` is not known then: the host carries it over to `parallel`.
    pub resume: Option<Vec<Split>>,
    /// What the host knows already.
    pub baseline: Arc<dyn Baseline>,
    /// Stop signal and inputs.
    pub cx: Cx,
    /// Most splits at once; a source may ask for fewer.
    pub parallel: usize,
    /// Most attempts at the discovery, and at one split.
    pub attempts: u32,
    /// Longest silence of an attempt while the consumer has room.
    pub idle: Duration,
    /// How long a stopped connector may take to end its work at the source.
    pub grace: Duration,
    /// First wait between two attempts; doubles each time.
    pub backoff: Duration,
    /// Most events that wait for the consumer.
    pub buffer: usize,
    /// Most bytes of assets that wait for the consumer.
    pub buffer_bytes: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            scope: Scope::default(),
            resume: None,
            baseline: Arc::new(()),
            cx: Cx::default(),
            parallel: 8,
            attempts: 3,
            idle: Duration::from_secs(300),
            grace: Duration::from_secs(10),
            backoff: Duration::from_millis(500),
            buffer: 64,
            buffer_bytes: 1 << 20,
        }
    }
}

/// Runs a connector on the current tokio runtime and streams what happens.
///
/// Stop it through [`Options::cx`] to see it end in order; dropping the stream stops it as well, with
/// nobody watching.
pub fn sync(
    connector: Arc<dyn SourceConnector>,
    options: Options,
) -> impl Stream<Item = SyncEvent> + Send + Unpin {
    let (outbox, rx) = Outbox::new(options.buffer, options.buffer_bytes);
    let cx = options.cx.child();
    let stop_on_drop = cx.stop().clone().drop_guard();
    let run = Run {
        connector,
        scope: Arc::new(options.scope.clone()),
        options,
        cx,
        outbox,
    };
    tokio::spawn(run.run());
    Box::pin(stream::unfold((rx, stop_on_drop), |(mut rx, guard)| async move {
        rx.recv().await.map(|parcel| (parcel.event, (rx, guard)))
    }))
}

#[derive(Debug, Clone)]
struct Run {
    connector: Arc<dyn SourceConnector>,
    scope: Arc<Scope>,
    options: Options,
    cx: Cx,
    outbox: Outbox,
}

impl Run {
    async fn run(self) {
        // The receiver may be gone; then the stop signal is set and there is nobody left to tell.
        let _gone = self.run_splits().await;
    }

    async fn run_splits(&self) -> Result<()> {
        let (splits, cap) = match &self.options.resume {
            Some(splits) => (splits.clone(), None),
            None => match self.discovered().await {
                Ok(discovery) => {
                    let work = (discovery.splits.clone(), discovery.max_parallel);
                    self.outbox.send(SyncEvent::Discovered(discovery), 0).await?;
                    work
                }
                Err(error) => return self.outbox.send(SyncEvent::Failed(error), 0).await,
            },
        };
        let parallel = cap.unwrap_or(usize::MAX).min(self.options.parallel).max(1);
        let gate = Arc::new(Semaphore::new(parallel));
        let mut tasks = JoinSet::new();
        for split in splits {
            let permit = self
                .cx
                .or_stop(async { Ok(gate.clone().acquire_owned().await) })
                .await;
            let Ok(Ok(permit)) = permit else { break };
            while tasks.try_join_next().is_some() {}
            let run = self.clone();
            tasks.spawn(async move {
                let _permit = permit;
                run.attempts(Arc::new(split)).await
            });
        }
        while tasks.join_next().await.is_some() {}
        Ok(())
    }

    /// Discovers, again where the source may do better the next time.
    async fn discovered(&self) -> Result<Discovery> {
        let mut attempt = 1;
        loop {
            let result = self.discover().await;
            let Some(wait) = self.retry_in(&result, attempt) else {
                return result;
            };
            self.pause(wait).await?;
            attempt += 1;
        }
    }

    /// Discovers, and drops what the connector listed although it is out of scope.
    async fn discover(&self) -> Result<Discovery> {
        let call = self.connector.discover(&self.scope, &self.cx);
        let mut discovery = self.guarded(call, &self.cx, None).await?;
        discovery
            .containers
            .retain(|container| self.scope.admits_namespace(&container.path));
        for split in &mut discovery.splits {
            split.namespaces.retain(|path| self.scope.admits_namespace(path));
        }
        discovery.splits.retain(|split| !split.namespaces.is_empty());
        Ok(discovery)
    }

    async fn attempts(self, split: Arc<Split>) -> Result<()> {
        for attempt in 1..=self.options.attempts.max(1) {
            self.outbox
                .send(
                    SyncEvent::Started {
                        split: split.clone(),
                        attempt,
                    },
                    0,
                )
                .await?;
            let result = self.attempt(&split).await;
            let retry_in = self.retry_in(&result, attempt);
            let ended = SyncEvent::Ended {
                split: split.clone(),
                attempt,
                result,
                retry_in,
            };
            self.outbox.send(ended, 0).await?;
            let Some(wait) = retry_in else { break };
            self.pause(wait).await?;
        }
        Ok(())
    }

    async fn pause(&self, wait: Duration) -> Result<()> {
        let pause = async {
            sleep(wait).await;
            Ok(())
        };
        self.cx.or_stop(pause).await
    }

    fn retry_in<T>(&self, result: &Result<T>, attempt: u32) -> Option<Duration> {
        let error = result.as_ref().err()?;
        let again = error.kind().is_retryable() && attempt < self.options.attempts;
        let backoff = self.options.backoff.saturating_mul(1 << (attempt - 1).min(10));
        again.then(|| error.retry_after().unwrap_or(backoff))
    }

    async fn attempt(&self, split: &Arc<Split>) -> Result<()> {
        let cx = self.cx.child();
        let pulse = Arc::new(Pulse::new());
        let sink = SplitSink::new(
            split.clone(),
            self.scope.clone(),
            self.options.baseline.clone(),
            cx.clone(),
            self.outbox.clone(),
            pulse.clone(),
        );
        self.guarded(self.connector.sync(split, &sink), &cx, Some(&pulse))
            .await
    }

    /// Awaits a connector's call. A panic is an error; a stop leaves it the grace period; where `pulse` is
    /// given, silence counts as a hung source. Once stopped, the result is `Stopped` whatever it returns.
    async fn guarded<T>(
        &self,
        call: impl Future<Output = Result<T>> + Send,
        cx: &Cx,
        pulse: Option<&Pulse>,
    ) -> Result<T> {
        let call = AssertUnwindSafe(call).catch_unwind();
        tokio::pin!(call);
        let result = tokio::select! {
            biased;
            () = self.cx.stop().cancelled() => {
                let _late = timeout(self.options.grace, &mut call).await;
                Err(Error::stopped())
            }
            result = &mut call => result.unwrap_or_else(|_panic| Err(panicked())),
            () = self.silence(pulse) => {
                cx.stop().cancel();
                let _late = timeout(self.options.grace, &mut call).await;
                let message = "the source sent nothing for too long";
                Err(Error::new(ErrorKind::Unavailable, message)
                    .with_context("seconds", self.options.idle.as_secs()))
            }
        };
        if self.cx.stop().is_cancelled() {
            Err(Error::stopped())
        } else {
            result
        }
    }

    /// Returns when nothing came for `idle` although the consumer had room.
    async fn silence(&self, pulse: Option<&Pulse>) {
        let Some(pulse) = pulse else {
            return std::future::pending().await;
        };
        let mut since = pulse.last();
        loop {
            sleep(self.options.idle.saturating_sub(since.elapsed())).await;
            let last = pulse.last();
            if last > since {
                since = last;
            } else if self.outbox.is_full() {
                since = Instant::now();
            } else {
                return;
            }
        }
    }
}

fn panicked() -> Error {
    // The text may quote anything: the panic hook logs it, a report must not.
    Error::new(ErrorKind::Unexpected, "the connector panicked; see the log")
}

#[cfg(test)]
mod tests;
