//! A PostgreSQL source that has a bad day, or is rebuilt between two syncs.

use crate::{
    database::Database,
    proxy::Proxy,
    test_app::{TestApp, counts},
};
use serde_json::{Value, json};

/// A sync waits at `checked` while it is locked, in the middle of its work.
const SHOP: &str = "
    CREATE TABLE customers (id bigint PRIMARY KEY, email text NOT NULL UNIQUE);
    CREATE TABLE checked (id bigint CHECK (id > 0));
    CREATE TABLE orders (id bigint, total numeric(12, 2));
    CREATE TABLE parcels (id bigint, weight integer);
    COMMENT ON TABLE customers IS 'Who buys';
    CREATE VIEW totals AS SELECT sum(total) AS total FROM orders;
";
const PRODUCTS: u64 = 5;

async fn shop() -> (Database, TestApp) {
    let database = Database::create().await;
    database.execute(SHOP).await;
    (database, TestApp::start().await)
}

/// Makes the connector and syncs it. Returns its path.
async fn synced(app: &TestApp, body: &Value) -> String {
    let connector = app.create_connector(body).await;
    let job = app.sync(&connector).await;
    assert_eq!(job["completeness"], "complete", "{job:#}");
    assert_eq!(counts(&job), [PRODUCTS, 0, 0, 0]);
    connector
}

