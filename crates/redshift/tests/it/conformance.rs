//! The contract's rules.

use crate::peer::Peer;
use async_trait::async_trait;
use headwater_core::Path;
use headwater_redshift::Redshift;
use headwater_testkit::{Fixture, Part, RefusedPart};
use serde_json::{Value, json};
use std::sync::atomic::Ordering;

/// The seeded shop, with external schemas.
struct Shop {
    peer: Peer,
    metadata_security: bool,
}

impl Shop {
    async fn open() -> Self {
        let peer = Peer::seeded().await;
        // One external schema, so that its list can be refused without another's.
        peer.sql("DELETE FROM redshift_catalog.pg_external_schema WHERE eskind = 3; DROP SCHEMA federated")
            .await;
        peer.grant("SELECT ON redshift_catalog.svv_table_info").await;
        Self {
            peer,
            metadata_security: false,
        }
    }

    /// Where each user sees what was granted to it.
    async fn secured() -> Self {
        let shop = Self::open().await;
        shop.peer
            .sql("UPDATE redshift_catalog.settings SET value = 'on' WHERE name = 'metadata_security'")
            .await;
        for schema in ["public", "audit"] {
            shop.peer.grant(&format!("USAGE ON SCHEMA {schema}")).await;
            shop.peer
                .grant(&format!("SELECT ON ALL TABLES IN SCHEMA {schema}"))
                .await;
        }
        Self {
            metadata_security: true,
            ..shop
        }
    }

    fn paths(&self, names: &[(&str, &str)]) -> Vec<Path> {
        names
            .iter()
            .map(|(schema, name)| self.peer.path(&[schema, name]))
            .collect()
    }
}

#[async_trait]
impl Fixture for Shop {
    type C = Redshift;

    fn config(&self) -> Value {
        self.peer.config(json!({}))
    }

    fn credentials(&self) -> Value {
        self.peer.credentials()
    }

    fn expected(&self) -> Vec<Path> {
        self.paths(&[
            ("public", "customers"),
            ("public", "orders"),
            ("public", "a.b"),
            ("public", "quo\"te"),
            ("public", "Naïve ☃"),
            ("audit", "log"),
            ("audit", "old"),
            ("public", "recent"),
            ("public", "daily"),
            ("public", "late"),
            ("spectrum", "events"),
        ])
    }

    fn odd_names(&self) -> Vec<Path> {
        self.paths(&[("public", "a.b"), ("public", "quo\"te"), ("public", "Naïve ☃")])
    }

    fn bad_credentials(&self) -> Option<Value> {
        Some(json!({"username": self.peer.user, "password": "not the password"}))
    }

    async fn drop_asset(&self) -> Option<Path> {
        self.peer.sql("DROP TABLE audit.old").await;
        Some(self.peer.path(&["audit", "old"]))
    }

    async fn fail_once(&self) -> bool {
        self.peer.wire.cut.store(true, Ordering::SeqCst);
        true
    }

    async fn stall(&self) -> bool {
        self.peer.wire.stall.store(true, Ordering::SeqCst);
        true
    }

    async fn refuse_listing(&self) -> Option<Path> {
        self.peer
            .sql("REVOKE SELECT ON redshift_catalog.svv_external_tables FROM PUBLIC")
            .await;
        Some(self.peer.path(&["spectrum"]))
    }

    async fn refuse_part(&self) -> Option<RefusedPart> {
        self.peer
            .sql("REVOKE SELECT ON redshift_catalog.pg_constraint FROM PUBLIC")
            .await;
        let own = |path: &Path| !path.segments().iter().any(|segment| &**segment == "spectrum");
        Some(RefusedPart {
            parts: vec![Part::Constraints],
            assets: self.expected().into_iter().filter(own).collect(),
        })
    }

    async fn hide_namespace(&self) -> Option<Path> {
        assert!(self.metadata_security);
        let user = &self.peer.user;
        self.peer
            .sql(&format!(
                "REVOKE ALL ON ALL TABLES IN SCHEMA audit FROM {user}; REVOKE ALL ON SCHEMA audit FROM {user}"
            ))
            .await;
        Some(self.peer.path(&["audit"]))
    }
}

mod open {
    use super::Shop;

    headwater_testkit::conformance_tests! {
        async { Shop::open().await } =>
            settings, check, bad_credentials, discovery, full_listing, odd_names, scope, second_sync,
            retry, removal, sink_error, stop, stop_while_stalled, refused_listing, unread_part, no_secret,
    }
}

mod secured {
    use super::Shop;

    headwater_testkit::conformance_tests! {
        async { Shop::secured().await } => check, full_listing, hidden_namespace,
    }
}
