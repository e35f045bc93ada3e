//! Through PgBouncer in transaction mode: one server connection serves many clients, one transaction each.

use crate::{
    cluster::{as_account, own},
    database::{Database, Server, assert_complete, on_each_server, open, read},
    stop::ends_the_running_statement,
};
use headwater_core::Cx;
use serde_json::{Value, json};
use std::{
    env, fs,
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// Ended with this value.
struct PgBouncer {
    child: Child,
    port: u16,
    _dir: TempDir,
}

impl PgBouncer {
    /// With one connection to each database of the server.
    fn start(server: &Server) -> Self {
        let program = env::var("HEADWATER_TEST_PGBOUNCER").expect(
            "HEADWATER_TEST_PGBOUNCER is not set: run cargo xtask test, which finds PgBouncer, or leaves these \
             tests out and says so",
        );
        let program = PathBuf::from(program);
        let dir = TempDir::new().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let (config, users) = (dir.path().join("pgbouncer.ini"), dir.path().join("users.txt"));
        fs::write(&users, format!("\"{}\" \"{}\"\n", server.user, server.password)).unwrap();
        let settings = format!(
            "[databases]\n* = host={} port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = scram-sha-256\nauth_file = {}\npool_mode = transaction\n\
             default_pool_size = 1\n",
            server.host,
            server.port,
            users.display(),
        );
        fs::write(&config, settings).unwrap();
        for path in [dir.path(), &config, &users] {
            own(&program, path);
        }
        let child = as_account(&program, &program)
            .arg("-q")
            .arg(&config)
            .stdout(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{} does not run: {error}", program.display()));
        let started = Self {
            child,
            port,
            _dir: dir,
        };
        let deadline = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < deadline, "PgBouncer does not answer");
            sleep(Duration::from_millis(20));
        }
        started
    }

    /// The connector's config, through PgBouncer.
    fn config(&self, change: Value) -> Value {
        let mut config = json!({"host": "127.0.0.1", "port": self.port});
        for (key, value) in change.as_object().unwrap() {
            config[key] = value.clone();
        }
        config
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}

/// Two schemas, each more than half of what a split may hold: two splits. And what waits for locks and what
/// has a savepoint of its own: a check and a view.
async fn fill(database: &Database, tables: usize) {
    for schema in ["one", "two"] {
        database
            .sql(&format!(
                "CREATE SCHEMA {schema};
                 DO $$ BEGIN FOR n IN 1..{tables} LOOP
                   EXECUTE format('CREATE TABLE {schema}.t%s (id int)', n);
                 END LOOP; END $$;
                 CREATE TABLE {schema}.checked (id int PRIMARY KEY CHECK (id > 0), at timestamptz DEFAULT now());
                 CREATE VIEW {schema}.seen AS SELECT id FROM {schema}.checked"
            ))
            .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sync_through_pgbouncer_is_the_one_without() {
    on_each_server(|database| async move {
        let other = Database::create(&database.server).await;
        fill(&database, 2600).await;
        fill(&other, 10).await;
        let both = json!({"databases": [database.name, other.name], "database": null});
        let direct = database.read_with(both.clone()).await;
        assert_complete(&direct);
        assert_eq!(direct.ended.len(), 3, "splits: {:?}", direct.ended);
        let pooler = PgBouncer::start(&database.server);
        let pooled = read(pooler.config(both), database.server.credentials()).await;
        assert_complete(&pooled);
        assert!(
            pooled.ended.iter().all(|ended| ended.result.is_ok()),
            "{:?}",
            pooled.ended
        );
        assert_eq!(pooled.assets, direct.assets);
        assert_eq!(pooled.lineage, direct.lineage);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_and_a_stop_pass_through_pgbouncer() {
    on_each_server(|database| async move {
        let pooler = PgBouncer::start(&database.server);
        let config = pooler.config(json!({"database": database.name}));
        let opened = open(config.clone(), database.server.credentials()).unwrap();
        let report = opened.connector.check(&Cx::default()).await.unwrap();
        assert!(report.capabilities.values().all(|one| one.readable), "{report:?}");
        ends_the_running_statement(&database, config).await;
    })
    .await;
}
