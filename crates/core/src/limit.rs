//! The pace at which a source may be asked.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};
use tokio::time::{Instant, sleep_until};

/// How far the callers may run ahead of an even pace.
const BURST: Duration = Duration::from_secs(1);

/// Paces the calls to one source by one principal, over all connectors and splits of the process.
///
/// The calls keep a distance on average; after an idle time a second's worth may go at once. When the source
/// asks for a pause, everybody waits.
#[derive(Debug)]
pub struct Limiter {
    distance: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// When the next call would be due at an even pace.
    next: Instant,
    paused_until: Instant,
}

impl Limiter {
    /// A limiter that keeps calls at this distance.
    pub fn new(distance: Duration) -> Self {
        let now = Instant::now();
        Self {
            distance,
            state: Mutex::new(State {
                next: now,
                paused_until: now,
            }),
        }
    }

    /// Waits until the next call may go.
    pub async fn ready(&self) {
        sleep_until(self.reserve()).await;
        // A pause may have begun while this call waited for its turn.
        loop {
            let until = self.lock().paused_until;
            if until <= Instant::now() {
                return;
            }
            sleep_until(until).await;
        }
    }

    /// Lets nobody go for a time, because the source asked for that.
    pub fn pause(&self, wait: Duration) {
        let mut state = self.lock();
        if let Some(until) = Instant::now().checked_add(wait) {
            state.paused_until = state.paused_until.max(until);
            state.next = state.next.max(until);
        }
    }

    fn reserve(&self) -> Instant {
        let now = Instant::now();
        let mut state = self.lock();
        let turn = state.next.max(now.checked_sub(BURST).unwrap_or(now));
        state.next = turn + self.distance;
        turn
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The limiters of a process, by key.
#[derive(Clone, Default)]
pub struct Limiters(Arc<Mutex<HashMap<String, Weak<Limiter>>>>);

impl Limiters {
    /// The limiter of a key, such as `bigquery:reader@project`, made with this distance where there is none.
    pub fn get(&self, key: &str, distance: Duration) -> Arc<Limiter> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(limiter) = all.get(key).and_then(Weak::upgrade) {
            return limiter;
        }
        all.retain(|_, limiter| limiter.strong_count() > 0);
        let limiter = Arc::new(Limiter::new(distance));
        all.insert(key.to_owned(), Arc::downgrade(&limiter));
        limiter
    }
}

impl fmt::Debug for Limiters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Limiters")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn calls_keep_their_distance_after_a_burst() {
        let limiter = Limiter::new(Duration::from_millis(100));
        let begin = Instant::now();
        for _ in 0..5 {
            limiter.ready().await;
        }
        assert_eq!(begin.elapsed(), Duration::from_millis(400));
        tokio::time::sleep(Duration::from_secs(60)).await;
        let begin = Instant::now();
        for _ in 0..12 {
            limiter.ready().await;
        }
        assert_eq!(begin.elapsed(), Duration::from_millis(100));
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_holds_those_who_wait_already() {
        let limiter = Arc::new(Limiter::new(Duration::from_secs(1)));
        limiter.ready().await;
        let begin = Instant::now();
        let waiting = tokio::spawn({
            let limiter = limiter.clone();
            async move { limiter.ready().await }
        });
        tokio::task::yield_now().await;
        limiter.pause(Duration::from_secs(30));
        waiting.await.unwrap();
        assert_eq!(begin.elapsed(), Duration::from_secs(30));
    }

    #[test]
    fn a_key_has_one_limiter_as_long_as_someone_uses_it() {
        let limiters = Limiters::default();
        let first = limiters.get("a", Duration::from_secs(1));
        assert!(Arc::ptr_eq(&first, &limiters.clone().get("a", Duration::ZERO)));
        assert!(!Arc::ptr_eq(&first, &limiters.get("b", Duration::ZERO)));
        drop(first);
        assert_eq!(limiters.get("a", Duration::ZERO).distance, Duration::ZERO);
    }
}
