//! The connector against fakesnow: an emulator of others, which answers in Arrow.

use crate::support::run;
use async_trait::async_trait;
use headwater_core::Secret;
use headwater_core::{
    Host, Path,
    model::{AssetKind, ConstraintKind, DataType},
};
use headwater_http::{Client, Method, Settings, Url};
use headwater_snowflake::Snowflake;
use headwater_testkit::Fixture;
use serde_json::{Value, json};
use std::{
    env,
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
    async fn create(statements: &[&str]) -> Self {
        let address = env::var("HEADWATER_TEST_FAKESNOW")
            .expect("HEADWATER_TEST_FAKESNOW is not set: run cargo xtask test, which starts fakesnow");
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("SHOP_{}_{number}", std::process::id());
        let client = Client::new(&Host::default(), Settings::new("fakesnow")).unwrap();
        let login = json!({"data": {"SESSION_PARAMETERS": {}}});
        let url = |path: &str| Url::parse(&format!("{address}{path}")).unwrap();
        let path = format!("/session/v1/login-request?databaseName={name}&schemaName=PUBLIC");
        let request = client.request(Method::POST, url(&path)).json(&login).unwrap();
        let reply: Value = request.send().await.unwrap().json().unwrap();
        let token = Secret::new(format!(
            "Snowflake Token=\"{}\"",
            reply["data"]["token"].as_str().unwrap()
        ));
        let database = Self {
            address: address.clone(),
            name,
            client,
            token,
        };
        for statement in statements {
            database.sql(statement).await;
        }
        database
    }

    async fn sql(&self, text: &str) -> Value {
        let url = Url::parse(&format!("{}/queries/v1/query-request?requestId=1", self.address)).unwrap();
        let body = json!({"sqlText": text, "asyncExec": false, "sequenceId": 1});
        let request = self.client.request(Method::POST, url).authorization(&self.token);
        let reply: Value = request.json(&body).unwrap().send().await.unwrap().json().unwrap();
        // COMMENT ON answers with an error and takes effect.
        assert!(
            reply["success"] == true || text.starts_with("COMMENT ON"),
            "{text}: {}",
            reply["message"]
        );
        reply
    }

    fn path(&self, names: &[&str]) -> Path {
        Path::new([self.name.as_str()].iter().chain(names).copied())
    }

    fn config(&self) -> Value {
        json!({"account": "fakesnow", "host": self.address, "database": self.name})
    }
}

fn credentials() -> Value {
    json!({"username": "reader", "password": "reader-pw"})
}

const SHOP: [&str; 9] = [
    "CREATE TABLE CUSTOMERS (ID INT PRIMARY KEY, NAME VARCHAR(20) DEFAULT 'x')",
    "CREATE TABLE ORDERS (ID INT NOT NULL, TOTAL NUMBER(12,2), PLACED TIMESTAMP_TZ, PRIMARY KEY (ID))",
    "CREATE TABLE LINES (ORDER_ID INT, LINE INT, PRIMARY KEY (ORDER_ID, LINE))",
    "CREATE TABLE \"a.b\" (ID INT)",
    "CREATE TABLE \"lower case\" (ID INT)",
    "CREATE TABLE \"Naïve ☃\" (ID INT)",
    // A new schema becomes the current one.
    "CREATE SCHEMA AUDIT",
    "CREATE TABLE AUDIT.LOG (ID INT)",
    "CREATE TABLE AUDIT.OLD (ID INT)",
];

struct Shop(Database);

#[async_trait]
impl Fixture for Shop {
    type C = Snowflake;

    fn config(&self) -> Value {
        self.0.config()
    }

    fn credentials(&self) -> Value {
        credentials()
    }

