//! Ending in order: what runs is handed back, and nothing is lost.

use crate::test_app::TestApp;
use headwater_testkit::{Defect, ToySource};
use serde_json::json;
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread")]
async fn a_running_sync_is_handed_back_and_resumed() {
    let app = TestApp::start().await;
    let source = ToySource::shop();
    let connector = app.create_toy(&source).await;
    let (started, gate) = app.held_sync(&source, &connector).await;
    let begin = Instant::now();
    // The first server ends before the gate opens, so it is the second that reads the rest.
    let app = app.restart().await;
    assert!(
        begin.elapsed() < Duration::from_secs(20),
        "took {:?}",
        begin.elapsed()
    );
    let job = started["job_id"].as_str().unwrap();
    let path = format!("/catalog/spaces/default/sync-jobs/{job}");
    assert_eq!(
        app.get(&path).await.expect(200)["status"],
        "running",
        "it is not lost"
    );
    gate.open();
    let job = app.job_ended(job).await;
    assert_eq!(
        (&job["status"], &job["products_created"]),
        (&json!("completed"), &json!(9))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn while_it_ends_a_server_answers_and_says_that_it_is_not_ready() {
    let app = TestApp::start().await;
    let source = ToySource::shop();
    source.set_defect(Defect::StopIgnored);
    let connector = app.create_toy(&source).await;
    let (_started, gate) = app.held_sync(&source, &connector).await;
    app.stop();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(
        app.get("/ready").await.expect(503),
        json!({"status": "not_ready"})
    );
    assert_eq!(app.get("/health").await.expect(200), json!({"status": "ok"}));
    app.get(&connector).await.expect(200);
    gate.open();
    app.ended().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_keeps_everything() {
    let app = TestApp::start().await;
    let source = ToySource::shop();
    let connector = app.create_toy(&source).await;
    let key = app.create_key("default", "viewer").await;
    app.sync(&connector).await;
    let paths = [
        connector.as_str(),
        "/catalog/spaces",
        "/catalog/spaces/default/api-keys",
        "/catalog/spaces/default/products",
        "/catalog/spaces/default/sync-history",
    ];
    let mut before = Vec::new();
    for path in paths {
        before.push(app.get(path).await.expect(200));
    }
    let app = app.restart().await;
    for (path, before) in paths.iter().zip(before) {
        assert_eq!(app.get(path).await.expect(200), before, "{path}");
    }
    app.with_key(Some(&key))
        .get("/catalog/spaces/default")
        .await
        .expect(200);
    let again = app.sync(&connector).await;
    assert_eq!(
        (&again["status"], &again["products_unchanged"]),
        (&json!("completed"), &json!(9))
    );
}
