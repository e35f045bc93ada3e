//! The whole road against a real PostgreSQL: made, synced, synced again, altered, and exactly that is told.

use crate::{
    database::Database,
    program::{Program, serve},
    test_app::{ADMIN_KEY, TestApp, counts},
};
use headwater_core::Secret;
use headwater_server::SecretKey;
use serde_json::json;
use tempfile::TempDir;

const SHOP: &str = "
    CREATE TABLE customers (id bigint PRIMARY KEY, email text NOT NULL UNIQUE);
    CREATE TABLE orders (
        id bigint PRIMARY KEY, customer_id bigint NOT NULL REFERENCES customers (id), total numeric(12, 2) NOT NULL
    );
    COMMENT ON TABLE orders IS 'What was bought';
    COMMENT ON COLUMN orders.total IS 'With tax';
    CREATE VIEW totals AS SELECT customer_id, sum(total) AS total FROM orders GROUP BY 1;
";

#[tokio::test(flavor = "multi_thread")]
async fn from_a_database_to_exactly_the_change_that_was_made() {
    let database = Database::create().await;
    database.execute(SHOP).await;
    let app = TestApp::start().await;
    let connector = app.create_connector(&database.connector()).await;
    let made = app.get(&connector).await.expect(200);
    assert_eq!(made["connector_type"], "postgres");
    let tested = app
        .post(&format!("{connector}/test"), &json!({}))
        .await
        .expect(200);
    assert_eq!(tested["success"], true, "{tested:#}");
    assert!(tested["latency_ms"].is_u64(), "{tested:#}");

    let first = app.sync(&connector).await;
    assert_eq!(
        (&first["status"], &first["completeness"]),
        (&json!("completed"), &json!("complete")),
        "{first:#}"
    );
    assert_eq!(first["products_created"], 3);
    let orders = app.product(&format!("{}.public.orders", database.name)).await;
    assert_eq!(
        (&orders["product_type"], &orders["description"]),
        (&json!("table"), &json!("What was bought"))
    );
    assert_eq!(orders["path"], json!([database.name, "public", "orders"]));
    let total = &orders["fields"][2];
    assert_eq!(
        (&total["name"], &total["native_type"]),
        (&json!("total"), &json!("numeric(12,2)"))
    );
    assert_eq!(
        (&total["nullable"], &total["description"]),
        (&json!(false), &json!("With tax"))
    );
    assert_eq!(
        total["data_type"],
        json!({"type": "decimal", "precision": 12, "scale": 2})
    );
    assert_eq!(orders["fields"][1]["keys"], json!(["foreign"]));
    let totals = app.product(&format!("{}.public.totals", database.name)).await;
    assert_eq!(totals["lineage"]["upstream"][0]["product_id"], orders["id"]);

    let second = app.sync(&connector).await;
    assert_eq!(counts(&second), [0, 0, 3, 0]);
    assert_eq!(
        app.product(&format!("{}.public.orders", database.name)).await["updated_at"],
        orders["updated_at"]
    );

    database
        .execute("ALTER TABLE customers ADD COLUMN phone text")
        .await;
    let third = app.sync(&connector).await;
    assert_eq!(counts(&third), [0, 1, 2, 0]);
    let customers = app.product(&format!("{}.public.customers", database.name)).await;
    let changes = &customers["schema_changes"];
    assert_eq!(changes.as_array().unwrap().len(), 1);
    assert_eq!(changes[0]["job_id"], third["id"]);
    let told = changes[0]["changes"].as_array().unwrap();
    assert_eq!(told.len(), 1, "{told:#?}");
    assert_eq!(
        (&told[0]["op"], &told[0]["part"], &told[0]["path"]),
        (&json!("added"), &json!("fields"), &json!(["phone"]))
    );
    assert_eq!(
        app.product(&format!("{}.public.orders", database.name)).await["schema_changes"],
        json!([])
    );
    database.drop_it().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_fails_the_test_and_not_the_caller() {
    let database = Database::create().await;
    let app = TestApp::start().await;
    let mut body = database.connector();
    body["credentials"]["password"] = json!("hunter2");
    let connector = app.create_connector(&body).await;
    let reply = app.post(&format!("{connector}/test"), &json!({})).await;
    assert!(!reply.text.contains("hunter2"), "{}", reply.text);
    assert_eq!(reply.expect(200)["success"], false);
    assert_eq!(app.sync(&connector).await["error"]["code"], "unauthenticated");
    database.drop_it().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catalog_lives_in_postgresql_too() {
    let (catalog, shop) = (Database::create().await, Database::create().await);
    shop.execute(SHOP).await;
    let dir = TempDir::new().unwrap();
    let mut command = serve(dir.path());
    command.args(["--database-url", &catalog.url()]);
    command
        .env("HEADWATER_SECRET_KEY", "ab".repeat(32))
        .env("HEADWATER_ADMIN_KEY", ADMIN_KEY);
    let program = Program::start(&mut command);
    let client = program.client(ADMIN_KEY);
    let connector = client.create_connector(&shop.connector()).await;
    assert_eq!(client.sync(&connector).await["products_created"], 3);
    assert_eq!(client.sync(&connector).await["products_unchanged"], 3);
    let (status, _, log) = program.signal("TERM");
    assert_eq!(status.code(), Some(0), "{log}");

    let program = Program::start(&mut command);
    let kept = program
        .client(ADMIN_KEY)
        .get("/catalog/spaces/default/products")
        .await
        .expect(200);
    assert_eq!(kept["total"], 3);
    drop(program);
    catalog.drop_it().await;
    shop.drop_it().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_fails_is_an_error_without_detail() {
    let catalog = Database::create().await;
    let url = catalog.url();
    let app = TestApp::start_with(|config| {
        config.database_url = url;
        config.secret_key = SecretKey::Text(Secret::new("cd".repeat(32)));
    })
    .await;
    app.get("/ready").await.expect(200);
    let name = catalog.name.clone();
    catalog.drop_it().await;
    let reply = app.get("/catalog/spaces").await;
    assert!(!reply.text.contains(&name), "{}", reply.text);
    let id = reply.header("x-request-id").to_owned();
    let problem = reply.problem(500, "internal");
    assert_eq!(problem["request_id"], id, "it leads to the log");
    assert_eq!(
        app.get("/ready").await.expect(503),
        json!({"status": "not_ready"})
    );
    assert_eq!(app.get("/health").await.expect(200), json!({"status": "ok"}));
}