    fn expected(&self) -> Vec<Path> {
        [
            ["PUBLIC", "CUSTOMERS"],
            ["PUBLIC", "ORDERS"],
            ["PUBLIC", "LINES"],
            ["PUBLIC", "a.b"],
            ["PUBLIC", "lower case"],
            ["PUBLIC", "Naïve ☃"],
            ["AUDIT", "LOG"],
            ["AUDIT", "OLD"],
        ]
        .iter()
        .map(|names| self.0.path(names))
        .collect()
    }

    fn odd_names(&self) -> Vec<Path> {
        ["a.b", "lower case", "Naïve ☃"]
            .iter()
            .map(|name| self.0.path(&["PUBLIC", name]))
            .collect()
    }

    async fn drop_asset(&self) -> Option<Path> {
        self.0.sql("DROP TABLE AUDIT.OLD").await;
        Some(self.0.path(&["AUDIT", "OLD"]))
    }
}

headwater_testkit::conformance_tests! {
    async { Shop(Database::create(&SHOP).await) } =>
        settings, check, discovery, full_listing, odd_names, scope, second_sync, removal, sink_error, stop, no_secret,
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_columns_and_keys() {
    let database = Database::create(&SHOP).await;
    database
        .sql("COMMENT ON TABLE PUBLIC.ORDERS IS 'what was ordered'")
        .await;
    let run = run(database.config(), credentials()).await;
    assert!(run.is_complete(), "{:?} {:?}", run.closed, run.ended);
    let orders = &run.assets[&database.path(&["PUBLIC", "ORDERS"])];
    assert_eq!(orders.kind, AssetKind::TABLE);
    assert_eq!(orders.description.value().unwrap(), "what was ordered");
    assert_eq!(orders.owners.as_option().unwrap(), &["SYSADMIN"]);
    let fields = orders.fields.as_option().unwrap();
    let types: Vec<_> = fields
        .iter()
        .map(|field| (field.name.as_str(), field.native_type.as_str(), field.nullable))
        .collect();
    assert_eq!(types[0], ("ID", "NUMBER(38,0)", Some(false)));
    assert_eq!(types[1], ("TOTAL", "NUMBER(12,2)", Some(true)));
    assert!(matches!(
        fields[2].data_type,
        DataType::Timestamp { timezone: true, .. }
    ));
    let customers = &run.assets[&database.path(&["PUBLIC", "CUSTOMERS"])];
    let name = &customers.fields.as_option().unwrap()[1];
    assert_eq!(name.native_type, "VARCHAR(20)");
    assert_eq!(name.default.value().unwrap(), "'x'");
    let lines = &run.assets[&database.path(&["PUBLIC", "LINES"])];
    let primary: Vec<_> = lines
        .constraints
        .as_option()
        .unwrap()
        .iter()
        .filter(|constraint| constraint.kind == ConstraintKind::PRIMARY_KEY)
        .collect();
    assert_eq!(primary.len(), 1);
    let mut columns = primary[0].fields.clone();
    columns.sort();
    // The emulator gives each column of a composite key the number 1.
    assert_eq!(columns, ["LINE", "ORDER_ID"]);
    assert!(run.cost.statements > 0 && run.cost.requests > run.cost.statements);
}

/// Fifty tables: still as many statements as for eight.
#[tokio::test(flavor = "multi_thread")]
async fn statements_do_not_grow_with_the_tables() {
    let database = Database::create(&["CREATE SCHEMA WIDE"]).await;
    for number in 0..50 {
        database
            .sql(&format!(
                "CREATE TABLE WIDE.T{number} (ID INT, V{number} VARCHAR, D DATE)"
            ))
            .await;
    }
    let run = run(database.config(), credentials()).await;
    assert!(
        run.is_complete(),
        "{:?} {:?} {:?}",
        run.failed,
        run.closed,
        run.ended
    );
    assert_eq!(run.assets.len(), 50);
    assert!(
        run.assets
            .values()
            .all(|asset| asset.fields.as_option().unwrap().len() == 3)
    );
    // Two more than elsewhere: the emulator refuses keys of a whole database.
    assert!(run.cost.statements <= 14, "{:?}", run.cost);
}
