//! All databases of a server, on servers of our own.

use crate::{
    cluster::Cluster,
    database::{open, read},
};
use headwater_core::{Cx, ErrorKind, Listing, Path};
use headwater_testkit::Collected;
use serde_json::{Value, json};

const READER: &str = "reader";

fn all(cluster: &Cluster) -> (Value, Value) {
    let (host, port) = (&cluster.server.host, cluster.server.port);
    (
        json!({"host": host, "port": port, "databases": "*"}),
        json!({"username": READER, "password": "reader-pw"}),
    )
}

async fn read_all(cluster: &Cluster) -> Collected {
    let (config, credentials) = all(cluster);
    read(config, credentials).await
}

/// The databases that a run lists, each with the grant that it lacks.
fn listed(run: &Collected) -> Vec<(String, Option<String>)> {
    let containers = run.discovery.iter().flat_map(|discovery| &discovery.containers);
    containers
        .filter(|container| container.path.segments().len() == 1)
        .map(|container| {
            let grant = match &container.children {
                Listing::Complete => None,
                Listing::Skipped(reason) => reason.grant.clone(),
                Listing::Partial(reasons) => panic!("{reasons:?}"),
            };
            (container.path.to_string(), grant)
        })
        .collect()
}

fn root_is_complete(run: &Collected) -> bool {
    let mut containers = run.discovery.iter().flat_map(|discovery| &discovery.containers);
    containers.any(|container| container.path == Path::root() && container.children.is_complete())
}

fn paths(run: &Collected) -> Vec<String> {
    run.paths().iter().map(ToString::to_string).collect()
}

/// A server with the databases `a`, `closed`, `kept` and `rdsadmin`, a table in each.
async fn seed(cluster: &Cluster) {
    let admin = cluster.server.client("postgres").await;
    admin
        .batch_execute(&format!("CREATE ROLE {READER} LOGIN PASSWORD 'reader-pw'"))
        .await
        .unwrap();
    for name in ["a", "closed", "kept", "rdsadmin"] {
        admin
            .batch_execute(&format!("CREATE DATABASE {name}"))
            .await
            .unwrap();
        let client = cluster.server.client(name).await;
        client
            .batch_execute("CREATE TABLE public.t (id int)")
            .await
            .unwrap();
    }
    admin
        .batch_execute(
            "REVOKE CONNECT ON DATABASE closed FROM PUBLIC;
             ALTER DATABASE kept ALLOW_CONNECTIONS false",
        )
        .await
        .unwrap();
}

