//! A snapshot that is held for too long is given up, and nothing is lost with it.

use crate::database::{Database, Server, assert_complete, asset, on_each_server, waiting};
use headwater_core::Path;
use headwater_testkit::Collected;
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// Tables of three pages. The first is `first`, the read of which waits for a lock; of the last page is `late`.
async fn seed(database: &Database) {
    let between: Vec<String> = (0..600)
        .map(|n| format!("CREATE TABLE public.t{n} (id int);"))
        .collect();
    database
        .sql(&format!(
            "CREATE SCHEMA other; CREATE SCHEMA other_new;
             CREATE TABLE public.first (id int CHECK (id > 0));
             CREATE TABLE public.early (early int); CREATE TABLE public.renamed (id int);
             CREATE TABLE other_new.swapped (fresh int); {}
             CREATE TABLE public.late (late int); CREATE TABLE public.dropped (id int);
             CREATE TABLE other.swapped (stale int); CREATE TABLE other.only_old (id int)",
            between.concat()
        ))
        .await;
}

/// Reads with a snapshot limit of a second, and runs `meanwhile` while the first page is read.
async fn read_across(database: &Database, meanwhile: &str) -> Collected {
    let held = database.server.client(&database.name).await;
    held.batch_execute("BEGIN; LOCK TABLE public.first IN ACCESS EXCLUSIVE MODE")
        .await
        .unwrap();
    let change = async {
        let deadline = Instant::now() + Duration::from_secs(20);
        while waiting(database).await.is_empty() {
            assert!(Instant::now() < deadline, "nothing waits for the lock");
            sleep(Duration::from_millis(20)).await;
        }
        database.sql(meanwhile).await;
        sleep(Duration::from_millis(1200)).await;
        held.batch_execute("COMMIT").await.unwrap();
    };
    let read = database.read_with(json!({"snapshot_limit": 1, "lock_timeout": 60000}));
    let (run, ()) = tokio::join!(read, change);
    assert!(
        run.ended.len() == 1 && run.ended[0].result.is_ok(),
        "{:?}",
        run.ended
    );
    assert!(run.repeated.is_empty(), "{:?}", run.repeated);
    run
}

fn first_field<'a>(run: &'a Collected, path: &Path) -> &'a str {
    &asset(run, path).fields.as_option().unwrap()[0].name
}

#[tokio::test]
async fn tables_swapped_between_two_snapshots_are_found_by_name() {
    on_each_server(|database| async move {
        seed(&database).await;
        let run = read_across(
            &database,
            "DROP TABLE public.late; ALTER TABLE public.early RENAME TO late;
             ALTER TABLE public.renamed RENAME TO \"Renamed\";
             DROP TABLE public.dropped; CREATE TABLE public.created (id int);
             DROP SCHEMA other CASCADE; ALTER SCHEMA other_new RENAME TO other",
        )
        .await;
        let path = |schema: &str, name: &str| database.path(&[schema, name]);
        assert_eq!(
            first_field(&run, &path("public", "late")),
            "early",
            "the table of the new snapshot"
        );
        assert_eq!(
            first_field(&run, &path("public", "early")),
            "early",
            "as the old snapshot had it"
        );
        assert_eq!(first_field(&run, &path("other", "swapped")), "fresh");
        let is_complete = |schema: &str| run.closed[&database.path(&[schema])].is_complete();
        assert!(is_complete("public") && is_complete("other"));
        assert!(
            !is_complete("other_new"),
            "it was renamed, and so not read to its end"
        );
        for found in ["Renamed", "created", "t0", "t599"] {
            asset(&run, &path("public", found));
        }
        for gone in [path("public", "dropped"), path("other", "only_old")] {
            assert!(!run.assets.contains_key(&gone), "{gone}");
        }
        let told: Vec<_> = run.warnings.iter().map(|warning| warning.code.as_str()).collect();
        assert_eq!(told, ["snapshot_renewed"]);
    })
    .await;
}

#[tokio::test]
async fn a_new_snapshot_lets_the_server_forget_the_old_one() {
    on_each_server(|database| async move {
        seed(&database).await;
        // Both pages wait: what is read second holds no snapshot that is older than the first wait.
        database.sql("ALTER TABLE public.late ADD CHECK (late > 0)").await;
        let (early, late) = (
            database.server.client(&database.name).await,
            database.server.client(&database.name).await,
        );
        early
            .batch_execute("BEGIN; LOCK TABLE public.first IN ACCESS EXCLUSIVE MODE")
            .await
            .unwrap();
        late.batch_execute("BEGIN; LOCK TABLE public.late IN ACCESS EXCLUSIVE MODE")
            .await
            .unwrap();
        let watch = async {
            let first = until_horizon(&database, None).await;
            sleep(Duration::from_millis(1200)).await;
            early.batch_execute("COMMIT").await.unwrap();
            until_horizon(&database, Some(first)).await;
            late.batch_execute("COMMIT").await.unwrap();
        };
        let read = database.read_with(json!({"snapshot_limit": 1, "lock_timeout": 60000}));
        let (run, ()) = tokio::join!(read, watch);
        assert_complete(&run);
        assert!(run.cost.source_seconds >= 1.2, "{:?}", run.cost);
    })
    .await;
}

/// Waits until the reader, which waits for a lock, holds a snapshot other than that begun at this time.
async fn until_horizon(database: &Database, other_than: Option<String>) -> String {
    let admin = database.server.client("postgres").await;
    let sql = "SELECT xact_start::text FROM pg_stat_activity
                WHERE datname = $1 AND application_name = 'headwater' AND wait_event_type = 'Lock'";
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let rows = admin.query(sql, &[&database.name]).await.unwrap();
        let begun = rows.first().map(|row| row.get::<_, String>(0));
        if let Some(begun) = begun.filter(|begun| Some(begun) != other_than.as_ref()) {
            return begun;
        }
        assert!(Instant::now() < deadline, "no other snapshot than {other_than:?}");
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn bytes_that_are_no_text_are_read_in_every_snapshot() {
    for server in Server::all() {
        let options = "ENCODING SQL_ASCII LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0";
        let database = Database::create_as(&server, options).await;
        seed(&database).await;
        database
            .sql(r"DO $$ BEGIN EXECUTE 'COMMENT ON TABLE public.late IS ' || quote_literal(E'caf\xe9'); END $$")
            .await;
        let run = read_across(&database, "SELECT 1").await;
        let late = asset(&run, &database.path(&["public", "late"]));
        assert_eq!(late.description.value().map(String::as_str), Some("caf\u{fffd}"));
        assert_eq!(run.warnings[0].code, "snapshot_renewed");
    }
}

#[tokio::test]
async fn a_read_within_the_limit_is_one_snapshot() {
    on_each_server(|database| async move {
        seed(&database).await;
        let run = database.read().await;
        assert!(run.warnings.is_empty(), "{:?}", run.warnings);
        assert_eq!(run.assets.len(), 608);
    })
    .await;
}
