//! One request, and all attempts at it.

use crate::{Client, Method, Refusal, Reply};
use bytes::{Bytes, BytesMut};
use headwater_core::{Error, ErrorKind, Result, Secret};
use reqwest::{
    Response, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue},
};
use serde::Serialize;
use std::{fmt, fs::File, io::Seek, time::Instant};
use tokio::{
    io::{AsyncWriteExt, BufWriter},
    time::sleep,
};
use tracing::debug;
use url::{Url, form_urlencoded};

/// How much of a refusal is read.
const REFUSAL: usize = 64 << 10;

/// A request that is being put together.
#[must_use = "a request does nothing until it is sent"]
pub struct Request<'c> {
    client: &'c Client,
    method: Method,
    url: Url,
    headers: Vec<(HeaderName, HeaderValue)>,
    secret_headers: Vec<(HeaderName, Secret)>,
    body: Option<Bytes>,
    file: Option<File>,
    /// What stands in place of the client's own authorization.
    authorization: Option<Secret>,
    anonymous: bool,
    once: bool,
}

impl<'c> Request<'c> {
    pub(crate) fn new(client: &'c Client, method: Method, url: Url) -> Self {
        Self {
            client,
            method,
            url,
            headers: Vec::new(),
            secret_headers: Vec::new(),
            body: None,
            file: None,
            authorization: None,
            anonymous: false,
            once: false,
        }
    }

