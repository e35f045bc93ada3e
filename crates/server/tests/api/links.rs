//! The links between a dbt project and the tables of a real PostgreSQL that it builds and reads.

use crate::{
    database::Database,
    test_app::{Client, TestApp},
    uploads::{artifact, create_dbt, import},
};
use serde_json::{Value, json};

/// What the project builds and reads. The source's table has another case than the project gives it.
const TABLES: &str = "
    CREATE SCHEMA main;
    CREATE TABLE main.orders (id bigint);
    CREATE TABLE main.\"RAW_ORDERS\" (id bigint);
    CREATE VIEW main.report AS SELECT id FROM main.orders;
";

/// The project's manifest, as if it was built in this database.
fn manifest(database: &Database) -> Vec<u8> {
    let mut manifest: Value = serde_json::from_slice(&artifact("manifest.json")).unwrap();
    manifest["metadata"]["adapter_type"] = json!("postgres");
    for section in ["nodes", "sources"] {
        for node in manifest[section].as_object_mut().unwrap().values_mut() {
            node["database"] = json!(database.name);
        }
    }
    serde_json::to_vec(&manifest).unwrap()
}

async fn upload(app: &TestApp, dbt: &str, database: &Database) -> Value {
    let job = import(app, dbt, &[("manifest_file", &manifest(database))]).await;
    assert_eq!(job["status"], "completed", "{job}");
    job
}

async fn sync(app: &TestApp, postgres: &str) {
    let job = app.sync(postgres).await;
    assert_eq!(job["status"], "completed", "{job}");
}

fn id(connector: &str) -> &str {
    connector.rsplit('/').next().unwrap()
}

/// The table of one of several connectors of the same database.
async fn table_of(app: &Client, connector: &str, name: &str) -> Value {
    let products = "/catalog/spaces/default/products";
    let list = app
        .get(&format!("{products}?connector_id={}", id(connector)))
        .await
        .expect(200);
    let table = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|item| item["name"] == name);
    let table = table.unwrap()["id"].as_str().unwrap();
    app.get(&format!("{products}/{table}")).await.expect(200)
}

