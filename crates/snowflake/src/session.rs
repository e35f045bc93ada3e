//! A session: login, statements, renewal, end.
//!
//! A statement that takes longer than about 45 s is answered with an address to ask again; each such answer is a sign
//! of life. A session whose token has ended is renewed, or begun anew, and the request sent again: Snowflake knows a
//! repeated request by its id and runs its statement once. When the run is told to stop, the running statement is
//! aborted at Snowflake.

use crate::{
    account::Account,
    config::Config,
    credentials::Credentials,
    error::{self, Failure},
    login::Login,
    quote,
    result::Rows,
    wire::{Binding, ChunkLink, Envelope, LoginData, RenewedData, ResultData, SessionInfo, Statement},
};
use bytes::Bytes;
use headwater_core::{Cost, Cx, Error, ErrorKind, Host, Result, Secret};
use headwater_http::{
    Client, Method, Request, Settings, Url,
    header::{ACCEPT, HeaderName},
};
use serde::de::DeserializeOwned;
use serde_json::json;
use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{sync::Mutex, time::timeout};
use tracing::debug;
use uuid::Uuid;

/// How long a request may wait: more than the 45 s after which Snowflake answers whatever the statement does.
const SILENCE: Duration = Duration::from_secs(120);
/// How long the ends of statements and sessions may take: they are told, and not waited for.
const FAREWELL: Duration = Duration::from_millis(1000);
/// The distance of requests of one user.
const PACE: Duration = Duration::from_millis(20);
/// The status codes of statements that are not done yet.
const RUNNING: [&str; 2] = ["333333", "333334"];

/// An account as one user reaches it.
#[derive(Debug)]
pub(crate) struct Server {
    client: Client,
    /// For chunks: a refusal there is that of a store, not of Snowflake.
    store: Client,
    base: Url,
    login: Login,
    warehouse: Option<String>,
    pub(crate) role: Option<String>,
    insecure: bool,
}

impl Server {
    /// # Errors
    /// `ConfigInvalid` for settings that cannot be used.
    pub(crate) fn new(config: &Config, credentials: &Credentials, host: &Host) -> Result<Self> {
        config.validate()?;
        let (account, base): (Account, Url) = config.account(host)?;
        let login = Login::new(config, &account, credentials, host)?;
        let mut settings = Settings::new("Snowflake");
        settings.explain = error::explain;
        settings.silence = SILENCE;
        settings.limiter = Some(
            host.limiters
                .get(&format!("snowflake:{}", login.principal()), PACE),
        );
        let mut of_store = Settings::new("Snowflake's store of results");
        of_store.max_body = 256 << 20;
        Ok(Self {
            client: Client::new(host, settings)?,
            store: Client::new(host, of_store)?,
            insecure: base.scheme() == "http" || host.insecure_sources,
            base,
            login,
            warehouse: config.warehouse.clone(),
            role: config.role.clone(),
        })
    }

    /// The address, for people.
    pub(crate) fn name(&self) -> &str {
        self.base.host_str().unwrap_or_default()
    }

    fn request(&self, method: Method, path: &str) -> Request<'_> {
        let segments = path.split('/').filter(|segment| !segment.is_empty());
        let request = match method {
            Method::GET => self.client.get(&self.base, segments),
            _ => self.client.post(&self.base, segments),
        };
        // JSON is what is asked for. The server may answer Arrow all the same, and says so.
        request.header(ACCEPT, "application/json")
    }

    async fn log_in(&self, database: Option<&str>) -> Result<LoginData> {
        let database = database.map(quote::display);
        let request = self
            .request(Method::POST, "/session/v1/login-request")
            .query("requestId", &Uuid::now_v7().to_string())
            .query_if("warehouse", self.warehouse.as_deref())
            .query_if("roleName", self.role.as_deref())
            .query_if("databaseName", database.as_deref())
            .json(&self.login.body().await?)?;
        let envelope: Envelope<LoginData> = self.told(request.send().await)?.json()?;
        let data = envelope.into_data().map_err(error::of_login);
        self.told(data)
    }

    fn told<T>(&self, result: Result<T>) -> Result<T> {
        result.map_err(|error| self.login.explain(error))
    }
}

/// The run that a session works for.
#[derive(Clone, Copy)]
pub(crate) struct Watch<'a> {
    /// Its stop signal.
    pub(crate) cx: &'a Cx,
    /// Called at each sign of life.
    pub(crate) beat: &'a (dyn Fn() + Sync),
}

impl fmt::Debug for Watch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watch")
    }
}

/// A session, until [`close`](Session::close).
#[derive(Debug)]
pub(crate) struct Session<'a> {
    channel: Channel<'a>,
    /// The role that it has.
    pub(crate) role: String,
    /// The warehouse that it uses.
    pub(crate) warehouse: Option<String>,
    /// The release that answers.
    pub(crate) version: Option<String>,
}

/// The connection of a session: what downloads and statements share.
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

impl<'a> Session<'a> {
    /// Logs in, with a database as the current one.
    ///
    /// # Errors
    /// `Unauthenticated` with what to do about it.
    pub(crate) async fn open(
        server: &'a Server,
        database: Option<&'a str>,
        watch: Watch<'a>,
    ) -> Result<Self> {
        let data = watch.cx.or_stop(server.log_in(database)).await?;
        let info: SessionInfo = data.session_info.unwrap_or_default();
        let role = info.role_name.or_else(|| server.role.clone());
        let channel = Channel {
            server,
            database,
            watch,
            tokens: Mutex::new(Tokens {
                session: data.token,
                master: data.master_token,
            }),
            sequence: AtomicU64::new(1),
            spent: std::sync::Mutex::default(),
        };
        channel.spend(1, 0, Duration::ZERO);
        Ok(Self {
            channel,
            role: role.unwrap_or_default(),
            warehouse: info.warehouse_name.or_else(|| server.warehouse.clone()),
            version: data.server_version,
        })
    }

    /// The role as a statement names it.
    pub(crate) fn role_name(&self) -> String {
        match self.role.as_str() {
            "" => "the_role".to_owned(),
            role => quote::display(role),
        }
    }

    /// Runs a statement with bound texts.
    ///
    /// # Errors
    /// What Snowflake's code means.
    pub(crate) async fn query(&self, sql: &str, bound: &[&str]) -> Result<Rows> {
        self.channel.query(sql, bound).await
    }

    /// The next row of a result of this session.
    ///
    /// # Errors
    /// Those of [`Rows::next`].
    pub(crate) async fn next(&self, rows: &mut Rows) -> Result<Option<crate::row::Row>> {
        rows.next(&self.channel).await
    }

    /// What was spent since the last call.
    pub(crate) fn take_cost(&self) -> Cost {
        std::mem::take(&mut *self.channel.spent.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Ends the session at Snowflake. That it cannot be ended is no fault: it ends by itself after some hours.
    pub(crate) async fn close(&self) {
        let token = self.channel.tokens.lock().await.session.clone();
        let request = self
            .channel
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
}

impl Channel<'_> {
    async fn query(&self, sql: &str, bound: &[&str]) -> Result<Rows> {
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
                let data = self.server.log_in(self.database).await?;
                Tokens {
                    session: data.token,
                    master: data.master_token,
                }
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
