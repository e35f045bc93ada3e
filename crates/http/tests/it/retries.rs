use crate::{InTurn, base, client, quick};
use headwater_core::{Error, ErrorKind, Host, Secret};
use headwater_http::{Auth, Client, StatusCode, Url};
use std::time::Duration;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

async fn answering(answers: impl IntoIterator<Item = ResponseTemplate>) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(InTurn::new(answers))
        .mount(&server)
        .await;
    server
}

fn status(status: u16) -> ResponseTemplate {
    ResponseTemplate::new(status)
}

async fn asked(server: &MockServer) -> usize {
    server.received_requests().await.unwrap().len()
}

#[tokio::test]
async fn a_failure_that_passes_is_not_seen() {
    let server = answering([
        status(503),
        status(500),
        status(429),
        status(200).set_body_string("[1]"),
    ])
    .await;
    let reply = client().get(&base(&server), ["x"]).send().await.unwrap();
    assert_eq!(reply.json::<Vec<u8>>().unwrap(), [1]);
    assert_eq!(asked(&server).await, 4);
}

#[tokio::test]
async fn attempts_end_with_the_last_error() {
    let server = answering([status(502)]).await;
    let error = client().get(&base(&server), ["x"]).send().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let told = format!(
        "the source cannot answer now [status=502] [address={}]",
        server.uri()
    );
    assert_eq!(error.to_string(), told);
    assert_eq!(asked(&server).await, 4);
}

#[tokio::test]
async fn a_refusal_is_asked_once() {
    for (code, kind) in [
        (400, ErrorKind::Unexpected),
        (401, ErrorKind::Unauthenticated),
        (403, ErrorKind::PermissionDenied),
        (404, ErrorKind::NotFound),
    ] {
        let server = answering([status(code)]).await;
        let error = client().get(&base(&server), ["x"]).send().await.unwrap_err();
        assert_eq!((error.kind(), asked(&server).await), (kind, 1), "{code}");
    }
}

#[tokio::test]
async fn what_must_not_happen_twice_is_sent_once() {
    let server = answering([status(503)]).await;
    let error = client()
        .post(&base(&server), ["x"])
        .once()
        .send()
        .await
        .unwrap_err();
    assert_eq!((error.kind(), asked(&server).await), (ErrorKind::Unavailable, 1));
}

#[tokio::test]
async fn a_long_wait_is_handed_on_with_the_error() {
    let server = answering([status(429).insert_header("retry-after", "600")]).await;
    let error = client().get(&base(&server), ["x"]).send().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert_eq!(error.retry_after(), Some(Duration::from_secs(600)));
    assert_eq!(asked(&server).await, 1);
}

#[tokio::test]
async fn a_vendors_word_counts_more_than_the_status() {
    let server = answering([
        status(403).set_body_string(r#"{"reason":"rateLimitExceeded"}"#),
        status(200),
    ])
    .await;
    let mut settings = quick();
    settings.explain = |refusal| {
        let body: serde_json::Value = refusal.json()?;
        (refusal.status == StatusCode::FORBIDDEN && body["reason"] == "rateLimitExceeded")
            .then(|| Error::new(ErrorKind::RateLimited, "too many requests"))
    };
    let client = Client::new(&Host::default(), settings).unwrap();
    client.get(&base(&server), ["x"]).send().await.unwrap();
    assert_eq!(asked(&server).await, 2);
}

#[tokio::test]
async fn a_source_in_trouble_is_not_asked_many_times_over() {
    let server = answering([status(503)]).await;
    let client = client();
    for _ in 0..100 {
        client.get(&base(&server), ["x"]).send().await.unwrap_err();
    }
    // One time each, and the fifty repetitions that the budget allows.
    assert_eq!(asked(&server).await, 150);
}

#[tokio::test]
async fn nobody_there() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let base: Url = format!("http://hunter2:hunter2@{address}").parse().unwrap();
    let error = client()
        .get(&base, ["hunter2"])
        .query("token", "hunter2")
        .send()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let told = format!("the source cannot be reached [address=http://{address}]");
    assert_eq!(error.to_string(), told);
    assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
}

#[tokio::test]
async fn redirects_are_followed_without_credentials_and_not_for_ever() {
    let target = answering([status(200).set_body_string("\"here\"")]).await;
    let elsewhere = target.uri().replace("127.0.0.1", "localhost");
    let server = answering([status(302).insert_header("location", elsewhere.as_str())]).await;
    let client = client().with_auth(Auth::bearer(Secret::new("hunter2")));
    let reply = client.get(&base(&server), ["x"]).send().await.unwrap();
    assert_eq!(reply.json::<String>().unwrap(), "here");
    let arrived = &target.received_requests().await.unwrap()[0];
    assert!(arrived.headers.get("authorization").is_none());

    let circle = MockServer::start().await;
    let own = status(302).insert_header("location", circle.uri().as_str());
    Mock::given(any()).respond_with(own).mount(&circle).await;
    let error = client.get(&base(&circle), ["x"]).send().await.unwrap_err();
    assert_eq!(error.to_string(), "the source leads elsewhere too often");
}
