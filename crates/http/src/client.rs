//! A client of one source.

use crate::{Auth, Method, Refusal, Request, Retry, error, retry::Budget, tls::tls};
use headwater_core::{Clock, Error, ErrorKind, Host, Limiter, Result};
use reqwest::redirect::Policy;
use std::{fmt, sync::Arc, time::Duration};
use url::Url;

/// What is particular to a source.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Settings {
    /// The source's name at the beginning of error messages: `dbt Cloud`.
    pub name: &'static str,
    /// What a refusal of this vendor means, where that is more than its status says.
    pub explain: fn(&Refusal) -> Option<Error>,
    /// The pace that all users of one principal share.
    pub limiter: Option<Arc<Limiter>>,
    /// When a request is sent again.
    pub retry: Retry,
    /// How long a connection may take.
    pub connect_timeout: Duration,
    /// How long the source may be silent: before an answer, and within one.
    pub silence: Duration,
    /// The largest answer that is held in memory, in bytes.
    pub max_body: usize,
}

impl Settings {
    /// Settings with the defaults: 10 s to connect, 60 s of silence, 64 MiB in memory, no limiter.
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            explain: |_| None,
            limiter: None,
            retry: Retry::default(),
            connect_timeout: Duration::from_secs(10),
            silence: Duration::from_secs(60),
            max_body: 64 << 20,
        }
    }
}

/// A client of one source, for one principal. Cloning is cheap, and clones share connections, budget and tokens.
#[derive(Clone)]
pub struct Client {
    pub(crate) inner: reqwest::Client,
    pub(crate) settings: Arc<Settings>,
    pub(crate) auth: Option<Auth>,
    pub(crate) budget: Arc<Budget>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Client {
    /// A client that sends no credentials yet.
    ///
    /// # Errors
    /// `ConfigInvalid` when an authority that the host adds is not PEM text.
    pub fn new(host: &Host, settings: Settings) -> Result<Self> {
        let inner = reqwest::Client::builder()
            .tls_backend_preconfigured(tls(host)?)
            .user_agent(&host.user_agent)
            .connect_timeout(settings.connect_timeout)
            .read_timeout(settings.silence)
            .redirect(redirects())
            .build()
            .map_err(|error| Error::new(ErrorKind::Unexpected, "no HTTP client").with_source(error))?;
        Ok(Self {
            inner,
            settings: Arc::new(settings),
            auth: None,
            budget: Arc::new(Budget::full()),
            clock: host.clock.clone(),
        })
    }

    /// The same client with an `Authorization` header on each request.
    #[must_use]
    pub fn with_auth(mut self, auth: Auth) -> Self {
        self.auth = Some(auth);
        self
    }

    /// A GET of a path below an address. Segments are percent-encoded.
    pub fn get<'s>(&self, base: &Url, segments: impl IntoIterator<Item = &'s str>) -> Request<'_> {
        self.request(Method::GET, below(base, segments))
    }

    /// A POST to a path below an address. Segments are percent-encoded.
    pub fn post<'s>(&self, base: &Url, segments: impl IntoIterator<Item = &'s str>) -> Request<'_> {
        self.request(Method::POST, below(base, segments))
    }

    /// A request of any kind.
    pub fn request(&self, method: Method, url: Url) -> Request<'_> {
        Request::new(self, method, url)
    }

    /// What a refusal means: to the vendor, else by its status; with the wait that it asks for.
    pub(crate) fn explain(&self, refusal: &Refusal) -> Error {
        let explained = (self.settings.explain)(refusal);
        let error = explained.unwrap_or_else(|| refusal.error(self.settings.name));
        match refusal.retry_after(&*self.clock) {
            Some(wait) if error.kind().is_retryable() => error.with_retry_after(wait),
            _ => error,
        }
    }

    pub(crate) fn broken(&self, error: reqwest::Error) -> Error {
        error::of_transport(self.settings.name, error)
    }
}

/// Redirects are followed, but never from https to http. Credentials do not follow to another host: reqwest takes
/// `Authorization` off.
fn redirects() -> Policy {
    Policy::custom(|attempt| {
        let was_encrypted = attempt
            .previous()
            .last()
            .is_some_and(|url| url.scheme() == "https");
        if was_encrypted && attempt.url().scheme() != "https" {
            return attempt.stop();
        }
        match attempt.previous().len() > 5 {
            true => attempt.error("too many redirects"),
            false => attempt.follow(),
        }
    })
}

fn below<'s>(base: &Url, segments: impl IntoIterator<Item = &'s str>) -> Url {
    let mut url = base.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("source", &self.settings.name)
            .field("auth", &self.auth)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_encoded_and_stay_segments() {
        let base = Url::parse("https://api.example.com/v2/").unwrap();
        let url = below(&base, ["catalogs", "a/b c%?#", "ü"]);
        assert_eq!(url.path(), "/v2/catalogs/a%2Fb%20c%25%3F%23/%C3%BC");
        assert_eq!(below(&base, []).path(), "/v2");
    }
}
