//! A workspace made from Databricks' public documentation, for what no peer shows: pages, tokens, grants, statements.
//!
//! Its answers hold only field names of Unity Catalog's open API description and of Databricks' own SDK
//! (`fields.json`); a test keeps it so.

mod lists;
mod oauth;
mod state;
mod statements;

pub(crate) use state::{Catalog, Schema, State, column, table};

use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers::any};

/// A personal access token that the workspace takes.
pub(crate) const TOKEN: &str = "dapi-0123456789abcdef";
/// A service principal and its OAuth secret.
pub(crate) const CLIENT: (&str, &str) = ("app-4711", "dose-of-oauth-secret");
/// A token of another identity provider that the workspace exchanges.
pub(crate) const ID_TOKEN: &str = "header.id-token-payload.signature";

/// A running workspace.
pub(crate) struct Fake {
    server: MockServer,
    state: Arc<Mutex<State>>,
}

/// A request that arrived, and whether it carried credentials.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) authorization: Option<String>,
    /// The header that links to the storage ask for.
    pub(crate) storage_key: Option<String>,
    pub(crate) body: String,
}

impl Seen {
    /// Path and query.
    fn asked(&self) -> String {
        format!("{}?{:?}", self.path, self.query)
    }
}

impl Fake {
    pub(crate) async fn start(state: State) -> Self {
        let state = Arc::new(Mutex::new(state));
        // Recording would hold every request of a benchmark.
        let server = MockServer::builder().disable_request_recording().start().await;
        let answers = Answers(state.clone(), server.uri());
        Mock::given(any()).respond_with(answers).mount(&server).await;
        Self { server, state }
    }

    pub(crate) fn uri(&self) -> String {
        self.server.uri()
    }

    pub(crate) fn config(&self) -> Value {
        json!({"host": self.server.uri(), "catalog": "main"})
    }

    /// The state, to look at and to change.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The requests whose path holds a text.
    pub(crate) fn seen(&self, part: &str) -> Vec<Seen> {
        let state = self.state();
        state
            .seen
            .iter()
            .filter(|seen| seen.path.contains(part))
            .cloned()
            .collect()
    }
}

struct Answers(Arc<Mutex<State>>, String);

impl Respond for Answers {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let segments: Vec<String> = request
            .url
            .path_segments()
            .into_iter()
            .flatten()
            .map(decoded)
            .collect();
        let header = |name: &str| {
            let value = request.headers.get(name)?.to_str().ok()?;
            Some(value.to_owned())
        };
        let seen = Seen {
            method: request.method.to_string(),
            path: segments.join("/"),
            query: request.url.query_pairs().into_owned().collect(),
            authorization: header("authorization"),
            storage_key: header("x-storage-key"),
            body: String::from_utf8_lossy(&request.body).into_owned(),
        };
        let mut state = self.0.lock().unwrap();
        state.count += 1;
        if state.keeps_requests {
            state.seen.push(seen.clone());
        }
        state.change_for(&seen);
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let answer = answer(&mut state, &seen, &segments, &self.1);
        answer.set_delay(state.delay_of(&seen))
    }
}

fn answer(state: &mut State, seen: &Seen, segments: &[&str], own: &str) -> ResponseTemplate {
    if let Some(answer) = oauth::answer(state, seen, segments, own) {
        return answer;
    }
    // For the benchmark, and no part of what Databricks has.
    if let ["count"] = segments {
        return ok(json!({"count": state.count}));
    }
    if let ["results", statement, chunk] = segments {
        return statements::storage(state, seen, statement, chunk);
    }
    if let Some(refusal) = state.unauthenticated(seen) {
        return refusal;
    }
    if let Some(trouble) = state.trouble_for(seen) {
        return trouble;
    }
    match segments {
        ["api", "2.0", "preview", "scim", "v2", "Me"] => ok(json!({
            "id": "1", "userName": state.principal,
            "groups": state.groups.iter().map(|name| json!({"display": name})).collect::<Vec<_>>(),
        })),
        ["api", "2.1", "unity-catalog", rest @ ..] => lists::answer(state, seen, rest),
        ["api", "2.0", "sql", "statements", rest @ ..] => statements::answer(state, seen, rest, own),
        _ => refusal(404, "ENDPOINT_NOT_FOUND"),
    }
}

fn ok(body: Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
}

/// A refusal as the API words it. The message quotes what was asked for, which must not be shown.
fn refusal(status: u16, code: &str) -> ResponseTemplate {
    let message = format!("{code}: {QUOTED}");
    ResponseTemplate::new(status)
        .set_body_json(json!({"error_code": code, "message": message, "details": []}))
}

/// A text of the vendor's messages that reaches nobody.
pub(crate) const QUOTED: &str = "the-vendors-own-words";

/// An answer that does not come.
const FOREVER: Duration = Duration::from_secs(600);
