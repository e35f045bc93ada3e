//! A database of a PostgreSQL server that looks like one of Redshift. See `peer.sql` and `proxy`.

pub(crate) mod proxy;

use headwater_core::Path;
use proxy::Wire;
use serde_json::{Value, json};
use std::{
    env,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};
use tokio_postgres::{Client, NoTls, config::Host as PgHost};

#[derive(Debug, Clone)]
struct Server {
    host: String,
    port: u16,
    user: String,
    password: String,
}

impl Server {
    fn of_env() -> Self {
        let url = env::var("HEADWATER_TEST_POSTGRES")
            .expect("HEADWATER_TEST_POSTGRES is not set: run cargo xtask test, which starts a server");
        let config: tokio_postgres::Config = url.parse().expect("a postgres:// URL");
        let Some(PgHost::Tcp(host)) = config.get_hosts().first() else {
            panic!("HEADWATER_TEST_POSTGRES names no host")
        };
        Self {
            host: host.clone(),
            port: *config.get_ports().first().unwrap_or(&5432),
            user: config.get_user().expect("a user").to_owned(),
            password: String::from_utf8(config.get_password().expect("a password").to_vec()).unwrap(),
        }
    }

    async fn client(&self, database: &str) -> Client {
        let mut config = tokio_postgres::Config::new();
        config
            .host(&self.host)
            .port(self.port)
            .user(&self.user)
            .password(&self.password)
            .dbname(database);
        let (client, connection) = config.connect(NoTls).await.expect("the test server answers");
        tokio::spawn(connection);
        client
    }
}

/// One database and one user, dropped with this value.
pub(crate) struct Peer {
    server: Server,
    pub(crate) name: String,
    pub(crate) user: String,
    pub(crate) port: u16,
    pub(crate) wire: Arc<Wire>,
    client: Client,
}

impl Peer {
    /// An empty database with Redshift's catalog, and a user without grants of its own.
    pub(crate) async fn create() -> Self {
        Self::create_as("").await
    }

    /// The user's name begins with this.
    async fn create_as(prefix: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("hw_rs_{}_{count}", std::process::id());
        let user = format!("{prefix}hw_rs_reader_{}_{count}", std::process::id());
        let server = Server::of_env();
        let admin = server.client("postgres").await;
        for statement in [
            format!("CREATE DATABASE {name}"),
            format!("CREATE ROLE \"{user}\" LOGIN PASSWORD 'reader-pw'"),
        ] {
            admin
                .batch_execute(&statement)
                .await
                .expect("a new database and its user");
        }
        let wire = Arc::new(Wire::default());
        let peer = Self {
            client: server.client(&name).await,
            port: proxy::start(server.port, wire.clone()).await,
            server,
            name,
            user,
            wire,
        };
        peer.sql(include_str!("peer.sql")).await;
        peer.sql("SET search_path = public").await;
        peer
    }

    /// The same with objects of every kind, see `seed.sql`, and a user that may use the external schemas.
    pub(crate) async fn seeded() -> Self {
        Self::seeded_as("").await
    }

    pub(crate) async fn seeded_as(prefix: &str) -> Self {
        let peer = Self::create_as(prefix).await;
        peer.sql(&include_str!("seed.sql").replace("{database}", &peer.name))
            .await;
        peer.grant("USAGE ON SCHEMA spectrum, federated").await;
        peer
    }

    pub(crate) async fn sql(&self, sql: &str) {
        if let Err(error) = self.client.batch_execute(sql).await {
            panic!("{error:?} in {sql}")
        }
    }

    pub(crate) async fn grant(&self, what: &str) {
        self.sql(&format!("GRANT {what} TO \"{}\"", self.user)).await;
    }

    pub(crate) fn config(&self, change: Value) -> Value {
        let mut config = json!({
            "host": "127.0.0.1", "port": self.port, "database": self.name, "sslmode": "disable"
        });
        for (key, value) in change.as_object().expect("an object") {
            config[key] = value.clone();
        }
        config
    }

    pub(crate) fn credentials(&self) -> Value {
        json!({"username": self.user, "password": "reader-pw"})
    }

    pub(crate) fn path(&self, segments: &[&str]) -> Path {
        Path::new(std::iter::once(self.name.as_str()).chain(segments.iter().copied()))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let (server, name, user) = (self.server.clone(), self.name.clone(), self.user.clone());
        let work = async move {
            let admin = server.client("postgres").await;
            for statement in [
                format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
                format!("DROP ROLE IF EXISTS \"{user}\""),
            ] {
                if let Err(error) = admin.batch_execute(&statement).await {
                    eprintln!("{statement}: {error}");
                }
            }
        };
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(work);
        });
        let _ended = thread.join();
    }
}
