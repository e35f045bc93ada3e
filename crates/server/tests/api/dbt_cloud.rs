//! A dbt project whose artifacts are fetched from dbt Cloud: a fake with one run.

use crate::test_app::{TestApp, counts};
use serde_json::{Value, json};
use std::{fs, path::Path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::any};

const TOKEN: &str = "dbtc_hunter2";

/// One run that built the project and left a manifest, to those who bring the token.
async fn dbt_cloud() -> MockServer {
    let artifacts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../dbt/tests/artifacts");
    let manifest = fs::read(artifacts.join("manifest.json")).unwrap();
    let answer = move |request: &Request| {
        let given = request.headers.get("authorization").map(|value| value.as_bytes());
        if given != Some(format!("Token {TOKEN}").as_bytes()) {
            return ResponseTemplate::new(401);
        }
        let run = json!({"id": 5, "status": 10, "finished_at": "2026-11-20 06:00:00+00:00", "run_steps": []});
        match request.url.path() {
            "/api/v2/accounts/7/runs/" => ResponseTemplate::new(200).set_body_json(json!({"data": [run]})),
            "/api/v2/accounts/7/runs/5/" => ResponseTemplate::new(200).set_body_json(json!({"data": run})),
            "/api/v2/accounts/7/runs/5/artifacts/" => {
                ResponseTemplate::new(200).set_body_json(json!({"data": ["manifest.json"]}))
            }
            "/api/v2/accounts/7/runs/5/artifacts/manifest.json" => {
                ResponseTemplate::new(200).set_body_bytes(manifest.clone())
            }
            _ => ResponseTemplate::new(404),
        }
    };
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(answer).mount(&server).await;
    server
}

async fn create(app: &TestApp, host: &str, token: &str) -> String {
    app.create_connector(&json!({
        "name": "corner shop",
        "connector_type": "dbt_cloud",
        "config": {"account_id": 7, "environment_id": 3, "host": host},
        "credentials": {"token": token},
    }))
    .await
}

#[tokio::test]
async fn a_project_in_dbt_cloud_is_synced_on_request() {
    let (app, cloud) = (TestApp::start().await, dbt_cloud().await);
    let connector = create(&app, &cloud.uri(), TOKEN).await;
    let tested = app
        .post(&format!("{connector}/test"), &json!({}))
        .await
        .expect(200);
    assert_eq!(tested["success"], true, "{tested}");
    assert_eq!(
        tested["capabilities"]["row_counts"]["readable"], false,
        "{tested}"
    );

    let first = app.sync(&connector).await;
    assert_eq!(
        (&first["status"], &first["completeness"]),
        (&json!("completed"), &json!("complete")),
        "{first}"
    );
    assert!(first["cost"]["requests"].as_u64().unwrap() >= 3, "{first}");
    let [created, ..] = counts(&first);
    assert_eq!(created, 12);
    let second = app.sync(&connector).await;
    assert_eq!(counts(&second), [0, 0, created, 0]);

    let stored = app.get(&connector).await.expect(200);
    assert_eq!(stored["connector_type"], "dbt");
    assert!(!stored.to_string().contains("hunter2"));
}

#[tokio::test]
async fn a_token_stays_with_its_host_and_a_wrong_one_is_told() {
    let (app, cloud) = (TestApp::start().await, dbt_cloud().await);
    let connector = create(&app, &cloud.uri(), TOKEN).await;
    let elsewhere = json!({"config": {"host": "collector.example.com"}});
    app.patch(&connector, &elsewhere)
        .await
        .problem(400, "credentials_required");

    let wrong = json!({"credentials": {"token": "dbtc_wrong"}});
    app.patch(&connector, &wrong).await.expect(200);
    let tested = app
        .post(&format!("{connector}/test"), &json!({}))
        .await
        .expect(200);
    assert_eq!(
        (&tested["success"], &tested["latency_ms"]),
        (&json!(false), &Value::Null),
        "{tested}"
    );
    let job = app.sync(&connector).await;
    assert_eq!(
        (&job["status"], &job["error"]["code"]),
        (&json!("failed"), &json!("unauthenticated")),
        "{job}"
    );
    assert!(!job.to_string().contains("dbtc_"), "{job}");
}

#[tokio::test]
async fn plain_http_leads_to_loopback_addresses_only() {
    let app = TestApp::start().await;
    let body = json!({
        "name": "corner shop",
        "connector_type": "dbt_cloud",
        "config": {"account_id": 7, "environment_id": 3, "host": "http://dbt.example.com"},
        "credentials": {"token": TOKEN},
    });
    let refused = app.post("/catalog/spaces/default/connectors", &body).await;
    assert_eq!(refused.pointers(400, "invalid_configuration"), ["/config/host"]);

    let lax = TestApp::start_with(|config| config.allow_insecure_sources = true).await;
    lax.post("/catalog/spaces/default/connectors", &body)
        .await
        .expect(201);
}
