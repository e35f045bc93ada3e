//! The tokens that requests carry.

use async_trait::async_trait;
use base64::{Engine, prelude::BASE64_STANDARD};
use headwater_core::{Clock, Host, Result, Secret};
use jiff::Timestamp;
use std::{fmt, sync::Arc, time::Duration};
use tokio::sync::Mutex;

/// A token is renewed this long before it ends.
const MARGIN: Duration = Duration::from_secs(120);

/// A token, and when it ends.
#[derive(Debug, Clone)]
pub struct Token {
    /// The text that stands after the scheme.
    pub secret: Secret,
    /// When it ends; `None` for one that does not, or does not say.
    pub expires_at: Option<Timestamp>,
}

/// Gets new tokens: signs an assertion, asks a token endpoint.
#[async_trait]
pub trait Issue: fmt::Debug + Send + Sync {
    /// A new token.
    ///
    /// # Errors
    /// `Unauthenticated` when the credentials are refused.
    async fn issue(&self) -> Result<Token>;
}

/// What the `Authorization` header of a client's requests says.
#[derive(Clone)]
pub struct Auth {
    scheme: &'static str,
    source: Source,
}

#[derive(Clone)]
enum Source {
    Fixed(Secret),
    Issued(Arc<Issued>),
}

struct Issued {
    issuer: Box<dyn Issue>,
    clock: Arc<dyn Clock>,
    current: Mutex<Option<Token>>,
}

impl Auth {
    /// `Authorization: Bearer TOKEN`.
    pub fn bearer(token: Secret) -> Self {
        Self::fixed("Bearer", token)
    }

    /// `Authorization: SCHEME TEXT`.
    pub fn fixed(scheme: &'static str, text: Secret) -> Self {
        let source = Source::Fixed(text);
        Self { scheme, source }
    }

    /// `Authorization: Basic ..` of a user name and a password.
    pub fn basic(username: &str, password: &Secret) -> Self {
        let pair = Secret::new(format!("{username}:{}", password.expose()));
        Self::fixed("Basic", Secret::new(BASE64_STANDARD.encode(pair.expose())))
    }

    /// `Authorization: Bearer TOKEN`, with tokens that are renewed: before they end, and once when one is refused.
    pub fn issued(issuer: impl Issue + 'static, host: &Host) -> Self {
        let issued = Issued {
            issuer: Box::new(issuer),
            clock: host.clock.clone(),
            current: Mutex::new(None),
        };
        Self {
            scheme: "Bearer",
            source: Source::Issued(Arc::new(issued)),
        }
    }

    /// The token for the next request. While it is being renewed, all requests wait.
    ///
    /// # Errors
    /// The issuer's.
    pub async fn token(&self) -> Result<Secret> {
        match &self.source {
            Source::Fixed(text) => Ok(text.clone()),
            Source::Issued(issued) => issued.token().await,
        }
    }

    pub(crate) fn header(&self, token: &Secret) -> Secret {
        Secret::new(format!("{} {}", self.scheme, token.expose()))
    }

    /// Forgets a token that was refused; `false` where there can be no other.
    pub(crate) async fn refused(&self, token: &Secret) -> bool {
        let Source::Issued(issued) = &self.source else {
            return false;
        };
        // Another request may have renewed it meanwhile.
        issued
            .current
            .lock()
            .await
            .take_if(|current| current.secret.expose() == token.expose());
        true
    }
}

impl Issued {
    async fn token(&self) -> Result<Secret> {
        let mut current = self.current.lock().await;
        if let Some(token) = current.as_ref().filter(|token| self.is_good(token)) {
            return Ok(token.secret.clone());
        }
        let token = current.insert(self.issuer.issue().await?);
        Ok(token.secret.clone())
    }

    fn is_good(&self, token: &Token) -> bool {
        let soon = self.clock.now().saturating_add(MARGIN);
        token
            .expires_at
            .is_none_or(|end| soon.is_ok_and(|soon| end > soon))
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth")
            .field("scheme", &self.scheme)
            .finish_non_exhaustive()
    }
}
