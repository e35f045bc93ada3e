//! What a sync found gone: applied, or held until someone decides.

use crate::{shape::assert_shape, syncs::job_shape, test_app::TestApp};
use headwater_core::Visibility;
use headwater_testkit::ToySource;
use serde_json::{Value, json};

/// A shop of 40 tables of which 20 go at once: more than a fifth.
async fn held(app: &TestApp) -> (String, Value) {
    let source = ToySource::new();
    for number in 0..40 {
        source.add_table(
            ["shop".to_owned(), "public".to_owned(), format!("t{number:02}")],
            [],
        );
    }
    let connector = app.create_toy(&source).await;
    app.sync(&connector).await;
    for number in 0..20 {
        source.remove(["shop".to_owned(), "public".to_owned(), format!("t{number:02}")]);
    }
    let job = app.sync(&connector).await;
    (connector, job)
}

#[tokio::test(flavor = "multi_thread")]
async fn many_removals_are_held_and_applied_once() {
    let app = TestApp::start().await;
    let (connector, job) = held(&app).await;
    assert_eq!(
        (&job["status"], &job["removals"]),
        (&json!("completed"), &json!("held"))
    );
    let candidate = json!({"product_id": "uuid", "path": ["string"]});
    assert_shape(
        &job["removal_candidates"],
        &json!({"reason": "limit", "total": "integer", "items": [candidate]}),
    );
    assert_eq!(job["removal_candidates"]["total"], 20);
    assert_eq!(app.get(&connector).await.expect(200)["product_count"], 40);

    let path = format!(
        "/catalog/spaces/default/sync-jobs/{}/removals",
        job["id"].as_str().unwrap()
    );
    assert_eq!(
        app.post(&path, &json!({"action": "perhaps"}))
            .await
            .pointers(400, "invalid_body"),
        ["/action"]
    );
    assert_eq!(
        app.post(&path, &json!({})).await.pointers(400, "invalid_body"),
        ["/action"]
    );
    let decided = app.post(&path, &json!({"action": "apply"})).await.expect(200);
    assert_shape(&decided, &job_shape());
    assert_eq!(decided["removals"], "applied");
    assert_eq!(app.get(&connector).await.expect(200)["product_count"], 20);
    app.post(&path, &json!({"action": "discard"}))
        .await
        .problem(409, "removals_decided");
}

#[tokio::test(flavor = "multi_thread")]
async fn held_removals_may_be_discarded_and_are_superseded() {
    let app = TestApp::start().await;
    let (connector, job) = held(&app).await;
    let path = |job: &Value| {
        format!(
            "/catalog/spaces/default/sync-jobs/{}/removals",
            job["id"].as_str().unwrap()
        )
    };
    let decided = app
        .post(&path(&job), &json!({"action": "discard"}))
        .await
        .expect(200);
    assert_eq!(decided["removals"], "discarded");
    assert_eq!(app.get(&connector).await.expect(200)["product_count"], 40);

    let held = app.sync(&connector).await;
    assert_eq!(held["removals"], "held");
    app.sync(&connector).await;
    let job = format!(
        "/catalog/spaces/default/sync-jobs/{}",
        held["id"].as_str().unwrap()
    );
    assert_eq!(app.get(&job).await.expect(200)["removals"], "superseded");
    app.post(&path(&held), &json!({"action": "apply"}))
        .await
        .problem(409, "removals_decided");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_without_held_removals_has_nothing_to_decide() {
    let app = TestApp::start().await;
    let source = ToySource::shop();
    let connector = app.create_toy(&source).await;
    app.sync(&connector).await;
    source.remove(["shop", "public", "a.b"]);
    let job = app.sync(&connector).await;
    assert_eq!(
        (&job["removals"], &job["products_archived"]),
        (&json!("applied"), &json!(1))
    );
    let path = format!(
        "/catalog/spaces/default/sync-jobs/{}/removals",
        job["id"].as_str().unwrap()
    );
    app.post(&path, &json!({"action": "apply"}))
        .await
        .problem(409, "no_removals_held");
}

/// A lost grant: the next list is shorter, and no error says why.
async fn lost_sight(app: &TestApp) -> (ToySource, String, Value) {
    let source = ToySource::shop();
    source.set_visibility(Visibility::Fingerprint("role reader".to_owned()));
    let connector = app.create_toy(&source).await;
    app.sync(&connector).await;
    source.hide_schema(["shop", "audit"]);
    let job = app.sync(&connector).await;
    assert_eq!(
        (&job["completeness"], &job["removals"], &job["products_archived"]),
        (&json!("complete"), &json!("held"), &json!(0))
    );
    let candidates = &job["removal_candidates"];
    assert_eq!(
        (&candidates["reason"], &candidates["items"][0]["path"]),
        (&json!("namespace_vanished"), &json!(["shop", "audit", "events"]))
    );
    (source, connector, job)
}

async fn decide(app: &TestApp, job: &Value, action: &str) -> Value {
    let path = format!(
        "/catalog/spaces/default/sync-jobs/{}/removals",
        job["id"].as_str().unwrap()
    );
    app.post(&path, &json!({"action": action})).await.expect(200)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_that_is_silently_no_longer_listed_is_held_and_comes_back() {
    let app = TestApp::start().await;
    let (source, connector, job) = lost_sight(&app).await;
    assert_eq!(app.product("shop.audit.events").await["state"], "active");
    let decided = decide(&app, &job, "discard").await;
    assert_eq!(
        (&decided["removals"], &decided["products_archived"]),
        (&json!("discarded"), &json!(0))
    );
    source.show_schema(["shop", "audit"]);
    let job = app.sync(&connector).await;
    assert_eq!(
        (&job["products_unchanged"], &job["removals"]),
        (&json!(9), &json!("none"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_that_is_silently_no_longer_listed_goes_when_someone_says_so() {
    let app = TestApp::start().await;
    let (source, connector, job) = lost_sight(&app).await;
    let decided = decide(&app, &job, "apply").await;
    assert_eq!(
        (&decided["removals"], &decided["products_archived"]),
        (&json!("applied"), &json!(1))
    );
    assert_eq!(app.product("shop.audit.events").await["state"], "stale");
    assert_eq!(app.sync(&connector).await["removals"], "none");
    source.show_schema(["shop", "audit"]);
    app.sync(&connector).await;
    assert_eq!(app.product("shop.audit.events").await["state"], "active");
}
