//! Servers as processes of their own, that are killed and paused in the middle of their work. Leases are
//! those of production, 30 seconds, so that these tests take a while; see `.config/nextest.toml`.

use crate::{
    database::Database,
    program::{Program, serve},
    test_app::{ADMIN_KEY, Client, counts},
};
use serde_json::{Value, json};
use std::{
    process::Command,
    time::{Duration, Instant, SystemTime},
};
use tempfile::TempDir;
use tokio::time::sleep;

/// A lease, and what is left to be done after it.
const TAKEOVER: Duration = Duration::from_secs(45);

fn command(dir: &TempDir, database_url: &str) -> Command {
    let mut command = serve(dir.path());
    command
        .args(["--database-url", database_url])
        .env("HEADWATER_ADMIN_KEY", ADMIN_KEY)
        .env("HEADWATER_SECRET_KEY", "ab".repeat(32));
    command
}

async fn start(client: &Client, connector: &str) -> String {
    let started = client.post(&format!("{connector}/sync"), &json!({})).await;
    started.expect(202)["job_id"].as_str().unwrap().to_owned()
}

async fn job(client: &Client, space: &str, job: &str) -> Value {
    let path = format!("/catalog/spaces/{space}/sync-jobs/{job}");
    client.get(&path).await.expect(200)
}

/// The job, once it has ended.
async fn ended(client: &Client, space: &str, id: &str, deadline: Instant) -> Value {
    loop {
        let found = job(client, space, id).await;
        if found["status"] != "running" {
            return found;
        }
        assert!(
            Instant::now() < deadline,
            "the sync has not ended in time: {found:#}"
        );
        sleep(Duration::from_millis(100)).await;
    }
}

/// A source of 8 schemas with 20 tables and a view each.
async fn warehouse() -> (Database, u64) {
    let database = Database::create().await;
    let mut sql = String::new();
    for schema in 0..8 {
        sql += &format!("CREATE SCHEMA s{schema};");
        for table in 0..20 {
            sql += &format!(
                "CREATE TABLE s{schema}.t{table} (id bigint PRIMARY KEY, note text DEFAULT 'n', CHECK (id > {table}));"
            );
        }
        sql += &format!("CREATE VIEW s{schema}.v AS SELECT id FROM s{schema}.t0;");
    }
    database.execute(&sql).await;
    (database, 8 * 21)
}

/// A space with a connector of its own. Returns the connector's path.
async fn space(client: &Client, slug: &str, database: &Database) -> String {
    client.create_space(slug).await;
    let connectors = format!("/catalog/spaces/{slug}/connectors");
    let made = client.post(&connectors, &database.connector()).await.expect(201);
    format!("{connectors}/{}", made["id"].as_str().unwrap())
}

/// All that a space says of its products, but for ids and times.
async fn content(client: &Client, slug: &str) -> Vec<Value> {
    let path = format!("/catalog/spaces/{slug}/products");
    let mut found = Vec::new();
    for page in 1.. {
        let list = client
            .get(&format!("{path}?include_archived=true&size=100&page={page}"))
            .await;
        let list = list.expect(200);
        let items = list["items"].as_array().unwrap();
        if items.is_empty() {
            break;
        }
        for item in items {
            let one = client
                .get(&format!("{path}/{}", item["id"].as_str().unwrap()))
                .await;
            found.push(without_ids(one.expect(200)));
        }
    }
    found
}

fn without_ids(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let own = ["id", "product_id", "connector_id", "created_at", "updated_at"];
            let kept = members
                .into_iter()
                .filter(|(name, _)| !own.contains(&name.as_str()));
            Value::Object(kept.map(|(name, value)| (name, without_ids(value))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(without_ids).collect()),
        other => other,
    }
}

