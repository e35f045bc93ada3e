//! What a grant that is lost does to the catalog, and what a catalog gets of each mode: a fake of BigQuery, in which
//! a service account's grants can be taken away.

use crate::{
    bigquery_fake::{
        Fake, PROJECT,
        tokens::{EMAIL, PEM},
    },
    test_app::{TestApp, counts},
};
use serde_json::{Value, json};

const GRANTED: [&str; 3] = [
    "bigquery.datasets.get",
    "bigquery.tables.get",
    "bigquery.tables.list",
];

/// A project with two datasets, read as a service account.
async fn shop(app: &TestApp, mode: &str) -> (Fake, String) {
    let fake = Fake::start().await;
    fake.state().tokens.insert("nobody's".to_owned());
    for name in ["customers", "orders"] {
        fake.table("sales", name, json!({}));
    }
    fake.table("audit", "log", json!({}));
    let key = json!({"type": "service_account", "client_email": EMAIL, "private_key": PEM,
        "token_uri": format!("{}/token", fake.uri())});
    let body = json!({"name": "warehouse", "connector_type": "bigquery",
        "config": {"project_id": PROJECT, "endpoint": fake.uri(), "mode": mode, "requests_per_second": 10_000},
        "credentials": {"service_account_json": key}});
    let connector = app.create_connector(&body).await;
    (fake, connector)
}

async fn newest_in_history(app: &TestApp) -> Value {
    let history = app.get("/catalog/spaces/default/sync-history").await.expect(200);
    history["items"][0].clone()
}

/// A dataset leaves the list without a word, and `change` says what else is seen of the lost grant.
async fn loses_a_dataset(change: impl FnOnce(&Fake), reason: &str) {
    let app = TestApp::start().await;
    let (fake, connector) = shop(&app, "rest").await;
    let first = app.sync(&connector).await;
    assert_eq!(counts(&first), [3, 0, 0, 0], "{first:#}");

    fake.state().hidden.insert("audit".to_owned());
    change(&fake);
    let job = app.sync(&connector).await;
    assert_eq!(
        (&job["status"], &job["completeness"], &job["removals"]),
        (&json!("completed"), &json!("complete"), &json!("held")),
        "BigQuery says nothing of the loss: {job:#}"
    );
    assert_eq!(counts(&job), [0, 0, 2, 0], "{job:#}");
    let held = &job["removal_candidates"];
    assert_eq!((&held["reason"], &held["total"]), (&json!(reason), &json!(1)));
    assert_eq!(held["items"][0]["path"], json!([PROJECT, "audit", "log"]));
    let log = format!("{PROJECT}.audit.log");
    assert_eq!(app.product(&log).await["state"], "active");
    let told = newest_in_history(&app).await;
    assert_eq!(
        (&told["id"], &told["removals"], &told["products_archived"]),
        (&job["id"], &json!("held"), &json!(0))
    );

    fake.state().hidden.clear();
    fake.state().permissions = GRANTED.to_vec();
    let back = app.sync(&connector).await;
    assert_eq!(
        (&back["removals"], &back["removal_candidates"]),
        (&json!("none"), &Value::Null)
    );
    assert_eq!(counts(&back), [0, 0, 3, 0], "{back:#}");
    assert_eq!(app.product(&log).await["state"], "active");
    let told = newest_in_history(&app).await;
    assert_eq!((&told["id"], &told["removals"]), (&back["id"], &json!("none")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dataset_that_vanishes_with_its_own_grant_is_held_and_comes_back() {
    loses_a_dataset(|_| {}, "namespace_vanished").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dataset_that_vanishes_with_a_grant_on_the_project_is_held_and_comes_back() {
    loses_a_dataset(|fake| fake.state().permissions.clear(), "visibility").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_vanishes_with_the_grant_is_held_as_well() {
    let app = TestApp::start().await;
    let (fake, connector) = shop(&app, "rest").await;
    app.sync(&connector).await;
    let orders = fake.state().datasets.get_mut("sales").unwrap().remove("orders");
    fake.state().permissions.clear();
    let job = app.sync(&connector).await;
    assert_eq!(
        (&job["removals"], &job["removal_candidates"]["reason"]),
        (&json!("held"), &json!("visibility")),
        "{job:#}"
    );
    fake.state().permissions = GRANTED.to_vec();
    fake.table("sales", "orders", orders.unwrap());
    let back = app.sync(&connector).await;
    assert_eq!(counts(&back), [0, 0, 3, 0], "{back:#}");

    // With the same grants, a table that is gone is gone.
    fake.state().datasets.get_mut("sales").unwrap().remove("orders");
    let job = app.sync(&connector).await;
    assert_eq!(
        (&job["removals"], &job["products_archived"]),
        (&json!("applied"), &json!(1)),
        "{job:#}"
    );
}

/// `last_modified_time` of `PARTITIONS` and `TABLE_STORAGE` is when rows were written, so nothing may rest on it.
#[tokio::test(flavor = "multi_thread")]
async fn in_mode_sql_a_column_that_came_without_a_write_is_seen() {
    let app = TestApp::start().await;
    let (fake, connector) = shop(&app, "sql").await;
    assert_eq!(counts(&app.sync(&connector).await), [3, 0, 0, 0]);
    assert_eq!(counts(&app.sync(&connector).await), [0, 0, 3, 0]);
    let fields = json!({"fields": [{"name": "id", "type": "INTEGER", "mode": "REQUIRED"},
        {"name": "currency", "type": "STRING"}]});
    fake.table("sales", "orders", json!({"schema": fields}));
    let job = app.sync(&connector).await;
    assert_eq!(counts(&job), [0, 1, 2, 0], "{job:#}");
    let orders = app.product(&format!("{PROJECT}.sales.orders")).await;
    assert_eq!(
        orders["schema_changes"][0]["changes"][0]["path"],
        json!(["currency"])
    );
}
