//! The whole road from an emulator of BigQuery: through the REST API, and through `headwater scan`.

use crate::test_app::{TestApp, counts, http};
use serde_json::{Value, json};
use std::{env, process::Command};

/// A project of a test's own on the emulator.
struct Shop {
    origin: String,
    project: String,
    http: reqwest::Client,
}

impl Shop {
    async fn seeded(project: &str) -> Self {
        let origin = env::var("HEADWATER_TEST_BIGQUERY")
            .expect("HEADWATER_TEST_BIGQUERY is not set: run cargo xtask test, which starts an emulator");
        let shop = Self {
            origin,
            project: format!("{project}-{}", std::process::id()),
            http: http(),
        };
        let dataset = json!({"datasetReference": {"projectId": shop.project, "datasetId": "sales"}});
        shop.post("datasets", &dataset).await;
        shop.table("orders", &["id", "total"]).await;
        shop.table("customers", &["id"]).await;
        shop
    }

    async fn post(&self, below: &str, body: &Value) {
        let url = format!("{}/bigquery/v2/projects/{}/{below}", self.origin, self.project);
        let sent = self.http.post(url).json(body).send().await.unwrap();
        assert!(
            sent.status().is_success(),
            "{below}: {}",
            sent.text().await.unwrap()
        );
    }

    async fn table(&self, name: &str, columns: &[&str]) {
        let fields: Vec<Value> = columns
            .iter()
            .map(|name| json!({"name": name, "type": "INTEGER"}))
            .collect();
        let body = json!({"description": "What was bought", "schema": {"fields": fields},
            "tableReference": {"projectId": self.project, "datasetId": "sales", "tableId": name}});
        self.post("datasets/sales/tables", &body).await;
    }

    async fn drop(&self, table: &str) {
        let url = format!(
            "{}/bigquery/v2/projects/{}/datasets/sales/tables/{table}",
            self.origin, self.project
        );
        let sent = self.http.delete(url).send().await.unwrap();
        assert!(sent.status().is_success());
    }

    fn config(&self) -> Value {
        json!({"project_id": self.project, "endpoint": self.origin})
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn from_a_project_to_exactly_the_change_that_was_made() {
    let shop = Shop::seeded("hw-api").await;
    let app = TestApp::start().await;
    let body = json!({"name": "warehouse", "connector_type": "bigquery", "config": shop.config(),
        "credentials": {"auth_type": "none"}});
    let connector = app.create_connector(&body).await;
    let tested = app
        .post(&format!("{connector}/test"), &json!({}))
        .await
        .expect(200);
    assert_eq!(tested["success"], true, "{tested:#}");
    assert!(
        tested["message"]
            .as_str()
            .unwrap()
            .contains("1 dataset, about 2 tables"),
        "{tested:#}"
    );

    let first = app.sync(&connector).await;
    assert_eq!(first["completeness"], "complete", "{first:#}");
    assert_eq!(counts(&first), [2, 0, 0, 0]);
    let orders = app.product(&format!("{}.sales.orders", shop.project)).await;
    assert_eq!(orders["description"], "What was bought");
    assert_eq!(orders["path"], json!([shop.project, "sales", "orders"]));
    assert_eq!(orders["fields"][1]["native_type"], "INT64");
    assert_eq!(counts(&app.sync(&connector).await), [0, 0, 2, 0]);

    shop.drop("orders").await;
    shop.table("orders", &["id", "total", "currency"]).await;
    shop.drop("customers").await;
    assert_eq!(counts(&app.sync(&connector).await), [0, 1, 0, 1]);
    let orders = app.product(&format!("{}.sales.orders", shop.project)).await;
    assert_eq!(
        orders["schema_changes"][0]["changes"][0]["path"],
        json!(["currency"])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_file_is_never_given_back_and_its_faults_are_named() {
    let app = TestApp::start().await;
    let create = async |file: Value| {
        let body = json!({"name": "warehouse", "connector_type": "bigquery", "config": {"project_id": "p"},
            "credentials": {"service_account_json": file}});
        app.post("/catalog/spaces/default/connectors", &body).await
    };
    let refused =
        create(json!({"client_email": "a@p.iam.gserviceaccount.com", "private_key": "hunter2"})).await;
    let problem = refused.expect(400);
    assert_eq!(
        problem["errors"][0]["pointer"],
        "/credentials/service_account_json/private_key"
    );
    assert!(!problem.to_string().contains("hunter2"), "{problem:#}");
    let elsewhere = json!({"client_email": "a@p.iam.gserviceaccount.com", "token_uri": "https://evil.example.com",
        "private_key": include_str!("../../../bigquery/tests/it/service_account.pem")});
    let problem = create(elsewhere).await.expect(400);
    assert_eq!(
        problem["errors"][0]["pointer"],
        "/credentials/service_account_json/token_uri"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_writes_one_line_for_each_table() {
    let shop = Shop::seeded("hw-scan").await;
    let mut scan = Command::new(env!("CARGO_BIN_EXE_headwater"));
    scan.args(["scan", "bigquery", "--config", &shop.config().to_string()])
        .args(["--credentials", r#"{"auth_type": "none"}"#])
        .env_remove("RUST_LOG");
    let output = tokio::task::spawn_blocking(move || scan.output().unwrap())
        .await
        .unwrap();
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let lines: Vec<Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let names = lines
        .iter()
        .filter(|line| line["type"] == "asset")
        .map(|line| &line["name"]);
    let mut names: Vec<&Value> = names.collect();
    names.sort_by_key(|name| name.to_string());
    assert_eq!(names, ["customers", "orders"]);
    let end = lines.last().unwrap();
    assert_eq!(
        (&end["completeness"], &end["warnings"]),
        (&json!("complete"), &json!(0))
    );
}
