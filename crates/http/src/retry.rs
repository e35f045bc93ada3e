//! When a request is sent again.

use headwater_core::Error;
use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

/// How often, and after which waits, a request is sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Attempts at one request, the first included.
    pub attempts: u32,
    /// The wait after the first failure; it doubles with each further one, with jitter.
    pub first_wait: Duration,
    /// The longest wait between two attempts. A source that asks for more gets its error handed on.
    pub longest_wait: Duration,
}

impl Default for Retry {
    /// Five attempts within about half a minute.
    fn default() -> Self {
        Self {
            attempts: 5,
            first_wait: Duration::from_millis(500),
            longest_wait: Duration::from_secs(30),
        }
    }
}

impl Retry {
    /// The wait before the next attempt; `None` when there is none.
    pub(crate) fn wait(&self, attempt: u32, error: &Error, jitter: f64) -> Option<Duration> {
        if !error.kind().is_retryable() || attempt >= self.attempts {
            return None;
        }
        if let Some(asked) = error.retry_after() {
            return (asked <= self.longest_wait).then_some(asked);
        }
        let doubled = self
            .first_wait
            .saturating_mul(1 << attempt.saturating_sub(1).min(16));
        Some(doubled.min(self.longest_wait).mul_f64(0.5 + jitter / 2.0))
    }
}

/// What a client may spend on repetitions, so that a source in trouble is not asked many times over.
///
/// Each repetition costs ten, each request that succeeds gives one back.
#[derive(Debug)]
pub(crate) struct Budget(AtomicU32);

impl Budget {
    const FULL: u32 = 500;
    const COST: u32 = 10;

    pub(crate) fn full() -> Self {
        Self(AtomicU32::new(Self::FULL))
    }

    /// Takes what a repetition costs, if that much is left.
    pub(crate) fn spend(&self) -> bool {
        let spend = |left: u32| left.checked_sub(Self::COST);
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, spend)
            .is_ok()
    }

    /// Gives back after a success.
    pub(crate) fn refund(&self) {
        let refund = |left: u32| Some((left + 1).min(Self::FULL));
        let _always = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, refund);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use headwater_core::ErrorKind;

    fn seconds(wait: Option<Duration>) -> Option<f64> {
        wait.map(|wait| wait.as_secs_f64())
    }

    #[test]
    fn waits_double_and_end() {
        let retry = Retry::default();
        let error = Error::new(ErrorKind::Unavailable, "down");
        let waits: Vec<_> = (1..=5)
            .map(|attempt| seconds(retry.wait(attempt, &error, 1.0)))
            .collect();
        assert_eq!(waits, [Some(0.5), Some(1.0), Some(2.0), Some(4.0), None]);
        assert_eq!(seconds(retry.wait(1, &error, 0.0)), Some(0.25));
        let refused = Error::new(ErrorKind::PermissionDenied, "no");
        assert_eq!(retry.wait(1, &refused, 1.0), None);
    }

    #[test]
    fn a_wait_that_was_asked_for_is_kept_or_handed_on() {
        let retry = Retry::default();
        let asked = |seconds| {
            Error::new(ErrorKind::RateLimited, "slow down").with_retry_after(Duration::from_secs(seconds))
        };
        assert_eq!(seconds(retry.wait(1, &asked(7), 0.0)), Some(7.0));
        assert_eq!(retry.wait(1, &asked(600), 0.0), None);
    }

    #[test]
    fn a_budget_runs_out_and_fills_up_by_successes() {
        let budget = Budget::full();
        assert_eq!((0..1000).filter(|_| budget.spend()).count(), 50);
        (0..10).for_each(|_| budget.refund());
        assert!(budget.spend());
        assert!(!budget.spend());
    }
}
