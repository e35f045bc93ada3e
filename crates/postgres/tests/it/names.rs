//! Odd names, and filters over them.

use crate::database::{Database, assert_complete, asset, on_each_server};
use headwater_core::{Path, model::Reference};
use serde_json::json;

#[tokio::test]
async fn odd_names_survive() {
    on_each_server(|database| async move {
        let long = "x".repeat(63);
        let schemas = ["Größe.1", "a\"b", "weiß\\\u{2603}", &long];
        for schema in schemas {
            let schema = schema.replace('"', "\"\"");
            database
                .sql(&format!(
                    r#"CREATE SCHEMA "{schema}";
                       CREATE TABLE "{schema}"."T.1 "" ' \" ("id.""1" int PRIMARY KEY, "Ä ö" text);
                       CREATE TABLE "{schema}"."t" (r int REFERENCES "{schema}"."T.1 "" ' \");
                       CREATE VIEW "{schema}"."{long}" AS SELECT * FROM "{schema}"."T.1 "" ' \""#
                ))
                .await;
        }
        let run = database.read().await;
        let odd = "T.1 \" ' \\";
        for schema in schemas {
            let path = |name: &str| database.path(&[schema, name]);
            let names: Vec<&str> = asset(&run, &path(odd))
                .fields
                .as_option()
                .unwrap()
                .iter()
                .map(|field| field.name.as_str())
                .collect();
            assert_eq!(names, ["id.\"1", "Ä ö"]);
            let constraint = &asset(&run, &path("t")).constraints.as_option().unwrap()[0];
            let expected = Reference {
                path: path(odd),
                fields: vec!["id.\"1".into()],
            };
            assert_eq!(constraint.references, Some(expected));
            assert_eq!(run.lineage[&path(&long)][0].end.path, path(odd));
        }
        assert_eq!(run.assets.len(), 3 * schemas.len());
    })
    .await;
}

async fn seed(database: &Database) {
    database
        .sql(
            "CREATE SCHEMA sales; CREATE SCHEMA sales_eu; CREATE SCHEMA hr;
             CREATE TABLE sales.orders (id int); CREATE TABLE sales.tmp_orders (id int);
             CREATE TABLE sales_eu.orders (id int); CREATE VIEW sales_eu.v AS TABLE sales.orders;
             CREATE TABLE hr.people (id int); CREATE TABLE public.orders (id int)",
        )
        .await;
}

#[tokio::test]
async fn filters_choose_schemas_and_tables() {
    on_each_server(|database| async move {
        seed(&database).await;
        for (change, expected) in [
            (json!({"schema": "SALES"}), vec!["sales.orders", "sales.tmp_orders"]),
            (
                json!({"filters": {"include_schemas": ["sales*"], "exclude_tables": ["tmp_.*"]}}),
                vec!["sales.orders", "sales_eu.orders", "sales_eu.v"],
            ),
            (
                json!({"filters": {"exclude_schemas": ["sales", "public"], "include_tables": ["orders|PEOPLE"]}}),
                vec!["hr.people", "sales_eu.orders"],
            ),
            (json!({"schema": "nothing_like_it"}), vec![]),
        ] {
            let run = database.read_with(change.clone()).await;
            assert_complete(&run);
            let found: Vec<String> = run.assets.keys().map(|path| path.segments()[1..].join(".")).collect();
            assert_eq!(found, expected, "{change}");
        }
    })
    .await;
}

#[tokio::test]
async fn several_databases_are_read_in_one_run() {
    for server in crate::database::Server::all() {
        let (first, second) = (Database::create(&server).await, Database::create(&server).await);
        first.sql("CREATE TABLE public.a (id int)").await;
        second.sql("CREATE TABLE public.b (id int)").await;
        let change = json!({"database": null, "databases": [second.name, first.name]});
        let run = first.read_with(change).await;
        assert_complete(&run);
        let mut expected = [first.path(&["public", "a"]), second.path(&["public", "b"])];
        expected.sort();
        assert_eq!(run.assets.keys().cloned().collect::<Vec<Path>>(), expected);
    }
}

#[tokio::test]
async fn bytes_that_are_no_text_do_not_end_a_run() {
    for server in crate::database::Server::all() {
        let database = Database::create_as(
            &server,
            "ENCODING SQL_ASCII LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0",
        )
        .await;
        database
            .sql(
                r"CREATE TABLE public.t (id int);
                  DO $$ BEGIN EXECUTE 'COMMENT ON TABLE public.t IS ' || quote_literal(E'caf\xe9'); END $$",
            )
            .await;
        let run = database.read().await;
        let description = asset(&run, &database.path(&["public", "t"]))
            .description
            .value()
            .cloned();
        assert_eq!(description.as_deref(), Some("caf\u{fffd}"));
    }
}
