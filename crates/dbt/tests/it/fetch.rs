//! Artifacts that are fetched: from dbt Cloud and from an address.

use crate::{
    cloud::{BUILD, Cloud, DOCS, Run, run_of},
    common::{Target, artifact},
};
use headwater_core::{Cx, Error, ErrorKind, Host, Opened, Options, Path, Registry};
use headwater_dbt::Dbt;
use headwater_testkit::{Collected, collect};
use serde_json::{Value, json};
use std::{fs, sync::atomic::Ordering};
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::any};

const TOKEN: &str = "dbtc_hunter2";

fn settings(config: Value, credentials: Value) -> Result<Opened, Error> {
    let mut registry = Registry::default();
    registry.register::<Dbt>();
    registry
        .get("dbt_cloud")
        .unwrap()
        .open(config, credentials, &Host::default())
}

async fn run(config: Value, credentials: Value) -> Collected {
    let opened = settings(config, credentials).unwrap();
    let mut options = Options::default();
    options.scope = opened.scope;
    collect(opened.connector, options).await
}

fn file(name: &str) -> Vec<u8> {
    fs::read(artifact(name)).unwrap()
}

/// Results of one test, with this status.
fn results(status: &str, command: &str) -> Vec<u8> {
    let id = "test.corner_shop.unique_orders_order_id.fed79b3a6e";
    let result = json!({"unique_id": id, "status": status});
    let schema = "https://schemas.getdbt.com/dbt/run-results/v6.json";
    json!({"metadata": {"dbt_schema_version": schema}, "results": [result], "args": {"which": command}})
        .to_string()
        .into_bytes()
}

async fn sync(cloud: Cloud) -> Collected {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(cloud).mount(&server).await;
    run(config(&server), json!({"token": TOKEN})).await
}

fn config(server: &MockServer) -> Value {
    json!({"account_id": 7, "project_id": "2", "environment_id": 3, "host": server.uri()})
}

/// A run that built the project and then made its docs, whose results say nothing of tests.
fn built(run: u64) -> Cloud {
    Cloud {
        runs: vec![Run {
            docs: true,
            ..run_of(run, 10)
        }],
        ..Cloud::default()
    }
    .with(run, BUILD, "manifest.json", file("manifest.json"))
    .with(run, BUILD, "run_results.json", results("pass", "build"))
    .with(run, DOCS, "manifest.json", file("manifest.json"))
    .with(run, DOCS, "catalog.json", file("catalog.json"))
    .with(run, DOCS, "run_results.json", results("success", "generate"))
}

fn orders() -> Path {
    Path::new(["corner_shop", "model", "orders"])
}

/// The result of the test that is told of.
fn result(run: &Collected) -> Option<String> {
    let stats = run.assets[&orders()].stats.as_option()?;
    let results = stats.properties.get("test_results")?.as_object().unwrap();
    let (_, result) = results
        .iter()
        .find(|(name, _)| name.contains("unique_orders_order_id"))?;
    Some(result["status"].as_str().unwrap().to_owned())
}

fn property(run: &Collected, name: &str) -> Value {
    run.namespaces[&Path::new(["corner_shop"])]
        .properties
        .get(name)
        .cloned()
        .unwrap_or_default()
}

fn failure(run: &Collected) -> &Error {
    run.failed.as_ref().unwrap()
}

#[tokio::test]
async fn the_newest_run_gives_schema_catalog_and_results_of_its_build() {
    let run = sync(built(90)).await;
    assert!(
        run.is_complete() && run.warnings.is_empty(),
        "{:?} {:?}",
        run.failed,
        run.warnings
    );
    assert_eq!(property(&run, "dbt_cloud_run_id"), 90);
    assert_eq!(property(&run, "dbt_cloud_results_run_id"), 90);
    assert_eq!(
        run.assets[&orders()].fields.as_option().unwrap()[0].native_type,
        "INTEGER"
    );
    assert_eq!(result(&run).as_deref(), Some("pass"));
    assert!(run.cost.requests >= 4, "{:?}", run.cost);
}

#[tokio::test]
async fn the_manifest_is_that_of_a_success_and_the_results_are_the_newest() {
    let mut cloud = built(90);
    cloud.runs.insert(0, run_of(91, 20));
    cloud.runs.insert(0, run_of(92, 3));
    let cloud = cloud
        .with(91, BUILD, "manifest.json", b"of a failure".to_vec())
        .with(91, BUILD, "run_results.json", results("fail", "build"));
    let run = sync(cloud).await;
    assert!(run.is_complete(), "{:?}", run.failed);
    assert_eq!(result(&run).as_deref(), Some("fail"));
    assert_eq!(
        (
            property(&run, "dbt_cloud_run_id"),
            property(&run, "dbt_cloud_results_run_id")
        ),
        (json!(90), json!(91))
    );
    let [warning] = &run.warnings[..] else {
        panic!("{:?}", run.warnings)
    };
    assert_eq!(warning.code, "older_run");
    assert!(
        warning.detail.contains("run 90 (success") && warning.detail.contains("run 91 (error"),
        "{}",
        warning.detail
    );
}

