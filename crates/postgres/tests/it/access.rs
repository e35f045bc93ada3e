//! Catalogs that an administrator has hardened: what is refused is told with its grant.

use crate::database::{Database, assert_complete, asset, on_each_server, open, read};
use headwater_core::{Cx, ErrorKind};
use serde_json::{Value, json};

async fn reader(database: &mut Database) -> (String, Value) {
    let role = database.create_role().await;
    let credentials = json!({"username": role, "password": "reader-pw"});
    (role, credentials)
}

#[tokio::test]
async fn a_revoked_catalog_costs_its_part_and_names_the_grant() {
    on_each_server(|mut database| async move {
        let (role, credentials) = reader(&mut database).await;
        database
            .sql(
                "CREATE TABLE public.t (id int PRIMARY KEY DEFAULT 1, CHECK (id > 0));
                 COMMENT ON TABLE public.t IS 'x';
                 CREATE VIEW public.v AS TABLE public.t;
                 CREATE TABLE public.p (id int) PARTITION BY LIST (id);
                 CREATE FOREIGN DATA WRAPPER nowhere; CREATE SERVER elsewhere FOREIGN DATA WRAPPER nowhere;
                 CREATE FOREIGN TABLE public.f (id int) SERVER elsewhere",
            )
            .await;
        for (relation, name, capability) in [
            ("pg_description", "comments", "comments"),
            ("pg_shdescription", "comments on databases", "comments"),
            ("pg_constraint", "constraints", "constraints"),
            ("pg_attrdef", "defaults and generated columns", "definitions"),
            ("pg_depend", "lineage", "lineage"),
            ("pg_rewrite", "lineage", "lineage"),
            ("pg_type", "columns", "columns"),
            ("pg_inherits", "partitions", "row_counts"),
            (
                "pg_foreign_table",
                "servers and options of foreign tables",
                "definitions",
            ),
        ] {
            database
                .sql(&format!("REVOKE SELECT ON pg_catalog.{relation} FROM PUBLIC"))
                .await;
            let run = read(database.config(json!({})), credentials.clone()).await;
            let opened = open(database.config(json!({})), credentials.clone()).unwrap();
            let report = opened.connector.check(&Cx::default()).await;
            database
                .sql(&format!("GRANT SELECT ON pg_catalog.{relation} TO PUBLIC"))
                .await;

            assert_complete(&run);
            let grant = format!("GRANT SELECT ON pg_catalog.{relation} TO \"{role}\"");
            let told = run.warnings.iter().any(|warning| {
                warning.code == "permission_denied"
                    && warning.detail.starts_with(name)
                    && warning.detail.contains(&grant)
            });
            assert!(told, "{relation}: {:?}", run.warnings);
            let readable = &report.unwrap().capabilities[capability];
            assert!(!readable.readable && readable.grant.as_ref().is_some_and(|told| told.contains(&grant)));

            let path = |name: &str| database.path(&["public", name]);
            let (table, view) = (asset(&run, &path("t")), asset(&run, &path("v")));
            match relation {
                "pg_description" => assert!(table.description.is_unread()),
                "pg_constraint" => {
                    assert!(table.constraints.is_unread());
                    let default = &table.fields.as_option().unwrap()[0].default;
                    assert_eq!(
                        default.value().map(String::as_str),
                        Some("1"),
                        "defaults need no constraints"
                    );
                }
                "pg_attrdef" => {
                    assert!(table.fields.as_option().unwrap()[0].default.is_unread());
                    assert!(!view.definition.is_unread());
                }
                "pg_depend" => assert!(run.lineage.is_empty()),
                "pg_rewrite" => assert!(run.lineage.is_empty() && view.definition.is_unread()),
                "pg_type" => assert!(table.fields.is_unread() && table.constraints.is_unread()),
                "pg_foreign_table" => assert!(asset(&run, &path("f")).properties["foreign_server"].is_null()),
                "pg_inherits" => {
                    assert!(asset(&run, &path("p")).constraints.is_unread());
                    assert!(asset(&run, &path("p")).properties["partition_strategy"].is_null());
                }
                _ => {}
            }
        }
    })
    .await;
}

#[tokio::test]
async fn without_the_list_of_relations_nothing_is_read() {
    on_each_server(|mut database| async move {
        let (role, credentials) = reader(&mut database).await;
        database
            .sql("REVOKE SELECT ON pg_catalog.pg_class FROM PUBLIC")
            .await;
        let run = read(database.config(json!({})), credentials).await;
        let error = run.failed.expect("a failed run");
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        let grant = format!("GRANT SELECT ON pg_catalog.pg_class TO \"{role}\"");
        assert_eq!(error.grant(), Some(grant.as_str()));
    })
    .await;
}

#[tokio::test]
async fn a_database_without_connect_is_partial_and_the_others_are_read() {
    for server in crate::database::Server::all() {
        let mut own = Database::create(&server).await;
        let closed = Database::create(&server).await;
        let (role, credentials) = reader(&mut own).await;
        own.sql("CREATE TABLE public.a (id int)").await;
        closed
            .sql(&format!("REVOKE CONNECT ON DATABASE {} FROM PUBLIC", closed.name))
            .await;
        let grant = format!("GRANT CONNECT ON DATABASE \"{}\" TO \"{role}\"", closed.name);

        let both = json!({"database": null, "databases": [own.name, closed.name, "hw_no_such_database"]});
        let run = read(own.config(both.clone()), credentials.clone()).await;
        assert_eq!(run.assets.len(), 1);
        let discovery = run.discovery.as_ref().unwrap();
        let children = |path| {
            &discovery
                .containers
                .iter()
                .find(|one| one.path == path)
                .unwrap()
                .children
        };
        assert!(children(headwater_core::Path::root()).is_complete());
        assert!(children(own.path(&[])).is_complete());
        let headwater_core::Listing::Partial(reasons) = children(closed.path(&[])) else {
            panic!("{discovery:?}")
        };
        assert_eq!(reasons[0].grant.as_deref(), Some(grant.as_str()));
        let missing = children(headwater_core::Path::new(["hw_no_such_database"]));
        assert!(
            matches!(missing, headwater_core::Listing::Partial(reasons) if reasons[0].code == "not_found")
        );

        let check = open(own.config(both), credentials.clone()).unwrap().connector;
        let report = check.check(&Cx::default()).await.unwrap();
        assert!(report.capabilities.values().all(|readable| !readable.readable));

        let alone = read(closed.config(json!({})), credentials).await.failed.unwrap();
        assert_eq!(
            (alone.kind(), alone.grant()),
            (ErrorKind::PermissionDenied, Some(grant.as_str()))
        );
    }
}

#[tokio::test]
async fn a_check_names_version_and_latency() {
    on_each_server(|database| async move {
        let opened = open(database.config(json!({})), database.server.credentials()).unwrap();
        let report = opened.connector.check(&Cx::default()).await.unwrap();
        let row = database
            .client
            .query_one("SHOW server_version", &[])
            .await
            .unwrap();
        let version = row.get::<_, String>(0).split(' ').next().unwrap().to_owned();
        assert!(
            report.message.starts_with(&format!("PostgreSQL {version} at ")),
            "{}",
            report.message
        );
        assert!(!report.latency.is_zero());
        assert_eq!(report.capabilities.len(), 7);
        assert!(report.capabilities.values().all(|readable| readable.readable));
    })
    .await;
}
