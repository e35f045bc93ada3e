//! How many requests a key may make.

use crate::problem::Problem;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter, clock::Clock as _};
use headwater_catalog::{KeyId, Principal};
use std::num::NonZeroU32;

/// Counts the requests of each key. Only keys that are valid are counted, so that strangers cannot fill it.
#[derive(Debug)]
pub(crate) struct Limit(DefaultKeyedRateLimiter<Option<KeyId>>);

impl Limit {
    /// A limit per key and second; as many may come at once.
    pub(crate) fn per_second(requests: NonZeroU32) -> Self {
        Self(RateLimiter::keyed(Quota::per_second(requests)))
    }

    /// Counts a request.
    ///
    /// # Errors
    /// A 429 that says when to come again.
    pub(crate) fn count(&self, caller: &Principal) -> Result<(), Problem> {
        self.0.check_key(&caller.key_id).map_err(|early| {
            let wait = early.wait_time_from(self.0.clock().now());
            Problem::rate_limited(wait.as_secs() + 1)
        })
    }
}