    /// Adds a parameter to the query, percent-encoded.
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.url.query_pairs_mut().append_pair(name, value);
        self
    }

    /// Adds a parameter where there is a value.
    pub fn query_if(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.query(name, value),
            None => self,
        }
    }

    /// Adds a header whose value is no secret. A value that no header can hold is left out.
    pub fn header(mut self, name: HeaderName, value: &str) -> Self {
        self.headers
            .extend(HeaderValue::from_str(value).ok().map(|value| (name, value)));
        self
    }

    /// Adds a header whose value is a secret, such as the key of an encrypted object. No log shows it.
    pub fn secret_header(mut self, name: HeaderName, value: &Secret) -> Self {
        self.secret_headers.push((name, value.clone()));
        self
    }

    /// Sends `Authorization` with this text in place of the client's own.
    pub fn authorization(mut self, text: &Secret) -> Self {
        self.authorization = Some(text.clone());
        self.anonymous()
    }

    /// Sends no credentials, as to a token endpoint or to an address that carries its own signature.
    pub fn anonymous(mut self) -> Self {
        self.anonymous = true;
        self
    }

    /// Sends JSON.
    ///
    /// # Errors
    /// `Unexpected` for a value that is no JSON.
    pub fn json(self, value: &impl Serialize) -> Result<Self> {
        let body = serde_json::to_vec(value).map_err(|error| {
            Error::new(ErrorKind::Unexpected, "a request that is no JSON").with_source(error)
        })?;
        Ok(self.body("application/json", body))
    }

    /// Sends a form.
    pub fn form<'f>(self, fields: impl IntoIterator<Item = (&'f str, &'f str)>) -> Self {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields);
        self.body("application/x-www-form-urlencoded", form.finish())
    }

    /// Sends a body of any type.
    pub fn body(mut self, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        self.headers
            .push((CONTENT_TYPE, HeaderValue::from_static(content_type)));
        self.body = Some(body.into());
        self
    }

    /// Sends it one time only: it does something that must not happen twice.
    pub fn once(mut self) -> Self {
        self.once = true;
        self
    }

    /// Writes the body of the answer to a file, whatever its size, in place of what the file holds. A repetition
    /// begins anew.
    pub fn download(mut self, file: File) -> Self {
        self.file = Some(file);
        self
    }

    /// Sends it, and again where that may help.
    ///
    /// # Errors
    /// What the refusal means to the vendor or by its status; `Unavailable` when there was no whole answer.
    pub async fn send(self) -> Result<Reply> {
        let mut attempt = 1;
        let mut renewed = false;
        loop {
            if let Some(limiter) = &self.client.settings.limiter {
                limiter.ready().await;
            }
            let token = self.token().await?;
            let error = match self.attempt(token.as_ref()).await {
                Ok(reply) => {
                    self.client.budget.refund();
                    return Ok(reply);
                }
                Err(error) => self.named(error),
            };
            if !renewed && self.may_renew(&error, token).await {
                renewed = true;
                continue;
            }
            self.wait(attempt, error).await?;
            attempt += 1;
        }
    }

    async fn token(&self) -> Result<Option<Secret>> {
        match &self.client.auth {
            Some(auth) if !self.anonymous => auth.token().await.map(Some),
            _ => Ok(None),
        }
    }

    /// Whether the token was refused and there can be another.
    async fn may_renew(&self, error: &Error, token: Option<Secret>) -> bool {
        match (&self.client.auth, token) {
            (Some(auth), Some(token)) if error.kind() == ErrorKind::Unauthenticated => {
                auth.refused(&token).await
            }
            _ => false,
        }
    }

    /// Says where nobody answers: another server than was meant, maybe.
    fn named(&self, error: Error) -> Error {
        match error.kind() {
            ErrorKind::Unavailable => error.with_context("address", self.url.origin().ascii_serialization()),
            _ => error,
        }
    }

    /// Waits until the next attempt, or hands the error on when there is none.
    async fn wait(&self, attempt: u32, error: Error) -> Result<()> {
        let settings = &self.client.settings;
        if let (Some(limiter), ErrorKind::RateLimited, Some(asked)) =
            (&settings.limiter, error.kind(), error.retry_after())
        {
            limiter.pause(asked);
        }
        match settings.retry.wait(attempt, &error, jitter()) {
            Some(wait) if !self.once && self.client.budget.spend() => {
                debug!(source = settings.name, attempt, ?wait, %error, "sent again");
                sleep(wait).await;
                Ok(())
            }
            _ => Err(error),
        }
    }

    async fn attempt(&self, token: Option<&Secret>) -> Result<Reply> {
        let begin = Instant::now();
        let sent = self.build(token)?.send().await;
        let response = sent.map_err(|error| self.client.broken(error))?;
        let status = response.status();
        debug!(
            source = self.client.settings.name,
            method = %self.method,
            path = self.url.path(),
            status = status.as_u16(),
            elapsed = ?begin.elapsed(),
            "answered"
        );
        if !status.is_success() && status != StatusCode::NOT_MODIFIED {
            return Err(self.refused(response).await);
        }
        let headers = response.headers().clone();
        let body = match &self.file {
            Some(file) => self.write(response, file).await.map(|()| Bytes::new()),
            None => self.read(response, self.client.settings.max_body).await,
        };
        Ok(Reply {
            status,
            headers,
            body: body?,
            source: self.client.settings.name,
        })
    }

    fn build(&self, token: Option<&Secret>) -> Result<reqwest::RequestBuilder> {
        let mut request = self.client.inner.request(self.method.clone(), self.url.clone());
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        for (name, value) in &self.secret_headers {
            request = request.header(name, sensitive(value)?);
        }
        let own = match (&self.client.auth, token) {
            (Some(auth), Some(token)) => Some(auth.header(token)),
            _ => None,
        };
        if let Some(text) = self.authorization.as_ref().or(own.as_ref()) {
            request = request.header(AUTHORIZATION, sensitive(text)?);
        }
        Ok(match &self.body {
            Some(body) => request.body(body.clone()),
            None => request,
        })
    }

    async fn refused(&self, mut response: Response) -> Error {
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = BytesMut::new();
        // What breaks off here was refused all the same.
        while let Ok(Some(chunk)) = response.chunk().await {
            body.extend_from_slice(&chunk);
            if body.len() > REFUSAL {
                break;
            }
        }
        let body = body.freeze();
        self.client.explain(&Refusal {
            status,
            headers,
            body,
        })
    }

    async fn read(&self, mut response: Response, most: usize) -> Result<Bytes> {
        let mut body = BytesMut::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| self.client.broken(error))?
        {
            if body.len() + chunk.len() > most {
                let message = format!("{} answered with too much at once", self.client.settings.name);
                return Err(Error::new(ErrorKind::DataInvalid, message).with_context("most_bytes", most));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }

    async fn write(&self, mut response: Response, file: &File) -> Result<()> {
        let mut file = BufWriter::new(emptied(file).map_err(unwritten)?);
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| self.client.broken(error))?
        {
            file.write_all(&chunk).await.map_err(unwritten)?;
        }
        file.flush().await.map_err(unwritten)
    }
}

fn emptied(mut file: &File) -> std::io::Result<tokio::fs::File> {
    file.set_len(0)?;
    file.rewind()?;
    Ok(tokio::fs::File::from_std(file.try_clone()?))
}

fn unwritten(error: std::io::Error) -> Error {
    Error::new(ErrorKind::Unexpected, "an answer cannot be written to its file").with_source(error)
}

/// A header that no log shows.
fn sensitive(text: &Secret) -> Result<HeaderValue> {
    let value = HeaderValue::from_str(text.expose()).map_err(|_holds_the_text| {
        let message = "the credentials hold a character that no header can carry, such as a line break";
        Error::new(ErrorKind::Unauthenticated, message)
    });
    value.map(|mut value| {
        value.set_sensitive(true);
        value
    })
}

/// From 0 to 1.
fn jitter() -> f64 {
    let random = getrandom::u32().unwrap_or_default();
    f64::from(random) / f64::from(u32::MAX)
}

impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("host", &self.url.host_str())
            .field("path", &self.url.path())
            .finish_non_exhaustive()
    }
}
