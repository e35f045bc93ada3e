//! What statements and downloads of a session share: its token, and what was spent.
//!
//! A statement that takes longer than about 45 s is answered with an address to ask again; each such answer is a sign
//! of life. A session whose token has ended is renewed, or begun anew, and the request sent again: Snowflake knows a
//! repeated request by its id and runs its statement once. When the run is told to stop, the running statement is
//! aborted at Snowflake.

use crate::{
    error::{self, Failure},
    result::Rows,
    server::Server,
    session::Watch,
    wire::{Binding, ChunkLink, Envelope, LoginData, RenewedData, ResultData, Statement},
};
use bytes::Bytes;
use headwater_core::{Cost, Error, ErrorKind, Result, Secret};
use headwater_http::{Method, Request, Url, header::HeaderName};
use serde::de::DeserializeOwned;
use serde_json::json;
use std::{
    collections::BTreeMap,
    sync::{
        PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{sync::Mutex, time::timeout};
use tracing::debug;
use uuid::Uuid;

/// How long the ends of statements and sessions may take: they are told, and not waited for.
const FAREWELL: Duration = Duration::from_millis(1000);
/// The status codes of statements that are not done yet.
const RUNNING: [&str; 2] = ["333333", "333334"];

/// The connection of a session.
#[derive(Debug)]
pub(crate) struct Channel<'a> {
    server: &'a Server,
    database: Option<&'a str>,
    watch: Watch<'a>,
    tokens: Mutex<Tokens>,
    sequence: AtomicU64,
    spent: std::sync::Mutex<Cost>,
}

#[derive(Debug, Clone)]
struct Tokens {
    session: Secret,
    master: Option<Secret>,
}

impl From<LoginData> for Tokens {
    fn from(data: LoginData) -> Self {
        Self {
            session: data.token,
            master: data.master_token,
        }
    }
}

impl<'a> Channel<'a> {
    /// The channel of a session that has begun.
    pub(crate) fn new(
        server: &'a Server,
        database: Option<&'a str>,
        watch: Watch<'a>,
        begun: LoginData,
    ) -> Self {
        let channel = Self {
            server,
            database,
            watch,
            tokens: Mutex::new(Tokens::from(begun)),
            sequence: AtomicU64::new(1),
            spent: std::sync::Mutex::default(),
        };
        channel.spend(1, 0, Duration::ZERO);
        channel
    }

    /// Runs a statement with bound texts.
    ///
    /// # Errors
    /// What Snowflake's code means.
    pub(crate) async fn query(&self, sql: &str, bound: &[&str]) -> Result<Rows> {
        let id = Uuid::now_v7().to_string();
        let begun = Instant::now();
        let stop = self.watch.cx.stop();
        let answer = tokio::select! {
            biased;
            () = stop.cancelled() => {
                self.abort(sql, &id).await;
                return Err(Error::stopped());
            }
            answer = self.run(sql, bound, &id) => answer,
        };
        self.spend(0, 1, begun.elapsed());
        Rows::new(answer?)
    }

    /// Sends a statement, and asks again until it is done.
    async fn run(&self, sql: &str, bound: &[&str], id: &str) -> Result<ResultData> {
        let bindings = bound.iter().zip(1..).map(|(value, number): (_, u32)| {
            let binding = Binding { kind: "TEXT", value };
            (number.to_string(), binding)
        });
        let statement = Statement {
            sql_text: sql,
            async_exec: false,
            sequence_id: self.sequence.fetch_add(1, Ordering::Relaxed),
            bindings: bindings.collect(),
        };
        let mut envelope: Envelope<ResultData> = self
            .ask(|| {
                let request = self.server.request(Method::POST, "/queries/v1/query-request");
                request.query("requestId", id).json(&statement)
            })
            .await?;
        while envelope
            .code
            .as_deref()
            .is_some_and(|code| RUNNING.contains(&code))
        {
            (self.watch.beat)();
            let data = envelope.data.unwrap_or_default();
            let again = data.get_result_url.ok_or_else(|| {
                let message = "Snowflake did not say where to ask for the rows of a long statement";
                Error::new(ErrorKind::DataInvalid, message)
            })?;
            let path = again.split('?').next().unwrap_or_default();
            envelope = self.ask(|| Ok(self.server.request(Method::GET, path))).await?;
        }
        envelope.into_data().map_err(error::of_statement)
    }

    /// Sends a request with the session's token, and once more with a new one where it has ended.
    async fn ask<'s, T: DeserializeOwned>(
        &'s self,
        request: impl Fn() -> Result<Request<'s>>,
    ) -> Result<Envelope<T>> {
        let token = self.tokens.lock().await.session.clone();
        match self.send(request()?, &token).await {
            Err(error) if error::is_gone(&error) => {
                let renewed = self.renew(&token).await?;
                self.send(request()?, &renewed).await
            }
            result => result,
        }
    }

    async fn send<T: DeserializeOwned>(&self, request: Request<'_>, token: &Secret) -> Result<Envelope<T>> {
        self.spend(1, 0, Duration::ZERO);
        let reply = request.authorization(&header(token)).send().await?;
        let envelope: Envelope<T> = reply.json()?;
        let failure = Failure {
            code: envelope.code.clone().unwrap_or_default(),
            message: String::new(),
        };
        match error::of_statement(failure) {
            ended if !envelope.success && error::is_gone(&ended) => Err(ended),
            _ => Ok(envelope),
        }
    }

    /// A token in the place of one that has ended: of the same session where that goes on, else of a new one.
    async fn renew(&self, ended: &Secret) -> Result<Secret> {
        let mut tokens = self.tokens.lock().await;
        if tokens.session.expose() != ended.expose() {
            return Ok(tokens.session.clone());
        }
        *tokens = match self.prolong(&tokens).await {
            Some(renewed) => renewed,
            None => {
                debug!("the session has ended and is begun anew");
                Tokens::from(self.server.log_in(self.database).await?)
            }
        };
        Ok(tokens.session.clone())
    }

    /// Asks for a new token of the same session; `None` where it cannot be prolonged.
    async fn prolong(&self, tokens: &Tokens) -> Option<Tokens> {
        let master = tokens.master.as_ref()?;
        let body = json!({"oldSessionToken": tokens.session.expose(), "requestType": "RENEW"});
        let request = self
            .server
            .request(Method::POST, "/session/token-request")
            .query("requestId", &Uuid::now_v7().to_string())
            .json(&body)
            .ok()?;
        let envelope: Envelope<RenewedData> = self.send(request, master).await.ok()?;
        let renewed = envelope.into_data().ok()?;
        Some(Tokens {
            session: renewed.session_token,
            master: renewed.master_token.or_else(|| Some(master.clone())),
        })
    }

    /// Ends the session at Snowflake.
    pub(crate) async fn close(&self) {
        let token = self.tokens.lock().await.session.clone();
        let request = self
            .server
            .request(Method::POST, "/session")
            .query("delete", "true")
            .authorization(&header(&token))
            .once();
        let Ok(Ok(_)) = timeout(FAREWELL, request.send()).await else {
            debug!("the session was not ended");
            return;
        };
    }

    /// Ends a running statement at Snowflake.
    async fn abort(&self, sql: &str, id: &str) {
        let token = self.tokens.lock().await.session.clone();
        let request = self
            .server
            .request(Method::POST, "/queries/v1/abort-request")
            .query("requestId", &Uuid::now_v7().to_string())
            .authorization(&header(&token))
            .once()
            .json(&json!({"sqlText": sql, "requestId": id}));
        let aborted = async { request?.send().await };
        let Ok(Ok(_)) = timeout(FAREWELL, aborted).await else {
            debug!("the running statement was not aborted");
            return;
        };
    }

    /// Fetches a chunk of rows from the store where Snowflake has put it.
    pub(crate) async fn download(
        &self,
        chunk: &ChunkLink,
        headers: &BTreeMap<String, Secret>,
    ) -> Result<Bytes> {
        let unusable = || {
            Error::new(
                ErrorKind::DataInvalid,
                "a link to a chunk of rows that cannot be followed",
            )
        };
        let address = Url::parse(chunk.url.expose()).map_err(|_holds_a_signature| unusable())?;
        if address.scheme() != "https" && !self.server.insecure {
            return Err(unusable());
        }
        let mut request = self.server.store.request(Method::GET, address);
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_name| unusable())?;
            request = request.secret_header(name, value);
        }
        self.spend(1, 0, Duration::ZERO);
        let sent = request.send();
        let reply = self
            .watch
            .cx
            .or_stop(sent)
            .await
            .map_err(|error| match error.kind() {
                // Links end after some hours: a new read of the split has new ones.
                ErrorKind::PermissionDenied | ErrorKind::NotFound | ErrorKind::Unauthenticated => {
                    Error::new(ErrorKind::Unavailable, "a chunk of rows is gone").with_source(error)
                }
                _ => error,
            })?;
        (self.watch.beat)();
        Ok(reply.body)
    }

    /// What was spent since the last call.
    pub(crate) fn take_cost(&self) -> Cost {
        std::mem::take(&mut *self.spent.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn spend(&self, requests: u64, statements: u64, time: Duration) {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        *spent += Cost {
            requests,
            statements,
            bytes_billed: 0,
            source_seconds: time.as_secs_f64(),
        };
    }
}

fn header(token: &Secret) -> Secret {
    Secret::new(format!("Snowflake Token=\"{}\"", token.expose()))
}
