//! What is locked, or changes, costs its own definition and nothing else.

use crate::database::{Database, assert_complete, asset, on_each_server};
use headwater_core::Facet;
use serde_json::json;
use std::time::{Duration, Instant};
use tokio_postgres::Client;

/// A transaction that holds the strongest lock there is.
async fn lock(database: &Database, relation: &str) -> Client {
    let client = database.server.client(&database.name).await;
    let sql = format!("BEGIN; LOCK TABLE {relation} IN ACCESS EXCLUSIVE MODE");
    client.batch_execute(&sql).await.unwrap();
    client
}

#[tokio::test]
async fn a_locked_relation_is_unread_and_the_others_are_read() {
    on_each_server(|database| async move {
        let tables: Vec<String> = (0..40)
            .map(|n| {
                format!(
                    "CREATE TABLE public.t{n} (id int DEFAULT {n}, twice int GENERATED ALWAYS AS (id * 2) STORED,
                       CHECK (id > {n}));
                     CREATE VIEW public.v{n} AS SELECT id FROM public.t{n};"
                )
            })
            .collect();
        database.sql(&tables.concat()).await;
        let before = database.read().await;
        let held = lock(&database, "public.t7").await;
        let begun = Instant::now();
        let run = database.read_with(json!({"lock_timeout": 300})).await;
        assert_complete(&run);
        assert!(begun.elapsed() < Duration::from_secs(6), "took {:?}", begun.elapsed());

        let path = |name: &str| database.path(&["public", name]);
        for (key, was) in &before.assets {
            let is = asset(&run, key);
            if *key == path("v7") {
                assert!(is.definition.is_unread());
                assert_eq!(is.fields, was.fields);
            } else if *key == path("t7") {
                let fields = is.fields.as_option().unwrap();
                assert!(fields[0].default.is_unread() && fields[1].generated.is_unread());
                assert_eq!(fields[1].default, Facet::Read(None));
                assert!(is.constraints.as_option().unwrap()[0].expression.is_unread());
            } else {
                assert_eq!(is, was);
            }
        }
        assert_eq!(run.lineage, before.lineage, "lineage waits for no lock");
        let mut warnings: Vec<_> = run
            .warnings
            .iter()
            .map(|warning| (warning.code.as_str(), warning.path.clone().unwrap()))
            .collect();
        warnings.sort();
        assert_eq!(warnings, [("definition_unread", path("v7")), ("expressions_unread", path("t7"))]);
        held.batch_execute("COMMIT").await.unwrap();
        assert_eq!(database.read().await.assets, before.assets);
    })
    .await;
}

#[tokio::test]
async fn a_partition_that_is_altered_holds_nothing_up() {
    on_each_server(|database| async move {
        database
            .sql(
                "CREATE TABLE public.p (id int) PARTITION BY RANGE (id);
                 CREATE TABLE public.p1 PARTITION OF public.p FOR VALUES FROM (1) TO (2);
                 CREATE TABLE public.p2 PARTITION OF public.p FOR VALUES FROM (2) TO (3)",
            )
            .await;
        let held = database.server.client(&database.name).await;
        held.batch_execute("BEGIN; ALTER TABLE public.p1 ADD CHECK (id < 9)")
            .await
            .unwrap();
        let begun = Instant::now();
        let run = database.read_with(json!({"lock_timeout": 60000})).await;
        assert_complete(&run);
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "took {:?}",
            begun.elapsed()
        );
        assert!(run.warnings.is_empty(), "{:?}", run.warnings);
        let stats = asset(&run, &database.path(&["public", "p"]))
            .stats
            .as_option()
            .unwrap();
        assert_eq!(
            stats.properties["partition_bounds"][0]["bound"],
            "FOR VALUES FROM (1) TO (2)"
        );
    })
    .await;
}

#[tokio::test]
async fn many_locked_relations_end_the_search_and_not_the_run() {
    on_each_server(|database| async move {
        let tables: Vec<String> = (0..300)
            .map(|n| format!("CREATE TABLE public.t{n} (id int CHECK (id > {n}));"))
            .collect();
        database.sql(&tables.concat()).await;
        let held = database.server.client(&database.name).await;
        let locks: Vec<String> = (0..300)
            .map(|n| format!("LOCK TABLE public.t{n} IN ACCESS EXCLUSIVE MODE;"))
            .collect();
        held.batch_execute(&format!("BEGIN; {}", locks.concat()))
            .await
            .unwrap();
        let begun = Instant::now();
        let run = database.read_with(json!({"lock_timeout": 10})).await;
        assert_complete(&run);
        assert!(
            begun.elapsed() < Duration::from_secs(40),
            "took {:?}",
            begun.elapsed()
        );
        assert_eq!(run.assets.len(), 300);
        assert!(
            run.warnings
                .iter()
                .any(|warning| warning.code == "definitions_given_up")
        );
    })
    .await;
}

#[tokio::test]
async fn a_sync_keeps_no_lock_on_what_it_read() {
    on_each_server(|database| async move {
        // `last` is on another page than `early`, which is read before.
        let between: Vec<String> = (0..600)
            .map(|n| format!("CREATE TABLE public.t{n} ();"))
            .collect();
        let between = between.concat();
        database
            .sql(&format!(
                "CREATE TABLE public.first (id int); CREATE VIEW public.early AS TABLE public.first;
                 {between}
                 CREATE TABLE public.last (id int CHECK (id > 0))"
            ))
            .await;
        let _held = lock(&database, "public.last").await;
        let run = database.read_with(json!({"lock_timeout": 3000}));
        let alter = async {
            tokio::time::sleep(Duration::from_millis(1500)).await;
            database
                .sql("SET lock_timeout = 500; ALTER TABLE public.first ADD COLUMN later int")
                .await;
        };
        let (run, ()) = tokio::join!(run, alter);
        assert_complete(&run);
    })
    .await;
}

#[tokio::test]
async fn a_view_dropped_in_mid_run_costs_its_own_definition() {
    on_each_server(|database| async move {
        let between: Vec<String> = (0..600)
            .map(|n| format!("CREATE TABLE public.t{n} ();"))
            .collect();
        let between = between.concat();
        database
            .sql(&format!(
                "CREATE TABLE public.first (id int CHECK (id > 0));
                 {between}
                 CREATE VIEW public.kept AS SELECT 1 AS one;
                 CREATE VIEW public.dropped AS SELECT 1 AS one;
                 CREATE TABLE public.gone (id int CHECK (id > 0) DEFAULT 7)"
            ))
            .await;
        // The read waits on the first page.
        let held = lock(&database, "public.first").await;
        let run = database.read_with(json!({"lock_timeout": 10000}));
        let drop = async {
            tokio::time::sleep(Duration::from_millis(1500)).await;
            database
                .sql("DROP VIEW public.dropped; DROP TABLE public.gone")
                .await;
            held.batch_execute("COMMIT").await.unwrap();
        };
        let (run, ()) = tokio::join!(run, drop);
        assert_complete(&run);
        assert_eq!(run.ended.len(), 1, "one attempt: {:?}", run.ended);
        let path = |name: &str| database.path(&["public", name]);
        assert!(asset(&run, &path("dropped")).definition.is_unread());
        assert!(asset(&run, &path("kept")).definition.value().is_some());
        assert_eq!(
            asset(&run, &path("gone")).name(),
            "gone",
            "the snapshot still has it"
        );
        assert!(
            run.warnings
                .iter()
                .any(|warning| warning.path == Some(path("dropped")))
        );
    })
    .await;
}
