//! What a run logs, at the most talkative level, of a request full of secrets.

use crate::{InTurn, base, client};
use headwater_core::Secret;
use headwater_http::Auth;
use std::{
    io,
    sync::{Arc, Mutex},
};
use tracing_subscriber::fmt::MakeWriter;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn no_secret_is_logged_at_any_level() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let server = MockServer::start().await;
    let refused = ResponseTemplate::new(503).set_body_string("hunter2-answer");
    let good = ResponseTemplate::new(200).set_body_string("\"hunter2-answer\"");
    let last = ResponseTemplate::new(403).set_body_string("hunter2-answer");
    Mock::given(any())
        .respond_with(InTurn::new([refused, good, last]))
        .mount(&server)
        .await;
    let client = client().with_auth(Auth::bearer(Secret::new("hunter2-token")));
    let base = base(&server);
    let request = client.post(&base, ["x"]).query("signature", "hunter2-query");
    request
        .form([("client_secret", "hunter2-form")])
        .send()
        .await
        .unwrap();
    let error = client
        .get(&base, ["x"])
        .query("signature", "hunter2-query")
        .send()
        .await
        .unwrap_err();

    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(text.contains("answered") && text.contains("sent again"), "{text}");
    let told = format!("{text}{error}{error:?}{client:?}");
    let leak = told.find("hunter2");
    assert!(
        leak.is_none(),
        "{}",
        &told[leak.unwrap_or_default().saturating_sub(300)..][..400]
    );
}
