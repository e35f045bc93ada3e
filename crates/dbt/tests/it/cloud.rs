//! A fake of dbt Cloud, made after the public description of its API.

use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use wiremock::{Request, Respond, ResponseTemplate};

/// An account of dbt Cloud.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cloud {
    /// Newest first, as the API orders them.
    pub(crate) runs: Vec<Run>,
    /// Artifacts by run, step and name.
    pub(crate) artifacts: BTreeMap<(u64, usize, &'static str), Vec<u8>>,
    /// Answers 429, then 500, before each good one.
    pub(crate) troubled: bool,
    pub(crate) asked: Arc<AtomicUsize>,
}

#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(crate) id: u64,
    pub(crate) status: i64,
    pub(crate) steps: &'static [&'static str],
    pub(crate) docs: bool,
}

const STEPS: &[&str] = &[
    "Clone git repository",
    "Create profile from connection Postgres",
    "Invoke dbt with `dbt deps`",
    "Invoke dbt with `dbt build`",
    "Invoke dbt with `dbt docs generate`",
];
pub(crate) const BUILD: usize = 4;
pub(crate) const DOCS: usize = 5;

pub(crate) fn run_of(id: u64, status: i64) -> Run {
    Run {
        id,
        status,
        steps: STEPS,
        docs: false,
    }
}

impl Cloud {
    pub(crate) fn with(mut self, run: u64, step: usize, name: &'static str, body: Vec<u8>) -> Self {
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
