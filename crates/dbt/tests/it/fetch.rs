//! Artifacts that are fetched: from dbt Cloud, by a fake made after the public description of its API, and from an
//! address.

use crate::common::{Target, artifact};
use headwater_core::{Cx, Error, ErrorKind, Host, Opened, Options, Path, Registry};
use headwater_dbt::Dbt;
use headwater_testkit::{Collected, collect};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers::any};

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

/// An account of dbt Cloud.
#[derive(Debug, Clone, Default)]
struct Cloud {
    /// Newest first, as the API orders them.
    runs: Vec<Run>,
    /// Artifacts by run, step and name.
    artifacts: BTreeMap<(u64, usize, &'static str), Vec<u8>>,
    /// Answers 429, then 500, before each good one.
    troubled: bool,
    asked: Arc<AtomicUsize>,
}

#[derive(Debug, Clone)]
struct Run {
    id: u64,
    status: i64,
    steps: &'static [&'static str],
    docs: bool,
}

const STEPS: &[&str] = &[
    "Clone git repository",
    "Create profile from connection Postgres",
    "Invoke dbt with `dbt deps`",
    "Invoke dbt with `dbt build`",
    "Invoke dbt with `dbt docs generate`",
];
const BUILD: usize = 4;
const DOCS: usize = 5;

fn run_of(id: u64, status: i64) -> Run {
    Run {
        id,
        status,
        steps: STEPS,
        docs: false,
    }
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

impl Cloud {
    fn with(mut self, run: u64, step: usize, name: &'static str, body: Vec<u8>) -> Self {
        self.artifacts.insert((run, step, name), body);
        self
    }

    fn answer(&self, request: &Request) -> ResponseTemplate {
        if request.headers.get("authorization").map(|value| value.as_bytes()) != Some(b"Token dbtc_hunter2") {
            let body =
                json!({"status": {"code": 401, "user_message": "Invalid token: dbtc_other"}, "data": null});
            return ResponseTemplate::new(401).set_body_json(body);
        }
        let query: BTreeMap<String, String> = request.url.query_pairs().into_owned().collect();
        let path: Vec<&str> = request
            .url
            .path()
            .trim_start_matches("/api/v2/accounts/7/runs/")
            .split('/')
            .collect();
        let of = |id: &str| self.runs.iter().find(|run| run.id.to_string() == id);
        match path.as_slice() {
            [""] => self.list(&query),
            [id, ""] => found(of(id).map(|run| self.details(run, &query))),
            [id, "artifacts", ""] => found(of(id).map(|run| self.names(run))),
            [id, "artifacts", name] => self.artifact(of(id).unwrap(), name, &query),
            _ => ResponseTemplate::new(404),
        }
    }

    fn list(&self, query: &BTreeMap<String, String>) -> ResponseTemplate {
        assert_eq!(query["order_by"], "-finished_at");
        assert_eq!((&*query["environment_id"], &*query["project_id"]), ("3", "2"));
        let (offset, limit): (usize, usize) =
            (query["offset"].parse().unwrap(), query["limit"].parse().unwrap());
        let page: Vec<Value> = self.runs.iter().skip(offset).take(limit).map(brief).collect();
        let pagination = json!({"count": page.len(), "total_count": self.runs.len()});
        ok(json!({"data": page, "extra": {"pagination": pagination}}))
    }

    fn details(&self, run: &Run, query: &BTreeMap<String, String>) -> ResponseTemplate {
        let mut data = brief(run);
        if query
            .get("include_related")
            .is_some_and(|related| related == "run_steps")
        {
            let steps = run.steps.iter().enumerate();
            // The API promises no order.
            data["run_steps"] = steps
                .map(|(at, name)| json!({"index": at + 1, "name": name}))
                .rev()
                .collect();
        }
        ok(json!({"data": data}))
    }

    fn names(&self, run: &Run) -> ResponseTemplate {
        let last = run.steps.len();
        let own = self
            .artifacts
            .keys()
            .filter(|(id, step, _)| (*id, *step) == (run.id, last));
        ok(json!({"data": own.map(|(.., name)| name).collect::<Vec<_>>()}))
    }

    fn artifact(&self, run: &Run, name: &str, query: &BTreeMap<String, String>) -> ResponseTemplate {
        let step = query
            .get("step")
            .map_or(run.steps.len(), |step| step.parse().unwrap());
        let body = self
            .artifacts
            .iter()
            .find(|((id, at, own), _)| (*id, *at, *own) == (run.id, step, name));
        match body {
            Some((_, body)) => ResponseTemplate::new(200).set_body_bytes(body.clone()),
            None => ResponseTemplate::new(404).set_body_json(json!({"status": {"code": 404}, "data": null})),
        }
    }
}

fn brief(run: &Run) -> Value {
    let finished = (run.status >= 10).then_some("2026-11-20 06:00:00.000000+00:00");
    json!({"id": run.id, "status": run.status, "finished_at": finished, "has_docs_generated": run.docs, "job": null})
}

fn ok(body: Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
}

fn found(answer: Option<ResponseTemplate>) -> ResponseTemplate {
    answer.unwrap_or_else(|| ResponseTemplate::new(404))
}

impl Respond for Cloud {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let turn = self.asked.fetch_add(1, Ordering::SeqCst);
        match turn % 3 {
            0 if self.troubled => ResponseTemplate::new(429).insert_header("retry-after", "0"),
            1 if self.troubled => ResponseTemplate::new(500).insert_header("retry-after", "0"),
            _ => self.answer(request),
        }
    }
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
