//! The contract's rules on the fake, which can break off, fall silent, refuse and hide.

use crate::fake::{Catalog, Fake, credentials};
use async_trait::async_trait;
use headwater_core::Path;
use headwater_snowflake::Snowflake;
use headwater_testkit::{Fixture, Part, RefusedPart};
use serde_json::{Value, json};

struct Shop(Fake);

fn path(schema: &str, name: &str) -> Path {
    Path::new(["SHOP", schema, name])
}

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
        let tables = self.0.lock().catalog.tables.clone();
        tables
            .iter()
            .map(|table| path(&table.schema, &table.name))
            .collect()
    }

    fn odd_names(&self) -> Vec<Path> {
        ["a.b", "quo\"te", "Naïve ☃"]
            .map(|name| path("PUBLIC", name))
            .to_vec()
    }

    fn bad_credentials(&self) -> Option<Value> {
        Some(json!({"username": "reader", "password": "not-the-password"}))
    }

    async fn drop_asset(&self) -> Option<Path> {
        self.0.lock().catalog.tables.retain(|table| table.name != "OLD");
        Some(path("AUDIT", "OLD"))
    }

    async fn fail_once(&self) -> bool {
        self.0.lock().knobs.chunks_gone = 1;
        true
    }

    async fn stall(&self) -> bool {
        self.0.lock().knobs.stalled = Some("INFORMATION_SCHEMA.COLUMNS");
        true
    }

    async fn refuse_listing(&self) -> Option<Path> {
        self.0.lock().knobs.broken_schema = Some("AUDIT");
        Some(Path::new(["SHOP", "AUDIT"]))
    }

    async fn refuse_part(&self) -> Option<RefusedPart> {
        self.0.lock().knobs.refused = vec![("PRIMARY KEYS", "003001")];
        Some(RefusedPart {
            parts: vec![Part::Constraints],
            assets: self.expected(),
        })
    }

    async fn hide_namespace(&self) -> Option<Path> {
        self.0.lock().catalog.revoke("AUDIT");
        Some(Path::new(["SHOP", "AUDIT"]))
    }
}

headwater_testkit::conformance_tests! {
    async { Shop(Fake::start(Catalog::shop()).await) } =>
        settings, check, bad_credentials, discovery, full_listing, odd_names, scope, second_sync, retry, removal,
        refused_listing, sink_error, stop, stop_while_stalled, unread_part, hidden_namespace, no_secret,
}
