//! From failures of HTTP to errors of the contract. Neither bodies stand in them nor addresses, which may be signed: of
//! those only the origin.

use bytes::Bytes;
use headwater_core::{Clock, Error, ErrorKind};
use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::{
    StatusCode,
    header::{HeaderMap, RETRY_AFTER},
};
use serde::de::DeserializeOwned;
use std::{fmt, time::Duration};

/// An answer that is no success.
pub struct Refusal {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// The beginning of its body. It may quote the request: take from it what is known to be safe.
    pub body: Bytes,
}

impl Refusal {
    /// The body as a vendor's type; `None` when it is something else, such as a proxy's page.
    pub fn json<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The error that the status alone says.
    pub fn error(&self, source: &str) -> Error {
        let kind = match self.status.as_u16() {
            401 => ErrorKind::Unauthenticated,
            403 => ErrorKind::PermissionDenied,
            404 | 410 => ErrorKind::NotFound,
            429 => ErrorKind::RateLimited,
            408 | 500 | 502 | 503 | 504 => ErrorKind::Unavailable,
            _ => ErrorKind::Unexpected,
        };
        let said = match kind {
            ErrorKind::Unauthenticated => "refused the credentials",
            ErrorKind::PermissionDenied => "refused the read",
            ErrorKind::NotFound => "knows nothing of that name",
            ErrorKind::RateLimited => "asks for a slower pace",
            ErrorKind::Unavailable => "cannot answer now",
            _ => "refused the request",
        };
        Error::new(kind, format!("{source} {said}")).with_context("status", self.status.as_u16())
    }

    /// How long the source asks to wait.
    pub(crate) fn retry_after(&self, clock: &dyn Clock) -> Option<Duration> {
        let text = self.headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
        if let Ok(seconds) = text.parse() {
            return Some(Duration::from_secs(seconds));
        }
        let at = DateTimeParser::new().parse_timestamp(text).ok()?;
        Some(at.duration_since(clock.now()).try_into().unwrap_or_default())
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refusal")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// The request never got its answer.
pub(crate) fn of_transport(source: &str, error: reqwest::Error) -> Error {
    let kind = match error.is_builder() || error.is_redirect() {
        true => ErrorKind::Unexpected,
        false => ErrorKind::Unavailable,
    };
    let said = if error.is_timeout() {
        "did not answer in time"
    } else if error.is_connect() {
        "cannot be reached"
    } else if error.is_redirect() {
        "leads elsewhere too often"
    } else {
        "broke off its answer"
    };
    Error::new(kind, format!("{source} {said}")).with_source(error.without_url())
}

#[cfg(test)]
mod tests {
    use super::*;
    use headwater_core::SystemClock;
    use jiff::Timestamp;

    struct At(Timestamp);

    impl Clock for At {
        fn now(&self) -> Timestamp {
            self.0
        }
    }

    fn refusal(status: u16, retry_after: &str) -> Refusal {
        let headers = [(RETRY_AFTER, retry_after.parse().unwrap())];
        Refusal {
            status: StatusCode::from_u16(status).unwrap(),
            headers: headers.into_iter().collect(),
            body: Bytes::new(),
        }
    }

    #[test]
    fn statuses_by_what_a_caller_can_do() {
        for (status, kind) in [
            (401, ErrorKind::Unauthenticated),
            (403, ErrorKind::PermissionDenied),
            (404, ErrorKind::NotFound),
            (429, ErrorKind::RateLimited),
            (500, ErrorKind::Unavailable),
            (503, ErrorKind::Unavailable),
            (400, ErrorKind::Unexpected),
            (501, ErrorKind::Unexpected),
        ] {
            assert_eq!(refusal(status, "0").error("it").kind(), kind, "{status}");
        }
        let text = refusal(429, "0").error("dbt Cloud").to_string();
        assert_eq!(text, "dbt Cloud asks for a slower pace [status=429]");
    }

    #[test]
    fn a_wait_is_given_in_seconds_or_as_a_date() {
        assert_eq!(
            refusal(429, "7").retry_after(&SystemClock),
            Some(Duration::from_secs(7))
        );
        let clock = At("2026-11-26T10:00:00Z".parse().unwrap());
        let date = refusal(503, "Thu, 26 Nov 2026 10:00:30 GMT");
        assert_eq!(date.retry_after(&clock), Some(Duration::from_secs(30)));
        let past = refusal(503, "Thu, 26 Nov 2026 09:00:00 GMT");
        assert_eq!(past.retry_after(&clock), Some(Duration::ZERO));
        assert_eq!(refusal(429, "soon").retry_after(&SystemClock), None);
    }
}
