//! A fake of BigQuery's REST API and of the token endpoints around it.
//!
//! Pages hold two entries, and before the last page of tables stands an empty one with a token.

mod queries;
pub(crate) mod tokens;

use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers::any};

pub(crate) const PROJECT: &str = "shop-1";
const PAGE: usize = 2;

/// What the fake holds, and how it misbehaves.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// Tables by dataset and name, as `tables.get` gives them.
    pub(crate) datasets: BTreeMap<String, BTreeMap<String, Value>>,
    /// Datasets that the principal does not see.
    pub(crate) hidden: BTreeSet<String>,
    pub(crate) permissions: Vec<&'static str>,
    /// The access tokens that are good; empty: none is asked for.
    pub(crate) tokens: BTreeSet<String>,
    /// Those of them that may do more than read.
    pub(crate) writing: BTreeSet<String>,
    /// How many tokens were given out.
    pub(crate) issued: usize,
    /// Answers of the next requests whose path holds a text.
    pub(crate) next: VecDeque<(&'static str, ResponseTemplate)>,
    /// Answers of all requests whose path ends with a text.
    pub(crate) always: BTreeMap<String, ResponseTemplate>,
    pub(crate) unreachable: Vec<&'static str>,
    pub(crate) repeat_tokens: bool,
    /// Results of INFORMATION_SCHEMA that are refused.
    pub(crate) refused_views: BTreeSet<&'static str>,
    /// The results of jobs that were begun, and how often each says that it is not done.
    jobs: BTreeMap<String, (Value, usize)>,
    pub(crate) slow_jobs: usize,
    /// The jobs that were cancelled.
    pub(crate) cancelled: Vec<String>,
    /// Rows of a page of results; 3 unless told.
    pub(crate) result_page: Option<usize>,
    /// How long a query takes to be begun.
    pub(crate) begin_delay: Duration,
}

#[derive(Clone)]
pub(crate) struct Fake {
    server: Arc<MockServer>,
    state: Arc<Mutex<State>>,
}

struct Answers(Arc<Mutex<State>>, String);

impl Respond for Answers {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let mut state = self.0.lock().unwrap();
        let path = percent_decoded(request.url.path());
        if let Some(at) = state.next.iter().position(|(part, _)| path.contains(part)) {
            return state.next.remove(at).unwrap().1;
        }
        if let Some((_, answer)) = state.always.iter().find(|(end, _)| path.ends_with(end.as_str())) {
            return answer.clone();
        }
        if let Some(answer) = tokens::answer(&mut state, request, &path, &self.1) {
            return answer;
        }
        if !state.tokens.is_empty() && !is_authorized(&state, request) {
            return fault(401, "authError");
        }
        state.answer(request, &path)
    }
}

impl Fake {
    pub(crate) async fn start() -> Self {
        let server = Arc::new(MockServer::start().await);
        let state = Arc::new(Mutex::new(State::default()));
        let answers = Answers(state.clone(), server.uri());
        Mock::given(any()).respond_with(answers).mount(&server).await;
        let fake = Self { server, state };
        fake.state().permissions = vec![
            "bigquery.datasets.get",
            "bigquery.tables.get",
            "bigquery.tables.list",
        ];
        fake
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn uri(&self) -> String {
        self.server.uri()
    }

    /// Adds a table. Where it says nothing else, it has one column; null takes a part of it away.
    pub(crate) fn table(&self, dataset: &str, name: &str, change: Value) {
        let mut table = json!({
            "kind": "bigquery#table", "id": format!("{PROJECT}:{dataset}.{name}"), "etag": format!("\"{name}-1\""),
            "tableReference": {"projectId": PROJECT, "datasetId": dataset, "tableId": name},
            "type": "TABLE", "numRows": "3", "numBytes": "24", "numLongTermBytes": "0",
            "creationTime": "1700000000000", "lastModifiedTime": "1700000001000",
            "schema": {"fields": [{"name": "id", "type": "INTEGER", "mode": "REQUIRED"}]}
        });
        for (key, value) in change.as_object().unwrap() {
            table[key] = value.clone();
        }
        leave_out_nulls(&mut table);
        let mut state = self.state();
        let tables = state.datasets.entry(dataset.to_owned()).or_default();
        tables.insert(name.to_owned(), table);
    }

    pub(crate) fn dataset(&self, name: &str) {
        self.state().datasets.entry(name.to_owned()).or_default();
    }

    /// The paths of the requests so far, decoded.
    pub(crate) async fn paths(&self) -> Vec<String> {
        let requests = self.server.received_requests().await.unwrap();
        requests
            .iter()
            .map(|request| percent_decoded(request.url.path()))
            .collect()
    }

    pub(crate) async fn requests(&self) -> Vec<Request> {
        self.server.received_requests().await.unwrap()
    }
}

impl State {
    fn answer(&mut self, request: &Request, path: &str) -> ResponseTemplate {
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        match parts.as_slice() {
            ["v1", "projects", verb] if verb.ends_with(":testIamPermissions") => {
                ok(&json!({"permissions": self.permissions}))
            }
            ["bigquery", "v2", "projects", project, rest @ ..] if *project == PROJECT => {
                self.project(request, rest)
            }
            _ => fault(404, "notFound"),
        }
    }

