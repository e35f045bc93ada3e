//! The whole road against minilake, an emulator of a Databricks workspace: made, synced, synced again, dropped.

use crate::test_app::{Client, TestApp, counts};
use serde_json::{Value, json};
use std::{
    env, process,
    time::{SystemTime, UNIX_EPOCH},
};

const UNITY_CATALOG: &str = "/api/2.1/unity-catalog";

/// A catalog of the test's own in the emulator.
struct Lake {
    url: String,
    client: Client,
    catalog: String,
}

impl Lake {
    async fn create() -> Self {
        let url = env::var("HEADWATER_TEST_DATABRICKS")
            .expect("HEADWATER_TEST_DATABRICKS is not set: run cargo xtask test, which starts minilake");
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
        let lake = Self {
            client: Client::new(&url, "any-token"),
            url,
            catalog: format!("api_{}_{now}", process::id()),
        };
        lake.make("catalogs", json!({"name": lake.catalog})).await;
        lake.make("schemas", json!({"catalog_name": lake.catalog, "name": "sales"}))
            .await;
        for name in ["customers", "orders", "returns"] {
            lake.table(name).await;
        }
        lake
    }

    async fn table(&self, name: &str) {
        let table = json!({
            "catalog_name": self.catalog, "schema_name": "sales", "name": name, "table_type": "MANAGED",
            "data_source_format": "DELTA", "comment": format!("the {name}"),
            "columns": [
                {"name": "id", "type_text": "bigint", "comment": "the key"},
                {"name": "total", "type_text": "decimal(12,2)"},
                {"name": "address", "type_text": "struct<city:string,zip:string>"},
            ],
        });
        self.make("tables", table).await;
    }

    async fn make(&self, what: &str, body: Value) {
        self.client
            .post(&format!("{UNITY_CATALOG}/{what}"), &body)
            .await
            .expect(200);
    }

    fn connector(&self) -> Value {
        json!({
            "name": "lake", "connector_type": "databricks",
            "config": {"host": self.url, "catalog": self.catalog}, "credentials": {"token": "dapi-0123456789"},
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn from_a_workspace_to_exactly_the_change_that_was_made() {
    let lake = Lake::create().await;
    let app = TestApp::start().await;
    let connector = app.create_connector(&lake.connector()).await;
    let made = app.get(&connector).await;
    assert!(!made.text.contains("dapi-0123456789"), "{}", made.text);
    let tested = app
        .post(&format!("{connector}/test"), &json!({}))
        .await
        .expect(200);
    assert_eq!(tested["success"], true, "{tested:#}");
    assert_eq!(
        tested["capabilities"]["tags"]["readable"], false,
        "they need a SQL warehouse: {tested:#}"
    );

    let first = app.sync(&connector).await;
    assert_eq!(
        (&first["status"], &first["completeness"]),
        (&json!("completed"), &json!("complete")),
        "{first:#}"
    );
    assert_eq!(first["products_created"], 3);
    let orders = app.product(&format!("{}.sales.orders", lake.catalog)).await;
    assert_eq!(
        (&orders["product_type"], &orders["description"]),
        (&json!("table"), &json!("the orders"))
    );
    assert_eq!(orders["provider"], "databricks");
    assert_eq!(
        orders["fields"][1]["data_type"],
        json!({"type": "decimal", "precision": 12, "scale": 2})
    );
    assert_eq!(
        orders["fields"][2]["fields"][1]["path"],
        json!(["address", "zip"])
    );

    assert_eq!(counts(&app.sync(&connector).await), [0, 0, 3, 0]);

    let dropped = format!("{UNITY_CATALOG}/tables/{}.sales.returns", lake.catalog);
    lake.client.delete(&dropped).await.expect(200);
    lake.table("invoices").await;
    let third = app.sync(&connector).await;
    assert_eq!(counts(&third), [1, 0, 2, 1], "{third:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_elsewhere_needs_the_credentials_again() {
    let lake = Lake::create().await;
    let app = TestApp::start().await;
    let connector = app.create_connector(&lake.connector()).await;
    let elsewhere = json!({"config": {"host": "dbc-elsewhere.cloud.databricks.com"}});
    app.patch(&connector, &elsewhere)
        .await
        .problem(400, "credentials_required");
    let file = json!({
        "name": "file", "connector_type": "databricks", "config": {"host": lake.url},
        "credentials": {"oidc_token_file": "/etc/passwd"},
    });
    let refused = app.post("/catalog/spaces/default/connectors", &file).await;
    assert_eq!(
        refused.pointers(400, "invalid_configuration"),
        ["/credentials/oidc_token_file"]
    );
}
