//! A front that speaks PostgreSQL's TLS negotiation and passes what follows on to the plain test server.

use super::{Certified, Lets};
use crate::database::Server;
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
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
    pub(super) server: Server,
    rules: Rules,
}

#[derive(Clone)]
struct Rules {
    backend: (String, u16),
    tls: Option<TlsAcceptor>,
    lets: Lets,
    encrypted: Arc<AtomicBool>,
}

impl Front {
    pub(super) fn start(certified: Option<&Certified>, lets: Lets) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let listener = TcpListener::from_std(listener).unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = Server::all().remove(0);
        let rules = Rules {
            backend: (server.host.clone(), server.port),
            tls: certified.map(acceptor),
            lets,
            encrypted: Arc::default(),
        };
        let accepting = rules.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(accepting.clone().serve(stream));
            }
        });
        Self { port, server, rules }
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

fn acceptor(certified: &Certified) -> TlsAcceptor {
    let certificate = CertificateDer::from_pem_slice(certified.certificate.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(certified.key.as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
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
        self.pass(stream, first, true).await
    }

    async fn pass(
        &self,
        mut stream: impl AsyncRead + AsyncWrite + Unpin,
        first: [u8; 8],
        encrypted: bool,
    ) -> io::Result<()> {
        let refused = if encrypted { Lets::OnlyPlain } else { Lets::OnlyTls };
        if self.lets == refused {
            // Read to the end: closing over unread bytes would reset the connection under the answer.
            let [_, _, high, low, ..] = first;
            let rest = usize::from(u16::from_be_bytes([high, low])) - first.len();
            stream.read_exact(&mut vec![0; rest]).await?;
            stream.write_all(REFUSAL).await?;
            return stream.shutdown().await;
        }
        self.encrypted.store(encrypted, Ordering::SeqCst);
        let mut backend = TcpStream::connect(self.backend.clone()).await?;
        backend.write_all(&first).await?;
        copy_bidirectional(&mut stream, &mut backend).await?;
        Ok(())
    }
}
