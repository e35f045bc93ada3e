//! The connector on minilake, an emulator by others: it knows no grants, no tokens and no pages, and its tables are
//! real ones.

use crate::shop::run;
use async_trait::async_trait;
use headwater_core::{Facet, Host, Path, model::DataType};
use headwater_databricks::Databricks;
use headwater_http::{Client, Method, Settings, Url};
use headwater_testkit::{Fixture, conformance_tests};
use serde_json::{Value, json};
use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

/// A catalog of its own in the emulator.
pub(crate) struct Lake {
    client: Client,
    base: Url,
    pub(crate) catalog: String,
}

pub(crate) fn url() -> String {
    std::env::var("HEADWATER_TEST_DATABRICKS")
        .unwrap_or_else(|_unset| panic!("HEADWATER_TEST_DATABRICKS is not set: run `cargo xtask test`"))
}

/// A name that no other test has.
pub(crate) fn unique() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    format!(
        "hw_{}_{now}_{}",
        std::process::id(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    )
}

impl Lake {
    async fn create() -> Self {
        let lake = Self {
            client: Client::new(&Host::default(), Settings::new("minilake")).unwrap(),
            base: Url::parse(&url()).unwrap(),
            catalog: unique(),
        };
        lake.make("catalogs", json!({"name": lake.catalog, "comment": "of a test"}))
            .await;
        for schema in ["sales", "ops", "empty"] {
            let schema =
                json!({"catalog_name": lake.catalog, "name": schema, "comment": format!("the {schema}")});
            lake.make("schemas", schema).await;
        }
        for name in ["customers", "orders", "items", "returns"] {
            lake.table("sales", name).await;
        }
        lake.table("ops", "events").await;
        let volume = json!({"catalog_name": lake.catalog, "schema_name": "ops", "name": "landing", "volume_type": "MANAGED"});
        lake.make("volumes", volume).await;
        lake
    }

    async fn table(&self, schema: &str, name: &str) {
        let table = json!({
            "catalog_name": self.catalog, "schema_name": schema, "name": name, "table_type": "MANAGED",
            "data_source_format": "DELTA", "comment": format!("{name} of the shop"), "properties": {"team": "finance"},
            "columns": [
                {"name": "id", "type_text": "bigint", "nullable": false, "comment": "the key"},
                {"name": "total", "type_text": "decimal(12,2)"},
                {"name": "lines", "type_text": "array<struct<sku:string,count:int>>"},
            ],
        });
        self.make("tables", table).await;
    }

    async fn make(&self, what: &str, body: Value) {
        let path = ["api", "2.1", "unity-catalog", what];
        self.client
            .post(&self.base, path)
            .json(&body)
            .unwrap()
            .send()
            .await
            .unwrap();
    }

    fn path(&self, schema: &str, name: &str) -> Path {
        Path::new([self.catalog.as_str(), schema, name])
    }
}

#[async_trait]
impl Fixture for Lake {
    type C = Databricks;

    fn config(&self) -> Value {
        json!({"host": self.base.as_str(), "catalog": self.catalog})
    }

    fn credentials(&self) -> Value {
        json!({"token": "any-token-will-do"})
    }

    fn expected(&self) -> Vec<Path> {
        let sales = ["customers", "orders", "items", "returns"].map(|name| self.path("sales", name));
        let ops = ["events", "landing"].map(|name| self.path("ops", name));
        sales.into_iter().chain(ops).collect()
    }

    async fn drop_asset(&self) -> Option<Path> {
        let mut url = self.base.clone();
        url.set_path(&format!(
            "/api/2.1/unity-catalog/tables/{}.sales.returns",
            self.catalog
        ));
        self.client.request(Method::DELETE, url).send().await.unwrap();
        Some(self.path("sales", "returns"))
    }
}

conformance_tests! {
    async { Lake::create().await } =>
        settings, check, discovery, full_listing, scope, second_sync, removal, sink_error, stop, no_secret,
}

#[tokio::test]
async fn columns_and_comments_arrive_as_the_emulator_has_them() {
    let lake = Lake::create().await;
    let run = run(lake.config(), lake.credentials()).await;
    assert!(run.is_complete(), "{:?}", run.closed);
    let orders = &run.assets[&lake.path("sales", "orders")];
    assert_eq!(orders.description, Facet::Read(Some("orders of the shop".into())));
    assert_eq!(orders.owners, Facet::Read(vec!["minilake-user".into()]));
    assert_eq!(orders.properties["table_properties"], json!({"team": "finance"}));
    let fields = orders.fields.as_option().unwrap();
    // The emulator forgets which columns must not be null.
    let told: Vec<(&str, &str)> = fields
        .iter()
        .map(|field| (&*field.name, &*field.native_type))
        .collect();
    assert_eq!(told[..2], [("id", "bigint"), ("total", "decimal(12,2)")]);
    assert_eq!(fields[0].description, Facet::Read(Some("the key".into())));
    assert_eq!(
        fields[1].data_type,
        DataType::Decimal {
            precision: Some(12),
            scale: Some(2)
        }
    );
    assert_eq!(
        fields[2].data_type,
        DataType::Array {
            element: Box::new(DataType::Struct)
        }
    );
    let members: Vec<&str> = fields[2].fields.iter().map(|field| &*field.name).collect();
    assert_eq!(members, ["sku", "count"]);
    assert_eq!(run.assets[&lake.path("ops", "landing")].kind.as_str(), "volume");
    let ops = &run.namespaces[&Path::new([lake.catalog.as_str(), "ops"])];
    assert_eq!(ops.description, Facet::Read(Some("the ops".into())));
    assert_eq!(
        (&ops.properties["functions"], &ops.properties["models"]),
        (&json!(0), &json!(null))
    );
}