#[tokio::test]
async fn without_a_success_the_newest_manifest_counts() {
    let mut cloud = built(90);
    cloud.runs[0].status = 20;
    cloud.runs.insert(0, run_of(91, 30));
    let run = sync(cloud).await;
    assert!(run.is_complete(), "{:?}", run.failed);
    assert_eq!(property(&run, "dbt_cloud_run_id"), 90);
    // Run 91 was cancelled before it ran anything.
    assert_eq!(property(&run, "dbt_cloud_results_run_id"), 90);
}

#[tokio::test]
async fn a_success_far_back_is_found_page_by_page() {
    let mut cloud = built(90);
    let failed = (1000..1150)
        .rev()
        .map(|id| run_of(id, if id % 2 == 0 { 20 } else { 1 }));
    cloud.runs.splice(0..0, failed);
    let run = sync(cloud).await;
    assert!(run.is_complete(), "{:?}", run.failed);
    assert_eq!(property(&run, "dbt_cloud_run_id"), 90);
}

#[tokio::test]
async fn runs_that_left_nothing_are_passed_over_and_named_when_there_are_no_others() {
    let mut cloud = built(90);
    cloud.runs.insert(0, run_of(91, 10));
    let run = sync(cloud).await;
    assert_eq!(property(&run, "dbt_cloud_run_id"), 90);

    let run = sync(Cloud {
        runs: vec![run_of(91, 10), run_of(90, 20)],
        ..Cloud::default()
    })
    .await;
    assert_eq!(failure(&run).kind(), ErrorKind::NotFound);
    assert_eq!(
        failure(&run).to_string(),
        "none of the newest runs in dbt Cloud left a manifest.json [runs=2]"
    );

    let run = sync(Cloud::default()).await;
    let told = failure(&run).to_string();
    assert!(
        told.contains("no run has finished") && told.contains("environment_id 3"),
        "{told}"
    );
}

#[tokio::test]
async fn a_catalog_that_another_job_makes_is_found() {
    let mut cloud = built(90).with(80, DOCS, "catalog.json", file("catalog.json"));
    cloud.artifacts.remove(&(90, DOCS, "catalog.json"));
    cloud.runs[0].docs = false;
    cloud.runs.push(Run {
        docs: true,
        ..run_of(80, 10)
    });
    let run = sync(cloud).await;
    assert_eq!(property(&run, "dbt_cloud_catalog_run_id"), 80);
    assert_eq!(
        run.assets[&orders()].fields.as_option().unwrap()[0].native_type,
        "INTEGER"
    );
}

#[tokio::test]
async fn results_of_several_commands_add_up() {
    let mut cloud = built(90).with(90, 5, "run_results.json", results("fail", "test"));
    cloud.runs[0].steps = &[
        "Clone git repository",
        "",
        "",
        "Invoke dbt with `dbt run`",
        "Invoke dbt with `dbt test`",
    ];
    let run = sync(cloud).await;
    assert_eq!(result(&run).as_deref(), Some("fail"));
}

#[tokio::test]
async fn results_of_docs_generate_are_no_results() {
    let target = Target::new();
    fs::write(target.file("run_results.json"), results("success", "generate")).unwrap();
    assert_eq!(result(&target.read().await), None);
    fs::write(target.file("run_results.json"), results("success", "build")).unwrap();
    assert_eq!(result(&target.read().await).as_deref(), Some("success"));
}

#[tokio::test]
async fn trouble_that_passes_is_not_seen() {
    let cloud = Cloud {
        troubled: true,
        ..built(90)
    };
    let asked = cloud.asked.clone();
    let run = sync(cloud).await;
    assert!(run.is_complete() && run.warnings.is_empty(), "{:?}", run.failed);
    assert!(asked.load(Ordering::SeqCst) > 12);
}

