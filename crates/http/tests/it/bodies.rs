use crate::{base, client, quick};
use headwater_core::{ErrorKind, Host};
use headwater_http::{Client, Url};
use serde::Deserialize;
use std::{
    io::Seek,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

/// A server whose answers are written as they are, one per connection, the last again and again.
async fn raw(answers: Vec<&'static [u8]>, hold: Duration) -> (Url, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap())
        .parse()
        .unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let turn = count.fetch_add(1, Ordering::SeqCst);
            let answer = answers[turn.min(answers.len() - 1)];
            tokio::spawn(async move {
                let mut request = [0; 4096];
                let _read = socket.read(&mut request).await;
                let _sent = socket.write_all(answer).await;
                tokio::time::sleep(hold).await;
            });
        }
    });
    (base, asked)
}

const CUT: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"half\":";
const CUT_CHUNK: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n8\r\n{\"half\":\r\n";
const WHOLE: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n\"all\"";

#[tokio::test]
async fn an_answer_that_is_cut_off_is_fetched_again() {
    let (base, asked) = raw(vec![CUT, CUT_CHUNK, WHOLE], Duration::ZERO).await;
    let reply = client().get(&base, ["x"]).send().await.unwrap();
    assert_eq!(reply.json::<String>().unwrap(), "all");
    assert_eq!(asked.load(Ordering::SeqCst), 3);

    let (base, _) = raw(vec![CUT], Duration::ZERO).await;
    let error = client().get(&base, ["x"]).send().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let address = base.origin().ascii_serialization();
    assert_eq!(
        error.to_string(),
        format!("the source broke off its answer [address={address}]")
    );
}

#[tokio::test]
async fn a_download_that_is_cut_off_begins_anew() {
    let (base, _) = raw(vec![CUT, WHOLE], Duration::ZERO).await;
    let mut file = tempfile::tempfile().unwrap();
    client()
        .get(&base, ["x"])
        .download(file.try_clone().unwrap())
        .send()
        .await
        .unwrap();
    file.rewind().unwrap();
    assert_eq!(std::io::read_to_string(file).unwrap(), "\"all\"");
}

#[tokio::test]
async fn silence_ends_an_attempt() {
    let (base, asked) = raw(vec![CUT], Duration::from_secs(60)).await;
    let mut settings = quick();
    settings.silence = Duration::from_millis(200);
    settings.retry.attempts = 2;
    let client = Client::new(&Host::default(), settings).unwrap();
    let error = client.get(&base, ["x"]).send().await.unwrap_err();
    let address = base.origin().ascii_serialization();
    assert_eq!(
        error.to_string(),
        format!("the source did not answer in time [address={address}]")
    );
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn memory_is_bounded_and_a_file_is_not() {
    let server = MockServer::start().await;
    let large = ResponseTemplate::new(200).set_body_bytes(vec![b'x'; 3 << 20]);
    Mock::given(any()).respond_with(large).mount(&server).await;
    let mut settings = quick();
    settings.max_body = 1 << 20;
    let client = Client::new(&Host::default(), settings).unwrap();
    let error = client.get(&base(&server), ["x"]).send().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DataInvalid);
    let file = tempfile::tempfile().unwrap();
    let request = client
        .get(&base(&server), ["x"])
        .download(file.try_clone().unwrap());
    request.send().await.unwrap();
    assert_eq!(file.metadata().unwrap().len(), 3 << 20);
}

#[tokio::test]
async fn what_cannot_be_understood_is_placed_and_not_quoted() {
    #[derive(Debug, Deserialize)]
    struct Answer {
        #[expect(dead_code, reason = "only its type matters")]
        runs: Vec<Run>,
    }
    #[derive(Debug, Deserialize)]
    struct Run {
        #[expect(dead_code, reason = "only its type matters")]
        id: u64,
    }
    let server = MockServer::start().await;
    let body = r#"{"runs": [{"id": 1}, {"id": "hunter2"}]}"#;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(200).set_body_string(body))
        .mount(&server)
        .await;
    let reply = client().get(&base(&server), ["x"]).send().await.unwrap();
    let error = reply.json::<Answer>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "the source answered with something that cannot be understood [at=runs[1].id]"
    );
    assert!(
        !format!("{error:?} {reply:?}").contains("hunter2"),
        "{error:?} {reply:?}"
    );
}

#[tokio::test]
async fn paths_queries_and_bodies_arrive_as_they_were_given() {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(204))
        .mount(&server)
        .await;
    let client = client();
    let token = "a+b/c=&d e%";
    let request = client
        .get(&base(&server), ["a/b", "ü"])
        .query("page_token", token)
        .query_if("none", None);
    request.send().await.unwrap();
    client
        .post(&base(&server), ["t"])
        .form([("grant_type", "a:b c"), ("x", "&=")])
        .send()
        .await
        .unwrap();
    client
        .post(&base(&server), ["t"])
        .json(&["é"])
        .unwrap()
        .send()
        .await
        .unwrap();
    let arrived = server.received_requests().await.unwrap();
    assert_eq!(arrived[0].url.path(), "/a%2Fb/%C3%BC");
    let pairs: Vec<_> = arrived[0].url.query_pairs().into_owned().collect();
    assert_eq!(pairs, [("page_token".to_owned(), token.to_owned())]);
    assert_eq!(
        arrived[0].headers["user-agent"],
        concat!("headwater/", env!("CARGO_PKG_VERSION"))
    );
    assert_eq!(arrived[1].body, b"grant_type=a%3Ab+c&x=%26%3D");
    assert_eq!(arrived[2].body, "[\"é\"]".as_bytes());
    assert_eq!(arrived[2].headers["content-type"], "application/json");
}