async fn start(app: &TestApp, connector: &str) -> String {
    let started = app.post(&format!("{connector}/sync"), &json!({})).await;
    started.expect(202)["job_id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_cut_in_mid_sync_is_opened_again() {
    let (database, app) = shop().await;
    let (host, port) = database.address();
    let proxy = Proxy::to(host, port).await;
    let mut body = database.connector();
    body["config"]["host"] = json!(proxy.address.ip());
    body["config"]["port"] = json!(proxy.address.port());
    let connector = app.create_connector(&body).await;
    let lock = database.lock("checked").await;
    let job = start(&app, &connector).await;
    database.until_waiting(1).await;
    proxy.down();
    proxy.up();
    drop(lock);
    let job = app.job_ended(&job).await;
    assert_eq!(job["completeness"], "complete", "{job:#}");
    assert_eq!(counts(&job), [PRODUCTS, 0, 0, 0]);
    assert_eq!(counts(&app.sync(&connector).await), [0, 0, PRODUCTS, 0]);
    database.drop_it().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_stops_in_mid_sync_removes_nothing() {
    let (database, app) = shop().await;
    let (host, port) = database.address();
    let proxy = Proxy::to(host, port).await;
    let mut body = database.connector();
    body["config"]["host"] = json!(proxy.address.ip());
    body["config"]["port"] = json!(proxy.address.port());
    let connector = synced(&app, &body).await;

    let lock = database.lock("checked").await;
    let job = start(&app, &connector).await;
    database.until_waiting(1).await;
    // As a stopping server does: it ends its sessions and takes no more.
    proxy.down();
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    database.execute(end).await;
    let job = app.job_ended(&job).await;
    assert_eq!(
        (&job["status"], &job["error"]["code"]),
        (&json!("failed"), &json!("unavailable")),
        "{job:#}"
    );
    assert_eq!(counts(&job)[3], 0);
    let stored = app.get(&connector).await.expect(200);
    assert_eq!(stored["product_count"], PRODUCTS);

    proxy.up();
    drop(lock);
    let job = app.sync(&connector).await;
    assert_eq!(
        (&job["completeness"], &job["removals"]),
        (&json!("complete"), &json!("none"))
    );
    assert_eq!(counts(&job), [0, 0, PRODUCTS, 0]);
    database.drop_it().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_ends_the_statement_at_the_source() {
    let (database, app) = shop().await;
    let connector = app.create_connector(&database.connector()).await;
    let _lock = database.lock("checked").await;
    let job = start(&app, &connector).await;
    database.until_waiting(1).await;
    let cancel = format!("/catalog/spaces/default/sync-jobs/{job}/cancel");
    app.post(&cancel, &json!({})).await.expect(202);
    database.until_waiting(0).await;
    assert_eq!(app.job_ended(&job).await["status"], "cancelled");
    database.drop_it().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn comments_that_may_no_longer_be_read_stay_as_they_were() {
    let (database, app) = shop().await;
    let role = format!("reader_{}", database.name);
    database
        .execute(&format!("CREATE ROLE {role} LOGIN PASSWORD 'reader-pw'"))
        .await;
    let mut body = database.connector();
    body["credentials"] = json!({"username": role, "password": "reader-pw"});
    let connector = synced(&app, &body).await;
    let customers = format!("{}.public.customers", database.name);
    let before = app.product(&customers).await;
    assert_eq!(before["description"], "Who buys");

    database
        .execute("REVOKE SELECT ON pg_catalog.pg_description FROM PUBLIC")
        .await;
    let job = app.sync(&connector).await;
    assert_eq!(counts(&job), [0, 0, PRODUCTS, 0]);
    let warnings = job["warnings"]["items"].as_array().unwrap();
    assert!(
        warnings
            .iter()
            .any(|warning| warning["code"] == "permission_denied"),
        "{job:#}"
    );
    assert_eq!(app.product(&customers).await, before);

    database
        .execute("GRANT SELECT ON pg_catalog.pg_description TO PUBLIC; COMMENT ON TABLE customers IS NULL")
        .await;
    assert_eq!(counts(&app.sync(&connector).await), [0, 1, PRODUCTS - 1, 0]);
    assert_eq!(app.product(&customers).await["description"], json!(null));
    database.execute(&format!("DROP ROLE {role}")).await;
    database.drop_it().await;
}

/// What a person writes on a product.
async fn edit(app: &TestApp, product: &Value) {
    let path = format!(
        "/catalog/spaces/default/products/{}",
        product["id"].as_str().unwrap()
    );
    let edit = json!({"description": "What was bought", "tags": ["pii"]});
    app.patch(&path, &edit).await.expect(200);
}

#[track_caller]
fn assert_edited(product: &Value) {
    assert_eq!(
        (&product["description"], &product["tags"]),
        (&json!("What was bought"), &json!(["pii"]))
    );
}

/// As dbt does at every run: builds the table beside the old one, and swaps.
#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_rebuilt_is_the_same_product() {
    let (database, app) = shop().await;
    let connector = synced(&app, &database.connector()).await;
    let location = format!("{}.public.orders", database.name);
    let before = app.product(&location).await;
    edit(&app, &before).await;
    database
        .execute(
            "BEGIN; DROP VIEW totals;
             CREATE TABLE orders__dbt_tmp (id bigint, total numeric(12, 2));
             ALTER TABLE orders RENAME TO orders__dbt_backup;
             ALTER TABLE orders__dbt_tmp RENAME TO orders;
             DROP TABLE orders__dbt_backup;
             CREATE VIEW totals AS SELECT sum(total) AS total FROM orders; COMMIT",
        )
        .await;
    let job = app.sync(&connector).await;
    assert_eq!(
        (counts(&job), &job["removals"]),
        ([0, 0, PRODUCTS, 0], &json!("none"))
    );
    let after = app.product(&location).await;
    assert_eq!(
        (&after["id"], &after["schema_changes"]),
        (&before["id"], &json!([]))
    );
    assert_edited(&after);
    database.drop_it().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tables_that_swap_names_stay_where_they_are() {
    let (database, app) = shop().await;
    let connector = synced(&app, &database.connector()).await;
    let locations = ["orders", "parcels"].map(|name| format!("{}.public.{name}", database.name));
    let before = [app.product(&locations[0]).await, app.product(&locations[1]).await];
    edit(&app, &before[0]).await;
    database
        .execute(
            "BEGIN; DROP VIEW totals; ALTER TABLE orders RENAME TO swapping;
             ALTER TABLE parcels RENAME TO orders; ALTER TABLE swapping RENAME TO parcels;
             CREATE VIEW totals AS SELECT sum(total) AS total FROM parcels; COMMIT",
        )
        .await;
    let job = app.sync(&connector).await;
    assert_eq!(
        counts(&job),
        [0, 3, PRODUCTS - 3, 0],
        "both tables, and the view that reads the other now"
    );
    let after = [app.product(&locations[0]).await, app.product(&locations[1]).await];
    for (before, after) in before.iter().zip(&after) {
        assert_eq!((&after["id"], &after["slug"]), (&before["id"], &before["slug"]));
    }
    assert_eq!(after[0]["fields"][1]["name"], "weight");
    assert_eq!(after[1]["fields"][1]["name"], "total");
    assert_edited(&after[0]);
    database.drop_it().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_table_keeps_its_product() {
    let (database, app) = shop().await;
    let connector = synced(&app, &database.connector()).await;
    let before = app.product(&format!("{}.public.parcels", database.name)).await;
    edit(&app, &before).await;
    database.execute("ALTER TABLE parcels RENAME TO shipments").await;
    let job = app.sync(&connector).await;
    assert_eq!(
        (counts(&job), &job["removals"]),
        ([0, 1, PRODUCTS - 1, 0], &json!("none"))
    );
    let after = app.product(&format!("{}.public.shipments", database.name)).await;
    assert_eq!((&after["id"], &after["slug"]), (&before["id"], &before["slug"]));
    assert_eq!(after["name"], "shipments");
    assert_edited(&after);
    database.drop_it().await;
}
