//! A front that speaks PostgreSQL's TLS negotiation and passes what follows on to the plain test server.

use super::{Asks, Certified, Lets};
use crate::{cluster::Cluster, database::Server};
use rustls::{
    RootCertStore, ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
};
use std::{
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream, UnixListener},
};
use tokio_rustls::TlsAcceptor;

const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
const REFUSAL: &[u8] = b"E\0\0\0\x24SFATAL\0VFATAL\0C28000\0Mno entry\0\0";

pub(super) struct Front {
    pub(super) port: u16,
    /// Behind it, as its superuser.
    pub(super) server: Server,
    rules: Rules,
    _own: Option<Cluster>,
}

#[derive(Clone)]
struct Rules {
    backend: (String, u16),
    tls: Option<TlsAcceptor>,
    lets: Lets,
    asks_certificate: bool,
    encrypted: Arc<AtomicBool>,
}

impl Front {
    pub(super) fn start(bin: &Path, certified: Option<&Certified>, lets: Lets, asks: Asks<'_>) -> Self {
        let own = match asks {
            Asks::Password => None,
            // The front asks for it.
            Asks::Certificate(_) => Some(Cluster::start(bin, "host all all all trust\n", "")),
            Asks::PasswordInClear => Some(Cluster::start(bin, &asks.rules("host"), "")),
        };
        let server = match &own {
            Some(own) => own.server.clone(),
            None => Server::all().remove(0),
        };
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let listener = TcpListener::from_std(listener).unwrap();
        let port = listener.local_addr().unwrap().port();
        let rules = Rules {
            backend: (server.host.clone(), server.port),
            tls: certified.map(|certified| acceptor(certified, asks)),
            lets,
            asks_certificate: matches!(asks, Asks::Certificate(_)),
            encrypted: Arc::default(),
        };
        let accepting = rules.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(accepting.clone().serve(stream));
            }
        });
        Self {
            port,
            server,
            rules,
            _own: own,
        }
    }

    /// Listens on a unix socket as well.
    pub(super) fn listen_at(&self, socket: &Path) {
        let listener = UnixListener::bind(socket).unwrap();
        let rules = self.rules.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(rules.clone().serve(stream));
            }
        });
    }

    pub(super) fn last_was_encrypted(&self) -> bool {
        self.rules.encrypted.load(Ordering::SeqCst)
    }
}

fn acceptor(certified: &Certified, asks: Asks<'_>) -> TlsAcceptor {
    let provider = Arc::new(ring::default_provider());
    let clients = match asks {
        Asks::Certificate(authority) => {
            let mut roots = RootCertStore::empty();
            roots
                .add(CertificateDer::from_pem_slice(authority.as_bytes()).unwrap())
                .unwrap();
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
                .allow_unauthenticated()
                .build()
                .unwrap()
        }
        _ => WebPkiClientVerifier::no_client_auth(),
    };
    let certificate = CertificateDer::from_pem_slice(certified.certificate.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(certified.key.as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(clients)
        .with_single_cert(vec![certificate], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

impl Rules {
    async fn serve(self, mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
        let mut first = [0; 8];
        stream.read_exact(&mut first).await?;
        if first != SSL_REQUEST {
            return self.pass(stream, first, false).await;
        }
        let Some(tls) = &self.tls else {
            stream.write_all(b"N").await?;
            stream.read_exact(&mut first).await?;
            return self.pass(stream, first, false).await;
        };
        stream.write_all(b"S").await?;
        let mut stream = tls.accept(stream).await?;
        stream.read_exact(&mut first).await?;
        match self.asks_certificate && stream.get_ref().1.peer_certificates().is_none() {
            true => refuse(stream, first).await,
            false => self.pass(stream, first, true).await,
        }
    }

    async fn pass(
        &self,
        mut stream: impl AsyncRead + AsyncWrite + Unpin,
        first: [u8; 8],
        encrypted: bool,
    ) -> io::Result<()> {
        let refused = if encrypted { Lets::OnlyPlain } else { Lets::OnlyTls };
        if self.lets == refused {
            return refuse(stream, first).await;
        }
        self.encrypted.store(encrypted, Ordering::SeqCst);
        let mut backend = TcpStream::connect(self.backend.clone()).await?;
        backend.write_all(&first).await?;
        copy_bidirectional(&mut stream, &mut backend).await?;
        Ok(())
    }
}

async fn refuse(mut stream: impl AsyncRead + AsyncWrite + Unpin, first: [u8; 8]) -> io::Result<()> {
    // Read to the end: closing over unread bytes would reset the connection under the answer.
    let [_, _, high, low, ..] = first;
    let rest = usize::from(u16::from_be_bytes([high, low])) - first.len();
    stream.read_exact(&mut vec![0; rest]).await?;
    stream.write_all(REFUSAL).await?;
    stream.shutdown().await
}
