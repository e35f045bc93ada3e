//! Many tables, wide tables, many schemas: the number of statements does not follow them.

use crate::database::{Database, asset, on_each_server};
use serde_json::json;
use std::time::{Duration, Instant};

async fn create(database: &Database, tables: std::ops::Range<usize>) {
    for start in tables.clone().step_by(200) {
        let some: Vec<String> = (start..tables.end.min(start + 200))
            .map(|n| {
                format!(
                    "CREATE TABLE public.t{n} (id bigint PRIMARY KEY, name varchar(40) DEFAULT 'x', at timestamptz);
                     COMMENT ON TABLE public.t{n} IS 'table {n}'; COMMENT ON COLUMN public.t{n}.at IS 'when {n}';"
                )
            })
            .collect();
        database.sql(&some.concat()).await;
    }
}

#[tokio::test]
async fn two_thousand_tables_are_quick_and_take_no_statement_each() {
    on_each_server(|database| async move {
        create(&database, 0..20).await;
        let few = database.read().await.cost;
        create(&database, 20..200).await;
        let more = database.read().await.cost;
        assert_eq!(few.statements, more.statements, "within one page of relations");
        create(&database, 200..2000).await;
        let begun = Instant::now();
        let run = database.read().await;
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "took {:?}",
            begun.elapsed()
        );
        assert_eq!(run.assets.len(), 2000);
        let statements = run.cost.statements - few.statements;
        assert!(statements <= 8, "one more for each page of 250: {statements}");
        assert!(run.cost.requests < 150, "{:?}", run.cost);
        for n in [0, 249, 250, 1999] {
            let table = asset(&run, &database.path(&["public", &format!("t{n}")]));
            assert_eq!(table.description.value(), Some(&format!("table {n}")));
            let at = &table.fields.as_option().unwrap()[2];
            assert_eq!(at.description.value(), Some(&format!("when {n}")));
            assert_eq!(table.constraints.as_option().unwrap().len(), 1);
        }
    })
    .await;
}

#[tokio::test]
async fn as_many_columns_as_there_can_be() {
    on_each_server(|database| async move {
        let columns: Vec<String> = (0..1600).map(|n| format!("c{n} int DEFAULT {n}")).collect();
        for n in 0..12 {
            database
                .sql(&format!("CREATE TABLE public.wide{n} ({})", columns.join(", ")))
                .await;
        }
        database
            .sql("COMMENT ON COLUMN public.wide11.c1599 IS 'the last'")
            .await;
        let run = database.read().await;
        for n in 0..12 {
            let wide = asset(&run, &database.path(&["public", &format!("wide{n}")]));
            let fields = wide.fields.as_option().unwrap();
            assert_eq!((fields.len(), fields[1599].name.as_str()), (1600, "c1599"));
            assert_eq!(fields[1599].default.value().map(String::as_str), Some("1599"));
        }
        let last = &asset(&run, &database.path(&["public", "wide11"]))
            .fields
            .as_option()
            .unwrap()[1599];
        assert_eq!(last.description.value().map(String::as_str), Some("the last"));
    })
    .await;
}

#[tokio::test]
async fn thousands_of_schemas() {
    on_each_server(|database| async move {
        let schemas: Vec<String> = (0..3000)
            .map(|n| format!("CREATE SCHEMA s{n}; CREATE TABLE s{n}.t (id int);"))
            .collect();
        database.sql(&schemas.concat()).await;
        let run = database.read().await;
        assert_eq!((run.assets.len(), run.closed.len()), (3000, 3001));
        assert_eq!(run.discovery.unwrap().splits.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn many_partitions_are_counted_and_the_first_are_named() {
    on_each_server(|database| async move {
        let partitions: Vec<String> = (0..150)
            .map(|n| format!("CREATE TABLE public.p{n:03} PARTITION OF public.parted FOR VALUES IN ({n});"))
            .collect();
        let others: Vec<String> = (0..300)
            .map(|n| format!("CREATE TABLE public.other{n} (id int) PARTITION BY LIST (id);"))
            .collect();
        database
            .sql(&format!(
                "CREATE TABLE public.parted (id int) PARTITION BY LIST (id); {} {}",
                partitions.concat(),
                others.concat()
            ))
            .await;
        let run = database.read().await;
        assert_eq!(run.assets.len(), 301, "partitions are no assets");
        let properties = |name: &str| {
            let stats = asset(&run, &database.path(&["public", name]))
                .stats
                .as_option()
                .unwrap();
            stats.properties.clone()
        };
        let parted = properties("parted");
        let bounds = parted["partition_bounds"].as_array().unwrap();
        assert_eq!((&parted["partitions"], bounds.len()), (&json!(150), 100));
        assert_eq!(parted["partition_bounds_omitted"], 50);
        assert_eq!(
            (&bounds[0]["name"], &bounds[99]["name"]),
            (&json!("p000"), &json!("p099"))
        );
        assert_eq!(bounds[99]["bound"], "FOR VALUES IN (99)");
        let other = properties("other299");
        assert_eq!(
            (&other["partitions"], &other["partition_bounds"]),
            (&json!(0), &json!([]))
        );
    })
    .await;
}