/// Numbers without a pattern, from 0 to 1.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) as f64 / f64::from(1_u32 << 31)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_again_and_again_loses_and_doubles_nothing() {
    let seed = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis() as u64;
    println!("seed {seed}");
    let mut dice = Dice(seed);
    let (database, products) = warehouse().await;
    let dir = TempDir::new().unwrap();
    let mut command = command(&dir, "sqlite://catalog.db");

    let mut program = Program::start(&mut command);
    let mut client = program.client(ADMIN_KEY);
    let undisturbed = space(&client, "undisturbed", &database).await;
    let begin = Instant::now();
    let id = start(&client, &undisturbed).await;
    let whole = ended(&client, "undisturbed", &id, begin + TAKEOVER).await;
    let took = begin.elapsed();
    assert_eq!(counts(&whole), [products, 0, 0, 0], "{whole:#}");

    let mut killed = Vec::new();
    for round in 0..4 {
        let slug = format!("killed{round}");
        let connector = space(&client, &slug, &database).await;
        let id = start(&client, &connector).await;
        let wait = took.mul_f64(dice.roll());
        println!("killed {wait:?} into a sync of {took:?}");
        sleep(wait).await;
        program.send("KILL");
        drop(program);
        program = Program::start(&mut command);
        client = program.client(ADMIN_KEY);
        killed.push((slug, connector, id));
    }
    let deadline = Instant::now() + TAKEOVER;
    let expected = content(&client, "undisturbed").await;
    for (slug, connector, id) in killed {
        let job = ended(&client, &slug, &id, deadline).await;
        assert_eq!(
            (&job["status"], &job["completeness"]),
            (&json!("completed"), &json!("complete"))
        );
        assert_eq!(counts(&job), [products, 0, 0, 0], "{job:#}");
        assert_eq!(content(&client, &slug).await, expected);
        let again = start(&client, &connector).await;
        let again = ended(&client, &slug, &again, Instant::now() + TAKEOVER).await;
        assert_eq!(counts(&again), [0, 0, products, 0], "{again:#}");
    }
    drop(program);
    database.drop_it().await;
}

/// The rows of every table.
async fn rows(catalog: &Database) -> Vec<String> {
    let tables = catalog
        .column("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
        .await;
    let mut rows = Vec::new();
    for table in tables {
        rows.extend(
            catalog
                .column(&format!("SELECT t::text FROM {table} t ORDER BY 1"))
                .await,
        );
    }
    rows
}

/// Three servers on one PostgreSQL: each of the first two works on a sync, the third is free.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_and_a_paused_server_had_is_finished_by_another() {
    let (catalog, (database, products)) = (Database::create().await, warehouse().await);
    let dir = TempDir::new().unwrap();
    let mut one_at_a_time = command(&dir, &catalog.url());
    one_at_a_time.args(["--workers", "1"]);
    let lock = database.lock("s7.t7").await;

    let to_kill = Program::start(&mut one_at_a_time);
    let client = to_kill.client(ADMIN_KEY);
    let killed = start(&client, &space(&client, "killed", &database).await).await;
    database.until_waiting(1).await;
    let to_pause = Program::start(&mut one_at_a_time);
    let paused = start(&client, &space(&client, "paused", &database).await).await;
    database.until_waiting(2).await;
    let free = Program::start(&mut command(&dir, &catalog.url()));
    let client = free.client(ADMIN_KEY);

    to_kill.send("KILL");
    to_pause.send("STOP");
    let deadline = Instant::now() + TAKEOVER;
    drop(lock);
    for (space, id) in [("killed", killed), ("paused", paused)] {
        let job = ended(&client, space, &id, deadline).await;
        assert_eq!(
            (&job["status"], &job["completeness"]),
            (&json!("completed"), &json!("complete"))
        );
        assert_eq!(counts(&job), [products, 0, 0, 0], "{job:#}");
    }
    assert_eq!(content(&client, "killed").await, content(&client, "paused").await);

    let before = rows(&catalog).await;
    to_pause.send("CONT");
    sleep(Duration::from_secs(3)).await;
    to_pause.client(ADMIN_KEY).get("/ready").await.expect(200);
    assert_eq!(rows(&catalog).await, before);
    let (_, _, log) = to_pause.signal("TERM");
    assert!(log.contains("nothing more is written"), "{log}");
    drop((to_kill, free));
    catalog.drop_it().await;
    database.drop_it().await;
}
