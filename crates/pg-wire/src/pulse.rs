//! Whether the server still answers.
//!
//! A server that lives ends a statement itself after `statement_timeout`. When it has said nothing for longer
//! although something is awaited, the connection leads nowhere: a firewall dropped it, the machine is gone.
//! Until then a slow answer is no silence, and whoever watches the run is told that it goes on.

use headwater_core::{Error, ErrorKind, Result};
use std::{
    future::Future,
    pin::pin,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
    time::{Duration, Instant},
};
use tokio::{task::AbortHandle, time::timeout};

/// What the server is given beyond its own limit.
const GRACE: Duration = Duration::from_secs(10);
/// How often is looked.
const TICK: Duration = Duration::from_millis(500);

/// What is awaited of one connection, and since when.
#[derive(Debug)]
pub struct Pulse {
    connection: AbortHandle,
    patience: Duration,
    born: Instant,
    awaited: AtomicUsize,
    /// Milliseconds after `born` at which an answer came, or was first awaited.
    last: AtomicU64,
}

impl Pulse {
    /// Of a connection to a server that ends a statement after this time.
    pub fn new(connection: AbortHandle, statement_timeout: Duration) -> Self {
        Self {
            connection,
            patience: statement_timeout.saturating_add(GRACE),
            born: Instant::now(),
            awaited: AtomicUsize::new(0),
            last: AtomicU64::new(0),
        }
    }

    /// Awaits an answer. Of several that are awaited at once each may take its time: the server works on
    /// one after the other.
    pub async fn answer<T>(&self, call: impl Future<Output = T>) -> T {
        if self.awaited.fetch_add(1, Ordering::Relaxed) == 0 {
            self.mark();
        }
        let _awaited = Awaited(self);
        // On the heap: several are awaited at once, and each holds a statement and its answer.
        Box::pin(call).await
    }

    /// Runs work whose answers are awaited here, and calls `beat` while the server may still be at it.
    ///
    /// # Errors
    /// The work's own, or `Unavailable` after too long a silence; then the connection is closed.
    pub async fn watch<T>(&self, beat: impl Fn(), work: impl Future<Output = Result<T>>) -> Result<T> {
        let mut work = pin!(work);
        loop {
            if let Ok(result) = timeout(TICK, &mut work).await {
                return result;
            }
            match self.silence() {
                Some(silence) if silence > self.patience => return Err(self.silent()),
                Some(_) => beat(),
                None => {}
            }
        }
    }

    /// How long the server has said nothing, where something is awaited.
    fn silence(&self) -> Option<Duration> {
        let awaited = self.awaited.load(Ordering::Relaxed) > 0;
        let last = Duration::from_millis(self.last.load(Ordering::Relaxed));
        awaited.then(|| self.born.elapsed().saturating_sub(last))
    }

    fn mark(&self) {
        let now = u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(now, Ordering::Relaxed);
    }

    fn silent(&self) -> Error {
        self.connection.abort();
        let message = "the server did not answer: the connection leads nowhere";
        Error::new(ErrorKind::Unavailable, message).with_context("seconds", self.patience.as_secs())
    }
}

/// Ends with the answer, or when nobody waits any longer.
struct Awaited<'a>(&'a Pulse);

impl Drop for Awaited<'_> {
    fn drop(&mut self) {
        self.0.mark();
        self.0.awaited.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{cell::Cell, future::pending};
    use tokio::time::sleep;

    fn impatient() -> Pulse {
        Pulse {
            patience: Duration::from_millis(900),
            ..Pulse::new(tokio::spawn(pending::<()>()).abort_handle(), Duration::ZERO)
        }
    }

    #[tokio::test]
    async fn an_answer_that_never_comes_ends_the_work() {
        let pulse = impatient();
        let work = async {
            pulse.answer(pending::<()>()).await;
            Ok(())
        };
        let error = pulse.watch(|| {}, work).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    }

    #[tokio::test]
    async fn many_answers_may_take_longer_than_one() {
        let (pulse, beats) = (impatient(), Cell::new(0));
        let work = async {
            for _ in 0..4 {
                pulse.answer(sleep(Duration::from_millis(600))).await;
            }
            Ok(())
        };
        pulse.watch(|| beats.set(beats.get() + 1), work).await.unwrap();
        assert!(beats.get() >= 2, "{beats:?}");
    }

    #[tokio::test]
    async fn work_that_awaits_no_answer_is_no_silence_and_beats_not() {
        let pulse = impatient();
        let work = async {
            sleep(Duration::from_millis(2000)).await;
            Ok(())
        };
        pulse.watch(|| panic!("a beat"), work).await.unwrap();
    }
}
