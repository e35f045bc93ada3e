//! `verify-full` is the default, and it is meant.

use crate::{peer::Peer, reading::open};
use headwater_core::{Cx, ErrorKind};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use serde_json::json;
use std::sync::Arc;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

/// A front that speaks TLS before the wire proxy. Returns its port and the authority of its certificate.
pub(crate) async fn front(backend: u16, name: &str) -> (u16, String) {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca_key = KeyPair::generate().unwrap();
    let ca = params.self_signed(&ca_key).unwrap();
    let issuer = Issuer::new(params, ca_key);
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec![name.to_owned()])
        .unwrap()
        .signed_by(&key, &issuer)
        .unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut request = [0; 8];
                client.read_exact(&mut request).await?;
                client.write_all(b"S").await?;
                let mut client = acceptor.accept(client).await?;
                let mut server = TcpStream::connect(("127.0.0.1", backend)).await?;
                copy_bidirectional(&mut client, &mut server).await
            });
        }
    });
    (port, ca.pem())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_certificate_is_checked_unless_the_config_says_otherwise() {
    let peer = Peer::seeded().await;
    let (port, authority) = front(peer.port, "localhost").await;
    let check = async |change: serde_json::Value| {
        let mut config = json!({"host": "localhost", "port": port, "database": peer.name});
        for (key, value) in change.as_object().unwrap() {
            config[key] = value.clone();
        }
        let opened = open(config, peer.credentials()).unwrap();
        opened.connector.check(&Cx::default()).await
    };
    let error = check(json!({})).await.unwrap_err();
    assert_eq!(
        error.fields()[0].pointer,
        "/config/sslrootcert",
        "verify-full is the default: {error}"
    );
    check(json!({"sslrootcert": authority})).await.unwrap();
    let error = check(json!({"sslrootcert": authority, "host": "127.0.0.1"}))
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.fields()[0].pointer.as_str()),
        (ErrorKind::ConfigInvalid, "/config/host")
    );
    check(json!({"sslrootcert": authority, "host": "127.0.0.1", "sslmode": "verify-ca"}))
        .await
        .unwrap();
    check(json!({"sslmode": "require"})).await.unwrap();
}
