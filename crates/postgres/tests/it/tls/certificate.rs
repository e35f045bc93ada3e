//! Logins by client certificate.

use super::{Asks, Peer, issue, issue_as, pointer};
use headwater_core::{ErrorKind, Result};
use rcgen::{CertificateParams, DnType};
use serde_json::{Value, json};

/// A certificate that names a role, from an authority of its own.
fn issue_to(role: &str) -> super::Certified {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, role);
    issue_as(params)
}

fn unauthenticated(result: Result<bool>, says: &str) {
    let error = result.expect_err("no way in");
    assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error:?}");
    assert!(error.to_string().contains(says), "{error:?}");
}

#[tokio::test]
async fn a_client_certificate_lets_its_role_in_without_a_password() {
    let (server, client) = (issue("127.0.0.1"), issue_to("postgres"));
    for peer in Peer::each(&server, Asks::Certificate(&client.authority)) {
        let with = |certificate: &str, key: &str| json!({"username": "postgres", "sslcert": certificate, "sslkey": key});
        let full = json!({"sslmode": "verify-full", "sslrootcert": server.authority});
        let good = with(&client.certificate, &client.key);
        assert!(peer.check_as(full.clone(), good.clone()).await.unwrap());
        assert!(peer.check_as(json!({"sslmode": "allow"}), good).await.unwrap());

        let without = json!({"username": "postgres", "password": "pw"});
        unauthenticated(peer.check_as(full.clone(), without).await, "client certificate");
        let stranger = issue_to("postgres");
        let unknown = with(&stranger.certificate, &stranger.key);
        unauthenticated(
            peer.check_as(full, unknown).await,
            "give as sslcert one that its authority issued",
        );
    }
}

/// Settings that are refused before anything is sent.
#[tokio::test]
async fn a_client_certificate_needs_its_key_and_tls() {
    let server = issue("127.0.0.1");
    let (client, other) = (issue_to("postgres"), issue_to("postgres"));
    let peer = Peer::start(Some(&server), super::Lets::Both);
    let refused = async |config: Value, change: Value| {
        let mut credentials =
            json!({"username": "postgres", "sslcert": client.certificate, "sslkey": client.key});
        for (key, value) in change.as_object().unwrap() {
            credentials[key] = value.clone();
        }
        pointer(peer.check_as(config, credentials).await)
    };
    let require = json!({"sslmode": "require"});
    assert_eq!(
        refused(json!({"sslmode": "disable"}), json!({})).await,
        "/config/sslmode"
    );
    assert_eq!(
        refused(require.clone(), json!({"sslkey": null})).await,
        "/credentials/sslkey"
    );
    assert_eq!(
        refused(require.clone(), json!({"sslcert": null})).await,
        "/credentials/sslcert"
    );
    assert_eq!(
        refused(require, json!({"sslkey": other.key})).await,
        "/credentials/sslkey"
    );
}
