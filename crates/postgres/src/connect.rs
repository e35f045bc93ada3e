//! Opens connections: the host's dial, libpq's order of encrypted and plain attempts, the login.

use crate::{
    config::{Config, SslMode},
    credentials::{Credentials, Proof},
    error,
    iam::Tokens,
    identity::Identity,
    tls::{self, Check},
};
use headwater_core::{Clock, Dial, Endpoint, Error, ErrorKind, Host, Result, Secret, Stream};
use std::{
    fmt, io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::{Duration, SystemTime},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::oneshot,
    task::AbortHandle,
    time::timeout,
};
use tokio_postgres::{CancelToken, Client, config::SslMode as Wire, tls::MakeTlsConnect};
use tokio_postgres_rustls::MakeRustlsConnect;

/// A connection that is logged in.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) client: Client,
    /// What moves its bytes. It ends with the client, unless the client waits for an answer.
    pub(crate) task: AbortHandle,
    /// Why the server ended it while nothing was awaited.
    pub(crate) last_words: oneshot::Receiver<Error>,
}

/// One server and one role.
pub(crate) struct Server {
    pub(crate) endpoint: Endpoint,
    pub(crate) role: String,
    login: Login,
    attempts: &'static [Wire],
    tls: MakeRustlsConnect,
    connect_timeout: Duration,
    dial: Arc<dyn Dial>,
    clock: Arc<dyn Clock>,
}

/// What the server is told when it asks for a password.
enum Login {
    Password(Option<Secret>),
    Tokens(Tokens),
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

impl Server {
    pub(crate) fn new(config: &Config, credentials: Credentials, host: &Host) -> Result<Self> {
        if credentials.username.is_empty() {
            return Err(Error::invalid_field("/credentials/username", "must not be empty"));
        }
        let endpoint = config.endpoint(host)?;
        let mode = config.sslmode(&endpoint);
        let rootcert = config.sslrootcert.as_deref();
        let identity = identity(&credentials, mode)?;
        let check = check(mode, rootcert.is_some());
        Ok(Self {
            login: login(config, &credentials, &endpoint, mode)?,
            attempts: attempts(mode, &endpoint),
            tls: MakeRustlsConnect::new(tls::client(check, rootcert, identity, host)?),
            endpoint,
            role: credentials.username,
            connect_timeout: config.connect_timeout(),
            dial: host.dial.clone(),
            clock: host.clock.clone(),
        })
    }

    /// Logs in to a database.
    pub(crate) async fn connect(&self, database: &str) -> Result<Connection> {
        let mut attempts = self.attempts.iter().peekable();
        loop {
            let Some(wire) = attempts.next() else {
                return Err(Error::new(
                    ErrorKind::Unexpected,
                    "no way to connect is configured",
                ));
            };
            match timeout(self.connect_timeout, self.attempt(*wire, database)).await {
                Ok(Ok(connection)) => return Ok(connection),
                Ok(Err(Refused::Here(failure)))
                    if attempts.peek().is_some() && may_try_the_other(*wire, &failure) => {}
                Ok(Err(Refused::Here(failure))) => return Err(self.refused(failure, database)),
                Ok(Err(Refused::Host(failure))) => return Err(failure),
                Err(_elapsed) => return Err(self.silent()),
            }
        }
    }

    async fn attempt(&self, wire: Wire, database: &str) -> Result<Connection, Refused> {
        let stream = self.dial.connect(&self.endpoint).await.map_err(Refused::Host)?;
        let mut config = tokio_postgres::Config::new();
        config
            .user(&self.role)
            .dbname(database)
            .application_name("headwater")
            .ssl_mode(wire);
        if let Some(password) = self.password().map_err(Refused::Host)? {
            config.password(password.expose());
        }
        let (client, connection) = Box::pin(config.connect_raw(Socket::new(stream), self.tls()))
            .await
            .map_err(Refused::Here)?;
        let (tell, last_words) = oneshot::channel();
        // It ends with the client. What goes wrong on it, the client's calls return, but for what the server
        // says between them.
        let task = tokio::spawn(async move {
            if let Err(error) = connection.await
                && error.as_db_error().is_some()
            {
                let _unheard = tell.send(error::of_statement(error));
            }
        });
        Ok(Connection {
            client,
            task: task.abort_handle(),
            last_words,
        })
    }

    fn password(&self) -> Result<Option<Secret>> {
        match &self.login {
            Login::Password(password) => Ok(password.clone()),
            Login::Tokens(tokens) => {
                let now = SystemTime::try_from(self.clock.now()).map_err(|error| {
                    Error::new(ErrorKind::Unexpected, "the clock shows no usable time").with_source(error)
                })?;
                tokens.token(now).map(Some)
            }
        }
    }

    /// Asks the server to end what a connection is running. Best effort: the connection may be gone already.
    pub(crate) async fn cancel(&self, token: &CancelToken) {
        let request = async {
            let stream = self.dial.connect(&self.endpoint).await.ok()?;
            token
                .cancel_query_raw(Socket::until_closed(stream), self.tls())
                .await
                .ok()
        };
        let _late = timeout(self.connect_timeout, Box::pin(request)).await;
    }