/// Models, sources and tables show each other, by the spelling of whoever reads them.
async fn assert_linked(app: &TestApp, database: &Database) {
    let in_main = |name: &str| format!("{}.main.{name}", database.name);
    let model = app.product("corner_shop.model.orders").await;
    let table = app.product(&in_main("orders")).await;
    assert_eq!(
        model["lineage"]["downstream"][0],
        json!({
            "product_id": table["id"], "path": [database.name, "main", "orders"], "family": "postgres",
            "kind": "dbt_model", "field_pairs": [],
        })
    );
    assert_eq!(
        table["lineage"]["upstream"],
        json!([{
            "product_id": model["id"], "path": ["corner_shop", "model", "orders"], "family": "dbt",
            "kind": "dbt_model", "field_pairs": [],
        }])
    );
    let source = app.product("corner_shop.source.till.orders").await;
    let table = app.product(&in_main("RAW_ORDERS")).await;
    let read = &source["lineage"]["upstream"][0];
    assert_eq!(
        (&read["product_id"], &read["kind"]),
        (&table["id"], &json!("dbt_source"))
    );
    assert_eq!(read["path"], json!([database.name, "main", "RAW_ORDERS"]));
    let downstream = table["lineage"]["downstream"].as_array().unwrap();
    assert!(
        downstream.iter().any(|link| link["product_id"] == source["id"]),
        "{table:#}"
    );
    let builders = table["lineage"]["upstream"].as_array().unwrap();
    assert_eq!(builders.len(), 1, "the seed: {table:#}");
    assert_eq!(builders[0]["kind"], "dbt_seed");

    let report = app.product(&in_main("report")).await["id"].clone();
    let path = format!(
        "/catalog/spaces/default/products/{}/lineage",
        report.as_str().unwrap()
    );
    let graph = app
        .get(&format!("{path}?direction=upstream&depth=9"))
        .await
        .expect(200);
    let nodes = graph["nodes"].as_array().unwrap();
    let last = nodes.iter().find(|node| node["product_id"] == source["id"]);
    assert!(
        last.is_some(),
        "from the view through the model to the source: {graph:#}"
    );
    let edges = graph["edges"].as_array().unwrap();
    assert!(
        edges.iter().any(|edge| edge["upstream_id"] == source["id"]),
        "{graph:#}"
    );
    assert!(
        edges.iter().all(|edge| !edge["downstream_id"].is_null()),
        "{graph:#}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn models_meet_their_tables_when_the_manifest_comes_first() {
    let database = Database::create().await;
    database.execute(TABLES).await;
    let app = TestApp::start().await;
    let dbt = create_dbt(&app).await;
    let job = upload(&app, &dbt, &database).await;
    assert_eq!(job["warnings_count"], 0, "{job}");
    let model = app.product("corner_shop.model.orders").await;
    let built = &model["lineage"]["downstream"][0];
    assert_eq!(
        (&built["product_id"], &built["path"]),
        (&json!(null), &json!([database.name, "main", "orders"]))
    );
    let path = format!(
        "/catalog/spaces/default/products/{}/lineage",
        model["id"].as_str().unwrap()
    );
    let graph = app
        .get(&format!("{path}?direction=downstream&depth=1"))
        .await
        .expect(200);
    let arcs = graph["edges"].as_array().unwrap();
    let arc = arcs.iter().find(|arc| arc["kind"] == "dbt_model").unwrap();
    assert_eq!(
        (&arc["upstream_id"], &arc["downstream_id"]),
        (&model["id"], &json!(null))
    );
    let postgres = app.create_connector(&database.connector()).await;
    sync(&app, &postgres).await;
    assert_linked(&app, &database).await;
    database.drop_it().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn models_meet_their_tables_when_the_database_comes_first() {
    let database = Database::create().await;
    database.execute(TABLES).await;
    let app = TestApp::start().await;
    let postgres = app.create_connector(&database.connector()).await;
    sync(&app, &postgres).await;
    let dbt = create_dbt(&app).await;
    upload(&app, &dbt, &database).await;
    assert_linked(&app, &database).await;
    database.drop_it().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_connectors_of_one_database_the_config_names_one() {
    let database = Database::create().await;
    database
        .execute("CREATE SCHEMA main; CREATE TABLE main.orders (id bigint)")
        .await;
    let app = TestApp::start().await;
    let mut body = database.connector();
    let mut connectors = Vec::new();
    for name in ["prod", "copy"] {
        body["name"] = json!(name);
        let connector = app.create_connector(&body).await;
        sync(&app, &connector).await;
        connectors.push(connector);
    }
    let dbt = create_dbt(&app).await;
    let job = upload(&app, &dbt, &database).await;
    assert_eq!(job["warnings"]["total"], 1, "{job:#}");
    let warning = &job["warnings"]["items"][0];
    assert_eq!(
        (&warning["code"], &warning["path"]),
        (
            &json!("ambiguous_link"),
            &json!(["corner_shop", "model", "orders"])
        )
    );
    let detail = warning["detail"].as_str().unwrap();
    for connector in &connectors {
        assert!(detail.contains(id(connector)), "{detail}");
    }
    for says in ["\"prod\"", "\"copy\"", "config.warehouse_connector_id"] {
        assert!(detail.contains(says), "{detail}");
    }
    let built = async || {
        app.product("corner_shop.model.orders").await["lineage"]["downstream"][0]["product_id"].clone()
    };
    assert_eq!(built().await, json!(null));

    for connector in &connectors {
        let named = json!({"config": {"warehouse_connector_id": id(connector)}});
        app.patch(&dbt, &named).await.expect(200);
        assert_eq!(built().await, table_of(&app, connector, "orders").await["id"]);
    }
    let other = table_of(&app, &connectors[0], "orders").await;
    assert_eq!(other["lineage"]["upstream"], json!([]));
    let job = upload(&app, &dbt, &database).await;
    assert_eq!(job["warnings_count"], 0, "{job:#}");
    app.patch(&dbt, &json!({"config": {"warehouse_connector_id": null}}))
        .await
        .expect(200);
    assert_eq!(built().await, json!(null));
    database.drop_it().await;
}

#[tokio::test]
async fn a_named_connector_must_be_one_of_the_space() {
    let app = TestApp::start().await;
    let connectors = "/catalog/spaces/default/connectors";
    let naming =
        |id: &str| json!({"name": "shop", "connector_type": "dbt", "config": {"warehouse_connector_id": id}});
    let place = ["/config/warehouse_connector_id"];
    for id in ["prod", "0192aaaa-0000-7000-8000-000000000000"] {
        let refused = app.post(connectors, &naming(id)).await;
        assert_eq!(refused.pointers(400, "invalid_configuration"), place, "{id}");
    }
    app.create_space("other").await;
    let theirs = json!({"name": "theirs", "connector_type": "dbt"});
    let theirs = app
        .post("/catalog/spaces/other/connectors", &theirs)
        .await
        .expect(201);
    let refused = app
        .post(connectors, &naming(theirs["id"].as_str().unwrap()))
        .await;
    assert_eq!(refused.pointers(400, "invalid_configuration"), place);
    assert_eq!(app.get(connectors).await.expect(200), json!([]));

    let project = create_dbt(&app).await;
    let refused = app.post(connectors, &naming(id(&project))).await;
    let refused = &refused.problem(400, "invalid_configuration")["errors"][0];
    let detail = refused["detail"].as_str().unwrap();
    assert!(
        refused["pointer"] == place[0] && detail.contains("a dbt connector"),
        "{refused}"
    );
    let warehouse = json!({
        "name": "pg", "connector_type": "postgres", "config": {"host": "127.0.0.1", "port": 1, "database": "shop"},
        "credentials": {"username": "headwater", "password": "pw"},
    });
    let warehouse = app.create_connector(&warehouse).await;
    let dbt = app.create_connector(&naming(id(&warehouse))).await;
    assert_eq!(
        app.get(&dbt).await.expect(200)["config"]["warehouse_connector_id"],
        id(&warehouse)
    );
    let change = |id: &str| json!({"config": {"warehouse_connector_id": id}});
    for id in ["prod", id(&dbt)] {
        let refused = app.patch(&dbt, &change(id)).await;
        assert_eq!(refused.pointers(400, "invalid_configuration"), place, "{id}");
    }
    app.delete(&warehouse).await;
    let other = json!({"config": {"project_name": "corner_shop"}});
    app.patch(&dbt, &other).await.expect(200);
    let job = import(&app, &dbt, &[("manifest_file", &artifact("manifest.json"))]).await;
    assert_eq!(
        job["warnings"]["items"][0]["code"], "linked_connector_gone",
        "{job:#}"
    );
}
