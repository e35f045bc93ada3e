//! A throw-away database on a real server.

use headwater_core::{Connect, Host, LocalFiles, Options, Path, Registry, model::Asset};
use headwater_postgres::Postgres;
use headwater_testkit::{Collected, collect};
use serde_json::{Value, json};
use std::{
    env,
    sync::atomic::{AtomicU32, Ordering},
};
use tokio_postgres::{Client, NoTls, config::Host as PgHost};

/// How to reach a server as its superuser.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) user: String,
    pub(crate) password: String,
}

impl Server {
    fn of_env(name: &str) -> Option<Self> {
        let url = env::var(name).ok()?;
        let config: tokio_postgres::Config = url.parse().expect("a postgres:// URL");
        let Some(PgHost::Tcp(host)) = config.get_hosts().first() else {
            panic!("{name} names no host")
        };
        Some(Self {
            host: host.clone(),
            port: *config.get_ports().first().unwrap_or(&5432),
            user: config.get_user().expect("a user").to_owned(),
            password: String::from_utf8(config.get_password().expect("a password").to_vec()).unwrap(),
        })
    }

    /// All servers to test against.
    pub(crate) fn all() -> Vec<Self> {
        let first = Self::of_env("HEADWATER_TEST_POSTGRES")
            .expect("HEADWATER_TEST_POSTGRES is not set: run cargo xtask test, which starts a server");
        [Some(first), Self::of_env("HEADWATER_TEST_POSTGRES_ALT")]
            .into_iter()
            .flatten()
            .collect()
    }

    pub(crate) async fn client(&self, database: &str) -> Client {
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

    pub(crate) fn credentials(&self) -> Value {
        json!({"username": self.user, "password": self.password})
    }

    /// A name that no other test uses.
    pub(crate) fn unique(what: &str) -> String {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        format!("hw_it_{what}_{}_{count}", std::process::id())
    }
}

/// A database, dropped with this value, and the roles that were made for it.
pub(crate) struct Database {
    pub(crate) server: Server,
    pub(crate) name: String,
    pub(crate) client: Client,
    roles: Vec<String>,
}

impl Database {
    pub(crate) async fn create(server: &Server) -> Self {
        Self::create_as(server, "").await
    }

    /// With options of CREATE DATABASE.
    pub(crate) async fn create_as(server: &Server, options: &str) -> Self {
        let name = Server::unique("db");
        let admin = server.client("postgres").await;
        admin
            .batch_execute(&format!("CREATE DATABASE {name} {options}"))
            .await
            .expect("a new database");
        Self {
            client: server.client(&name).await,
            server: server.clone(),
            name,
            roles: Vec::new(),
        }
    }

    /// A role with password `reader-pw` and no rights of its own.
    pub(crate) async fn create_role(&mut self) -> String {
        let role = Server::unique("role");
        self.sql(&format!("CREATE ROLE {role} LOGIN PASSWORD 'reader-pw'"))
            .await;
        self.roles.push(role.clone());
        role
    }

    pub(crate) async fn sql(&self, sql: &str) {
        if let Err(error) = self.client.batch_execute(sql).await {
            panic!("{error:?} in {sql}")
        }
    }

    /// The connector's config, changed at some keys.
    pub(crate) fn config(&self, change: Value) -> Value {
        let mut config = json!({"host": self.server.host, "port": self.server.port, "database": self.name});
        for (key, value) in change.as_object().expect("an object") {
            config[key] = value.clone();
        }
        config
    }

    pub(crate) fn path(&self, segments: &[&str]) -> Path {
        Path::new(std::iter::once(self.name.as_str()).chain(segments.iter().copied()))
    }

    /// Reads the database with a changed config.
    pub(crate) async fn read_with(&self, change: Value) -> Collected {
        read(self.config(change), self.server.credentials()).await
    }

    /// Reads the database, and insists that all of it could be.
    pub(crate) async fn read(&self) -> Collected {
        let run = self.read_with(json!({})).await;
        assert_complete(&run);
        run
    }
}

pub(crate) fn assert_complete(run: &Collected) {
    assert!(
        run.is_complete(),
        "{:?} {:?} {:?}",
        run.failed,
        run.closed,
        run.ended
    );
}

/// Opens a connector as a program does, from JSON.
pub(crate) fn open(config: Value, credentials: Value) -> headwater_core::Result<headwater_core::Opened> {
    let mut registry = Registry::default();
    registry.register::<Postgres>();
    let mut host = Host::default();
    host.local_files = LocalFiles::Allowed;
    registry.get(Postgres::KIND)?.open(config, credentials, &host)
}

pub(crate) async fn read(config: Value, credentials: Value) -> Collected {
    let opened = open(config, credentials).expect("good settings");
    let mut options = Options::default();
    options.scope = opened.scope;
    collect(opened.connector, options).await
}

pub(crate) fn asset<'a>(run: &'a Collected, path: &Path) -> &'a Asset {
    run.assets
        .get(path)
        .unwrap_or_else(|| panic!("no {path} among {:?}", run.paths()))
}

impl Drop for Database {
    fn drop(&mut self) {
        let (server, name, roles) = (
            self.server.clone(),
            self.name.clone(),
            std::mem::take(&mut self.roles),
        );
        let work = async move {
            let admin = server.client("postgres").await;
            let mut statements = vec![format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")];
            statements.extend(roles.iter().map(|role| format!("DROP ROLE IF EXISTS {role}")));
            for statement in statements {
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

/// Runs a test on a new database of each server.
pub(crate) async fn on_each_server<F: Future<Output = ()>>(test: impl Fn(Database) -> F) {
    for server in Server::all() {
        eprintln!("on {}:{}", server.host, server.port);
        test(Database::create(&server).await).await;
    }
}

/// What the server runs for the connector in this database and cannot go on with: it waits for a lock.
pub(crate) async fn waiting(database: &Database) -> Vec<String> {
    let sql = "SELECT query FROM pg_stat_activity
                WHERE datname = $1 AND application_name = 'headwater' AND state = 'active'
                  AND wait_event_type = 'Lock'";
    let admin = database.server.client("postgres").await;
    let rows = admin.query(sql, &[&database.name]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}
