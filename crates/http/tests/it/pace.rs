use crate::{InTurn, base, quick};
use headwater_core::Host;
use headwater_http::Client;
use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

static WAS_REFUSED: AtomicBool = AtomicBool::new(false);

#[tokio::test]
async fn one_answer_that_asks_to_wait_holds_all_who_share_the_limiter() {
    let server = MockServer::start().await;
    let slow_down = ResponseTemplate::new(429).insert_header("retry-after", "1");
    let answers = InTurn::new([slow_down, ResponseTemplate::new(200)]);
    Mock::given(any()).respond_with(answers).mount(&server).await;
    let host = Host::default();
    let client = || {
        let mut settings = quick();
        settings.explain = |_| {
            WAS_REFUSED.store(true, Ordering::SeqCst);
            None
        };
        settings.limiter = Some(host.limiters.get("the source: reader", Duration::from_millis(1)));
        Client::new(&host, settings).unwrap()
    };
    let (one, other) = (client(), client());
    let begin = Instant::now();
    let first = tokio::spawn({
        let base = base(&server);
        async move { one.get(&base, ["x"]).send().await }
    });
    while !WAS_REFUSED.load(Ordering::SeqCst) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    other.get(&base(&server), ["x"]).send().await.unwrap();
    assert!(begin.elapsed() >= Duration::from_secs(1));
    first.await.unwrap().unwrap();
    assert_eq!(server.received_requests().await.unwrap().len(), 3);
}
