//! An account as one user reaches it: where it answers, and how to log in.

use crate::{
    account::Account,
    config::Config,
    credentials::Credentials,
    error,
    login::Login,
    quote,
    wire::{Envelope, LoginData},
};
use headwater_core::{Error, ErrorKind, Host, Result};
use headwater_http::{Client, Method, Request, Settings, Url, header::ACCEPT};
use std::time::Duration;
use uuid::Uuid;

/// How long a request may wait: more than the 45 s after which Snowflake answers whatever the statement does.
const SILENCE: Duration = Duration::from_secs(120);
/// The distance of requests of one user.
const PACE: Duration = Duration::from_millis(20);

/// An account as one user reaches it.
#[derive(Debug)]
pub(crate) struct Server {
    client: Client,
    /// For chunks: a refusal there is that of a store, not of Snowflake.
    pub(crate) store: Client,
    base: Url,
    login: Login,
    pub(crate) warehouse: Option<String>,
    pub(crate) role: Option<String>,
    /// Whether chunks may come over plain http.
    pub(crate) insecure: bool,
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

    /// A request to the account, without a token.
    pub(crate) fn request(&self, method: Method, path: &str) -> Request<'_> {
        let segments = path.split('/').filter(|segment| !segment.is_empty());
        let request = match method {
            Method::GET => self.client.get(&self.base, segments),
            _ => self.client.post(&self.base, segments),
        };
        // JSON is what is asked for. The server may answer Arrow all the same, and says so.
        request.header(ACCEPT, "application/json")
    }

    /// Begins a session, with a database as the current one.
    ///
    /// # Errors
    /// `Unauthenticated` with what to do about it, `NotFound` where no account answers.
    pub(crate) async fn log_in(&self, database: Option<&str>) -> Result<LoginData> {
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
        result.map_err(|error| match error.kind() {
            // A host that answers so, and not in Snowflake's words, has no such account: what Snowflake's own drivers
            // make of it, https://github.com/snowflakedb/gosnowflake/blob/master/errors.go (260008).
            ErrorKind::NotFound | ErrorKind::PermissionDenied if error::code(&error).is_empty() => {
                let message = "no account answers at this address: check account, and host where it is given";
                Error::new(ErrorKind::NotFound, message)
                    .with_context("host", self.name())
                    .with_source(error)
            }
            ErrorKind::Unavailable => error.with_context("host", self.name()),
            _ => self.login.explain(error),
        })
    }
}
