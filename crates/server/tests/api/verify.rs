//! `?verify=true`: the source is asked before anything is stored.

use crate::test_app::{Reply, TestApp};
use headwater_core::{Error, ErrorKind};
use headwater_testkit::{Call, ToySource};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::{io::AsyncReadExt, net::TcpListener, time::timeout};

const CONNECTORS: &str = "/catalog/spaces/default/connectors";
const VERIFIED: &str = "/catalog/spaces/default/connectors?verify=true";

fn body(source: &ToySource) -> Value {
    json!({
        "name": "toy", "connector_type": "toy", "config": source.config(), "credentials": source.credentials(),
    })
}

/// A connector of a PostgreSQL at a port of this machine.
fn postgres_at(port: u16) -> Value {
    json!({
        "name": "pg", "connector_type": "postgres",
        "config": {"host": "127.0.0.1", "port": port, "database": "shop", "connect_timeout": 25},
        "credentials": {"username": "reader", "password": "hunter2"},
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_source_accepts_is_stored() {
    let app = TestApp::start().await;
    let source = ToySource::shop();
    let made = app.post(VERIFIED, &body(&source)).await.expect(201);
    assert_eq!(app.get(CONNECTORS).await.expect(200)[0]["id"], made["id"]);
    let connector = format!("{CONNECTORS}/{}?verify=true", made["id"].as_str().unwrap());
    let changed = app.patch(&connector, &json!({"name": "shop"})).await.expect(200);
    assert_eq!(changed["name"], "shop");
    assert_eq!(source.calls(Call::Check), 2, "the source was asked each time");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_asked_unless_told_to() {
    let app = TestApp::start().await;
    let source = ToySource::shop();
    source.set_token("another-token");
    let mut refused = body(&source);
    refused["credentials"]["token"] = json!("wrong-token");
    for path in [CONNECTORS, "/catalog/spaces/default/connectors?verify=false"] {
        app.post(path, &refused).await.expect(201);
    }
    assert_eq!(source.calls(Call::Check), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_credentials_are_not_stored() {
    let app = TestApp::start().await;
    let source = ToySource::shop();
    let mut refused = body(&source);
    refused["credentials"]["token"] = json!("wrong-token-hunter2");
    let reply = app.post(VERIFIED, &refused).await;
    assert!(!reply.text.contains("hunter2"), "{}", reply.text);
    reply.problem(400, "source_unauthenticated");
    assert_eq!(app.get(CONNECTORS).await.expect(200), json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_of_the_settings_is_told_with_its_place_and_nobody_is_asked() {
    let app = TestApp::start().await;
    let source = ToySource::shop();
    let mut wrong = body(&source);
    wrong["config"]["hots"] = json!("db.example.com");
    let pointers = app
        .post(VERIFIED, &wrong)
        .await
        .pointers(400, "invalid_configuration");
    assert_eq!(pointers, ["/config/hots"]);
    for verify in ["maybe", "", "1", "True"] {
        let path = format!("{CONNECTORS}?verify={verify}");
        let problem = app.post(&path, &body(&source)).await;
        problem.problem(400, "invalid_parameter");
    }
    assert_eq!(source.calls(Call::Check), 0);
    assert_eq!(app.get(CONNECTORS).await.expect(200), json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_cannot_be_used_is_not_stored() {
    let app = TestApp::start().await;
    let source = ToySource::shop();
    for kind in [
        ErrorKind::Unavailable,
        ErrorKind::PermissionDenied,
        ErrorKind::NotFound,
    ] {
        source.fail(Call::Check, 1, Error::new(kind, "the line is down"));
        let reply = app.post(VERIFIED, &body(&source)).await;
        let problem = reply.problem(400, "invalid_configuration");
        assert_eq!(problem["detail"], "the line is down", "{kind}");
    }
    // A port that nobody listens on.
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let reply = app.post(VERIFIED, &postgres_at(port)).await;
    reply.problem(400, "invalid_configuration");
    assert_eq!(app.get(CONNECTORS).await.expect(200), json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_change_leaves_everything_as_it_was() {
    let app = TestApp::start().await;
    let source = ToySource::shop();
    let connector = app.create_toy(&source).await;
    let before = app.get(&connector).await.expect(200);
    let verified = format!("{connector}?verify=true");

    let refused =
        json!({"name": "new", "config": {"schema": "audit"}, "credentials": {"token": "wrong-token"}});
    app.patch(&verified, &refused)
        .await
        .problem(400, "source_unauthenticated");
    assert_eq!(app.get(&connector).await.expect(200), before);
    assert_eq!(
        app.sync(&connector).await["products_created"],
        9,
        "the old credentials, the old config"
    );

    let narrowed = json!({"config": {"schema": "audit"}});
    let changed = app.patch(&verified, &narrowed).await.expect(200);
    assert_eq!(changed["config"]["schema"], "audit");
    assert_eq!(
        source.calls(Call::Check),
        2,
        "asked with the credentials that are stored"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stored_secret_is_not_sent_elsewhere_to_verify_it() {
    let app = TestApp::start().await;
    let source = ToySource::shop();
    let connector = app.create_toy(&source).await;
    let elsewhere = json!({"config": {"host": "evil.example.com"}});
    app.patch(&format!("{connector}?verify=true"), &elsewhere)
        .await
        .problem(400, "credentials_required");
    assert_eq!(source.calls(Call::Check), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_in_the_meantime_is_a_conflict() {
    let app = TestApp::start().await;
    let source = ToySource::shop();
    let connector = app.create_toy(&source).await;
    let gate = source.hold(Call::Check);
    let first = app.request(Method::PATCH, &format!("{connector}?verify=true"));
    let first = tokio::spawn(Reply::of(first.json(&json!({"config": {"schema": "audit"}}))));
    gate.reached().await;
    app.patch(&connector, &json!({"name": "second"}))
        .await
        .expect(200);
    gate.open();
    first.await.unwrap().problem(409, "conflict");
    let stored = app.get(&connector).await.expect(200);
    assert_eq!(
        (&stored["name"], &stored["config"]),
        (&json!("second"), &source.config())
    );
}

/// The "source" takes the connection and says nothing. What hangs up on the server, hangs up on it.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_hangs_up_ends_the_call_to_the_source() {
    let app = TestApp::start().await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let request = app.request(Method::POST, VERIFIED).json(&postgres_at(port));
    let client = tokio::spawn(Reply::of(request));
    let (mut source, _) = silent.accept().await.unwrap();
    client.abort();
    let mut sent = Vec::new();
    let ended = timeout(Duration::from_secs(10), source.read_to_end(&mut sent)).await;
    assert!(ended.is_ok(), "the source is still being asked");
    assert_eq!(app.get(CONNECTORS).await.expect(200), json!([]));
}
