//! libpq's modes, with certificates made here.
//!
//! The peer is a real server where PostgreSQL's programs are built with TLS (those of Linux distributions
//! are, those of the PyPI wheel are not), else a front of our own before a real server without TLS.

mod certificate;
mod cut;
mod front;
mod iam;
mod server;

use crate::{
    cluster::bins,
    database::{Server, open},
};
use front::Front;
use headwater_core::{Cx, Error, ErrorKind, Result};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use serde_json::{Value, json};
use server::TlsServer;
use std::path::Path;

/// What is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lets {
    Both,
    OnlyTls,
    OnlyPlain,
}

/// What a client must prove itself by.
#[derive(Debug, Clone, Copy)]
enum Asks<'a> {
    Password,
    PasswordInClear,
    /// A certificate that this authority issued to the role, as PEM text.
    Certificate(&'a str),
}

impl Asks<'_> {
    /// `pg_hba.conf`, with `host`, `hostssl` or `hostnossl` for the kind of connection.
    fn rules(self, connection: &str) -> String {
        match self {
            Self::Password => format!("{connection} all all all scram-sha-256\n"),
            // The superuser makes the roles of the test.
            Self::PasswordInClear => {
                format!("host all postgres all scram-sha-256\n{connection} all all all password\n")
            }
            Self::Certificate(_) => format!("{connection} all all all cert\n"),
        }
    }
}

/// A certificate, its key and the authority that issued it, as PEM texts.
#[derive(Debug, Clone)]
struct Certified {
    authority: String,
    certificate: String,
    key: String,
}

/// A certificate for a name from an authority of its own.
fn issue(name: &str) -> Certified {
    issue_as(CertificateParams::new(vec![name.to_owned()]).unwrap())
}

fn issue_as(params: CertificateParams) -> Certified {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    Certified {
        authority: authority.pem(),
        certificate: params.signed_by(&key, &authority).unwrap().pem(),
        key: key.serialize_pem(),
    }
}

/// As `openssl req -x509` makes it: an authority that is used as a server's certificate.
fn self_signed(name: &str) -> Certified {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let own = params.self_signed(&key).unwrap();
    Certified {
        authority: own.pem(),
        certificate: own.pem(),
        key: key.serialize_pem(),
    }
}

enum Peer {
    Real(TlsServer),
    Front(Front),
}

impl Peer {
    /// A real server where there is one with TLS. Without a certificate it offers no TLS.
    fn start(certified: Option<&Certified>, lets: Lets) -> Self {
        let real = |bin: &Path| TlsServer::start(bin, certified, lets, Asks::Password);
        match bins().iter().find_map(|bin| real(bin)) {
            Some(server) => Self::Real(server),
            None => Self::front(certified, lets),
        }
    }

    fn front(certified: Option<&Certified>, lets: Lets) -> Self {
        Self::Front(Front::start(&bins()[0], certified, lets, Asks::Password))
    }

    /// One of each version, which lets in over TLS only.
    fn each(certified: &Certified, asks: Asks<'_>) -> Vec<Self> {
        let of = |bin: &Path| match TlsServer::start(bin, Some(certified), Lets::OnlyTls, asks) {
            Some(server) => Self::Real(server),
            None => Self::Front(Front::start(bin, Some(certified), Lets::OnlyTls, asks)),
        };
        bins().iter().map(|bin| of(bin)).collect()
    }

    fn port(&self) -> u16 {
        match self {
            Self::Real(server) => server.port(),
            Self::Front(front) => front.port,
        }
    }

    /// The server, or that behind the front, as its superuser.
    fn admin(&self) -> Server {
        match self {
            Self::Real(server) => server.admin(),
            Self::Front(front) => front.server.clone(),
        }
    }

    fn last_was_encrypted(&self) -> bool {
        match self {
            Self::Real(server) => server.last_was_encrypted(),
            Self::Front(front) => front.last_was_encrypted(),
        }
    }

    /// Whether a login with these settings was encrypted.
    async fn check(&self, change: Value) -> Result<bool> {
        self.check_as(change, self.admin().credentials()).await
    }

    async fn check_as(&self, change: Value, credentials: Value) -> Result<bool> {
        let mut config = json!({"host": "127.0.0.1", "port": self.port(), "database": "postgres"});
        for (key, value) in change.as_object().unwrap() {
            config[key] = value.clone();
        }
        open(config, credentials)?.connector.check(&Cx::default()).await?;
        Ok(self.last_was_encrypted())
    }
}

fn pointer(result: Result<bool>) -> String {
    let error: Error = result.expect_err("a refused certificate");
    assert_eq!(error.kind(), ErrorKind::ConfigInvalid, "{error:?}");
    error.fields()[0].pointer.clone()
}

