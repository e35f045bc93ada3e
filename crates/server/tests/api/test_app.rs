//! A server of a test's own, and a client of it.

use headwater_core::{Host, Secret};
use headwater_server::{Server, ServerConfig, ServerError};
use headwater_testkit::{Call, Gate, ToySource};
use reqwest::{Method, RequestBuilder, header::HeaderMap};
use serde_json::{Value, json};
use std::{ops::Deref, time::Duration};
use tempfile::TempDir;
use tokio::{task::JoinHandle, time::sleep};
use tokio_util::sync::CancellationToken;

pub(crate) const ADMIN_KEY: &str = "an-admin-key-for-tests-of-40-characters!";

/// A server on a free port. Calls go out with the admin key.
pub(crate) struct TestApp {
    client: Client,
    config: ServerConfig,
    stop: CancellationToken,
    served: JoinHandle<Result<(), ServerError>>,
    dir: TempDir,
}

impl Deref for TestApp {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl TestApp {
    /// With an empty catalog and the toy connector.
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut ServerConfig)) -> Self {
        let dir = TempDir::new().unwrap();
        let mut config = ServerConfig {
            listen: "127.0.0.1:0".to_owned(),
            database_url: format!("sqlite://{}", dir.path().join("catalog.db").display()),
            admin_key: Some(Secret::new(ADMIN_KEY)),
            ..ServerConfig::default()
        };
        change(&mut config);
        Self::serve(config, dir).await
    }

    async fn serve(config: ServerConfig, dir: TempDir) -> Self {
        let mut registry = ToySource::registry();
        registry.register::<headwater_bigquery::BigQuery>();
        registry.register::<headwater_databricks::Databricks>();
        registry.register::<headwater_dbt::Dbt>();
        registry.register::<headwater_postgres::Postgres>();
        registry.register::<headwater_redshift::Redshift>();
        registry.register::<headwater_snowflake::Snowflake>();
        let server = Server::start(config.clone(), registry).await.unwrap();
        let address = server.address();
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        Self {
            client: Client::new(&format!("http://{address}{}", config.base_path), ADMIN_KEY),
            config,
            served: tokio::spawn(server.run_until(async move { stopped.cancelled().await })),
            stop,
            dir,
        }
    }

    /// Asks the server to end, as a signal does.
    pub(crate) fn stop(&self) {
        self.stop.cancel();
    }

    /// Waits until the server has ended.
    pub(crate) async fn ended(self) -> (ServerConfig, TempDir) {
        self.served.await.unwrap().unwrap();
        (self.config, self.dir)
    }

    /// Ends the server and starts another on the same catalog.
    pub(crate) async fn restart(self) -> Self {
        self.stop();
        let (config, dir) = self.ended().await;
        Self::serve(config, dir).await
    }
}

/// A client of HTTP as the connectors have it, which follows no redirect.
pub(crate) fn http() -> reqwest::Client {
    let tls = headwater_http::tls(&Host::default()).unwrap();
    let client = reqwest::Client::builder().tls_backend_preconfigured(tls);
    client
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}

/// Calls a server with one key, or without.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    key: Option<String>,
}

impl Client {
    pub(crate) fn new(base: &str, key: &str) -> Self {
        Self {
            http: http(),
            base: base.to_owned(),
            key: Some(key.to_owned()),
        }
    }

