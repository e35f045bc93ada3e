//! The conformance suite over artifacts that dbt-core made of a small project.

use crate::common::Target;
use async_trait::async_trait;
use headwater_core::Path;
use headwater_dbt::Dbt;
use headwater_testkit::{Fixture, conformance_tests};
use serde_json::{Value, json};

const ODD: &str = "model.corner_shop.naïve \"☃\" A.b";

struct Project(Target);

impl Project {
    fn new() -> Self {
        let target = Target::new();
        target.edit(|manifest| manifest["nodes"][ODD] = json!({"name": "naïve"}));
        Self(target)
    }
}

#[async_trait]
impl Fixture for Project {
    type C = Dbt;

    fn config(&self) -> Value {
        self.0.config()
    }

    fn credentials(&self) -> Value {
        json!({})
    }

    fn expected(&self) -> Vec<Path> {
        [
            ["exposure", "weekly_report"],
            ["metric", "revenue"],
            ["model", "customers.v1"],
            ["model", "customers.v2"],
            ["model", "days"],
            ["model", "naïve \"☃\" A.b"],
            ["model", "orders"],
            ["model", "stg_orders"],
            ["seed", "raw_customers"],
            ["seed", "raw_orders"],
            ["semantic_model", "sales"],
            ["snapshot", "orders_history"],
            ["source.till", "orders"],
        ]
        .map(|[namespace, name]| Path::new(["corner_shop", namespace, name]))
        .into()
    }

    fn odd_names(&self) -> Vec<Path> {
        vec![Path::new(["corner_shop", "model", "naïve \"☃\" A.b"])]
    }

    async fn drop_asset(&self) -> Option<Path> {
        self.0.edit(|manifest| {
            let nodes = manifest["nodes"].as_object_mut().unwrap();
            nodes.remove("model.corner_shop.days").unwrap();
        });
        Some(Path::new(["corner_shop", "model", "days"]))
    }
}

conformance_tests! {
    async { Project::new() } =>
        settings, check, discovery, full_listing, odd_names, scope, second_sync, removal, sink_error, stop,
}