    fn project(&mut self, request: &Request, path: &[&str]) -> ResponseTemplate {
        match path {
            ["datasets"] => self.list_datasets(request),
            ["queries"] => queries::start(self, request),
            ["jobs", job] => queries::job(self, job),
            ["jobs", job, "cancel"] => queries::cancel(self, job, request),
            ["queries", job] => queries::results(self, job, request),
            ["datasets", dataset, rest @ ..] => {
                let Some(tables) = self
                    .datasets
                    .get(*dataset)
                    .filter(|_| !self.hidden.contains(*dataset))
                else {
                    return fault(404, "notFound");
                };
                match rest {
                    [] => ok(
                        &json!({"kind": "bigquery#dataset", "location": "EU", "description": "the shop",
                        "labels": {"team": "core"}, "type": "DEFAULT",
                        "datasetReference": {"projectId": PROJECT, "datasetId": dataset}}),
                    ),
                    ["models" | "routines"] => ok(&json!({})),
                    ["tables"] => list_tables(tables, request, self.repeat_tokens),
                    ["tables", name] => get_table(tables.get(*name), request),
                    _ => fault(404, "notFound"),
                }
            }
            _ => fault(404, "notFound"),
        }
    }

    fn list_datasets(&self, request: &Request) -> ResponseTemplate {
        let shown: Vec<Value> = self
            .datasets
            .keys()
            .filter(|name| !self.hidden.contains(*name))
            .map(|name| {
                json!({"kind": "bigquery#dataset", "location": "EU", "id": format!("{PROJECT}:{name}"),
                "datasetReference": {"projectId": PROJECT, "datasetId": name}})
            })
            .collect();
        let (page, token) = cut(&shown, request);
        let mut body = json!({"kind": "bigquery#datasetList", "etag": "x"});
        // Left out where there are none, as documented.
        if !page.is_empty() {
            body["datasets"] = page.into();
        }
        if let Some(token) = token {
            body["nextPageToken"] = token.into();
        }
        if !self.unreachable.is_empty() {
            body["unreachable"] = json!(self.unreachable);
        }
        ok(&body)
    }
}

fn list_tables(tables: &BTreeMap<String, Value>, request: &Request, repeat: bool) -> ResponseTemplate {
    let shown: Vec<Value> = tables
        .values()
        .map(|table| {
            let mut entry = json!({"kind": "bigquery#table", "id": table["id"], "type": table["type"],
                "tableReference": table["tableReference"], "labels": table["labels"]});
            leave_out_nulls(&mut entry);
            entry
        })
        .collect();
    let (mut page, mut token) = cut(&shown, request);
    // An empty page in front of the last.
    match parameter(request, "pageToken").as_deref() {
        Some(given) if given.starts_with('e') => (page, token) = from(&shown, given[1..].parse().unwrap()),
        Some(given) if token.is_none() => (page, token) = (vec![], Some(format!("e{given}"))),
        _ => {}
    }
    if repeat {
        token = Some("again".to_owned());
    }
    let mut body = json!({"kind": "bigquery#tableList", "etag": "x", "totalItems": shown.len()});
    if !page.is_empty() {
        body["tables"] = page.into();
    }
    if let Some(token) = token {
        body["nextPageToken"] = token.into();
    }
    ok(&body)
}

/// BigQuery leaves out what there is not.
fn leave_out_nulls(object: &mut Value) {
    object
        .as_object_mut()
        .unwrap()
        .retain(|_, value| !value.is_null());
}

fn get_table(table: Option<&Value>, request: &Request) -> ResponseTemplate {
    let Some(table) = table else {
        return fault(404, "notFound");
    };
    let known = request
        .headers
        .get("if-none-match")
        .map(|value| value.to_str().unwrap());
    match known.is_some() && known == table["etag"].as_str() {
        true => ResponseTemplate::new(304),
        false => ok(table),
    }
}

/// The page that a request asks for, and the token of the next.
fn cut(all: &[Value], request: &Request) -> (Vec<Value>, Option<String>) {
    let start = parameter(request, "pageToken").and_then(|token| token.parse().ok());
    from(all, start.unwrap_or(0))
}

fn from(all: &[Value], start: usize) -> (Vec<Value>, Option<String>) {
    let end = (start + PAGE).min(all.len());
    (
        all[start.min(end)..end].to_vec(),
        (end < all.len()).then(|| end.to_string()),
    )
}

pub(crate) fn parameter(request: &Request, name: &str) -> Option<String> {
    let mut pairs = request.url.query_pairs();
    pairs
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

fn is_authorized(state: &State, request: &Request) -> bool {
    bearer(request).is_some_and(|token| state.tokens.contains(token))
}

pub(crate) fn bearer(request: &Request) -> Option<&str> {
    let header = request.headers.get("authorization")?;
    header.to_str().unwrap().strip_prefix("Bearer ")
}

pub(crate) fn ok(body: &Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
}

/// A refusal in the form of <https://cloud.google.com/bigquery/docs/error-messages>.
pub(crate) fn fault(status: u16, reason: &str) -> ResponseTemplate {
    ResponseTemplate::new(status)
        .set_body_json(json!({"error": {"code": status, "message": "text of BigQuery's",
        "errors": [{"domain": "global", "reason": reason, "message": "text of BigQuery's"}]}}))
}

/// An answer that does not come as long as a test runs.
pub(crate) fn silence() -> ResponseTemplate {
    ResponseTemplate::new(200).set_delay(Duration::from_secs(120))
}

fn percent_decoded(path: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8(bytes).unwrap()
}
