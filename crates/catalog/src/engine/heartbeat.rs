//! Keeps a run's lease, and learns that the run is to stop.

use super::Inner;
use crate::{Claim, Error};
use std::sync::{Arc, OnceLock};
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

/// Why a worker stops before its run has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// Someone cancelled the run.
    Cancelled,
    /// The run is no longer this node's.
    LeaseLost,
    /// The engine stops.
    Shutdown,
}

/// A signal to stop, and its first reason.
#[derive(Debug, Clone, Default)]
pub(super) struct Stop {
    signal: CancellationToken,
    why: Arc<OnceLock<Why>>,
}

impl Stop {
    /// Stops for a reason, unless there was one before.
    pub(super) fn stop(&self, why: Why) {
        self.why.get_or_init(|| why);
        self.signal.cancel();
    }

    /// The reason, once there is one.
    pub(super) fn why(&self) -> Option<Why> {
        self.why.get().copied()
    }

    /// The signal.
    pub(super) fn signal(&self) -> &CancellationToken {
        &self.signal
    }
}

/// Renews the lease until dropped. Stops the worker when the lease is lost, when someone cancels the run or
/// when the engine stops.
pub(super) fn keep(
    engine: Arc<Inner>,
    claim: Claim,
    stop: Stop,
    shutdown: CancellationToken,
) -> AbortOnDropHandle<()> {
    AbortOnDropHandle::new(tokio::spawn(async move {
        let mut woken = engine.woken.subscribe();
        // Someone may have cancelled before this began to listen.
        woken.mark_changed();
        let mut held_until = Instant::now() + claim.lease;
        loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled(), if stop.why().is_none() => stop.stop(Why::Shutdown),
                _ = woken.changed() => {}
                () = sleep(engine.options.heartbeat) => {}
            }
            let asked = Instant::now();
            // A database that does not answer keeps nobody's lease.
            let renewed = timeout_at(held_until, engine.store.heartbeat(&claim));
            let renewed = renewed.await.unwrap_or_else(|silent| Err(Error::store(silent)));
            match renewed {
                Ok(heartbeat) => {
                    held_until = asked + claim.lease;
                    if heartbeat.cancel_requested {
                        stop.stop(Why::Cancelled);
                    }
                }
                Err(Error::LeaseLost) => return stop.stop(Why::LeaseLost),
                Err(error) if Instant::now() < held_until => {
                    tracing::warn!(error = ?error, "lease cannot be renewed; trying again");
                }
                // Another node may have it by now.
                Err(_) => return stop.stop(Why::LeaseLost),
            }
        }
    }))
}
