//! A shop's catalog in the workspace of our own making, and runs of the connector on it.

use crate::fake::{Catalog, Fake, Schema, State, TOKEN, column, table};
use headwater_core::{Connect, Host, LocalFiles, Opened, Options, Registry};
use headwater_databricks::Databricks;
use headwater_testkit::{Collected, collect};
use serde_json::{Value, json};
use std::time::Duration;

/// Two schemas of a catalog, and one catalog beside it that is Databricks' own.
pub(crate) fn shop() -> State {
    let id = || column("id", "bigint", json!("long"));
    let address = json!({"type": "struct", "fields": [
        {"name": "city", "type": "string", "nullable": true, "metadata": {"comment": "where it is"}},
        {"name": "zip", "type": "string", "nullable": false, "metadata": {}},
    ]});
    let primary = |name: &str| json!({"primary_key_constraint": {"name": name, "child_columns": ["id"]}});
    let foreign = json!({"foreign_key_constraint": {"name": "orders_customer_fk", "child_columns": ["customer_id"],
        "parent_table": "main.sales.customers", "parent_columns": ["id"]}});
    let customers = table(
        "customers",
        vec![id(), column("address", "struct<city:string,zip:string>", address)],
        json!({"comment": "who buys", "table_constraints": [primary("customers_pk")],
            "properties": {"spark.sql.statistics.numRows": "1200", "spark.sql.statistics.totalSize": "52000"}}),
    );
    let orders = table(
        "orders",
        vec![
            id(),
            column("customer_id", "bigint", json!("long")),
            column("total", "decimal(12,2)", json!("decimal(12,2)")),
        ],
        json!({"table_constraints": [foreign, primary("orders_pk")]}),
    );
    let revenue = table(
        "revenue",
        vec![column("total", "decimal(22,2)", json!("decimal(22,2)"))],
        json!({"table_type": "VIEW", "data_source_format": null, "storage_location": null,
            "view_definition": "SELECT sum(total) AS total FROM main.sales.orders",
            "view_dependencies": {"dependencies": [{"table": {"table_full_name": "main.sales.orders"}}]}}),
    );
    let plain = |name: &str, of_type: &str| table(name, vec![id()], json!({"table_type": of_type}));
    let mut sales = Schema::new(
        "main",
        "sales",
        vec![
            customers,
            orders,
            revenue,
            plain("live", "STREAMING_TABLE"),
            plain("daily", "MATERIALIZED_VIEW"),
            plain("files", "EXTERNAL"),
            plain("crm", "FOREIGN"),
        ],
    );
    sales.functions = 5;
    sales.models = 2;
    sales.volumes = vec![
        json!({"name": "landing", "catalog_name": "main", "schema_name": "sales", "owner": "shop",
        "full_name": "main.sales.landing", "volume_type": "EXTERNAL", "volume_id": "v-1", "comment": "raw files",
        "storage_location": "s3://bucket/landing", "created_at": 1, "updated_at": 1_700_000_000_000_i64}),
    ];
    let ops = Schema::new(
        "main",
        "ops",
        vec![
            plain("ünïcode 100%", "MANAGED"),
            plain("Upper&Lower+?#", "MANAGED"),
        ],
    );
    let own = Schema::new("main", "information_schema", vec![plain("tables", "VIEW")]);
    let mut system = Catalog::new(
        "system",
        vec![Schema::new("system", "access", vec![plain("audit", "MANAGED")])],
    );
    system.row["catalog_type"] = json!("SYSTEM_CATALOG");
    State {
        catalogs: vec![system, Catalog::new("main", vec![sales, own, ops])],
        tags: vec![
            ["main", "", "", "", "domain", "retail"],
            ["main", "sales", "", "", "tier", "gold"],
            ["main", "sales", "customers", "", "pii", ""],
            ["main", "sales", "customers", "address", "pii", "address"],
            ["main", "ops", "Upper&Lower+?#", "", "odd", "yes"],
        ],
        events: vec![
            ["main", "sales", "orders", "main", "sales", "live", "", ""],
            ["main", "sales", "orders", "main", "sales", "live", "id", "id"],
            [
                "main", "sales", "revenue", "main", "sales", "orders", "total", "total",
            ],
            ["main", "sales", "revenue", "main", "sales", "files", "", ""],
            ["other", "x", "y", "main", "sales", "files", "", ""],
        ],
        ..State::default()
    }
}

pub(crate) fn with_warehouse(fake: &Fake) -> Value {
    let mut config = fake.config();
    config["warehouse_id"] = json!("a1b2c3");
    config
}

pub(crate) fn token() -> Value {
    json!({"token": TOKEN})
}

pub(crate) fn open(config: Value, credentials: Value) -> Opened {
    let mut host = Host::default();
    host.local_files = LocalFiles::Allowed;
    open_in(&host, config, credentials)
}

pub(crate) fn open_in(host: &Host, config: Value, credentials: Value) -> Opened {
    let mut registry = Registry::default();
    registry.register::<Databricks>();
    registry
        .get(Databricks::KIND)
        .unwrap()
        .open(config, credentials, host)
        .unwrap()
}

pub(crate) fn options(opened: &Opened) -> Options {
    let mut options = Options::default();
    options.scope = opened.scope.clone();
    options.backoff = Duration::from_millis(10);
    options
}

pub(crate) async fn run(config: Value, credentials: Value) -> Collected {
    let opened = open(config, credentials);
    let options = options(&opened);
    collect(opened.connector, options).await
}
