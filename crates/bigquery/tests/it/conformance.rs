//! The contract's rules, on the emulator and on the fake.

use crate::{
    auth::service_account,
    emulator::Emulator,
    fake::{Fake, PROJECT, fault, silence},
    run::{config, none, path},
};
use async_trait::async_trait;
use headwater_bigquery::BigQuery;
use headwater_core::Path;
use headwater_testkit::{Fixture, Part, RefusedPart};
use serde_json::{Value, json};

struct OnEmulator(Emulator);

impl OnEmulator {
    async fn new() -> Self {
        let emulator = Emulator::new().await;
        emulator.shop().await;
        emulator.table("sales", "returns", json!({})).await;
        emulator.table("audit", "log", json!({})).await;
        emulator.table("audit", "old", json!({})).await;
        Self(emulator)
    }
}

#[async_trait]
impl Fixture for OnEmulator {
    type C = BigQuery;

    fn config(&self) -> Value {
        self.0.config(json!({}))
    }

    fn credentials(&self) -> Value {
        none()
    }

    fn expected(&self) -> Vec<Path> {
        let names = [
            ("audit", "log"),
            ("audit", "old"),
            ("sales", "customers"),
            ("sales", "orders"),
            ("sales", "recent"),
            ("sales", "returns"),
        ];
        names
            .map(|(dataset, table)| Path::new([self.0.project.as_str(), dataset, table]))
            .into()
    }

    async fn drop_asset(&self) -> Option<Path> {
        self.0.drop_table("audit", "old").await;
        Some(Path::new([self.0.project.as_str(), "audit", "old"]))
    }
}

mod emulator {
    use super::OnEmulator;

    headwater_testkit::conformance_tests! {
        OnEmulator::new() =>
            settings, check, discovery, full_listing, scope, second_sync, removal, sink_error, stop,
    }
}

/// The fake, in one of the modes.
struct OnFake(Fake, &'static str);

const ODD: [&str; 4] = ["Orders", "a-b c", "größe ☃", "orders"];

impl OnFake {
    async fn new(mode: &'static str) -> Self {
        let fake = Fake::start().await;
        fake.state().tokens.insert("nobody's".to_owned());
        for name in ODD {
            fake.table(
                "sales",
                name,
                json!({"tableConstraints": {"primaryKey": {"columns": ["id"]}}}),
            );
        }
        fake.table("audit", "log", json!({}));
        fake.table("audit", "old", json!({}));
        Self(fake, mode)
    }
}

#[async_trait]
impl Fixture for OnFake {
    type C = BigQuery;

    fn config(&self) -> Value {
        config(&self.0, json!({"mode": self.1}))
    }

    fn credentials(&self) -> Value {
        service_account(&self.0)
    }

    fn expected(&self) -> Vec<Path> {
        let audit = ["log", "old"].map(|name| path("audit", name));
        audit.into_iter().chain(self.odd_names()).collect()
    }

    fn odd_names(&self) -> Vec<Path> {
        ODD.map(|name| path("sales", name)).into()
    }

    fn bad_credentials(&self) -> Option<Value> {
        Some(json!({"access_token": "no-such-hunter2"}))
    }

    async fn drop_asset(&self) -> Option<Path> {
        self.0.state().datasets.get_mut("audit")?.remove("old")?;
        Some(path("audit", "old"))
    }

    async fn fail_once(&self) -> bool {
        let at = if self.1 == "sql" {
            "/queries"
        } else {
            "/tables/orders"
        };
        // More often than a request is repeated.
        let answer = fault(503, "backendError").insert_header("retry-after", "0");
        self.0.state().next.extend((0..5).map(|_| (at, answer.clone())));
        true
    }

    async fn stall(&self) -> bool {
        let at = if self.1 == "sql" {
            "/queries"
        } else {
            "/tables/orders"
        };
        self.0.state().next.push_back((at, silence()));
        true
    }

    async fn refuse_listing(&self) -> Option<Path> {
        self.0
            .state()
            .always
            .insert("/datasets/audit/tables".into(), fault(403, "accessDenied"));
        Some(Path::new([PROJECT, "audit"]))
    }

    async fn refuse_part(&self) -> Option<RefusedPart> {
        self.0.state().refused_views.insert("KEY_COLUMN_USAGE");
        Some(RefusedPart {
            parts: vec![Part::Constraints],
            assets: self.expected(),
        })
    }

    async fn hide_namespace(&self) -> Option<Path> {
        self.0.state().hidden.insert("audit".to_owned());
        self.0.state().permissions.clear();
        Some(Path::new([PROJECT, "audit"]))
    }
}

mod rest {
    use super::OnFake;

    headwater_testkit::conformance_tests! {
        OnFake::new("rest") =>
            settings, check, bad_credentials, discovery, full_listing, odd_names, scope, second_sync, retry, removal,
            refused_listing, hidden_namespace, sink_error, stop, stop_while_stalled, no_secret,
    }
}

mod sql {
    use super::OnFake;

    headwater_testkit::conformance_tests! {
        OnFake::new("sql") =>
            check, discovery, full_listing, odd_names, scope, second_sync, retry, removal, hidden_namespace,
            sink_error, stop, stop_while_stalled, unread_part, no_secret,
    }
}
