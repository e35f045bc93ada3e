//! Logins with a token of AWS IAM, as RDS takes it: as a password, over TLS.

use super::{Asks, Peer, issue};
use async_trait::async_trait;
use headwater_core::{
    Clock, Connect, Cx, Dial, DirectDial, Endpoint, ErrorKind, Host, Opened, Registry, Result, Stream,
};
use headwater_postgres::Postgres;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

const HOST: &str = "shop.c1a2b3.eu-central-1.rds.amazonaws.com";

/// What botocore 1.44.8 makes for this host, port 5432 and role `headwater` with the key below at
/// 2026-03-01T12:30:45Z: `generate_db_auth_token` of an RDS client in eu-central-1, with
/// `botocore.auth.get_current_datetime` replaced.
const TOKEN: &str = "shop.c1a2b3.eu-central-1.rds.amazonaws.com:5432/?Action=connect&DBUser=headwater\
    &X-Amz-Algorithm=AWS4-HMAC-SHA256\
    &X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20260301%2Feu-central-1%2Frds-db%2Faws4_request\
    &X-Amz-Date=20260301T123045Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host\
    &X-Amz-Signature=277314032f5f22f3c1af1c13aea3c7206a47c7b1fef7736fba370c9e9e05d9fd";
const MADE_AT: i64 = 1_772_368_245;

/// Resolves every name to one server, and shows a time that the test sets.
struct Lent {
    port: u16,
    now: Mutex<i64>,
}

#[async_trait]
impl Dial for Lent {
    async fn connect(&self, _: &Endpoint) -> Result<Box<dyn Stream>> {
        let endpoint = Endpoint::Tcp {
            host: "127.0.0.1".into(),
            port: self.port,
        };
        DirectDial.connect(&endpoint).await
    }
}

impl Clock for Lent {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(*self.now.lock().unwrap()).unwrap()
    }
}

fn open(change: Value, lent: &Arc<Lent>) -> Result<Opened> {
    let mut config = json!({"host": HOST, "database": "postgres", "sslmode": "verify-full"});
    for (key, value) in change.as_object().unwrap() {
        config[key] = value.clone();
    }
    let credentials = json!({
        "username": "headwater",
        "access_key_id": "AKIAIOSFODNN7EXAMPLE",
        "secret_access_key": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    });
    let mut host = Host::default();
    host.dial = lent.clone();
    host.clock = lent.clone();
    let mut registry = Registry::default();
    registry.register::<Postgres>();
    registry.get(Postgres::KIND)?.open(config, credentials, &host)
}

#[tokio::test]
async fn the_token_of_the_moment_lets_the_role_in() {
    let certified = issue(HOST);
    for peer in Peer::each(&certified, Asks::PasswordInClear) {
        let admin = peer.admin().client("postgres").await;
        let role = format!("CREATE ROLE headwater LOGIN PASSWORD '{TOKEN}'");
        admin.batch_execute(&role).await.unwrap();
        let lent = Arc::new(Lent {
            port: peer.port(),
            now: Mutex::new(MADE_AT),
        });
        let opened = open(json!({"sslrootcert": certified.authority}), &lent).unwrap();
        opened.connector.check(&Cx::default()).await.unwrap();
        assert!(peer.last_was_encrypted());

        // Each connection gets a token of its own: one second later it is another, which is no password here.
        *lent.now.lock().unwrap() += 1;
        let error = opened.connector.check(&Cx::default()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error:?}");
        assert_eq!(error.grant(), Some(r#"GRANT rds_iam TO "headwater""#));
        assert!(!format!("{error:?}").contains("X-Amz"), "{error:?}");
    }
}

#[tokio::test]
async fn a_token_is_never_sent_in_the_clear() {
    let lent = Arc::new(Lent {
        port: 1,
        now: Mutex::new(MADE_AT),
    });
    for sslmode in ["disable", "allow", "prefer"] {
        let error = open(json!({"sslmode": sslmode}), &lent).unwrap_err();
        assert_eq!(error.fields()[0].pointer, "/config/sslmode", "{sslmode}");
    }
    for sslmode in ["require", "verify-ca", "verify-full"] {
        open(json!({"sslmode": sslmode}), &lent).unwrap();
    }
    let nowhere = open(json!({"host": "db.example.com"}), &lent).unwrap_err();
    assert_eq!(nowhere.fields()[0].pointer, "/config/region");
    open(json!({"host": "db.example.com", "region": "eu-west-1"}), &lent).unwrap();
}

#[test]
fn a_key_of_the_wrong_name_or_place_is_told() {
    let config = json!({"host": HOST, "database": "shop"});
    let refused = |config: Value, credentials: Value| {
        let error = crate::database::open(config, credentials).unwrap_err();
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        let field = &error.fields()[0];
        (field.pointer.clone(), field.detail.clone())
    };
    let (at, says) = refused(
        config.clone(),
        json!({"username": "headwater", "access_key": "AKIA", "secret_access_key": "hunter2"}),
    );
    assert_eq!(at, "/credentials/access_key");
    assert!(says.contains("did you mean access_key_id?"), "{says}");
    let (at, says) = refused(
        config.clone(),
        json!({"username": "headwater", "auth_type": "iam"}),
    );
    assert_eq!(at, "/credentials/auth_type");
    assert_eq!(says, "expected one of password, aws_iam");
    let mut misplaced = config;
    misplaced["secret_access_key"] = json!("hunter2");
    let (at, says) = refused(misplaced, json!({"username": "headwater"}));
    assert_eq!(at, "/credentials/secret_access_key");
    assert!(says.contains("belongs in credentials"), "{says}");
}