    pub(crate) fn with_key(&self, key: Option<&str>) -> Self {
        Self {
            key: key.map(str::to_owned),
            ..self.clone()
        }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.key {
            Some(key) => request.bearer_auth(key),
            None => request,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        Reply::of(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Reply {
        Reply::of(self.request(Method::POST, path).json(body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Reply {
        Reply::of(self.request(Method::PATCH, path).json(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Reply {
        Reply::of(self.request(Method::DELETE, path)).await
    }

    // What most tests need.

    pub(crate) async fn create_space(&self, slug: &str) {
        let space = json!({"slug": slug, "name": slug});
        self.post("/catalog/spaces", &space).await.expect(201);
    }

    /// A connector for a toy source, in the space `default`. Returns its path.
    pub(crate) async fn create_toy(&self, source: &ToySource) -> String {
        let body = json!({
            "name": "toy", "connector_type": "toy",
            "config": source.config(), "credentials": source.credentials(),
        });
        self.create_connector(&body).await
    }

    /// A connector in the space `default`. Returns its path.
    pub(crate) async fn create_connector(&self, body: &Value) -> String {
        let connectors = "/catalog/spaces/default/connectors";
        let made = self.post(connectors, body).await.expect(201);
        format!("{connectors}/{}", made["id"].as_str().unwrap())
    }

    /// Starts a sync of a toy source and holds it in the middle of its work. Returns the answer.
    pub(crate) async fn held_sync(&self, source: &ToySource, connector: &str) -> (Value, Gate) {
        let gate = source.hold(Call::Assets);
        let started = self.post(&format!("{connector}/sync"), &json!({})).await;
        gate.reached().await;
        (started.expect(202), gate)
    }

    /// A key of a space.
    pub(crate) async fn create_key(&self, space: &str, role: &str) -> String {
        let body = json!({"name": role, "role": role, "expires_at": null});
        let path = format!("/catalog/spaces/{space}/api-keys");
        let made = self.post(&path, &body).await.expect(201);
        made["key"].as_str().unwrap().to_owned()
    }

    /// Starts a sync and waits for its end. Returns the job.
    pub(crate) async fn sync(&self, connector: &str) -> Value {
        let started = self
            .post(&format!("{connector}/sync"), &json!({}))
            .await
            .expect(202);
        self.job_ended(started["job_id"].as_str().unwrap()).await
    }

    pub(crate) async fn job_ended(&self, job: &str) -> Value {
        let path = format!("/catalog/spaces/default/sync-jobs/{job}");
        for _ in 0..600 {
            let job = self.get(&path).await.expect(200);
            if job["status"] != "running" {
                return job;
            }
            sleep(Duration::from_millis(50)).await;
        }
        panic!(
            "the sync has not ended within 30 s: {}",
            self.get(&path).await.text
        );
    }

    /// The product of a hosting location, with all that is known of it.
    pub(crate) async fn product(&self, hosting_location: &str) -> Value {
        let path = "/catalog/spaces/default/products";
        let list = self
            .get(&format!("{path}?size=100&include_archived=true"))
            .await
            .expect(200);
        let items = list["items"].as_array().unwrap();
        let found = items
            .iter()
            .find(|item| item["hosting_location"] == hosting_location);
        let found = found.unwrap_or_else(|| panic!("no product {hosting_location} in {list:#}"));
        self.get(&format!("{path}/{}", found["id"].as_str().unwrap()))
            .await
            .expect(200)
    }
}

/// Created, updated, unchanged, archived.
pub(crate) fn counts(job: &Value) -> [u64; 4] {
    ["created", "updated", "unchanged", "archived"]
        .map(|what| job[format!("products_{what}")].as_u64().unwrap())
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) async fn of(request: RequestBuilder) -> Self {
        let answer = request.send().await.unwrap();
        Self {
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
            text: answer.text().await.unwrap(),
        }
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    /// The body of an answer with this status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.json()
    }

    /// The body of a problem with this status and code, which has the shape of every problem.
    #[track_caller]
    pub(crate) fn problem(self, status: u16, code: &str) -> Value {
        assert_eq!(
            self.header("content-type"),
            "application/problem+json",
            "{}",
            self.text
        );
        let body = self.json();
        assert_eq!(
            (self.status, body["code"].as_str()),
            (status, Some(code)),
            "{}",
            self.text
        );
        assert_eq!(body["status"], status);
        assert_eq!(body["type"], format!("urn:headwater:problem:{code}"));
        assert!(
            body["title"].is_string() && body["detail"].is_string(),
            "{}",
            self.text
        );
        body
    }

    /// The places that a problem names.
    #[track_caller]
    pub(crate) fn pointers(self, status: u16, code: &str) -> Vec<String> {
        let body = self.problem(status, code);
        let errors = body["errors"].as_array().unwrap().iter();
        errors
            .map(|error| error["pointer"].as_str().unwrap().to_owned())
            .collect()
    }
}
