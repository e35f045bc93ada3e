//! Problems that have nothing to do with one resource.

use crate::{
    shape::assert_shape,
    test_app::{Reply, TestApp},
};
use headwater_testkit::ToySource;
use reqwest::Method;
use serde_json::json;
use std::num::NonZeroU32;

#[tokio::test(flavor = "multi_thread")]
async fn unknown_paths_and_malformed_ids_are_not_found() {
    let app = TestApp::start().await;
    for path in [
        "/",
        "/nothing",
        "/catalog",
        "/catalog/spaces/default/nothing",
        "/catalog/spaces/absent",
        "/catalog/spaces/Default",
        "/catalog/spaces/%00",
        "/catalog/spaces/default/connectors/not-an-id",
        "/catalog/spaces/default/connectors/019a0000-0000-7000-8000-000000000000",
        "/catalog/spaces/default/sync-jobs/1",
        "/catalog/spaces/default/products/1",
        "/catalog/spaces/default/products/1/lineage",
    ] {
        let body = app.get(path).await.problem(404, "not_found");
        let shape = json!({"type": "string", "title": "string", "status": "integer", "detail": "string", "code": "string"});
        assert_shape(&body, &shape);
    }
    app.post("/catalog/spaces/default/connectors/x/sync", &json!({}))
        .await
        .problem(404, "not_found");
    app.delete("/catalog/spaces/default/api-keys/x")
        .await
        .problem(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_method_is_refused_and_the_right_ones_are_named() {
    let app = TestApp::start().await;
    for (method, path, allow) in [
        (Method::PUT, "/catalog/spaces", "GET, POST, HEAD"),
        (
            Method::DELETE,
            "/catalog/spaces/default/connectors",
            "GET, POST, HEAD",
        ),
        (Method::GET, "/catalog/spaces/default/connectors/x/sync", "POST"),
        (Method::POST, "/health", "GET, HEAD"),
    ] {
        let reply = Reply::of(app.request(method, path)).await;
        assert_eq!(reply.header("allow"), allow);
        reply.problem(405, "method_not_allowed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn head_answers_as_get_does_without_a_body() {
    let app = TestApp::start().await;
    for path in ["/health", "/catalog/spaces", "/catalog/spaces/default/products"] {
        let reply = Reply::of(app.request(Method::HEAD, path)).await;
        assert_eq!((reply.status, reply.text.as_str()), (200, ""));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_no_json_is_told_apart() {
    let app = TestApp::start().await;
    let post = |kind: &'static str, body: &'static str| {
        let request = app.request(Method::POST, "/catalog/spaces");
        Reply::of(request.header("content-type", kind).body(body))
    };
    let good = r#"{"slug":"a","name":"A"}"#;
    post("text/plain", good)
        .await
        .problem(415, "unsupported_media_type");
    post("application/x-www-form-urlencoded", "a=b")
        .await
        .problem(415, "unsupported_media_type");
    post("application/json; charset=utf-8", good).await.expect(201);
    for bad in ["", "{", "{\"slug\":}", "[]", "null", "\"text\""] {
        let pointers = post("application/json", bad).await.pointers(400, "invalid_body");
        assert_eq!(pointers, [""], "{bad}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_names_its_faults_and_quotes_nothing() {
    let app = TestApp::start().await;
    let body = json!({"slgu": "hunter2", "name": 5});
    let reply = app.post("/catalog/spaces", &body).await;
    assert!(!reply.text.contains("hunter2"), "{}", reply.text);
    let problem = reply.problem(400, "invalid_body");
    assert_eq!(
        problem["errors"],
        json!([
            {"pointer": "/slgu", "detail": "unknown key; did you mean slug?"},
            {"pointer": "/slug", "detail": "is missing"},
        ])
    );
    let body = json!({"slug": "a", "name": 5});
    assert_eq!(
        app.post("/catalog/spaces", &body)
            .await
            .pointers(400, "invalid_body"),
        ["/name"]
    );
    let body = json!({"slug": "a", "name": "nul \u{0}"});
    assert_eq!(
        app.post("/catalog/spaces", &body)
            .await
            .pointers(400, "invalid_body"),
        ["/name"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_long_is_refused() {
    let app = TestApp::start_with(|config| config.body_limit = 1000).await;
    let body = json!({"slug": "a", "name": "n".repeat(1000)});
    app.post("/catalog/spaces", &body)
        .await
        .problem(413, "body_too_large");
    app.post("/catalog/spaces", &json!({"slug": "a", "name": "n"}))
        .await
        .expect(201);
    // Much longer than what the sockets hold: the answer must arrive all the same.
    let body = json!({"slug": "a", "name": "n".repeat(8 << 20)});
    app.post("/catalog/spaces", &body)
        .await
        .problem(413, "body_too_large");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_checked_and_clamped() {
    let app = TestApp::start().await;
    let source = ToySource::shop();
    let connector = app.create_toy(&source).await;
    let job = app.sync(&connector).await;
    let product = app.product("shop.public.orders").await;
    let id = product["id"].as_str().unwrap();
    for path in [
        "/catalog/spaces/default/products".to_owned(),
        "/catalog/spaces/default/sync-history".to_owned(),
        "/catalog/spaces/default/audit".to_owned(),
        format!("/catalog/spaces/default/products/{id}/schema-changes"),
        format!(
            "/catalog/spaces/default/sync-jobs/{}",
            job["id"].as_str().unwrap()
        ),
    ] {
        for bad in ["page=0", "size=0", "page=-1", "page=one", "size=1.5", "size="] {
            app.get(&format!("{path}?{bad}"))
                .await
                .problem(400, "invalid_parameter");
        }
        let page = |mut body: serde_json::Value| match body["warnings"].is_object() {
            true => body["warnings"].take(),
            false => body,
        };
        let clamped = page(app.get(&format!("{path}?size=1000")).await.expect(200));
        assert_eq!(
            (&clamped["page"], &clamped["size"]),
            (&json!(1), &json!(100)),
            "{path}"
        );
        let past = page(app.get(&format!("{path}?page=4000000")).await.expect(200));
        assert_eq!(
            (&past["items"], &past["total"]),
            (&json!([]), &clamped["total"]),
            "{path}"
        );
        assert_eq!(
            (&past["page"], &past["size"]),
            (&json!(4_000_000), &json!(20)),
            "{path}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_are_checked() {
    let app = TestApp::start().await;
    for query in [
        "sync-history?status=done",
        "sync-history?connector_id=1",
        "products?state=gone",
        "products?include_archived=perhaps",
        "products?connector_id=x",
        "products?search=%00",
    ] {
        let path = format!("/catalog/spaces/default/{query}");
        app.get(&path).await.problem(400, "invalid_parameter");
    }
    let problem = app
        .get("/catalog/spaces/default/sync-history?status=done")
        .await
        .json();
    assert_eq!(
        problem["detail"],
        "status: expected one of running, completed, failed, cancelled"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_asks_too_often_is_told_when_to_come_again() {
    let app = TestApp::start_with(|config| config.rate_limit = NonZeroU32::new(2)).await;
    let key = json!({"name": "other", "role": "admin"});
    let made = app.post("/catalog/api-keys", &key).await.expect(201);
    let mut replies = Vec::new();
    for _ in 0..20 {
        replies.push(app.get("/catalog/spaces").await);
    }
    let limited = replies
        .into_iter()
        .find(|reply| reply.status == 429)
        .expect("no limit");
    assert_eq!(limited.header("retry-after"), "1");
    limited.problem(429, "rate_limited");

    let other = app.with_key(made["key"].as_str());
    assert_eq!(
        other.get("/catalog/spaces").await.status,
        200,
        "each key has its own"
    );
    assert_eq!(
        app.get("/health").await.status,
        200,
        "open routes are not counted"
    );
}
