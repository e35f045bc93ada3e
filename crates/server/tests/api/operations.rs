//! Health, metrics, the API's own description, and what stands on every answer.

use crate::test_app::{Reply, TestApp, http};
use headwater_testkit::ToySource;
use reqwest::Method;
use serde_json::json;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn health_and_readiness_are_open() {
    let app = TestApp::start().await;
    let nobody = app.with_key(None);
    assert_eq!(nobody.get("/health").await.expect(200), json!({"status": "ok"}));
    assert_eq!(nobody.get("/ready").await.expect(200), json!({"status": "ok"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_count_requests_by_route_and_name_no_table() {
    let app = TestApp::start().await;
    let connector = app.create_toy(&ToySource::shop()).await;
    app.sync(&connector).await;
    let orders = app.product("shop.public.orders").await;
    app.get("/nothing").await.problem(404, "not_found");
    let reply = app.with_key(None).get("/metrics").await;
    assert!(reply.header("content-type").starts_with("text/plain"));
    for wanted in [
        "# TYPE headwater_http_requests_total counter",
        r#"route="/catalog/spaces/{slug}/products/{id}""#,
        r#"route="unmatched""#,
        "headwater_http_request_duration_seconds_bucket",
        "headwater_build_info",
    ] {
        assert!(reply.text.contains(wanted), "{wanted} is not in {}", reply.text);
    }
    for unwanted in ["orders", "shop", "default", orders["id"].as_str().unwrap()] {
        assert!(!reply.text.contains(unwanted), "{unwanted} is in {}", reply.text);
    }
}

/// Their handlers are dropped wherever they are, in the middle of a transaction, too.
#[tokio::test(flavor = "multi_thread")]
async fn clients_that_hang_up_leave_a_server_that_works() {
    let app = TestApp::start().await;
    for number in 0..60 {
        let space = json!({"slug": format!("s{number}"), "name": "hung up"});
        let request = app.request(Method::POST, "/catalog/spaces").json(&space);
        let client = tokio::spawn(Reply::of(request));
        tokio::time::sleep(Duration::from_micros(number * 100)).await;
        client.abort();
    }
    app.create_space("last").await;
    let spaces = app.get("/catalog/spaces").await.expect(200);
    for space in spaces.as_array().unwrap() {
        let path = format!("/catalog/spaces/{}", space["slug"].as_str().unwrap());
        app.get(&path).await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_description_is_served_and_shown_without_any_other_server() {
    let app = TestApp::start_with(|config| config.base_path = "/meta/".to_owned()).await;
    let app = app.with_key(None);
    let root = app.request(Method::GET, "").build().unwrap().url().to_string();
    assert!(root.ends_with("/meta/"), "{root}");
    let document = app.get("openapi.json").await.expect(200);
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["servers"][0]["url"], "/meta");
    let home = app.get("docs").await;
    assert_eq!((home.status, home.header("location")), (308, "docs/"));
    let page = app.get("docs/").await;
    assert!(
        page.header("content-type").starts_with("text/html"),
        "{}",
        page.header("content-type")
    );
    assert!(
        !page.text.contains("=\"http"),
        "loads from elsewhere: {}",
        page.text
    );
    let script = app.get("docs/swagger-initializer.js").await;
    assert!(script.text.contains("../openapi.json"), "{}", script.text);
    assert_eq!(app.get("docs/swagger-ui-bundle.js").await.status, 200);
    app.get("docs/nothing").await.problem(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_base_path_stands_before_every_route() {
    let app = TestApp::start_with(|config| config.base_path = "/meta".to_owned()).await;
    app.get("/catalog/spaces").await.expect(200);
    app.get("/health").await.expect(200);
    app.get("/nothing").await.problem(404, "not_found");
    let outside = app.request(Method::GET, "").build().unwrap();
    let outside = outside.url().join("/health").unwrap();
    let reply = Reply::of(http().get(outside)).await;
    reply.problem(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_has_an_id_and_safe_headers() {
    let app = TestApp::start().await;
    for path in ["/health", "/catalog/spaces", "/nothing", "/docs/"] {
        let reply = app.get(path).await;
        assert_eq!(reply.header("x-request-id").len(), 36, "{path}");
        assert_eq!(reply.header("x-content-type-options"), "nosniff");
        assert_eq!(reply.header("cache-control"), "no-store");
        assert!(
            reply
                .header("content-security-policy")
                .contains("default-src 'self'")
        );
    }
    let sent = |id: &'static str| Reply::of(app.request(Method::GET, "/health").header("x-request-id", id));
    assert_eq!(sent("trace-7.a_b").await.header("x-request-id"), "trace-7.a_b");
    assert_eq!(sent("<script>").await.header("x-request-id").len(), 36);
}
