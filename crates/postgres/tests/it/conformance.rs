//! The contract's rules, on each server.

use crate::database::{Database, Server};
use async_trait::async_trait;
use headwater_core::Path;
use headwater_postgres::Postgres;
use headwater_testkit::{Fixture, Part, RefusedPart};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::sleep;

/// Two schemas, read by a role without rights of its own.
struct Shop {
    database: Database,
    role: String,
}

impl Shop {
    async fn on(server: Server) -> Self {
        let mut database = Database::create(&server).await;
        let role = database.create_role().await;
        database
            .sql(
                r#"CREATE SCHEMA audit;
                   CREATE TABLE public.customers (id int PRIMARY KEY, name text DEFAULT 'x');
                   CREATE TABLE public.orders (id int PRIMARY KEY, customer int REFERENCES public.customers,
                     CHECK (id > 0));
                   CREATE VIEW public.recent AS SELECT id FROM public.orders;
                   CREATE TABLE public."a.b" (id int);
                   CREATE TABLE public."quo""te" (id int);
                   CREATE TABLE public."Naïve ☃" (id int);
                   CREATE TABLE audit.log (id int);
                   CREATE TABLE audit.old (id int)"#,
            )
            .await;
        Self { database, role }
    }

    fn paths(&self, names: &[(&str, &str)]) -> Vec<Path> {
        names
            .iter()
            .map(|(schema, name)| self.database.path(&[schema, name]))
            .collect()
    }

    /// Holds a lock that the next read of expressions waits for, and lets go when `until` is done.
    async fn hold_lock<F: Future<Output = ()> + Send + 'static>(&self, until: F) {
        let holder = self.database.server.client(&self.database.name).await;
        holder
            .batch_execute("BEGIN; LOCK TABLE public.orders IN ACCESS EXCLUSIVE MODE")
            .await
            .unwrap();
        tokio::spawn(async move {
            until.await;
            drop(holder);
        });
    }
}

#[async_trait]
impl Fixture for Shop {
    type C = Postgres;

    fn config(&self) -> Value {
        self.database.config(json!({"lock_timeout": 60000}))
    }

    fn credentials(&self) -> Value {
        json!({"username": self.role, "password": "reader-pw"})
    }

    fn expected(&self) -> Vec<Path> {
        self.paths(&[
            ("public", "customers"),
            ("public", "orders"),
            ("public", "recent"),
            ("public", "a.b"),
            ("public", "quo\"te"),
            ("public", "Naïve ☃"),
            ("audit", "log"),
            ("audit", "old"),
        ])
    }

    fn odd_names(&self) -> Vec<Path> {
        self.paths(&[("public", "a.b"), ("public", "quo\"te"), ("public", "Naïve ☃")])
    }

    fn bad_credentials(&self) -> Option<Value> {
        Some(json!({"username": self.role, "password": "not the password"}))
    }

    async fn drop_asset(&self) -> Option<Path> {
        self.database.sql("DROP TABLE audit.old").await;
        Some(self.database.path(&["audit", "old"]))
    }

    async fn fail_once(&self) -> bool {
        let (server, name) = (self.database.server.clone(), self.database.name.clone());
        self.hold_lock(async move {
            let admin = server.client("postgres").await;
            let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                         WHERE datname = $1 AND application_name = 'headwater' AND wait_event_type = 'Lock'";
            while admin.query(kill, &[&name]).await.unwrap().is_empty() {
                sleep(Duration::from_millis(10)).await;
            }
        })
        .await;
        true
    }

    async fn stall(&self) -> bool {
        self.hold_lock(sleep(Duration::from_secs(120))).await;
        true
    }

    async fn refuse_part(&self) -> Option<RefusedPart> {
        self.database
            .sql("REVOKE SELECT ON pg_catalog.pg_constraint FROM PUBLIC")
            .await;
        Some(RefusedPart {
            parts: vec![Part::Constraints],
            assets: self.expected(),
        })
    }
}

macro_rules! on_server {
    ($name:ident, $server:expr) => {
        mod $name {
            use super::{Server, Shop};

            headwater_testkit::conformance_tests! {
                async { Shop::on($server).await } =>
                    settings, check, bad_credentials, discovery, full_listing, odd_names, scope, second_sync,
                    retry, removal, sink_error, stop, stop_while_stalled, unread_part, no_secret,
            }
        }
    };
}

on_server!(first, Server::all().remove(0));
// The same server again where there is only one.
on_server!(last, Server::all().pop().unwrap());
