//! A catalog of its own for each test.

use diesel::{Connection, QueryableByName, RunQueryDsl, SqliteConnection, connection::SimpleConnection};
use headwater_catalog::{
    Actor, Claim, Connector, ConnectorId, KeyRing, NewConnector, Run, RunRequest, Space, SpaceId, Store,
    Trigger,
};
use serde_json::json;
use std::time::Duration;
use tokio_postgres::{NoTls, SimpleQueryMessage};

/// Makes two tests of each async function over a [`Bed`]: `sqlite::name` and `postgres::name`.
macro_rules! on_both_engines {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name(crate::support::Bed::open(crate::support::Place::sqlite()).await).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name(crate::support::Bed::open(crate::support::Place::postgres().await).await).await;
            })+
        }
    };
}
pub(crate) use on_both_engines;

pub(crate) const LEASE: Duration = Duration::from_secs(30);

/// The key of a bed's ring, as text.
pub(crate) fn key_text() -> String {
    "0a".repeat(32)
}

/// An empty database that goes away with this value.
pub(crate) enum Place {
    Sqlite(tempfile::TempDir),
    Postgres { server: String, database: String },
}

impl Place {
    pub(crate) fn sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().unwrap())
    }

    pub(crate) async fn postgres() -> Self {
        let server = std::env::var("HEADWATER_TEST_POSTGRES")
            .expect("HEADWATER_TEST_POSTGRES is not set: run cargo xtask test, which starts a PostgreSQL");
        let database = format!(
            "catalog_{}",
            headwater_catalog::RunId::new().to_string().replace('-', "")
        );
        simple(&server, &format!("CREATE DATABASE {database}")).await;
        Self::Postgres { server, database }
    }

    /// The folder of the server's programs, such as `pg_dump`.
    pub(crate) fn programs() -> std::path::PathBuf {
        std::env::var_os("HEADWATER_TEST_PG_BIN")
            .unwrap_or_default()
            .into()
    }

    pub(crate) fn file(&self) -> Option<std::path::PathBuf> {
        match self {
            Self::Sqlite(dir) => Some(dir.path().join("catalog.db")),
            Self::Postgres { .. } => None,
        }
    }

    pub(crate) fn url(&self) -> String {
        match self {
            Self::Sqlite(dir) => format!("sqlite://{}", dir.path().join("catalog.db").display()),
            Self::Postgres { server, database } => {
                let (base, _) = server.rsplit_once('/').unwrap();
                format!("{base}/{database}")
            }
        }
    }

    pub(crate) fn keys(&self) -> KeyRing {
        KeyRing::parse(&key_text()).unwrap()
    }

    /// Runs SQL beside the store.
    pub(crate) async fn execute(&self, sql: &str) {
        match self {
            Self::Sqlite(_) => self.connect_sqlite().batch_execute(sql).unwrap(),
            Self::Postgres { .. } => drop(simple(&self.url(), sql).await),
        }
    }

    /// The texts of the column `value`.
    pub(crate) async fn values(&self, sql: &str) -> Vec<String> {
        match self {
            Self::Sqlite(_) => {
                let rows: Vec<Value> = diesel::sql_query(sql).load(&mut self.connect_sqlite()).unwrap();
                rows.into_iter().map(|row| row.value).collect()
            }
            Self::Postgres { .. } => simple(&self.url(), sql).await,
        }
    }

    fn connect_sqlite(&self) -> SqliteConnection {
        let mut conn = SqliteConnection::establish(&self.file().unwrap().to_string_lossy()).unwrap();
        conn.batch_execute("PRAGMA busy_timeout = 5000").unwrap();
        conn
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Self::Postgres { server, database } = self {
            let (server, sql) = (server.clone(), format!("DROP DATABASE {database} WITH (FORCE)"));
            let dropping = std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                runtime.unwrap().block_on(simple(&server, &sql));
            });
            drop(dropping.join());
        }
    }
}

#[derive(QueryableByName)]
struct Value {
    #[diesel(sql_type = diesel::sql_types::Text)]
    value: String,
}

async fn simple(url: &str, sql: &str) -> Vec<String> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    let driving = tokio::spawn(connection);
    let messages = client.simple_query(sql).await.unwrap();
    drop(client);
    drop(driving.await);
    messages
        .iter()
        .filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        })
        .collect()
}

/// A catalog with the space `shop` in it.
pub(crate) struct Bed {
    pub(crate) store: Store,
    pub(crate) space: SpaceId,
    pub(crate) actor: Actor,
    // Last: the store lets go of the database before it goes away.
    pub(crate) place: Place,
}

impl Bed {
    pub(crate) async fn open(place: Place) -> Self {
        let store = Store::open(&place.url(), place.keys()).await.unwrap();
        let actor = Actor {
            name: "ann".to_owned(),
            key_id: None,
        };
        let space = store.create_space("shop", "The shop", &actor).await.unwrap().id;
        Self {
            store,
            space,
            actor,
            place,
        }
    }

    pub(crate) async fn another_space(&self) -> Space {
        self.store
            .create_space("other", "Other", &self.actor)
            .await
            .unwrap()
    }

    pub(crate) async fn connector(&self, name: &str) -> Connector {
        let new = NewConnector {
            name: name.to_owned(),
            kind: "postgres".to_owned(),
            config: json!({"host": "db.example.com"}),
            credentials: json!({"username": "reader", "password": "hunter2-clear-text"}),
            source_system_id: None,
            links_into: None,
        };
        self.store
            .create_connector(self.space, new, &self.actor)
            .await
            .unwrap()
    }

    pub(crate) async fn start(&self, connector: ConnectorId) -> Run {
        self.store
            .start_run(
                self.space,
                connector,
                RunRequest::default(),
                Trigger::Api,
                &self.actor,
            )
            .await
            .unwrap()
    }

    pub(crate) async fn claim(&self, node: &str) -> Option<Claim> {
        self.store.claim_run(node, LEASE).await.unwrap()
    }

    /// As if the lease of every run had ended long ago.
    pub(crate) async fn end_leases(&self) {
        self.place
            .execute("UPDATE run SET lease_until = 1 WHERE lease_until IS NOT NULL")
            .await;
    }

    /// Writes a product beside the store.
    pub(crate) async fn seed_product(&self, connector: ConnectorId, name: &str, state: &str) {
        let id = headwater_catalog::ProductId::new();
        let hash = match self.place {
            Place::Sqlite(_) => "x'00'",
            Place::Postgres { .. } => "'\\x00'",
        };
        self.place
            .execute(&format!(
                "INSERT INTO product (id, space_id, connector_id, key, namespace, family, folded, provider, kind, name,
                     slug, hosting_location, search, doc, hash, state, created_run, changed_run, created_at, updated_at)
                 VALUES ('{id}', '{}', '{connector}', '{name}', 'public', 'postgres', '{name}', 'postgres', 'table',
                     '{name}', '{name}', '{name}', '{name}', '{{}}', {hash}, '{state}', '', '', 1, 1)",
                self.space
            ))
            .await;
    }
}
