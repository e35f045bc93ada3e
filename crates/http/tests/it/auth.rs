use crate::{base, client};
use async_trait::async_trait;
use headwater_core::{Clock, Error, ErrorKind, Host, Result, Secret};
use headwater_http::{Auth, Issue, Token};
use jiff::{SignedDuration, Timestamp};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::any};

/// Issues `token-1`, `token-2`, ..., each good for an hour.
#[derive(Debug, Clone, Default)]
struct Counting(Arc<AtomicUsize>);

#[async_trait]
impl Issue for Counting {
    async fn issue(&self) -> Result<Token> {
        let number = self.0.fetch_add(1, Ordering::SeqCst) + 1;
        Ok(Token {
            secret: Secret::new(format!("token-{number}")),
            expires_at: Some(start() + SignedDuration::from_hours(number as i64)),
        })
    }
}

struct Settable(Mutex<Timestamp>);

impl Clock for Settable {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

fn start() -> Timestamp {
    "2026-11-26T10:00:00Z".parse().unwrap()
}

fn at_start() -> (Host, Arc<Settable>) {
    let clock = Arc::new(Settable(Mutex::new(start())));
    let mut host = Host::default();
    host.clock = clock.clone();
    (host, clock)
}

/// A server that accepts one token.
async fn accepting(token: &'static str) -> MockServer {
    let server = MockServer::start().await;
    let answer = move |request: &Request| match request.headers.get("authorization") {
        Some(value) if value.to_str().unwrap() == format!("Bearer {token}") => ResponseTemplate::new(200),
        _ => ResponseTemplate::new(401),
    };
    Mock::given(any()).respond_with(answer).mount(&server).await;
    server
}

#[tokio::test]
async fn a_token_is_renewed_before_it_ends() {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(200))
        .mount(&server)
        .await;
    let (host, clock) = at_start();
    let issuer = Counting::default();
    let client = client().with_auth(Auth::issued(issuer.clone(), &host));
    let get = || async { client.get(&base(&server), ["x"]).send().await.unwrap() };
    get().await;
    get().await;
    assert_eq!(issuer.0.load(Ordering::SeqCst), 1);
    *clock.0.lock().unwrap() = start() + SignedDuration::from_mins(59);
    get().await;
    let arrived = server.received_requests().await.unwrap();
    let tokens: Vec<_> = arrived
        .iter()
        .map(|request| request.headers["authorization"].to_str().unwrap())
        .collect();
    assert_eq!(tokens, ["Bearer token-1", "Bearer token-1", "Bearer token-2"]);
}

#[tokio::test]
async fn a_refused_token_is_renewed_once() {
    let server = accepting("token-2").await;
    let (host, _) = at_start();
    let issuer = Counting::default();
    let client = client().with_auth(Auth::issued(issuer.clone(), &host));
    client.get(&base(&server), ["x"]).send().await.unwrap();
    assert_eq!(issuer.0.load(Ordering::SeqCst), 2);

    let server = accepting("none").await;
    let error = client.get(&base(&server), ["x"]).send().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    assert_eq!(issuer.0.load(Ordering::SeqCst), 3);
    assert_eq!(server.received_requests().await.unwrap().len(), 2);
}

#[tokio::test]
async fn requests_at_once_wait_for_one_renewal() {
    let server = accepting("token-1").await;
    let (host, _) = at_start();
    let issuer = Counting::default();
    let client = client().with_auth(Auth::issued(issuer.clone(), &host));
    let base = base(&server);
    let request = || client.get(&base, ["x"]).send();
    let (a, b, c) = tokio::join!(request(), request(), request());
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    assert_eq!(issuer.0.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_issuer_that_refuses_is_not_asked_again() {
    #[derive(Debug)]
    struct Refusing;
    #[async_trait]
    impl Issue for Refusing {
        async fn issue(&self) -> Result<Token> {
            Err(Error::new(
                ErrorKind::Unauthenticated,
                "the client secret is wrong",
            ))
        }
    }
    let server = accepting("none").await;
    let client = client().with_auth(Auth::issued(Refusing, &Host::default()));
    let error = client.get(&base(&server), ["x"]).send().await.unwrap_err();
    assert_eq!(error.message(), "the client secret is wrong");
    assert!(server.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn schemes() {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(200))
        .mount(&server)
        .await;
    let base = base(&server);
    let basic = client().with_auth(Auth::basic("reader", &Secret::new("hunter2")));
    basic.get(&base, ["x"]).send().await.unwrap();
    basic.get(&base, ["x"]).anonymous().send().await.unwrap();
    basic
        .get(&base, ["x"])
        .authorization(&Secret::new("Snowflake Token=\"t\""))
        .send()
        .await
        .unwrap();
    client()
        .with_auth(Auth::fixed("Token", Secret::new("t")))
        .get(&base, ["x"])
        .send()
        .await
        .unwrap();
    let arrived = server.received_requests().await.unwrap();
    let sent: Vec<_> = arrived
        .iter()
        .map(|request| {
            request
                .headers
                .get("authorization")
                .map(|value| value.to_str().unwrap())
        })
        .collect();
    assert_eq!(
        sent,
        [
            Some("Basic cmVhZGVyOmh1bnRlcjI="),
            None,
            Some("Snowflake Token=\"t\""),
            Some("Token t")
        ]
    );

    let broken = client().with_auth(Auth::bearer(Secret::new("hunter2\n")));
    let error = broken.get(&base, ["x"]).send().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
}
