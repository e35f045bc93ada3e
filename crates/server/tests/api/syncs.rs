//! Starting, watching and cancelling syncs.

use crate::{
    shape::assert_shape,
    test_app::{Reply, TestApp, counts},
};
use headwater_core::{Error, ErrorKind};
use headwater_testkit::{Call, Part, ToySource};
use reqwest::Method;
use serde_json::{Value, json};

pub(crate) fn job_shape() -> Value {
    json!({
        "id": "uuid", "job_id": "uuid", "connector_id": "uuid", "connector_name": "string",
        "status": "running|completed|failed|cancelled", "phase": "any", "trigger": "api",
        "products_created": "integer", "products_updated": "integer", "products_unchanged": "integer",
        "products_archived": "integer", "completeness": "any", "removals": "none|applied|held|discarded|superseded",
        "warnings_count": "integer", "error": "any", "started_at": "time", "completed_at": "time?",
        "progress": {"splits_total": "integer", "splits_done": "integer", "assets_seen": "integer"},
        "partial": [{"path": ["string"], "code": "string", "detail": "string"}],
        "removal_candidates": "any",
        "cost": {"requests": "integer", "statements": "integer", "bytes_billed": "integer", "source_seconds": "number"},
        "warnings": {
            "items": [{"code": "string", "detail": "string", "path": "any"}],
            "total": "integer", "page": "integer", "size": "integer",
        },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_runs_and_ends() {
    let app = TestApp::start().await;
    let connector = app.create_toy(&ToySource::shop()).await;
    let started = app
        .post(&format!("{connector}/sync"), &json!({}))
        .await
        .expect(202);
    assert_shape(
        &started,
        &json!({
            "job_id": "uuid", "id": "uuid", "status": "running", "started_at": "time", "connector_id": "uuid",
            "phase": "queued|discovering|reading|finishing",
        }),
    );
    assert_eq!(started["job_id"], started["id"]);
    assert!(connector.ends_with(started["connector_id"].as_str().unwrap()));

    let job = app.job_ended(started["job_id"].as_str().unwrap()).await;
    assert_shape(&job, &job_shape());
    assert_eq!(
        (&job["status"], &job["completeness"]),
        (&json!("completed"), &json!("complete"))
    );
    assert_eq!(
        (&job["products_created"], &job["products_updated"]),
        (&json!(9), &json!(0))
    );
    assert_eq!(
        (&job["phase"], &job["error"], &job["removals"]),
        (&json!(null), &json!(null), &json!("none"))
    );
    assert_eq!(
        job["progress"],
        json!({"splits_total": 2, "splits_done": 2, "assets_seen": 9})
    );
    let last_sync = &app.get(&connector).await.expect(200)["last_sync"];
    assert_eq!(last_sync, &started["started_at"]);

    let again = app.sync(&connector).await;
    assert_eq!(counts(&again), [0, 0, 9, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_body_of_a_sync_may_be_anything_that_says_nothing() {
    let app = TestApp::start().await;
    let source = ToySource::new();
    let connector = app.create_toy(&source).await;
    let path = format!("{connector}/sync");
    let sync = |kind: Option<&'static str>, body: Option<&'static str>| {
        let mut request = app.request(Method::POST, &path);
        if let Some(kind) = kind {
            request = request.header("content-type", kind);
        }
        Reply::of(match body {
            Some(body) => request.body(body),
            None => request,
        })
    };
    for (kind, body) in [
        (None, None),
        (Some("application/json"), None),
        (Some("text/plain"), Some(" \n")),
        (Some("application/json"), Some("{}")),
        (Some("application/x-www-form-urlencoded"), Some("{}")),
        (
            Some("text/plain"),
            Some(r#"{"full_refresh": true, "accept_source": false}"#),
        ),
    ] {
        let started = sync(kind, body).await.expect(202);
        app.job_ended(started["job_id"].as_str().unwrap()).await;
    }
    let pointers = sync(None, Some(r#"{"full_refersh": true}"#))
        .await
        .pointers(400, "invalid_body");
    assert_eq!(pointers, ["/full_refersh"]);
    sync(Some("text/plain"), Some("full_refresh=true"))
        .await
        .problem(400, "invalid_body");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_sync_of_a_connector_at_a_time() {
    let app = TestApp::start().await;
    let source = ToySource::shop();
    let connector = app.create_toy(&source).await;
    let (started, gate) = app.held_sync(&source, &connector).await;
    let problem = app
        .post(&format!("{connector}/sync"), &json!({}))
        .await
        .problem(409, "sync_in_progress");
    assert_shape(
        &problem,
        &json!({
            "type": "string", "title": "string", "status": "integer", "detail": "string", "code": "string",
            "job_id": "uuid", "started_at": "time",
        }),
    );
    assert_eq!(problem["detail"], "Sync already in progress");
    assert_eq!(
        (&problem["job_id"], &problem["started_at"]),
        (&started["job_id"], &started["started_at"])
    );

    let job = format!(
        "/catalog/spaces/default/sync-jobs/{}",
        started["job_id"].as_str().unwrap()
    );
    let running = app.get(&job).await.expect(200);
    assert_shape(&running, &job_shape());
    assert_eq!(
        (&running["status"], &running["phase"]),
        (&json!("running"), &json!("reading"))
    );
    assert_eq!(
        (&running["completeness"], &running["completed_at"]),
        (&json!(null), &json!(null))
    );
    gate.open();
    assert_eq!(
        app.job_ended(started["job_id"].as_str().unwrap()).await["status"],
        "completed"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_ends_a_sync_and_leaves_an_ended_one_alone() {
    let app = TestApp::start().await;
    let source = ToySource::shop();
    let connector = app.create_toy(&source).await;
    let (started, _gate) = app.held_sync(&source, &connector).await;
    let job = format!(
        "/catalog/spaces/default/sync-jobs/{}",
        started["job_id"].as_str().unwrap()
    );
    let answer = app.post(&format!("{job}/cancel"), &json!({})).await.expect(202);
    assert_shape(&answer, &job_shape());
    let ended = app.job_ended(started["job_id"].as_str().unwrap()).await;
    assert_eq!(ended["status"], "cancelled");
    assert!(ended["completed_at"].is_string());
    assert_eq!(
        app.post(&format!("{job}/cancel"), &json!({})).await.expect(200),
        ended
    );
    let absent = "/catalog/spaces/default/sync-jobs/019a0000-0000-7000-8000-000000000000/cancel";
    app.post(absent, &json!({})).await.problem(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_a_connector_cancels_its_sync() {
    let app = TestApp::start().await;
    let source = ToySource::shop();
    let connector = app.create_toy(&source).await;
    let (started, gate) = app.held_sync(&source, &connector).await;
    assert_eq!(app.delete(&connector).await.status, 204);
    let job = format!(
        "/catalog/spaces/default/sync-jobs/{}",
        started["job_id"].as_str().unwrap()
    );
    assert_eq!(app.get(&job).await.expect(200)["status"], "cancelled");
    gate.open();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_refuses_fails_the_sync() {
    let app = TestApp::start().await;
    let source = ToySource::shop();
    let connector = app.create_toy(&source).await;
    source.set_token("another-token");
    let job = app.sync(&connector).await;
    assert_eq!(
        (&job["status"], &job["error"]["code"]),
        (&json!("failed"), &json!("unauthenticated"))
    );
    assert_shape(&job["error"], &json!({"code": "string", "detail": "string"}));
    assert_eq!(app.get(&connector).await.expect(200)["last_sync"], json!(null));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_read_is_named() {
    let app = TestApp::start().await;
    let source = ToySource::shop();
    let connector = app.create_toy(&source).await;
    source.refuse_listing(["shop", "audit"]);
    source.refuse_part(Part::Definition);
    let job = app.sync(&connector).await;
    assert_shape(&job, &job_shape());
    assert_eq!(
        (&job["status"], &job["completeness"]),
        (&json!("completed"), &json!("partial"))
    );
    assert_eq!(job["partial"][0]["path"], json!(["shop", "audit"]));
    assert_eq!(job["partial"][0]["code"], "permission_denied");
    assert_eq!(job["warnings"]["items"][0]["code"], "definition_unread");
    assert_eq!(job["warnings"]["total"], job["warnings_count"]);
    let path = format!(
        "/catalog/spaces/default/sync-jobs/{}?page=2&size=1",
        job["id"].as_str().unwrap()
    );
    let second = app.get(&path).await.expect(200);
    assert_eq!(
        (&second["warnings"]["page"], &second["warnings"]["size"]),
        (&json!(2), &json!(1))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn another_source_behind_the_settings_must_be_accepted() {
    let app = TestApp::start().await;
    let source = ToySource::shop();
    source.set_identity(Some("cluster-1"));
    let connector = app.create_toy(&source).await;
    app.sync(&connector).await;
    source.set_identity(Some("cluster-2"));
    let job = app.sync(&connector).await;
    assert_eq!(
        (&job["status"], &job["error"]["code"]),
        (&json!("failed"), &json!("source_changed"))
    );
    let started = app
        .post(&format!("{connector}/sync"), &json!({"accept_source": true}))
        .await
        .expect(202);
    assert_eq!(
        app.job_ended(started["job_id"].as_str().unwrap()).await["status"],
        "completed"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flaky_source_is_asked_again() {
    let app = TestApp::start().await;
    let source = ToySource::shop();
    let connector = app.create_toy(&source).await;
    source.fail(
        Call::Assets,
        1,
        Error::new(ErrorKind::Unavailable, "the line is down"),
    );
    let job = app.sync(&connector).await;
    assert_eq!(
        (&job["status"], &job["completeness"]),
        (&json!("completed"), &json!("complete"))
    );
    assert_eq!(job["products_created"], 9);
}
