//! The contract's rules, on the workspace of our own making.

use crate::{
    fake::{Fake, TOKEN},
    shop,
};
use async_trait::async_trait;
use headwater_core::Path;
use headwater_databricks::Databricks;
use headwater_testkit::{Fixture, Part, RefusedPart, conformance_tests};
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

struct Shop(Fake);

#[async_trait]
impl Fixture for Shop {
    type C = Databricks;

    fn config(&self) -> Value {
        self.0.config()
    }

    fn credentials(&self) -> Value {
        json!({"token": TOKEN})
    }

    fn bad_credentials(&self) -> Option<Value> {
        Some(json!({"token": "dapi-of-nobody"}))
    }

    fn expected(&self) -> Vec<Path> {
        let of = |schema: &'static str, names: &[&str]| -> Vec<Path> {
            names
                .iter()
                .map(|name| Path::new(["main", schema, name]))
                .collect()
        };
        let sales = [
            "customers",
            "orders",
            "revenue",
            "live",
            "daily",
            "files",
            "crm",
            "landing",
        ];
        [
            of("sales", &sales),
            of("ops", &["ünïcode 100%", "Upper&Lower+?#"]),
        ]
        .concat()
    }

    fn odd_names(&self) -> Vec<Path> {
        self.expected()
            .into_iter()
            .filter(|path| path.to_string().contains("ops"))
            .collect()
    }

    async fn drop_asset(&self) -> Option<Path> {
        self.0
            .state()
            .schema("main", "sales")
            .tables
            .retain(|table| table["name"] != "files");
        Some(Path::new(["main", "sales", "files"]))
    }

    async fn fail_once(&self) -> bool {
        // As often as the client asks, so that the driver is the one that tries again.
        let down = ResponseTemplate::new(503).insert_header("Retry-After", "0");
        let trouble = ("unity-catalog/tables/main.sales.orders", down);
        self.0.state().trouble.extend(vec![trouble; 5]);
        true
    }

    async fn stall(&self) -> bool {
        self.0.state().stalled = Some("unity-catalog/tables");
        true
    }

    async fn refuse_listing(&self) -> Option<Path> {
        self.0.state().refused.insert("tables main.ops".into());
        Some(Path::new(["main", "ops"]))
    }

    async fn refuse_part(&self) -> Option<RefusedPart> {
        self.0.state().refused.insert("tables main.sales.orders".into());
        Some(RefusedPart {
            parts: vec![Part::Constraints, Part::Lineage],
            assets: vec![Path::new(["main", "sales", "orders"])],
        })
    }

    async fn hide_namespace(&self) -> Option<Path> {
        let mut state = self.0.state();
        state.privileges.clear();
        state.catalogs[1]
            .schemas
            .retain(|schema| schema.row["name"] != "ops");
        Some(Path::new(["main", "ops"]))
    }
}

conformance_tests! {
    async { Shop(Fake::start(shop::shop()).await) } =>
        settings, check, bad_credentials, discovery, full_listing, odd_names, scope, second_sync, retry, removal,
        refused_listing, unread_part, hidden_namespace, sink_error, stop, stop_while_stalled, no_secret,
}
