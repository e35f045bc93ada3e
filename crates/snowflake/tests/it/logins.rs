//! Logins: every way to prove who it is, refusals, sessions that end.

use crate::{
    fake::{Catalog, Fake, credentials},
    support::{open, run},
};
use headwater_core::{Cx, Error, ErrorKind};
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::body_string_contains};

const KEY: &str = include_str!("../../src/key/keys/pkcs8.pem");
const ENCRYPTED: &str = include_str!("../../src/key/keys/encrypted_des3.pem");

async fn check(fake: &Fake, credentials: Value) -> Result<String, Error> {
    let opened = open(fake.config(), credentials)?;
    Ok(opened.connector.check(&Cx::default()).await?.message)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_to_log_in() {
    let fake = Fake::start(Catalog::shop()).await;
    let provider = MockServer::start().await;
    Mock::given(body_string_contains("client_secret=the-client-secret"))
        .and(body_string_contains("scope=session%3Arole%3AREADER"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"access_token": "the-oauth-token"})))
        .mount(&provider)
        .await;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "the-oidc-token\n").unwrap();
    for credentials in [
        json!({"username": "reader", "private_key": KEY}),
        json!({"username": "reader", "private_key": ENCRYPTED, "passphrase": "open-sesame"}),
        json!({"username": "reader", "token": "the-pat-token"}),
        json!({"auth_type": "oauth", "token": "the-oauth-token"}),
        json!({"token_url": format!("{}/token", provider.uri()), "client_id": "c", "client_secret": "the-client-secret",
               "scope": "session:role:READER"}),
        json!({"auth_type": "workload_identity", "token": "the-oidc-token"}),
        json!({"token_file": file.path()}),
        credentials(),
    ] {
        let message = check(&fake, credentials.clone()).await;
        let message = message.unwrap_or_else(|error| panic!("{credentials}: {error}"));
        assert!(
            message.starts_with("Snowflake 9.31.0 at 127.0.0.1, account ACCT"),
            "{message}"
        );
        assert!(message.ends_with("role READER, warehouse WH"), "{message}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_says_what_to_do() {
    let fake = Fake::start(Catalog::shop()).await;
    for (credentials, remedy) in [
        (json!({"username": "other", "private_key": KEY}), "RSA_PUBLIC_KEY"),
        (
            json!({"username": "reader", "token": "hunter2-pat"}),
            "programmatic access token",
        ),
        (
            json!({"auth_type": "oauth", "token": "hunter2-oauth"}),
            "OAuth token",
        ),
        (
            json!({"username": "reader", "password": "hunter2-password"}),
            "ALTER USER the_user SET RSA_PUBLIC_KEY",
        ),
    ] {
        let error = check(&fake, credentials).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
        assert!(error.to_string().contains(remedy), "{error}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
    let pat = json!({"username": "reader", "token": "the-pat-token"});
    let unauthenticated = ErrorKind::Unauthenticated;
    for (credentials, code, kind, remedy) in [
        (&pat, "250001", unauthenticated, "credentials"),
        (&pat, "390101", unauthenticated, "SET DISABLED = FALSE"),
        (
            &pat,
            "390422",
            unauthenticated,
            "allow the address of this machine",
        ),
        (
            &pat,
            "390432",
            unauthenticated,
            "ALTER USER the_user SET NETWORK_POLICY",
        ),
        (&pat, "390202", unauthenticated, "AUTHENTICATION_METHODS"),
        (
            &pat,
            "390189",
            ErrorKind::PermissionDenied,
            "the role that it is restricted to",
        ),
        (
            &credentials(),
            "390189",
            ErrorKind::PermissionDenied,
            "GRANT ROLE",
        ),
        (
            &credentials(),
            "394509",
            unauthenticated,
            "ALTER USER the_user SET RSA_PUBLIC_KEY",
        ),
    ] {
        fake.lock().knobs.login_refused = Some(code);
        let error = check(&fake, credentials.clone()).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(remedy), "{error}");
        assert!(error.to_string().contains(&format!("[code={code}]")), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_ends_in_the_middle_is_prolonged() {
    let fake = Fake::with(Catalog::shop(), |knobs| knobs.requests_of_a_token = Some(2)).await;
    let run = run(fake.config(), credentials()).await;
    assert!(run.is_complete(), "{:?} {:?}", run.failed, run.ended);
    assert_eq!(run.assets.len(), 9);
    let state = fake.lock();
    assert!(state.renewals > 2, "{}", state.renewals);
    assert_eq!(state.logins.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_account_answers_is_told_with_its_address() {
    let fake = Fake::start(Catalog::shop()).await;
    for status in [403, 404] {
        fake.lock().knobs.statuses = vec![status];
        let error = check(&fake, credentials()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        assert!(
            error.to_string().contains("check account") && error.to_string().contains("[host=127.0.0.1]"),
            "{error}"
        );
    }
    let closed = json!({"account": "myorg-acct", "host": "http://127.0.0.1:1", "database": "SHOP"});
    let opened = open(closed, credentials()).unwrap();
    let error = opened.connector.check(&Cx::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(error.to_string().contains("[host=127.0.0.1]"), "{error}");
}

/// The token ends while a statement runs that takes longer than it lives: what is asked for again is the statement's
/// result, and the statement itself runs once.
#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_outlives_the_token_is_asked_for_to_its_end() {
    let fake = Fake::with(Catalog::shop(), |knobs| {
        knobs.slow = Some(("INFORMATION_SCHEMA.COLUMNS", 7));
        knobs.requests_of_a_token = Some(3);
    })
    .await;
    let run = run(fake.config(), credentials()).await;
    assert!(run.is_complete(), "{:?} {:?}", run.failed, run.ended);
    assert_eq!(run.assets.len(), 9);
    let state = fake.lock();
    let asked = state
        .statements
        .iter()
        .filter(|sql| sql.contains("INFORMATION_SCHEMA.COLUMNS"))
        .count();
    assert_eq!((asked, state.polls, state.logins.len()), (1, 7, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_cannot_be_prolonged_is_begun_anew() {
    let fake = Fake::with(Catalog::shop(), |knobs| {
        knobs.requests_of_a_token = Some(2);
        knobs.renewable = false;
    })
    .await;
    let run = run(fake.config(), credentials()).await;
    assert!(run.is_complete(), "{:?} {:?}", run.failed, run.ended);
    assert!(fake.lock().logins.len() > 3);
}

#[test]
fn a_password_is_taken_with_a_warning() {
    let config = json!({"account": "myorg-acct", "database": "SHOP"});
    let codes = |credentials| -> Vec<String> {
        let opened = open(config.clone(), credentials).unwrap();
        opened.warnings.into_iter().map(|warning| warning.code).collect()
    };
    assert_eq!(
        codes(json!({"username": "u", "password": "p"})),
        ["password_sign_in_ended"]
    );
    assert!(codes(json!({"username": "u", "private_key": KEY})).is_empty());
}

#[test]
fn local_files_and_plain_http_need_leave() {
    use headwater_core::{Connect, Host, Registry};
    let mut registry = Registry::default();
    registry.register::<headwater_snowflake::Snowflake>();
    let open = |config: Value, credentials: Value| {
        let kind = registry.get(headwater_snowflake::Snowflake::KIND).unwrap();
        kind.open(config, credentials, &Host::default())
            .unwrap_err()
            .fields()[0]
            .pointer
            .clone()
    };
    let config = json!({"account": "myorg-acct", "database": "SHOP"});
    assert_eq!(
        open(config.clone(), json!({"token_file": "/run/token"})),
        "/credentials/token_file"
    );
    let client = json!({"token_url": "http://idp.example.com/t", "client_id": "c", "client_secret": "s"});
    assert_eq!(open(config.clone(), client), "/credentials/token_url");
    let mut plain = config;
    plain["host"] = "http://proxy.example.com".into();
    assert_eq!(
        open(plain, json!({"username": "u", "password": "p"})),
        "/config/host"
    );
}
