//! Opens connections: the host's dial, libpq's order of encrypted and plain attempts, the login.

use crate::{
    SslMode,
    digest::{Digesting, DigestingTls, Proof},
    error,
};
use headwater_core::{Clock, Dial, Endpoint, Error, ErrorKind, Host, Result, Secret, Stream};
use rustls::ClientConfig;
use std::{
    convert::Infallible,
    fmt, io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
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
pub struct Connection {
    /// Sends statements.
    pub client: Client,
    /// What moves its bytes. It ends with the client, unless the client waits for an answer.
    pub task: AbortHandle,
    /// Why the server ended it while nothing was awaited.
    pub last_words: oneshot::Receiver<Error>,
}

/// Who logs in, and where.
#[derive(Debug, Clone, Copy)]
pub struct Login<'a> {
    /// The user or role.
    pub user: &'a str,
    /// What the server is told when it asks for a password.
    pub password: Option<&'a Secret>,
    /// The database.
    pub database: &'a str,
}

/// Who said no.
#[derive(Debug)]
pub enum Refused {
    /// The host's dial, or nobody in time.
    Host(Error),
    /// The server, or the connection to it.
    Server(tokio_postgres::Error),
}

/// How to reach one server.
pub struct Server {
    endpoint: Endpoint,
    attempts: &'static [Wire],
    tls: MakeRustlsConnect,
    connect_timeout: Duration,
    dial: Arc<dyn Dial>,
    /// For the nonce of digests, where they are answered.
    digests: Option<Arc<dyn Clock>>,
    explain: fn(tokio_postgres::Error) -> Error,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

impl Server {
    /// A server that is dialled by the host. `explain` gives what it says between two statements its kind.
    pub fn new(
        endpoint: Endpoint,
        mode: SslMode,
        tls: ClientConfig,
        connect_timeout: Duration,
        host: &Host,
        explain: fn(tokio_postgres::Error) -> Error,
    ) -> Self {
        Self {
            attempts: mode.attempts(&endpoint),
            endpoint,
            tls: MakeRustlsConnect::new(tls),
            connect_timeout,
            dial: host.dial.clone(),
            digests: None,
            explain,
        }
    }

    /// Answers requests for the digest of a password, which Redshift makes where it keeps the password as SHA-256.
    pub fn answering_digests(self, host: &Host) -> Self {
        Self {
            digests: Some(host.clock.clone()),
            ..self
        }
    }

    /// Where it is.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Logs in to a database.
    ///
    /// # Errors
    /// Who said no. A time-out is the host's.
    pub async fn connect(&self, login: Login<'_>) -> Result<Connection, Refused> {
        let mut attempts = self.attempts.iter().peekable();
        loop {
            let Some(wire) = attempts.next() else {
                let error = Error::new(ErrorKind::Unexpected, "no way to connect is configured");
                return Err(Refused::Host(error));
            };
            match timeout(self.connect_timeout, self.attempt(*wire, login)).await {
                Ok(Err(Refused::Server(failure)))
                    if attempts.peek().is_some() && may_try_the_other(*wire, &failure) => {}
                Ok(result) => return result,
                Err(_elapsed) => return Err(Refused::Host(self.silent())),
            }
        }
    }

    async fn attempt(&self, wire: Wire, login: Login<'_>) -> Result<Connection, Refused> {
        let stream = self.dial.connect(&self.endpoint).await.map_err(Refused::Host)?;
        let mut config = tokio_postgres::Config::new();
        config
            .user(login.user)
            .dbname(login.database)
            .application_name("headwater")
            .ssl_mode(wire);
        if let Some(password) = login.password {
            config.password(password.expose());
        }
        let proof = self.proof(login);
        let socket = Digesting::new(Socket::new(stream), proof.clone());
        let tls = DigestingTls {
            tls: self.tls::<Digesting<Socket>>(),
            proof,
        };
        let (client, connection) = Box::pin(config.connect_raw(socket, tls))
            .await
            .map_err(Refused::Server)?;
        let (tell, last_words) = oneshot::channel();
        let explain = self.explain;
        // It ends with the client. What goes wrong on it, the client's calls return, but for what the server
        // says between them.
        let task = tokio::spawn(async move {
            if let Err(error) = connection.await
                && error.as_db_error().is_some()
            {
                let _unheard = tell.send(explain(error));
            }
        });
        Ok(Connection {
            client,
            task: task.abort_handle(),
            last_words,
        })
    }

    fn proof(&self, login: Login<'_>) -> Option<Proof> {
        let clock = self.digests.as_ref()?;
        Some(Proof {
            password: login.password?.clone(),
            nonce: clock.now().as_millisecond().to_string(),
        })
    }

    /// Asks the server to end what a connection is running. Best effort: the connection may be gone already.
    pub async fn cancel(&self, token: &CancelToken) {
        let request = async {
            let stream = self.dial.connect(&self.endpoint).await.ok()?;
            token
                .cancel_query_raw(Socket::until_closed(stream), self.tls::<Socket>())
                .await
                .ok()
        };
        let _late = timeout(self.connect_timeout, Box::pin(request)).await;
    }

    fn tls<S>(&self) -> <MakeRustlsConnect as MakeTlsConnect<S>>::TlsConnect
    where
        MakeRustlsConnect: MakeTlsConnect<S, Error = Infallible>,
    {
        let name = match &self.endpoint {
            Endpoint::Tcp { host, .. } => host,
            Endpoint::Unix(_) => "localhost",
        };
        match MakeTlsConnect::<S>::make_tls_connect(&mut self.tls.clone(), name) {
            Ok(connect) => connect,
            Err(never) => match never {},
        }
    }

    fn silent(&self) -> Error {
        let message = format!("{} did not answer within connect_timeout", self.endpoint);
        Error::new(ErrorKind::Unavailable, message).with_context("seconds", self.connect_timeout.as_secs())
    }
}

/// A wrong password is not tried a second time, on the other kind of connection or at all.
fn may_try_the_other(wire: Wire, failure: &tokio_postgres::Error) -> bool {
    error::is_refused_encryption(failure) || (wire == Wire::Prefer && error::is_tls(failure))
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
