//! What the embedding program lends to connectors.

use crate::{Error, ErrorKind, Limiters, Result};
use async_trait::async_trait;
use jiff::Timestamp;
use socket2::{SockRef, TcpKeepalive};
use std::{
    fmt,
    path::{Path as FilePath, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

/// What one process lends to all its connectors: the way out, trust, the clock, access to files.
///
/// # Contract
/// A connector opens no socket and reads no local file of its own where a vendor's crate lets it choose:
/// it asks the host, so that egress rules, private certificate authorities and file rules hold for all.
/// The default host dials directly, trusts the public roots, uses the system's clock, lends no files and no
/// credentials of the machine, and speaks plain http to loopback addresses only.
#[derive(Clone)]
#[non_exhaustive]
pub struct Host {
    /// Opens connections.
    pub dial: Arc<dyn Dial>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Certificate authorities to trust beside the public ones, as PEM texts.
    pub extra_roots: Vec<String>,
    /// Which local files and sockets a config may name.
    pub local_files: LocalFiles,
    /// Whether a config may name plain http, and addresses of its own for tokens, beyond the loopback addresses.
    pub insecure_sources: bool,
    /// Whether credentials may be those that this machine has: variables, files of its user, the role of an instance.
    /// Settings that arrive over a network would act with its rights.
    pub ambient_credentials: bool,
    /// How HTTP clients name themselves.
    pub user_agent: String,
    /// The paces at which sources are asked, by principal.
    pub limiters: Limiters,
}

impl Default for Host {
    fn default() -> Self {
        Self {
            dial: Arc::new(DirectDial),
            clock: Arc::new(SystemClock),
            extra_roots: Vec::new(),
            local_files: LocalFiles::Refused,
            insecure_sources: false,
            ambient_credentials: false,
            user_agent: concat!("headwater/", env!("CARGO_PKG_VERSION")).to_owned(),
            limiters: Limiters::default(),
        }
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host")
            .field("local_files", &self.local_files)
            .field("insecure_sources", &self.insecure_sources)
            .field("ambient_credentials", &self.ambient_credentials)
            .field("user_agent", &self.user_agent)
            .finish_non_exhaustive()
    }
}

/// Where to connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// A host name or address, and a port.
    Tcp {
        /// Host name or address.
        host: String,
        /// Port.
        port: u16,
    },
    /// A unix socket. The connector has asked [`LocalFiles::check`] first.
    Unix(PathBuf),
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Unix(path) => path.display().fmt(f),
        }
    }
}

/// A connection to a source.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Opens connections for connectors. The place of egress policy: it sees each name and address.
#[async_trait]
pub trait Dial: Send + Sync {
    /// Connects.
    ///
    /// # Errors
    /// `Unavailable` when nothing answers, `PermissionDenied` when a policy of the host forbids it.
    async fn connect(&self, endpoint: &Endpoint) -> Result<Box<dyn Stream>>;
}

/// Connects without a proxy or a policy, with TCP keepalive.
#[derive(Debug, Clone, Copy, Default)]
pub struct DirectDial;

#[async_trait]
impl Dial for DirectDial {
    async fn connect(&self, endpoint: &Endpoint) -> Result<Box<dyn Stream>> {
        let connected: std::io::Result<Box<dyn Stream>> = match endpoint {
            Endpoint::Tcp { host, port } => {
                connect_tcp(host, *port).await.map(|stream| Box::new(stream) as _)
            }
            #[cfg(unix)]
            Endpoint::Unix(path) => tokio::net::UnixStream::connect(path)
                .await
                .map(|stream| Box::new(stream) as _),
            #[cfg(not(unix))]
            Endpoint::Unix(_) => Err(std::io::ErrorKind::Unsupported.into()),
        };
        connected.map_err(|error| {
            let message = format!("cannot connect to {endpoint}: {}", error.kind());
            Error::new(ErrorKind::Unavailable, message).with_source(error)
        })
    }
}

/// Connects with keepalive: while a slow consumer leaves a connection idle, firewalls on its way would forget it.
async fn connect_tcp(host: &str, port: u16) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect((host, port)).await?;
    stream.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new()
        .with_time(Duration::from_secs(60))
        .with_interval(Duration::from_secs(20));
    SockRef::from(&stream).set_tcp_keepalive(&keepalive)?;
    Ok(stream)
}

/// Tells the time. Tests lend one they can set.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// Which local files, programs and sockets a connector's settings may name.
///
/// Settings that arrive over a network must not make the server read its own files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LocalFiles {
    /// None.
    Refused,
    /// Those below a directory.
    Below(PathBuf),
    /// All: the settings come from the person who runs the program.
    Allowed,
}

impl LocalFiles {
    /// Whether a setting may name this file or socket.
    ///
    /// # Errors
    /// `ConfigInvalid` at `pointer` when it may not, or leads out of the directory by `..`.
    pub fn check(&self, path: &FilePath, pointer: &str) -> Result<()> {
        let inside = |dir: &PathBuf| {
            let climbs = path
                .components()
                .any(|part| part == std::path::Component::ParentDir);
            path.starts_with(dir) && !climbs
        };
        match self {
            Self::Allowed => Ok(()),
            Self::Below(dir) if inside(dir) => Ok(()),
            _ => Err(Error::invalid_field(
                pointer,
                "names a local file or socket, which this server does not allow: \
                 start it with --allow-local-files DIR, or give the value itself",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_idle_connection_is_kept_alive() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let stream = connect_tcp("127.0.0.1", port).await.unwrap();
        assert!(SockRef::from(&stream).keepalive().unwrap());
        assert!(stream.nodelay().unwrap());
    }

    #[test]
    fn files_are_refused_unless_covered() {
        let below = LocalFiles::Below("/etc/headwater".into());
        let check = |rule: &LocalFiles, path: &str| rule.check(FilePath::new(path), "/config/host").is_ok();
        assert!(check(&below, "/etc/headwater/token"));
        assert!(!check(&below, "/etc/headwater/../shadow"));
        assert!(!check(&below, "/etc/headwater2/token"));
        assert!(!check(&LocalFiles::Refused, "/etc/headwater/token"));
        assert!(check(&LocalFiles::Allowed, "/anything"));
    }
}
