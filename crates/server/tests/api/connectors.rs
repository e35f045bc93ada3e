//! Making, changing, testing and deleting connectors.

use crate::{
    shape::assert_shape,
    test_app::{ADMIN_KEY, TestApp},
};
use headwater_testkit::{Action, Call, Part, ToySource};
use serde_json::{Value, json};

const CONNECTORS: &str = "/catalog/spaces/default/connectors";

fn shape() -> Value {
    json!({
        "id": "uuid", "name": "string", "connector_type": "toy", "config": "object", "source_system_id": "any",
        "is_active": "bool", "product_count": "integer", "last_sync": "time?", "created_at": "time", "updated_at": "time",
    })
}

fn with_warnings() -> Value {
    let mut shape = shape();
    shape["warnings"] = json!(["string"]);
    shape
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_comes_back_as_it_was_sent() {
    let app = TestApp::start().await;
    let source = ToySource::new();
    let body = json!({
        "name": "shop", "connector_type": "toy", "config": source.config(),
        "credentials": source.credentials(), "source_system_id": "crm-7",
    });
    let made = app.post(CONNECTORS, &body).await.expect(201);
    assert_shape(&made, &with_warnings());
    assert_eq!(made["warnings"], json!([]));
    assert_eq!(made["config"], source.config(), "no defaults are injected");
    assert_eq!(made["source_system_id"], "crm-7");
    assert_eq!(
        (&made["is_active"], &made["product_count"], &made["last_sync"]),
        (&json!(true), &json!(0), &json!(null))
    );

    let path = format!("{CONNECTORS}/{}", made["id"].as_str().unwrap());
    let got = app.get(&path).await.expect(200);
    assert_shape(&got, &shape());
    let list = app.get(CONNECTORS).await.expect(200);
    assert_eq!(list, json!([got]), "the list is a bare array of the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alias_comes_back_canonical_and_names_need_not_be_unique() {
    let app = TestApp::start().await;
    let source = ToySource::new();
    for _ in 0..2 {
        let body = json!({
            "name": "twice", "connector_type": "toy_source", "config": source.config(), "credentials": source.credentials(),
        });
        assert_eq!(
            app.post(CONNECTORS, &body).await.expect(201)["connector_type"],
            "toy"
        );
    }
    let config = json!({"host": "db.example.com", "database": "shop"});
    let body = json!({
        "name": "pg", "connector_type": "postgresql", "config": config,
        "credentials": {"username": "reader", "password": "hunter2"},
    });
    let made = app.post(CONNECTORS, &body).await.expect(201);
    assert_eq!(
        (&made["connector_type"], &made["config"]),
        (&json!("postgres"), &config)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_are_told_all_at_once_and_nothing_is_stored() {
    let app = TestApp::start().await;
    let source = ToySource::new();
    let (config, credentials) = (source.config(), source.credentials());
    for (body, pointers) in [
        (json!({}), vec!["/name", "/connector_type"]),
        (
            json!({"name": " ", "connector_type": "oracle"}),
            vec!["/name", "/connector_type"],
        ),
        (
            json!({"name": "x", "connector_type": "toy"}),
            vec!["/config/source", "/credentials/token"],
        ),
        (
            json!({"connector_type": "toy", "config": {"sourc": "x"}, "credentials": credentials}),
            vec!["/name", "/config/sourc", "/config/source"],
        ),
        (
            json!({"name": "x", "connector_type": "toy", "config": config, "credentials": {"token": 5}}),
            vec!["/credentials/token"],
        ),
        (
            json!({"name": "x", "connector_type": "toy", "config": {"source": "toy-1", "token": "hunter2"}, "credentials": credentials}),
            vec!["/credentials/token"],
        ),
        (
            json!({"name": "x", "connector_type": "toy", "credentials": credentials,
                "config": {"source": "toy-1", "filters": {"include_tables": ["("]}}}),
            vec!["/config/filters/include_tables/0"],
        ),
    ] {
        let reply = app.post(CONNECTORS, &body).await;
        assert!(!reply.text.contains("hunter2"), "{}", reply.text);
        assert_eq!(reply.pointers(400, "invalid_configuration"), pointers, "{body}");
    }
    let problem = app
        .post(
            CONNECTORS,
            &json!({"name": "x", "connector_type": "toy", "confg": {}}),
        )
        .await;
    assert_eq!(problem.pointers(400, "invalid_body"), ["/confg"]);
    assert_eq!(app.get(CONNECTORS).await.expect(200), json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patch_merges_config_and_keeps_the_rest() {
    let app = TestApp::start().await;
    let source = ToySource::new();
    let connector = app.create_toy(&source).await;
    let patch =
        json!({"name": "renamed", "config": {"filters": {"include_tables": ["a"], "exclude_tables": ["b"]}}});
    let changed = app.patch(&connector, &patch).await.expect(200);
    assert_shape(&changed, &with_warnings());
    assert_eq!(changed["name"], "renamed");
    assert_eq!(changed["config"]["source"], source.config()["source"]);

    let patch =
        json!({"config": {"filters": {"exclude_tables": null}}, "source_system_id": {"any": ["json"]}});
    let changed = app.patch(&connector, &patch).await.expect(200);
    assert_eq!(changed["config"]["filters"], json!({"include_tables": ["a"]}));
    assert_eq!(changed["source_system_id"], json!({"any": ["json"]}));
    let changed = app
        .patch(&connector, &json!({"source_system_id": null}))
        .await
        .expect(200);
    assert_eq!(changed["source_system_id"], json!(null));
    assert_eq!(changed["name"], "renamed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patch_that_does_not_fit_changes_nothing() {
    let app = TestApp::start().await;
    let connector = app.create_toy(&ToySource::new()).await;
    let before = app.get(&connector).await.expect(200);
    for (patch, pointers) in [
        (json!({"name": ""}), vec!["/name"]),
        (json!({"connector_type": "postgres"}), vec!["/connector_type"]),
        (json!({"connector_type": "oracle"}), vec!["/connector_type"]),
        (json!({"config": {"source": null}}), vec!["/config/source"]),
        (json!({"config": {"hots": "x"}}), vec!["/config/hots"]),
        (json!({"config": null}), vec!["/config"]),
        (json!({"config": []}), vec!["/config"]),
        (json!({"credentials": {}}), vec!["/credentials/token"]),
        (json!({"credentials": null}), vec!["/credentials"]),
    ] {
        let reply = app.patch(&connector, &patch).await;
        assert_eq!(reply.pointers(400, "invalid_configuration"), pointers, "{patch}");
    }
    let reply = app.patch(&connector, &json!({"is_activ": false})).await;
    assert_eq!(reply.pointers(400, "invalid_body"), ["/is_activ"]);
    let reply = app.patch(&connector, &json!({"is_active": "no"})).await;
    assert_eq!(reply.pointers(400, "invalid_body"), ["/is_active"]);
    assert_eq!(app.get(&connector).await.expect(200), before);
    // Its own kind may be named.
    app.patch(&connector, &json!({"connector_type": "toy_source"}))
        .await
        .expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_not_sent_elsewhere_without_being_sent_again() {
    let app = TestApp::start().await;
    let source = ToySource::new();
    let connector = app.create_toy(&source).await;
    let elsewhere = json!({"config": {"host": "attacker.example.com"}});
    let reply = app.patch(&connector, &elsewhere).await;
    assert_eq!(reply.pointers(400, "credentials_required"), ["/credentials"]);
    assert_eq!(app.get(&connector).await.expect(200)["config"], source.config());

    let mut with_credentials = elsewhere.clone();
    with_credentials["credentials"] = source.credentials();
    app.patch(&connector, &with_credentials).await.expect(200);
    // The same place again is no change.
    app.patch(&connector, &elsewhere).await.expect(200);
    let away = json!({"config": {"host": null}});
    app.patch(&connector, &away)
        .await
        .problem(400, "credentials_required");
}

#[tokio::test(flavor = "multi_thread")]
async fn new_credentials_are_used_by_the_next_sync() {
    let app = TestApp::start().await;
    let source = ToySource::shop();
    let connector = app.create_toy(&source).await;
    source.set_token("another-token");
    assert_eq!(app.sync(&connector).await["status"], "failed");
    app.patch(&connector, &json!({"credentials": {"token": "another-token"}}))
        .await
        .expect(200);
    assert_eq!(app.sync(&connector).await["status"], "completed");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inactive_connector_is_not_synced() {
    let app = TestApp::start().await;
    let connector = app.create_toy(&ToySource::new()).await;
    let changed = app
        .patch(&connector, &json!({"is_active": false}))
        .await
        .expect(200);
    assert_eq!(changed["is_active"], false);
    app.post(&format!("{connector}/sync"), &json!({}))
        .await
        .problem(409, "connector_inactive");
    app.patch(&connector, &json!({"is_active": true}))
        .await
        .expect(200);
    assert_eq!(app.sync(&connector).await["status"], "completed");
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_disconnects_the_products_and_keeps_the_history() {
    let app = TestApp::start().await;
    let connector = app.create_toy(&ToySource::shop()).await;
    app.sync(&connector).await;
    assert_eq!(app.get(&connector).await.expect(200)["product_count"], 9);
    let reply = app.delete(&connector).await;
    assert_eq!((reply.status, reply.text.as_str()), (204, ""));
    app.get(&connector).await.problem(404, "not_found");
    app.delete(&connector).await.problem(404, "not_found");

    let products = app.get("/catalog/spaces/default/products").await.expect(200);
    assert_eq!(products["total"], 0);
    let products = app
        .get("/catalog/spaces/default/products?state=disconnected")
        .await
        .expect(200);
    assert_eq!(
        (&products["total"], &products["items"][0]["is_archived"]),
        (&json!(9), &json!(true))
    );
    let history = app.get("/catalog/spaces/default/sync-history").await.expect(200);
    assert_eq!(history["items"][0]["connector_name"], "toy");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_says_what_can_be_read() {
    let app = TestApp::start().await;
    let source = ToySource::shop();
    let connector = app.create_toy(&source).await;
    source.refuse_part(Part::Stats);
    let readable = json!({"readable": "bool", "detail": "string?", "grant": "string?"});
    let found = app
        .post(&format!("{connector}/test"), &json!({}))
        .await
        .expect(200);
    assert_shape(
        &found,
        &json!({
            "success": "bool", "message": "string", "latency_ms": "integer",
            "capabilities": {
                "fields": readable, "constraints": readable, "definition": readable, "stats": readable, "lineage": readable,
            },
        }),
    );
    assert_eq!(found["success"], true);
    assert_eq!(
        found["capabilities"]["fields"],
        json!({"readable": true, "detail": null, "grant": null})
    );
    assert_eq!(found["capabilities"]["stats"]["grant"], "GRANT READ stats TO toy");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_that_fails_is_an_answer_too() {
    let app = TestApp::start().await;
    let source = ToySource::new();
    let connector = app.create_toy(&source).await;
    source.set_token("another-token");
    let found = app
        .post(&format!("{connector}/test"), &json!({}))
        .await
        .expect(200);
    assert_shape(
        &found,
        &json!({"success": "bool", "message": "string", "latency_ms": "any", "capabilities": {}}),
    );
    assert_eq!(
        (&found["success"], &found["latency_ms"]),
        (&json!(false), &json!(null))
    );

    source.on(Call::Check, 1, Action::Panic);
    let reply = app.post(&format!("{connector}/test"), &json!({})).await;
    assert!(!reply.text.contains(ADMIN_KEY));
    assert_eq!(
        reply.expect(200)["success"],
        false,
        "even where the connector panics"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kinds_of_sources_are_listed_with_their_schemas() {
    let app = TestApp::start().await;
    let kinds = app.get("/catalog/connector-types").await.expect(200);
    let shape = json!({
        "connector_type": "string", "name": "string", "aliases": ["string"], "inputs": ["string"], "config_schema": "object",
        "credentials_schema": "object", "capabilities": [{"name": "string", "verified": "real|emulator|fake"}],
    });
    assert_shape(&kinds, &json!([shape]));
    let kinds = kinds.as_array().unwrap();
    let names: Vec<&Value> = kinds.iter().map(|kind| &kind["connector_type"]).collect();
    assert_eq!(
        names,
        [
            "bigquery",
            "databricks",
            "dbt",
            "postgres",
            "redshift",
            "snowflake",
            "toy"
        ]
    );
    let kind = |name: &str| kinds.iter().find(|kind| kind["connector_type"] == name).unwrap();
    assert_eq!(kind("dbt")["inputs"][0], "manifest_file");
    assert_eq!(kind("postgres")["aliases"], json!(["postgresql"]));
    assert!(kind("postgres")["config_schema"]["properties"]["host"].is_object());
}
