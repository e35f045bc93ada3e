//! The whole road against minilake, an emulator of a Databricks workspace: made, synced, synced again, dropped. What
//! minilake has not, grants and events of lineage, is asked of the fake of the connector's own tests.

use crate::{
    databricks_fake::{Catalog, Fake, Schema, State, TOKEN, column, table},
    test_app::{Client, TestApp, counts},
};
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

/// Two schemas of a catalog: three tables in `sales`, one in `crm`.
async fn shop() -> Fake {
    let plain = |name: &str| table(name, vec![column("id", "bigint", json!("long"))], json!({}));
    let sales = ["customers", "orders", "returns"].map(plain);
    let schemas = vec![
        Schema::new("main", "sales", sales.into()),
        Schema::new("main", "crm", vec![plain("people")]),
    ];
    Fake::start(State {
        catalogs: vec![Catalog::new("main", schemas)],
        ..State::default()
    })
    .await
}

async fn connected(app: &TestApp, config: Value) -> String {
    app.create_connector(&json!({
        "name": "lake", "connector_type": "databricks", "config": config, "credentials": {"token": TOKEN},
    }))
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_that_vanishes_with_its_grant_is_held_and_comes_back() {
    let fake = shop().await;
    let app = TestApp::start().await;
    let connector = connected(&app, fake.config()).await;
    assert_eq!(app.sync(&connector).await["products_created"], 4);

    // Unity Catalog answers with a shorter list, and with no error.
    let taken = {
        let mut state = fake.state();
        state.privileges.clear();
        state.catalogs[0].schemas.remove(1)
    };
    let held = app.sync(&connector).await;
    assert_eq!(
        (&held["status"], &held["completeness"], &held["removals"]),
        (&json!("completed"), &json!("complete"), &json!("held")),
        "{held:#}"
    );
    assert_eq!(counts(&held), [0, 0, 3, 0]);
    let candidates = &held["removal_candidates"];
    assert_eq!(
        (&candidates["total"], &candidates["items"][0]["path"]),
        (&json!(1), &json!(["main", "crm", "people"]))
    );
    assert_eq!(app.product("main.crm.people").await["state"], "active");
    let removals = || async {
        let history = app.get("/catalog/spaces/default/sync-history").await.expect(200);
        let items = history["items"].as_array().unwrap().iter();
        items.map(|item| item["removals"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(removals().await, ["held", "none"]);

    fake.state().privileges.push("USE_CATALOG".into());
    fake.state().catalogs[0].schemas.push(taken);
    let back = app.sync(&connector).await;
    assert_eq!(counts(&back), [0, 0, 4, 0], "{back:#}");
    assert_eq!(removals().await, ["none", "superseded", "none"]);

    // Dropped for good, with all grants as they were, one table goes at once.
    fake.state()
        .schema("main", "sales")
        .tables
        .retain(|table| table["name"] != "returns");
    let dropped = app.sync(&connector).await;
    assert_eq!(counts(&dropped), [0, 0, 3, 1], "{dropped:#}");
    assert_eq!(dropped["removals"], "applied");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_that_is_refused_is_partial_with_the_grant_and_keeps_its_products() {
    let fake = shop().await;
    let app = TestApp::start().await;
    let connector = connected(&app, fake.config()).await;
    app.sync(&connector).await;
    fake.state().refused.insert("tables main.crm".into());
    let job = app.sync(&connector).await;
    assert_eq!(
        (&job["status"], &job["completeness"], &job["removals"]),
        (&json!("completed"), &json!("partial"), &json!("none")),
        "{job:#}"
    );
    let partial = &job["partial"][0];
    assert_eq!(partial["path"], json!(["main", "crm"]));
    let grant = "GRANT USE SCHEMA, SELECT ON SCHEMA `main`.`crm` TO `reader@example.com`";
    assert!(partial["detail"].as_str().unwrap().contains(grant), "{partial:#}");
    assert_eq!(app.product("main.crm.people").await["state"], "active");
}

#[tokio::test(flavor = "multi_thread")]
async fn edges_of_events_end_with_their_last_sight_and_not_with_silence() {
    let fake = shop().await;
    let app = TestApp::start().await;
    let mut config = fake.config();
    config["warehouse_id"] = json!("a1b2c3");
    let connector = connected(&app, config).await;
    let upstream = || async {
        let orders = app.product("main.sales.orders").await;
        let edges = orders["lineage"]["upstream"].as_array().unwrap().clone();
        let told = |edge: &Value| (edge["kind"].clone(), edge["path"][2].clone());
        edges.iter().map(told).collect::<Vec<_>>()
    };
    let event = |source| vec![["main", "sales", "orders", "main", "sales", source, "id", "id"]];
    for (events, expected) in [
        (event("customers"), "customers"),
        (event("returns"), "returns"),
        (vec![], "returns"),
    ] {
        fake.state().events = events;
        assert_eq!(app.sync(&connector).await["completeness"], "complete");
        assert_eq!(upstream().await, [(json!("query"), json!(expected))]);
    }
}
