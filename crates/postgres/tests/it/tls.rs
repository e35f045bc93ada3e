//! libpq's modes against a server of our own that speaks TLS, with certificates made here.

use crate::database::open;
use headwater_core::{Cx, Error, ErrorKind, Result};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::{Value, json};
use std::{
    env, fs,
    net::TcpListener,
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

/// A throw-away server, ended with this value.
struct TlsServer {
    dir: TempDir,
    port: u16,
    authority: String,
}

/// What pg_hba.conf lets in over TCP.
#[derive(Clone, Copy, PartialEq)]
enum Lets {
    Both,
    OnlyTls,
    OnlyPlain,
}

fn bin(program: &str) -> PathBuf {
    let dir = env::var("HEADWATER_TEST_PG_BIN")
        .expect("HEADWATER_TEST_PG_BIN is not set: run cargo xtask test, which finds PostgreSQL's programs");
    PathBuf::from(dir).join(program)
}

/// PostgreSQL refuses to run as root: then as this user.
fn unprivileged(dir: &Path) -> Option<u32> {
    let root = fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    root.then(|| {
        let nobody = 65534;
        chown(dir, Some(nobody), Some(nobody)).unwrap();
        nobody
    })
}

fn run(dir: &Path, program: &str, arguments: &[&str]) {
    let mut command = match unprivileged(dir) {
        Some(user) => {
            let mut command = Command::new("setpriv");
            command.args([
                format!("--reuid={user}"),
                format!("--regid={user}"),
                "--clear-groups".into(),
            ]);
            command.arg(bin(program));
            command
        }
        None => Command::new(bin(program)),
    };
    let output = command
        .current_dir(dir)
        .args(arguments)
        .output()
        .expect("PostgreSQL's programs run");
    assert!(
        output.status.success(),
        "{program}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

impl TlsServer {
    /// `name` is what the certificate names; `None` is a server without TLS.
    fn start(name: Option<&str>, lets: Lets) -> Self {
        match name.map(issue) {
            Some((authority, certificate, key)) => {
                Self::start_with(lets, authority, Some((certificate, key)))
            }
            None => Self::start_with(lets, String::new(), None),
        }
    }

    fn start_with(lets: Lets, authority: String, certified: Option<(String, String)>) -> Self {
        let dir = TempDir::new().unwrap();
        let path = dir.path().to_owned();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(path.join("pw"), "pw").unwrap();
        let initdb = [
            "-D",
            "data",
            "-U",
            "postgres",
            "-A",
            "scram-sha-256",
            "--pwfile=pw",
            "--no-sync",
        ];
        run(&path, "initdb", &initdb);
        let line = match lets {
            Lets::Both => "host",
            Lets::OnlyTls => "hostssl",
            Lets::OnlyPlain => "hostnossl",
        };
        fs::write(
            path.join("data/pg_hba.conf"),
            format!("{line} all all all scram-sha-256\n"),
        )
        .unwrap();
        let tls = match certified {
            Some((certificate, key)) => {
                write_key(&path.join("data"), &certificate, &key);
                "-c ssl=on"
            }
            None => "",
        };
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let options = format!(
            "-p {port} -c log_connections=on -c listen_addresses=127.0.0.1 -k {} -c fsync=off {tls}",
            path.display()
        );
        run(
            &path,
            "pg_ctl",
            &["-D", "data", "-l", "log", "-o", &options, "-w", "start"],
        );
        Self { dir, port, authority }
    }

    async fn check(&self, change: Value) -> Result<bool> {
        let mut config = json!({"host": "127.0.0.1", "port": self.port, "database": "postgres"});
        for (key, value) in change.as_object().unwrap() {
            config[key] = value.clone();
        }
        let opened = open(config, json!({"username": "postgres", "password": "pw"}))?;
        opened.connector.check(&Cx::default()).await?;
        // The log tells whether it was encrypted.
        let log = fs::read_to_string(self.dir.path().join("log")).unwrap();
        let mut logins = log.lines().filter(|line| line.contains("connection authorized"));
        Ok(logins
            .next_back()
            .is_some_and(|line| line.contains("SSL enabled")))
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        run(
            self.dir.path(),
            "pg_ctl",
            &["-D", "data", "-m", "immediate", "stop"],
        );
    }
}

/// The PEM texts of an authority, and of a certificate that it issued with its key.
fn issue(name: &str) -> (String, String, String) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec![name.to_owned()])
        .unwrap()
        .signed_by(&key, &authority)
        .unwrap();
    (authority.pem(), certificate.pem(), key.serialize_pem())
}

fn write_key(data: &Path, certificate: &str, key: &str) {
    fs::write(data.join("server.crt"), certificate).unwrap();
    fs::write(data.join("server.key"), key).unwrap();
    fs::set_permissions(data.join("server.key"), fs::Permissions::from_mode(0o600)).unwrap();
    let owner = fs::metadata(data)
        .map(|data| std::os::unix::fs::MetadataExt::uid(&data))
        .unwrap();
    chown(data.join("server.key"), Some(owner), None).unwrap();
}

fn pointer(result: Result<bool>) -> String {
    let error: Error = result.expect_err("a refused certificate");
    assert_eq!(error.kind(), ErrorKind::ConfigInvalid, "{error:?}");
    error.fields()[0].pointer.clone()
}

#[tokio::test]
async fn each_mode_means_what_libpq_means() {
    let server = TlsServer::start(Some("127.0.0.1"), Lets::Both);
    let authority = server.authority.as_str();
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
    let other = TlsServer::start(Some("127.0.0.1"), Lets::Both);
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
    let server = TlsServer::start(Some("elsewhere.example.com"), Lets::Both);
    let with = |sslmode: &str| json!({"sslmode": sslmode, "sslrootcert": server.authority});
    assert!(server.check(with("verify-ca")).await.unwrap());
    assert_eq!(pointer(server.check(with("verify-full")).await), "/config/host");
}

#[tokio::test]
async fn allow_and_prefer_fall_back_to_what_the_server_lets_in() {
    let server = TlsServer::start(Some("127.0.0.1"), Lets::OnlyTls);
    assert!(server.check(json!({"sslmode": "allow"})).await.unwrap());
    let refused = server.check(json!({"sslmode": "disable"})).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unauthenticated);

    let server = TlsServer::start(Some("127.0.0.1"), Lets::OnlyPlain);
    assert!(!server.check(json!({"sslmode": "prefer"})).await.unwrap());
    assert_eq!(
        server
            .check(json!({"sslmode": "require"}))
            .await
            .unwrap_err()
            .kind(),
        ErrorKind::Unauthenticated
    );

    let server = TlsServer::start(None, Lets::Both);
    assert!(!server.check(json!({"sslmode": "prefer"})).await.unwrap());
    assert_eq!(
        pointer(server.check(json!({"sslmode": "require"})).await),
        "/config/sslmode"
    );
}

#[tokio::test]
async fn a_self_signed_certificate_is_its_own_authority() {
    // As `openssl req -x509` makes it: an authority that is used as a server's certificate.
    let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let own = params.self_signed(&key).unwrap();
    let server = TlsServer::start_with(Lets::Both, own.pem(), Some((own.pem(), key.serialize_pem())));
    for sslmode in ["verify-ca", "verify-full"] {
        let config = json!({"sslmode": sslmode, "sslrootcert": server.authority});
        assert!(server.check(config).await.unwrap(), "{sslmode}");
    }
}

#[tokio::test]
async fn a_unix_socket_is_never_encrypted() {
    let server = TlsServer::start(Some("127.0.0.1"), Lets::Both);
    let hba = server.dir.path().join("data/pg_hba.conf");
    fs::write(&hba, "local all all scram-sha-256\n").unwrap();
    run(server.dir.path(), "pg_ctl", &["-D", "data", "reload"]);
    let socket = server.dir.path().display().to_string();
    assert!(
        !server
            .check(json!({"host": socket, "sslmode": "verify-full"}))
            .await
            .unwrap()
    );
}
