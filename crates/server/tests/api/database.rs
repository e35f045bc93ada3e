//! A database on the PostgreSQL server of the tests.

use serde_json::{Value, json};
use std::{
    env, process,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};
use tokio::time::{sleep, timeout};
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage, config::Host};

/// A database of a test's own; [`drop_it`](Self::drop_it) at the end.
pub(crate) struct Database {
    server: String,
    pub(crate) name: String,
}

impl Database {
    pub(crate) async fn create() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let server = env::var("HEADWATER_TEST_POSTGRES")
            .expect("HEADWATER_TEST_POSTGRES is not set: run cargo xtask test, which starts a PostgreSQL");
        let name = format!("api_{}_{}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        connect(&server)
            .await
            .batch_execute(&format!("CREATE DATABASE {name}"))
            .await
            .unwrap();
        Self { server, name }
    }

    pub(crate) fn url(&self) -> String {
        format!("{}/{}", self.server.rsplit_once('/').unwrap().0, self.name)
    }

    pub(crate) async fn execute(&self, sql: &str) {
        connect(&self.url()).await.batch_execute(sql).await.unwrap();
    }

    /// The first column of what a query finds.
    pub(crate) async fn column(&self, sql: &str) -> Vec<String> {
        let messages = connect(&self.url()).await.simple_query(sql).await.unwrap();
        let text = |message: &SimpleQueryMessage| match message {
            SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        };
        messages.iter().filter_map(text).collect()
    }

    /// Takes the strongest lock on a relation, until the client is dropped. What reads the definition of
    /// a check of it waits.
    pub(crate) async fn lock(&self, relation: &str) -> Client {
        let client = connect(&self.url()).await;
        let sql = format!("BEGIN; LOCK TABLE {relation} IN ACCESS EXCLUSIVE MODE");
        client.batch_execute(&sql).await.unwrap();
        client
    }

    /// Waits until this many sessions wait for a lock.
    pub(crate) async fn until_waiting(&self, sessions: usize) {
        let waiting = "SELECT pid FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let so = async {
            while self.column(waiting).await.len() != sessions {
                sleep(Duration::from_millis(20)).await;
            }
        };
        let in_time = timeout(Duration::from_secs(20), so).await;
        assert!(in_time.is_ok(), "not {sessions} sessions wait for a lock");
    }

    pub(crate) fn address(&self) -> (String, u16) {
        let config: Config = self.url().parse().unwrap();
        let Host::Tcp(host) = &config.get_hosts()[0] else {
            panic!("the test server listens on TCP");
        };
        (host.clone(), config.get_ports()[0])
    }

    /// The body that makes a connector for it, which waits a minute for locks.
    pub(crate) fn connector(&self) -> Value {
        let config: Config = self.url().parse().unwrap();
        let (host, port) = self.address();
        json!({
            "name": "shop", "connector_type": "postgresql",
            "config": {"host": host, "port": port, "database": self.name, "lock_timeout": 60_000},
            "credentials": {
                "username": config.get_user(), "password": String::from_utf8_lossy(config.get_password().unwrap()),
            },
        })
    }

    pub(crate) async fn drop_it(self) {
        connect(&self.server)
            .await
            .batch_execute(&format!("DROP DATABASE {} WITH (FORCE)", self.name))
            .await
            .unwrap();
    }
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}
