//! No secret leaves the server: not in an answer, not in a log.

use crate::test_app::{ADMIN_KEY, Reply, TestApp};
use headwater_testkit::ToySource;
use reqwest::Method;
use serde_json::{Value, json};
use std::{
    io,
    sync::{Arc, Mutex},
};
use tracing_subscriber::fmt::MakeWriter;

/// Holds what the process logs, at every level.
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

fn has_key(value: &Value, name: &str) -> bool {
    match value {
        Value::Object(members) => members
            .iter()
            .any(|(key, value)| key == name || has_key(value, name)),
        Value::Array(items) => items.iter().any(|item| has_key(item, name)),
        _ => false,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_answers_nor_logs_show_a_secret() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE);
    tracing::subscriber::set_global_default(subscriber.with_writer(log.clone()).finish()).unwrap();

    let app = TestApp::start().await;
    let source = ToySource::shop();
    source.set_token("hunter2-toy-token");
    let mut answers = Vec::new();
    let connector = app.create_toy(&source).await;
    let key = app.create_key("default", "admin").await;
    let job = app.sync(&connector).await;
    let bad = json!({"name": "x", "connector_type": "toy", "config": {"token": "hunter2-in-config"}});
    let postgres = json!({
        "name": "pg", "connector_type": "postgres", "config": {"host": "127.0.0.1", "port": 1, "database": "shop"},
        "credentials": {"username": "reader", "password": "hunter2-password"},
    });
    let made = app.post("/catalog/spaces/default/connectors", &postgres).await;
    let path = format!(
        "/catalog/spaces/default/connectors/{}",
        made.json()["id"].as_str().unwrap()
    );
    answers.push(made);
    answers.push(app.post(&format!("{path}/test"), &json!({})).await);
    answers.push(app.post("/catalog/spaces/default/connectors", &bad).await);
    answers.push(
        app.post("/catalog/spaces/default/connectors", &json!("hunter2-body"))
            .await,
    );
    answers.push(
        app.patch(
            &connector,
            &json!({"credentials": {"token": 5, "hunter2-key": "hunter2-value"}}),
        )
        .await,
    );
    answers.push(
        app.patch(&connector, &json!({"credentials": {"token": "hunter2-wrong"}}))
            .await,
    );
    answers.push(app.post(&format!("{connector}/test"), &json!({})).await);
    let failed = app.sync(&connector).await;
    assert_eq!(
        (&job["status"], &failed["status"]),
        (&json!("completed"), &json!("failed"))
    );
    for path in [
        connector.as_str(),
        "/catalog/spaces/default/connectors",
        "/catalog/spaces/default/sync-history",
        "/catalog/spaces/default/audit",
        "/catalog/spaces/default/api-keys",
        "/metrics",
    ] {
        answers.push(app.get(path).await);
    }
    let wrong = app.with_key(Some("hw_hunter2-key"));
    answers.push(wrong.get("/catalog/spaces?token=hunter2-query").await);
    answers.push(
        Reply::of(
            app.request(Method::GET, "/catalog")
                .header("cookie", "hunter2-cookie"),
        )
        .await,
    );

    for answer in answers {
        // The name of a key that is wrong is told, values never are.
        let text = answer.text.replace("/credentials/hunter2-key", "");
        for secret in ["hunter2", ADMIN_KEY, &key] {
            assert!(!text.contains(secret), "{secret} is in {text}");
        }
        assert!(!has_key(&answer.json(), "credentials"), "{text}");
    }
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("answered"), "the log works");
    for secret in ["hunter2", ADMIN_KEY, &key] {
        let line = log.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret} is in the log");
    }
}