#[tokio::test]
async fn each_mode_means_what_libpq_means() {
    let trusted = issue("127.0.0.1");
    let server = Peer::start(Some(&trusted), Lets::Both);
    let authority = trusted.authority.as_str();
    for (change, encrypted) in [
        (json!({"sslmode": "disable"}), false),
        (json!({"sslmode": "allow"}), false),
        (json!({"sslmode": "prefer"}), true),
        (json!({"sslmode": "require"}), true),
        (json!({"sslmode": "require", "sslrootcert": authority}), true),
        (json!({"sslmode": "verify-ca", "sslrootcert": authority}), true),
        (json!({"sslmode": "verify-full", "sslrootcert": authority}), true),
        (json!({}), true),
    ] {
        let found = server.check(change.clone()).await;
        assert_eq!(
            found.unwrap_or_else(|error| panic!("{change}: {error:?}")),
            encrypted,
            "{change}"
        );
    }
    for sslmode in ["verify-ca", "verify-full"] {
        let unknown = server.check(json!({"sslmode": sslmode})).await;
        assert_eq!(pointer(unknown), "/config/sslrootcert", "not a public authority");
    }
    let other = issue("127.0.0.1");
    for sslmode in ["require", "verify-ca", "verify-full"] {
        let unknown = server
            .check(json!({"sslmode": sslmode, "sslrootcert": other.authority}))
            .await;
        assert_eq!(pointer(unknown), "/config/sslrootcert");
    }
    // Another authority than that of sslrootcert ends an encrypted attempt; prefer then goes on without.
    let fallen_back = server
        .check(json!({"sslmode": "prefer", "sslrootcert": other.authority}))
        .await;
    assert!(!fallen_back.unwrap());
    let broken = server.check(json!({"sslrootcert": "not PEM"})).await;
    assert_eq!(pointer(broken), "/config/sslrootcert");
}

#[tokio::test]
async fn a_wrong_name_matters_to_verify_full_only() {
    let elsewhere = issue("elsewhere.example.com");
    let server = Peer::start(Some(&elsewhere), Lets::Both);
    let with = |sslmode: &str| json!({"sslmode": sslmode, "sslrootcert": elsewhere.authority});
    assert!(server.check(with("verify-ca")).await.unwrap());
    assert_eq!(pointer(server.check(with("verify-full")).await), "/config/host");
}

#[tokio::test]
async fn an_expired_certificate_passes_only_where_none_is_checked() {
    let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    params.not_before = date_time_ymd(2001, 1, 1);
    params.not_after = date_time_ymd(2002, 1, 1);
    let expired = issue_as(params);
    let server = Peer::start(Some(&expired), Lets::Both);
    for sslmode in ["verify-ca", "verify-full"] {
        let checked = server
            .check(json!({"sslmode": sslmode, "sslrootcert": expired.authority}))
            .await;
        let error = checked.unwrap_err();
        assert!(error.to_string().contains("has expired"), "{error}");
        assert_eq!(pointer(Err(error)), "/config/sslmode");
    }
    assert!(server.check(json!({"sslmode": "require"})).await.unwrap());
}

#[tokio::test]
async fn allow_and_prefer_fall_back_to_what_the_server_lets_in() {
    let certified = issue("127.0.0.1");
    let server = Peer::start(Some(&certified), Lets::OnlyTls);
    assert!(server.check(json!({"sslmode": "allow"})).await.unwrap());
    let refused = server.check(json!({"sslmode": "disable"})).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unauthenticated);

    let server = Peer::start(Some(&certified), Lets::OnlyPlain);
    assert!(!server.check(json!({"sslmode": "prefer"})).await.unwrap());
    assert_eq!(
        server
            .check(json!({"sslmode": "require"}))
            .await
            .unwrap_err()
            .kind(),
        ErrorKind::Unauthenticated
    );

    let server = Peer::start(None, Lets::Both);
    assert!(!server.check(json!({"sslmode": "prefer"})).await.unwrap());
    assert_eq!(
        pointer(server.check(json!({"sslmode": "require"})).await),
        "/config/sslmode"
    );
}

#[tokio::test]
async fn a_self_signed_certificate_is_its_own_authority() {
    let own = self_signed("127.0.0.1");
    let server = Peer::start(Some(&own), Lets::Both);
    for sslmode in ["verify-ca", "verify-full"] {
        let config = json!({"sslmode": sslmode, "sslrootcert": own.authority});
        assert!(server.check(config).await.unwrap(), "{sslmode}");
    }
}

#[tokio::test]
async fn a_unix_socket_is_never_encrypted() {
    let certified = issue("127.0.0.1");
    let Peer::Front(front) = Peer::front(Some(&certified), Lets::Both) else {
        unreachable!()
    };
    let dir = tempfile::tempdir().unwrap();
    front.listen_at(&dir.path().join(format!(".s.PGSQL.{}", front.port)));
    let peer = Peer::Front(front);
    let socket = json!({"host": dir.path(), "sslmode": "verify-full", "sslrootcert": certified.authority});
    assert!(!peer.check(socket).await.unwrap());
}

#[tokio::test]
async fn the_front_does_as_a_server_does() {
    let certified = issue("127.0.0.1");
    for (lets, sslmode, encrypted) in [
        (Lets::Both, "verify-full", Some(true)),
        (Lets::OnlyTls, "allow", Some(true)),
        (Lets::OnlyTls, "disable", None),
        (Lets::OnlyPlain, "prefer", Some(false)),
    ] {
        let peer = Peer::front(Some(&certified), lets);
        let config = json!({"sslmode": sslmode, "sslrootcert": certified.authority});
        assert_eq!(peer.check(config).await.ok(), encrypted, "{lets:?} {sslmode}");
    }
}