#[tokio::test]
async fn a_star_reads_every_database_that_the_role_may_enter() {
    for cluster in Cluster::of_each_version() {
        seed(&cluster).await;
        let admin = cluster.server.client("postgres").await;
        let run = read_all(&cluster).await;
        assert!(root_is_complete(&run) && run.is_complete());
        let expected = [
            ("a", None),
            (
                "closed",
                Some(r#"GRANT CONNECT ON DATABASE "closed" TO "reader""#),
            ),
            ("kept", Some(r#"ALTER DATABASE "kept" ALLOW_CONNECTIONS true"#)),
            ("postgres", None),
        ]
        .map(|(name, grant)| (name.to_owned(), grant.map(str::to_owned)));
        assert_eq!(listed(&run), expected);
        assert_eq!(paths(&run), ["a.public.t"]);

        let opened = open(all(&cluster).0, all(&cluster).1).unwrap();
        let report = opened.connector.check(&Cx::default()).await.unwrap();
        let columns = &report.capabilities["columns"];
        assert!(columns.readable, "the databases that can be entered can be read");
        let grant = "closed (to read it, run: GRANT CONNECT ON DATABASE \"closed\" TO \"reader\")";
        assert!(report.message.contains(grant), "{}", report.message);

        let odd = "Größe.1 \"x";
        admin
            .batch_execute("CREATE DATABASE \"Größe.1 \"\"x\"")
            .await
            .unwrap();
        let client = cluster.server.client(odd).await;
        client
            .batch_execute("CREATE VIEW public.\"V\" AS SELECT 1 AS one")
            .await
            .unwrap();
        let run = read_all(&cluster).await;
        assert!(
            run.assets.contains_key(&Path::new([odd, "public", "V"])),
            "{:?}",
            run.paths()
        );
        drop(client);
        admin
            .batch_execute("DROP DATABASE \"Größe.1 \"\"x\" WITH (FORCE)")
            .await
            .unwrap();

        // A database that is dropped is no longer listed; one that the role can no longer enter is.
        admin.batch_execute("DROP DATABASE closed").await.unwrap();
        admin
            .batch_execute("REVOKE CONNECT ON DATABASE a FROM PUBLIC")
            .await
            .unwrap();
        let run = read_all(&cluster).await;
        assert!(root_is_complete(&run) && run.assets.is_empty());
        let grant = |text: &str| Some(text.to_owned());
        let expected = [
            (
                "a".to_owned(),
                grant(r#"GRANT CONNECT ON DATABASE "a" TO "reader""#),
            ),
            (
                "kept".to_owned(),
                grant(r#"ALTER DATABASE "kept" ALLOW_CONNECTIONS true"#),
            ),
            ("postgres".to_owned(), None),
        ];
        assert_eq!(listed(&run), expected);
    }
}

#[tokio::test]
async fn a_database_dropped_before_its_split_is_partial() {
    for cluster in Cluster::of_each_version() {
        seed(&cluster).await;
        let (config, credentials) = all(&cluster);
        let opened = open(config, credentials).unwrap();
        let discovery = opened
            .connector
            .discover(&opened.scope, &Cx::default())
            .await
            .unwrap();
        let admin = cluster.server.client("postgres").await;
        admin.batch_execute("DROP DATABASE a").await.unwrap();
        let mut options = headwater_core::Options::default();
        options.resume = Some(discovery.splits);
        options.scope = opened.scope;
        let run = headwater_testkit::collect(opened.connector, options).await;
        assert!(
            run.ended.iter().all(|ended| ended.result.is_ok()),
            "{:?}",
            run.ended
        );
        let Listing::Partial(reasons) = &run.closed[&Path::new(["a", "public"])] else {
            panic!("{:?}", run.closed)
        };
        assert_eq!(reasons[0].code, "not_found");
        assert!(run.closed[&Path::new(["postgres", "public"])].is_complete());
    }
}

#[tokio::test]
async fn the_list_is_asked_for_wherever_the_role_gets_in() {
    for cluster in Cluster::of_each_version() {
        seed(&cluster).await;
        let admin = cluster.server.client("postgres").await;
        admin
            .batch_execute("REVOKE CONNECT ON DATABASE postgres FROM PUBLIC")
            .await
            .unwrap();
        let run = read_all(&cluster).await;
        assert_eq!(paths(&run), ["a.public.t"], "by template1");
        admin
            .batch_execute("REVOKE CONNECT ON DATABASE template1 FROM PUBLIC")
            .await
            .unwrap();
        let error = read_all(&cluster).await.failed.unwrap();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        assert_eq!(
            error.grant(),
            Some(r#"GRANT CONNECT ON DATABASE "postgres" TO "reader""#)
        );
        admin
            .batch_execute(&format!("CREATE DATABASE {READER}"))
            .await
            .unwrap();
        let run = read_all(&cluster).await;
        assert_eq!(paths(&run), ["a.public.t"], "by the database of the role's name");
    }
}

#[tokio::test]
async fn a_wrong_password_is_tried_once() {
    for cluster in Cluster::of_each_version() {
        seed(&cluster).await;
        let credentials = json!({"username": READER, "password": "hunter2"});
        let error = read(all(&cluster).0, credentials).await.failed.unwrap();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated);
        let refusals = cluster.log().matches("password authentication failed").count();
        assert_eq!(refusals, 1, "an account may be locked after some");
    }
}

#[tokio::test]
async fn a_name_in_place_of_the_star_is_refused_with_the_remedy() {
    for wrong in [json!("shop"), json!(5), json!({"a": 1})] {
        let config = json!({"host": "db", "databases": wrong});
        let error = open(config, json!({"username": "u"})).unwrap_err();
        assert_eq!(error.fields()[0].pointer, "/config/databases", "{error}");
    }
    let config = json!({"host": "db", "databases": "shop"});
    let error = open(config, json!({"username": "u"})).unwrap_err();
    assert!(error.to_string().contains("\"*\""), "{error}");
}
