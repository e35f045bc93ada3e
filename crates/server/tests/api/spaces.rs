//! Spaces, API keys and the audit.

use crate::{shape::assert_shape, test_app::TestApp};
use headwater_testkit::ToySource;
use serde_json::{Value, json};

fn space() -> Value {
    json!({
        "id": "uuid", "slug": "string", "name": "string", "connector_count": "integer", "product_count": "integer",
        "created_at": "time",
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_space_is_made_counted_and_deleted() {
    let app = TestApp::start().await;
    let made = app
        .post("/catalog/spaces", &json!({"slug": "sales", "name": "Sales & co"}))
        .await
        .expect(201);
    assert_shape(&made, &space());
    assert_eq!(
        (&made["slug"], &made["name"]),
        (&json!("sales"), &json!("Sales & co"))
    );
    assert_eq!(app.get("/catalog/spaces/sales").await.expect(200), made);
    app.post("/catalog/spaces", &json!({"slug": "sales", "name": "x"}))
        .await
        .problem(409, "slug_taken");

    let connector = app.create_toy(&ToySource::shop()).await;
    app.sync(&connector).await;
    let counted = app.get("/catalog/spaces/default").await.expect(200);
    assert_eq!(
        (&counted["connector_count"], &counted["product_count"]),
        (&json!(1), &json!(9))
    );
    let list = app.get("/catalog/spaces").await.expect(200);
    assert_eq!(list, json!([counted, made]));

    app.delete("/catalog/spaces/default")
        .await
        .problem(409, "space_not_empty");
    assert_eq!(app.delete("/catalog/spaces/sales").await.status, 204);
    app.get("/catalog/spaces/sales").await.problem(404, "not_found");
    app.delete(&connector).await;
    assert_eq!(app.delete("/catalog/spaces/default").await.status, 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn slugs_and_names_are_checked() {
    let app = TestApp::start().await;
    for slug in ["", "-a", "a-", "A", "a b", "a_b", &"a".repeat(64)] {
        let reply = app
            .post("/catalog/spaces", &json!({"slug": slug, "name": "x"}))
            .await;
        assert_eq!(reply.pointers(400, "invalid_body"), ["/slug"], "{slug}");
    }
    let reply = app
        .post("/catalog/spaces", &json!({"slug": "a", "name": " "}))
        .await;
    assert_eq!(reply.pointers(400, "invalid_body"), ["/name"]);
}

fn key() -> Value {
    json!({
        "id": "uuid", "name": "string", "role": "viewer|editor|admin", "space": "string?", "prefix": "string",
        "created_at": "time", "expires_at": "time?", "revoked_at": "time?",
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_shown_once() {
    let app = TestApp::start().await;
    let path = "/catalog/spaces/default/api-keys";
    let body = json!({"name": "ci", "role": "editor", "expires_at": "2999-01-01T00:00:00+01:00"});
    let made = app.post(path, &body).await.expect(201);
    let mut shape = key();
    shape["key"] = json!("string");
    assert_shape(&made, &shape);
    let text = made["key"].as_str().unwrap();
    assert!(text.starts_with("hw_") && text.len() == 3 + 43, "{text}");
    assert!(text.starts_with(made["prefix"].as_str().unwrap()));
    assert_eq!(
        (&made["space"], &made["expires_at"]),
        (&json!("default"), &json!("2998-12-31T23:00:00Z"))
    );

    let list = app.get(path).await;
    assert!(!list.text.contains(text));
    let list = list.expect(200);
    assert_shape(&list, &json!([key()]));
    assert_eq!(list[0]["id"], made["id"]);

    let path = format!("{path}/{}", made["id"].as_str().unwrap());
    let holder = app.with_key(Some(text));
    holder.get("/catalog/spaces/default").await.expect(200);
    assert_eq!(app.delete(&path).await.status, 204);
    holder
        .get("/catalog/spaces/default")
        .await
        .problem(401, "unauthorized");
    assert!(app.get("/catalog/spaces/default/api-keys").await.expect(200)[0]["revoked_at"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_ends_when_it_expires() {
    let app = TestApp::start().await;
    let soon = jiff::Timestamp::now() + std::time::Duration::from_millis(1500);
    let body = json!({"name": "brief", "role": "viewer", "expires_at": soon.to_string()});
    let made = app
        .post("/catalog/spaces/default/api-keys", &body)
        .await
        .expect(201);
    let holder = app.with_key(made["key"].as_str());
    holder.get("/catalog/spaces/default").await.expect(200);
    tokio::time::sleep(std::time::Duration::from_millis(1600)).await;
    holder
        .get("/catalog/spaces/default")
        .await
        .problem(401, "unauthorized");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_the_instance_open_every_space() {
    let app = TestApp::start().await;
    let made = app
        .post("/catalog/api-keys", &json!({"name": "terraform"}))
        .await
        .expect(201);
    assert_eq!((&made["space"], &made["role"]), (&json!(null), &json!("admin")));
    let holder = app.with_key(made["key"].as_str());
    holder.create_space("sales").await;
    holder.get("/catalog/spaces/sales/audit").await.expect(200);
    assert_shape(
        &holder.get("/catalog/api-keys").await.expect(200),
        &json!([key()]),
    );
    let reply = app
        .post("/catalog/api-keys", &json!({"name": "x", "role": "viewer"}))
        .await;
    assert_eq!(reply.pointers(400, "invalid_body"), ["/role"]);
    // A key of the instance is not revoked as one of a space, nor the other way round.
    let id = made["id"].as_str().unwrap();
    app.delete(&format!("/catalog/spaces/default/api-keys/{id}"))
        .await
        .problem(404, "not_found");
    assert_eq!(app.delete(&format!("/catalog/api-keys/{id}")).await.status, 204);
    holder.get("/catalog/spaces").await.problem(401, "unauthorized");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_settings_of_a_key_are_checked() {
    let app = TestApp::start().await;
    for (body, pointer) in [
        (json!({"name": "", "role": "viewer"}), "/name"),
        (json!({"name": "x", "role": "owner"}), "/role"),
        (json!({"name": "x"}), "/role"),
        (
            json!({"name": "x", "role": "viewer", "expires_at": "tomorrow"}),
            "/expires_at",
        ),
        (
            json!({"name": "x", "role": "viewer", "expires_at": "2001-01-01T00:00:00Z"}),
            "/expires_at",
        ),
    ] {
        let reply = app.post("/catalog/spaces/default/api-keys", &body).await;
        assert_eq!(reply.pointers(400, "invalid_body"), [pointer], "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_says_who_changed_which_fields() {
    let app = TestApp::start().await;
    let admin = app.with_key(Some(&app.create_key("default", "admin").await));
    let connector = admin.create_toy(&ToySource::shop()).await;
    admin
        .patch(
            &connector,
            &json!({"name": "renamed", "config": {"schema": "public"}}),
        )
        .await
        .expect(200);
    admin
        .patch(&connector, &json!({"credentials": {"token": ToySource::TOKEN}}))
        .await
        .expect(200);
    admin.sync(&connector).await;
    admin.delete(&connector).await;

    let audit = admin.get("/catalog/spaces/default/audit").await.expect(200);
    let event = json!({
        "id": "uuid", "at": "time", "actor": "string", "key_id": "any", "action": "string", "object": "string",
        "object_id": "string", "fields": ["string"],
    });
    assert_shape(
        &audit,
        &json!({"items": [event], "total": "integer", "page": "integer", "size": "integer"}),
    );
    let events = audit["items"].as_array().unwrap();
    let actions: Vec<&str> = events
        .iter()
        .rev()
        .map(|event| event["action"].as_str().unwrap())
        .collect();
    let first = actions
        .iter()
        .position(|action| *action == "connector.create")
        .unwrap();
    assert_eq!(
        actions[first..],
        [
            "connector.create",
            "connector.update",
            "credentials.update",
            "sync.start",
            "connector.delete"
        ]
    );
    let update = events
        .iter()
        .find(|event| event["action"] == "connector.update")
        .unwrap();
    assert_eq!(update["fields"], json!(["name", "config"]));
    assert_eq!(update["actor"], "admin");
    assert!(update["key_id"].is_string());
    assert!(connector.ends_with(update["object_id"].as_str().unwrap()));
}
