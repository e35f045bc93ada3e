//! Snowflake's emulator fakesnow, over the public API and over `scan`; and the connector's own fake account for grants,
//! which the emulator does not have.

use crate::{
    snowflake_fake::{Catalog, Fake, credentials as reader},
    test_app::{TestApp, counts},
};
use headwater_core::{Host, Secret};
use headwater_http::{Client, Method, Settings, Url};
use serde_json::{Value, json};
use std::{
    env,
    process::{Command, id},
    sync::atomic::{AtomicU32, Ordering},
};

/// A database of its own on the emulator.
struct Database {
    address: String,
    name: String,
    client: Client,
    token: Secret,
}

static NEXT: AtomicU32 = AtomicU32::new(1);

impl Database {
    async fn create() -> Self {
        let address = env::var("HEADWATER_TEST_FAKESNOW")
            .expect("HEADWATER_TEST_FAKESNOW is not set: run cargo xtask test, which starts fakesnow");
        let name = format!("API_{}_{}", id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let client = Client::new(&Host::default(), Settings::new("fakesnow")).unwrap();
        let path = format!("{address}/session/v1/login-request?databaseName={name}&schemaName=PUBLIC");
        let login = client.request(Method::POST, Url::parse(&path).unwrap());
        let login = login.json(&json!({"data": {"SESSION_PARAMETERS": {}}})).unwrap();
        let reply: Value = login.send().await.unwrap().json().unwrap();
        let token = reply["data"]["token"].as_str().unwrap();
        let token = Secret::new(format!("Snowflake Token=\"{token}\""));
        let database = Self {
            address,
            name,
            client,
            token,
        };
        database.sql("CREATE SCHEMA SALES").await;
        for number in 0..48 {
            let columns = "(ID INT PRIMARY KEY, \"lower case\" VARCHAR(20) NOT NULL, AMOUNT NUMBER(12,2))";
            database
                .sql(&format!("CREATE TABLE SALES.T{number} {columns}"))
                .await;
        }
        database
            .sql("CREATE TABLE SALES.\"Odd.Name\" (A INT, B INT, PRIMARY KEY (A, B))")
            .await;
        database.sql("CREATE TABLE PUBLIC.ORDERS (ID INT)").await;
        database
    }

    async fn sql(&self, text: &str) {
        let url = Url::parse(&format!("{}/queries/v1/query-request?requestId=1", self.address)).unwrap();
        let body = json!({"sqlText": text, "asyncExec": false, "sequenceId": 1});
        let request = self.client.request(Method::POST, url).authorization(&self.token);
        let reply: Value = request.json(&body).unwrap().send().await.unwrap().json().unwrap();
        assert_eq!(reply["success"], true, "{text}: {}", reply["message"]);
    }

    fn config(&self) -> Value {
        json!({"account": "fakesnow", "host": self.address, "database": self.name})
    }
}

fn credentials() -> Value {
    json!({"username": "reader", "password": "hunter2-of-the-reader"})
}

#[tokio::test(flavor = "multi_thread")]
async fn from_an_account_to_exactly_the_change_that_was_made() {
    let database = Database::create().await;
    let app = TestApp::start().await;
    let new = json!({
        "name": "warehouse", "connector_type": "snowflake", "config": database.config(), "credentials": credentials(),
    });
    let made = app
        .post("/catalog/spaces/default/connectors", &new)
        .await
        .expect(201);
    let warning = made["warnings"][0].as_str().unwrap();
    assert!(warning.starts_with("password_sign_in_ended: "), "{warning}");
    assert!(!made.to_string().contains("hunter2"), "{made}");
    let connector = format!(
        "/catalog/spaces/default/connectors/{}",
        made["id"].as_str().unwrap()
    );
    let patch = app
        .patch(&connector, &json!({"credentials": credentials()}))
        .await
        .expect(200);
    assert_eq!(patch["warnings"][0], warning);

    let first = app.sync(&connector).await;
    assert_eq!(
        (&first["status"], &first["completeness"]),
        (&json!("completed"), &json!("complete")),
        "{first:#}"
    );
    assert_eq!(first["products_created"], 50);
    assert_eq!(counts(&app.sync(&connector).await), [0, 0, 50, 0]);
    let path = format!("{}.SALES.Odd.Name", database.name);
    let odd = app.product(&path).await;
    assert_eq!(odd["path"], json!([database.name, "SALES", "Odd.Name"]));
    assert_eq!(odd["fields"][0]["native_type"], "NUMBER(38,0)");
    assert_eq!(odd["constraints"][0]["type"], "primary_key");

    database
        .sql("ALTER TABLE SALES.T7 ADD COLUMN PHONE VARCHAR")
        .await;
    database.sql("DROP TABLE SALES.T8").await;
    assert_eq!(counts(&app.sync(&connector).await), [0, 1, 48, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_writes_its_lines_and_no_secret() {
    let database = Database::create().await;
    let output = Command::new(env!("CARGO_BIN_EXE_headwater"))
        .args(["scan", "snowflake", "--config", &database.config().to_string()])
        .args(["--credentials", "env:SNOWFLAKE_CREDENTIALS"])
        .env("SNOWFLAKE_CREDENTIALS", credentials().to_string())
        .env("RUST_LOG", "trace")
        .output()
        .unwrap();
    let (text, errors) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert_eq!(output.status.code(), Some(0), "{errors}");
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let assets = lines.iter().filter(|line| line["type"] == "asset").count();
    assert_eq!(assets, 50);
    assert_eq!(lines.last().unwrap()["completeness"], "complete");
    assert!(errors.contains("password_sign_in_ended"), "{errors}");
    assert!(!text.contains("hunter2") && !errors.contains("hunter2"));
}

/// A role that loses its grant on one schema sees its tables no more, and no statement says why: Snowflake lists less.
#[tokio::test(flavor = "multi_thread")]
async fn the_tables_of_a_schema_whose_grant_is_lost_stay_until_it_is_back() {
    let fake = Fake::start(Catalog::shop()).await;
    let app = TestApp::start().await;
    let new = json!({
        "name": "shop", "connector_type": "snowflake", "config": fake.config(), "credentials": reader(),
    });
    let made = app
        .post("/catalog/spaces/default/connectors", &new)
        .await
        .expect(201);
    let connector = format!(
        "/catalog/spaces/default/connectors/{}",
        made["id"].as_str().unwrap()
    );
    assert_eq!(counts(&app.sync(&connector).await), [9, 0, 0, 0]);

    fake.lock().catalog.revoke("AUDIT");
    let held = app.sync(&connector).await;
    assert_eq!(
        (&held["status"], &held["completeness"], &held["removals"]),
        (&json!("completed"), &json!("complete"), &json!("held")),
        "{held:#}"
    );
    assert_eq!(counts(&held), [0, 0, 7, 0]);
    let candidates = &held["removal_candidates"];
    assert_eq!(candidates["reason"], "visibility");
    let paths: Vec<&Value> = candidates["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| &item["path"])
        .collect();
    assert_eq!(
        paths,
        [&json!(["SHOP", "AUDIT", "LOG"]), &json!(["SHOP", "AUDIT", "OLD"])]
    );
    let log = app.product("SHOP.AUDIT.LOG").await;
    assert_eq!(
        (&log["state"], log["fields"].as_array().unwrap().len()),
        (&json!("active"), 2)
    );
    assert_eq!(app.get(&connector).await.expect(200)["product_count"], 9);
    let history = app
        .get("/catalog/spaces/default/sync-history?size=1")
        .await
        .expect(200);
    let newest = &history["items"][0];
    assert_eq!(
        (&newest["id"], &newest["removals"], &newest["products_archived"]),
        (&held["id"], &json!("held"), &json!(0))
    );

    fake.lock().catalog = Catalog::shop();
    let back = app.sync(&connector).await;
    assert_eq!((counts(&back), &back["removals"]), ([0, 0, 9, 0], &json!("none")));
    let held = format!(
        "/catalog/spaces/default/sync-jobs/{}",
        held["id"].as_str().unwrap()
    );
    assert_eq!(app.get(&held).await.expect(200)["removals"], "superseded");
    assert_eq!(app.product("SHOP.AUDIT.LOG").await["state"], "active");
}