    fn tls(&self) -> <MakeRustlsConnect as MakeTlsConnect<Socket>>::TlsConnect {
        let name = match &self.endpoint {
            Endpoint::Tcp { host, .. } => host,
            Endpoint::Unix(_) => "localhost",
        };
        match MakeTlsConnect::<Socket>::make_tls_connect(&mut self.tls.clone(), name) {
            Ok(connect) => connect,
            Err(never) => match never {},
        }
    }

    fn refused(&self, failure: tokio_postgres::Error, database: &str) -> Error {
        let error = error::of_login(failure, &self.role, database);
        match (&self.login, error.kind()) {
            (Login::Tokens(_), ErrorKind::Unauthenticated) => error::of_token(error, &self.role),
            _ => error,
        }
    }

    fn silent(&self) -> Error {
        let message = format!("{} did not answer within connect_timeout", self.endpoint);
        Error::new(ErrorKind::Unavailable, message).with_context("seconds", self.connect_timeout.as_secs())
    }
}

/// The host's stream as a type of its own: behind a bare `dyn` the compiler loses track of `'static`.
struct Socket {
    stream: Box<dyn Stream>,
    until_closed: bool,
}

impl Socket {
    fn new(stream: Box<dyn Stream>) -> Self {
        Self {
            stream,
            until_closed: false,
        }
    }

    /// Shut down, it waits until the other side has closed it, as libpq does with a cancel request:
    /// PgBouncer forgets the request of a client that is gone.
    fn until_closed(stream: Box<dyn Stream>) -> Self {
        Self {
            stream,
            until_closed: true,
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut dropped = [0; 64];
        while self.until_closed {
            let mut buffer = ReadBuf::new(&mut dropped);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer))?;
            self.until_closed = !buffer.filled().is_empty();
        }
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// A certificate is of use only where the connection may be encrypted.
fn identity(credentials: &Credentials, mode: SslMode) -> Result<Option<Identity>> {
    let Some((certificate, key)) = credentials.client_certificate()? else {
        return Ok(None);
    };
    if mode == SslMode::Disable {
        let detail =
            "the client certificate in the credentials is sent over TLS only: choose require or stricter";
        return Err(Error::invalid_field("/config/sslmode", detail));
    }
    Identity::new(certificate, key).map(Some)
}

/// A token lets anyone in who has it: it is never sent in the clear.
fn login(config: &Config, credentials: &Credentials, endpoint: &Endpoint, mode: SslMode) -> Result<Login> {
    let key = match credentials.proof()? {
        Proof::Password(password) => return Ok(Login::Password(password)),
        Proof::AwsIam(key) => key,
    };
    if mode < SslMode::Require {
        let detail = "auth_type aws_iam needs an encrypted connection: choose require or stricter, best \
                      verify-full";
        return Err(Error::invalid_field("/config/sslmode", detail));
    }
    let tokens = Tokens::new(key, &credentials.username, endpoint, config.region.as_deref())?;
    Ok(Login::Tokens(tokens))
}

/// Who said no.
enum Refused {
    Host(Error),
    Here(tokio_postgres::Error),
}

/// How to try, in this order. On a unix socket libpq never encrypts.
fn attempts(mode: SslMode, endpoint: &Endpoint) -> &'static [Wire] {
    match (endpoint, mode) {
        (Endpoint::Unix(_), _) | (_, SslMode::Disable) => &[Wire::Disable],
        (_, SslMode::Allow) => &[Wire::Disable, Wire::Require],
        (_, SslMode::Prefer) => &[Wire::Prefer, Wire::Disable],
        (_, SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull) => &[Wire::Require],
    }
}

/// A wrong password is not tried a second time, on the other kind of connection or at all.
fn may_try_the_other(wire: Wire, failure: &tokio_postgres::Error) -> bool {
    error::is_refused_encryption(failure) || (wire == Wire::Prefer && error::is_tls(failure))
}

/// As in libpq, a given authority is always checked against, whatever the mode.
fn check(mode: SslMode, has_rootcert: bool) -> Check {
    match mode {
        SslMode::VerifyFull => Check::ChainAndName,
        SslMode::VerifyCa => Check::Chain,
        _ if has_rootcert => Check::Chain,
        _ => Check::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_given_authority_is_always_checked_against() {
        assert_eq!(check(SslMode::Require, false), Check::Nothing);
        assert_eq!(check(SslMode::Require, true), Check::Chain);
        assert_eq!(check(SslMode::Prefer, true), Check::Chain);
        assert_eq!(check(SslMode::VerifyCa, false), Check::Chain);
        assert_eq!(check(SslMode::VerifyFull, true), Check::ChainAndName);
    }

    #[test]
    fn nothing_is_encrypted_on_a_unix_socket() {
        let socket = Endpoint::Unix("/run/.s.PGSQL.5432".into());
        assert_eq!(attempts(SslMode::VerifyFull, &socket), [Wire::Disable]);
        let tcp = Endpoint::Tcp {
            host: "db".into(),
            port: 5432,
        };
        assert_eq!(attempts(SslMode::Require, &tcp), [Wire::Require]);
    }
}
