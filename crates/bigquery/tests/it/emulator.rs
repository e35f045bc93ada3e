//! bqemulator, an emulator made by others. Each test has a project of its own.

use crate::run::{none, open, options};
use headwater_core::{Facet, Path};
use headwater_http::{Client, Method, Settings, Url};
use headwater_testkit::{Collected, collect};
use serde_json::{Value, json};
use std::{
    env,
    sync::atomic::{AtomicU32, Ordering},
};

pub(crate) struct Emulator {
    origin: Url,
    pub(crate) project: String,
    client: Client,
}

impl Emulator {
    pub(crate) async fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let origin = env::var("HEADWATER_TEST_BIGQUERY")
            .expect("HEADWATER_TEST_BIGQUERY is not set: run cargo xtask test, which starts an emulator");
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let client = Client::new(&headwater_core::Host::default(), Settings::new("the emulator")).unwrap();
        Self {
            origin: origin.parse().expect("an origin"),
            project: format!("hw-{}-{count}", std::process::id()),
            client,
        }
    }

    async fn send(&self, method: Method, below: &str, body: Value) {
        let path = format!("bigquery/v2/projects/{}/{below}", self.project);
        let request = self.client.request(method, self.origin.join(&path).unwrap());
        let sent = request.json(&body).unwrap().send().await;
        sent.unwrap_or_else(|error| panic!("{below}: {error:?}"));
    }

    pub(crate) async fn dataset(&self, name: &str) {
        let body = json!({"datasetReference": {"projectId": self.project, "datasetId": name}, "location": "EU",
            "description": "the shop", "labels": {"team": "core"}});
        self.send(Method::POST, "datasets", body).await;
    }

    pub(crate) async fn table(&self, dataset: &str, name: &str, change: Value) {
        let mut body = json!({"tableReference": {"projectId": self.project, "datasetId": dataset, "tableId": name},
            "schema": {"fields": [{"name": "id", "type": "INTEGER"}]}});
        for (key, value) in change.as_object().unwrap() {
            body[key] = value.clone();
        }
        self.send(Method::POST, &format!("datasets/{dataset}/tables"), body)
            .await;
    }

    pub(crate) async fn drop_table(&self, dataset: &str, name: &str) {
        self.send(
            Method::DELETE,
            &format!("datasets/{dataset}/tables/{name}"),
            json!({}),
        )
        .await;
    }

    pub(crate) async fn sql(&self, sql: &str) {
        self.send(
            Method::POST,
            "queries",
            json!({"query": sql, "useLegacySql": false}),
        )
        .await;
    }

    /// Nested, partitioned and clustered tables, and a view.
    pub(crate) async fn shop(&self) {
        self.dataset("sales").await;
        self.dataset("audit").await;
        self.table("sales", "customers", json!({"description": "who buys"}))
            .await;
        self.table(
            "sales",
            "orders",
            json!({
            "description": "all orders", "labels": {"tier": "gold"},
            "timePartitioning": {"type": "DAY", "field": "at"}, "clustering": {"fields": ["id"]},
            "schema": {"fields": [
                {"name": "id", "type": "INTEGER", "mode": "REQUIRED", "description": "the key"},
                {"name": "at", "type": "TIMESTAMP"},
                {"name": "items", "type": "RECORD", "mode": "REPEATED", "fields": [
                    {"name": "sku", "type": "STRING"},
                    {"name": "price", "type": "RECORD", "fields": [{"name": "net", "type": "NUMERIC"}]}]}]}}),
        )
        .await;
        let view = format!(
            "CREATE VIEW `{0}.sales.recent` AS SELECT id FROM `{0}.sales.orders`",
            self.project
        );
        self.sql(&view).await;
    }

    pub(crate) fn config(&self, change: Value) -> Value {
        let mut config = json!({"project_id": self.project, "endpoint": self.origin.as_str().trim_end_matches('/'),
            "requests_per_second": 1000});
        for (key, value) in change.as_object().unwrap() {
            config[key] = value.clone();
        }
        config
    }

    pub(crate) async fn read(&self, change: Value) -> Collected {
        let opened = open(self.config(change), none()).unwrap();
        let options = options(&opened);
        collect(opened.connector, options).await
    }
}

#[tokio::test]
async fn tables_views_and_their_parts() {
    let emulator = Emulator::new().await;
    emulator.shop().await;
    let run = emulator.read(json!({})).await;
    assert!(run.is_complete(), "{:?} {:?}", run.closed, run.failed);
    let path = |name: &str| Path::new([emulator.project.as_str(), "sales", name]);
    let orders = &run.assets[&path("orders")];
    let fields = orders.fields.as_option().unwrap();
    let shown: Vec<_> = fields
        .iter()
        .map(|field| (field.name.as_str(), field.native_type.as_str()))
        .collect();
    assert_eq!(
        shown,
        [("id", "INT64"), ("at", "TIMESTAMP"), ("items", "ARRAY<STRUCT>")]
    );
    assert_eq!(fields[0].description, Facet::Read(Some("the key".into())));
    assert_eq!(fields[0].nullable, Some(false));
    assert_eq!(fields[2].fields[1].fields[0].name, "net");
    assert_eq!(orders.description, Facet::Read(Some("all orders".into())));
    assert_eq!(orders.tags, Facet::Read(vec!["tier:gold".into()]));
    let keys = orders.constraints.as_option().unwrap();
    let keys: Vec<_> = keys
        .iter()
        .map(|key| (key.kind.as_str(), key.fields[0].as_str()))
        .collect();
    assert_eq!(keys, [("partition_key", "at"), ("clustering_key", "id")]);
    assert_eq!(run.assets[&path("recent")].kind.as_str(), "view");
    let sales = &run.namespaces[&path("orders").parent().unwrap()];
    assert_eq!(sales.description, Facet::Read(Some("the shop".into())));
    assert_eq!(
        (&sales.properties["location"], &sales.properties["models"]),
        (&json!("EU"), &json!(0))
    );
}