#[tokio::test]
async fn a_token_that_has_ended_is_told_and_never_shown() {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(built(90)).mount(&server).await;
    let run = run(config(&server), json!({"token": "dbtc_ended"})).await;
    assert_eq!(failure(&run).kind(), ErrorKind::Unauthenticated);
    let told = format!("{:?}", failure(&run));
    assert!(
        told.contains("refused the token") && !told.contains("dbtc_"),
        "{told}"
    );

    let opened = settings(config(&server), json!({"token": "dbtc_ended"})).unwrap();
    assert!(!format!("{:?}", opened.connector).contains("dbtc_"));
    let error = opened.connector.check(&Cx::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
}

#[tokio::test]
async fn a_manifest_that_arrives_cut_off_imports_nothing() {
    let mut half = file("manifest.json");
    half.truncate(half.len() / 2);
    let mut cloud = built(90);
    cloud.artifacts.insert((90, DOCS, "manifest.json"), half);
    let run = sync(cloud).await;
    assert_eq!(failure(&run).code(), "invalid_manifest");
    assert!(failure(&run).to_string().contains("cut off"), "{}", failure(&run));
    assert!(run.assets.is_empty());
}

#[tokio::test]
async fn a_check_tells_the_run_without_fetching_it() {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(built(90)).mount(&server).await;
    let opened = settings(config(&server), json!({"token": TOKEN})).unwrap();
    let report = opened.connector.check(&Cx::default()).await.unwrap();
    assert_eq!(
        report.message,
        "dbt Cloud, run 90 (success, finished 2026-11-20 06:00:00.000000+00:00)"
    );
    assert!(report.capabilities.values().all(|one| one.readable), "{report:?}");
    assert_eq!(server.received_requests().await.unwrap().len(), 2);
}

#[test]
fn settings_that_do_not_fit_are_named() {
    let cloud = json!({"account_id": 7, "job_id": 1});
    let address = json!({"artifacts_url": "https://build.example.com/target"});
    let with = |config: &Value, name: &str, value: Value| {
        let mut config = config.clone();
        config[name] = value;
        config
    };
    for (config, credentials, pointer) in [
        (cloud.clone(), json!({}), "/credentials/token"),
        (
            cloud.clone(),
            json!({"token": "t", "username": "u"}),
            "/credentials/username",
        ),
        (
            with(&cloud, "host", json!("http://cloud.getdbt.com")),
            json!({"token": "t"}),
            "/config/host",
        ),
        (
            with(&cloud, "account_id", json!("seven")),
            json!({"token": "t"}),
            "/config/account_id",
        ),
        (address.clone(), json!({"username": "u"}), "/credentials/password"),
        (
            address.clone(),
            json!({"token": "t", "username": "u", "password": "p"}),
            "/credentials/token",
        ),
        (
            json!({"artifacts_url": "https://build.example.com/t?sig=hunter2"}),
            json!({}),
            "/config/artifacts_url",
        ),
        (
            json!({"artifacts_url": "https://build.example.com/manifest.json"}),
            json!({}),
            "/config/artifacts_url",
        ),
        (
            json!({"artifacts_url": "s3://bucket/target"}),
            json!({}),
            "/config/artifacts_url",
        ),
        (json!({}), json!({"token": "t"}), "/credentials/token"),
    ] {
        let error = settings(config.clone(), credentials).unwrap_err();
        assert_eq!(error.fields()[0].pointer, pointer, "{config}: {error}");
        assert!(!error.to_string().contains("hunter2"));
    }
    assert!(
        settings(
            with(&cloud, "host", json!("ab123.us1.dbt.com")),
            json!({"token": "t"})
        )
        .is_ok()
    );
}

/// A folder of artifacts that wants this authorization. What is missing is a 403, as in a bucket that may not be listed.
async fn folder(authorization: &'static str, names: &'static [&'static str]) -> MockServer {
    let server = MockServer::start().await;
    let answer = move |request: &Request| {
        let given = request
            .headers
            .get("authorization")
            .map(|value| value.to_str().unwrap());
        let name = request.url.path().trim_start_matches("/nightly/");
        match given.unwrap_or_default() == authorization {
            false => ResponseTemplate::new(401),
            true if names.contains(&name) => ResponseTemplate::new(200).set_body_bytes(file(name)),
            true => ResponseTemplate::new(403),
        }
    };
    Mock::given(any()).respond_with(answer).mount(&server).await;
    server
}

#[tokio::test]
async fn artifacts_are_read_from_an_address() {
    const ALL: &[&str] = &[
        "manifest.json",
        "catalog.json",
        "run_results.json",
        "sources.json",
    ];
    for (authorization, credentials) in [
        ("", json!({})),
        ("Bearer hunter2", json!({"token": "hunter2"})),
        (
            "Basic cmVhZGVyOmh1bnRlcjI=",
            json!({"username": "reader", "password": "hunter2"}),
        ),
    ] {
        let server = folder(authorization, ALL).await;
        let url = format!("{}/nightly/", server.uri());
        let run = run(json!({"artifacts_url": url}), credentials).await;
        assert!(run.is_complete() && run.warnings.is_empty(), "{:?}", run.failed);
        assert_eq!(run.assets.len(), 12);
        assert_eq!(result(&run).as_deref(), Some("pass"));
    }
}

#[tokio::test]
async fn only_the_manifest_must_be_at_an_address() {
    let server = folder("", &["manifest.json"]).await;
    let url = format!("{}/nightly", server.uri());
    let read = run(json!({"artifacts_url": url}), json!({})).await;
    assert_eq!(read.assets.len(), 12);

    let server = folder("", &["catalog.json"]).await;
    let url = format!("{}/nightly", server.uri());
    let none = run(json!({"artifacts_url": url.clone()}), json!({})).await;
    assert_eq!(failure(&none).kind(), ErrorKind::PermissionDenied);
    assert!(
        failure(&none).to_string().contains("manifest.json"),
        "{}",
        failure(&none)
    );

    let refused = run(json!({"artifacts_url": url}), json!({"token": "hunter2"})).await;
    assert_eq!(failure(&refused).kind(), ErrorKind::Unauthenticated);
}
