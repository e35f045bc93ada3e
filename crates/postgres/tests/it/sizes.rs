//! Sizes that are measured.

use crate::database::{Database, asset, on_each_server, read};
use headwater_core::model::{Origin, Stats};
use headwater_testkit::Collected;
use serde_json::json;

async fn seed(database: &Database) {
    database
        .sql(
            "CREATE TABLE public.t (id int PRIMARY KEY, note text);
             INSERT INTO public.t SELECT g, repeat('x', 100) FROM generate_series(1, 2000) g;
             CREATE TABLE public.empty (id int);
             CREATE MATERIALIZED VIEW public.m AS SELECT id FROM public.t;
             CREATE VIEW public.v AS SELECT id FROM public.t;
             CREATE TABLE public.p (id int) PARTITION BY RANGE (id);
             CREATE TABLE public.p1 PARTITION OF public.p FOR VALUES FROM (0) TO (1000);
             CREATE TABLE public.p2 PARTITION OF public.p FOR VALUES FROM (1000) TO (9000) PARTITION BY RANGE (id);
             CREATE TABLE public.p2a PARTITION OF public.p2 FOR VALUES FROM (1000) TO (9000);
             INSERT INTO public.p SELECT generate_series(1, 3000);
             CREATE TABLE public.no_parts (id int) PARTITION BY LIST (id);
             CREATE FOREIGN DATA WRAPPER nowhere; CREATE SERVER elsewhere FOREIGN DATA WRAPPER nowhere;
             CREATE FOREIGN TABLE public.f (id int) SERVER elsewhere;
             CREATE FOREIGN TABLE public.p3 PARTITION OF public.p FOR VALUES FROM (9000) TO (9999) SERVER elsewhere;
             ANALYZE public.t",
        )
        .await;
}

fn stats<'a>(run: &'a Collected, database: &Database, name: &str) -> Option<&'a Stats> {
    asset(run, &database.path(&["public", name])).stats.as_option()
}

async fn total(database: &Database, relations: &str) -> u64 {
    let sql = format!(
        "SELECT sum(pg_total_relation_size(r::regclass))::int8 FROM unnest('{{{relations}}}'::text[]) r"
    );
    let row = database.client.query_one(&sql, &[]).await.unwrap();
    u64::try_from(row.get::<_, i64>(0)).unwrap()
}

#[tokio::test]
async fn sizes_are_measured_on_request() {
    on_each_server(|database| async move {
        seed(&database).await;
        let few = database.read().await;
        let estimate = stats(&few, &database, "t").unwrap().size_bytes.unwrap();
        assert_eq!(estimate.origin, Origin::Estimate);

        let run = database.read_with(json!({"exact_sizes": true})).await;
        assert!(run.is_complete() && run.warnings.is_empty(), "{:?}", run.warnings);
        for (name, relations) in [("t", "t"), ("empty", "empty"), ("m", "m"), ("p", "p1,p2a")] {
            let size = stats(&run, &database, name).unwrap().size_bytes.unwrap();
            assert_eq!(
                (size.value, size.origin),
                (total(&database, relations).await, Origin::Exact),
                "{name}"
            );
        }
        let size = |name| {
            stats(&run, &database, name)
                .unwrap()
                .size_bytes
                .map(|size| size.value)
        };
        assert!(size("t").unwrap() > estimate.value, "the index counts");
        assert_eq!((size("no_parts"), size("v"), size("f")), (Some(0), None, None));
        assert_eq!(
            stats(&run, &database, "t").unwrap().row_count.unwrap().value,
            2000
        );
        assert_eq!(run.cost.statements, few.cost.statements + 1, "one for the page");
    })
    .await;
}

#[tokio::test]
async fn a_locked_relation_keeps_its_size_and_the_others_are_measured() {
    on_each_server(|database| async move {
        seed(&database).await;
        let held = database.server.client(&database.name).await;
        held.batch_execute("BEGIN; LOCK TABLE public.t, public.p2a IN ACCESS EXCLUSIVE MODE")
            .await
            .unwrap();
        let run = database
            .read_with(json!({"exact_sizes": true, "lock_timeout": 200}))
            .await;
        assert!(run.is_complete());
        let mut warnings: Vec<_> = run
            .warnings
            .iter()
            .map(|warning| (warning.code.as_str(), warning.path.clone().unwrap()))
            .collect();
        warnings.sort();
        let path = |name: &str| database.path(&["public", name]);
        let unread =
            |code, names: &[&str]| -> Vec<_> { names.iter().map(|name| (code, path(name))).collect() };
        let mut expected = unread("definition_unread", &["m", "v"]);
        expected.extend(unread("size_unread", &["p", "t"]));
        assert_eq!(warnings, expected);
        assert!(stats(&run, &database, "t").is_none() && stats(&run, &database, "p").is_none());
        assert_eq!(
            stats(&run, &database, "m").unwrap().size_bytes.unwrap().origin,
            Origin::Exact
        );
    })
    .await;
}

#[tokio::test]
async fn without_the_function_sizes_are_estimates() {
    on_each_server(|mut database| async move {
        seed(&database).await;
        let role = database.create_role().await;
        database
            .sql("REVOKE EXECUTE ON FUNCTION pg_catalog.pg_total_relation_size(regclass) FROM PUBLIC")
            .await;
        let credentials = json!({"username": role, "password": "reader-pw"});
        let run = read(database.config(json!({"exact_sizes": true})), credentials.clone()).await;
        let grant =
            format!("GRANT EXECUTE ON FUNCTION pg_catalog.pg_total_relation_size(regclass) TO \"{role}\"");
        assert!(run.is_complete() && run.warnings.len() == 1);
        assert!(run.warnings[0].detail.contains(&grant), "{:?}", run.warnings);
        assert_eq!(
            stats(&run, &database, "t").unwrap().size_bytes.unwrap().origin,
            Origin::Estimate
        );
        let estimated = read(database.config(json!({})), credentials).await;
        assert!(
            estimated.warnings.is_empty(),
            "who does not ask for it is not told"
        );
    })
    .await;
}
