//! The Administrative API of dbt Cloud, version 2, as its public description has it
//! (github.com/dbt-labs/dbt-cloud-openapi-spec).

use crate::{Credentials, files::Input, source::fetch};
use headwater_core::{Error, ErrorKind, Host, Result};
use headwater_http::{Client, Method, Refusal, Request, Settings, Url};
use serde::Deserialize;
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// How many runs a page has: the most that the API gives.
pub(super) const PAGE: usize = 100;
/// The API takes 5,000 requests a minute from an account; others want their share.
const DISTANCE: Duration = Duration::from_millis(20);

/// One account.
#[derive(Debug)]
pub(super) struct Api {
    client: Client,
    base: Url,
    account: u64,
    requests: AtomicU64,
}

/// A run of a job. Anything may be null.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Run {
    pub(super) id: u64,
    status: Option<i64>,
    pub(super) finished_at: Option<String>,
    pub(super) has_docs_generated: Option<bool>,
    pub(super) has_sources_generated: Option<bool>,
    run_steps: Option<Vec<Step>>,
}

/// A step of a run: the clone of the repository, then each command.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Step {
    /// From 1.
    pub(super) index: u64,
    pub(super) name: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Answer<T> {
    data: T,
}

impl Run {
    pub(super) fn succeeded(&self) -> bool {
        self.status == Some(10)
    }

    /// Whether it has come to an end: success, error or cancelled; not queued, starting or running.
    pub(super) fn is_finished(&self) -> bool {
        matches!(self.status, Some(10 | 20 | 30))
    }

    /// How it ended, for people.
    pub(super) fn outcome(&self) -> &'static str {
        match self.status {
            Some(10) => "success",
            Some(20) => "error",
            Some(30) => "cancelled",
            _ => "not finished",
        }
    }
}

impl Api {
    pub(super) fn new(base: Url, account: u64, credentials: &Credentials, host: &Host) -> Result<Self> {
        let mut settings = Settings::new("dbt Cloud");
        settings.explain = explain;
        let place = base.host_str().unwrap_or_default();
        settings.limiter = Some(
            host.limiters
                .get(&format!("dbt cloud {place} {account}"), DISTANCE),
        );
        Ok(Self {
            client: Client::new(host, settings)?.with_auth(credentials.cloud()?),
            base,
            account,
            requests: AtomicU64::new(0),
        })
    }

    /// How many requests were sent since this was last asked.
    pub(super) fn take_requests(&self) -> u64 {
        self.requests.swap(0, Ordering::Relaxed)
    }

    /// A page of runs, newest first; those that have not finished come before all others.
    pub(super) async fn runs(&self, filters: &[(&str, String)], offset: usize) -> Result<Vec<Run>> {
        let mut request = self
            .get("runs/")
            .query("order_by", "-finished_at")
            .query("limit", &PAGE.to_string())
            .query("offset", &offset.to_string());
        for (name, value) in filters {
            request = request.query(name, value);
        }
        let answer: Answer<Vec<Run>> = request.send().await?.json()?;
        Ok(answer.data)
    }

    /// The steps of a run, first to last.
    pub(super) async fn steps(&self, run: &Run) -> Result<Vec<Step>> {
        let request = self.get(&format!("runs/{}/", run.id));
        let mut steps = match request.query("include_related", "run_steps").send().await {
            Ok(reply) => reply.json::<Answer<Run>>()?.data.run_steps.unwrap_or_default(),
            // It was removed meanwhile.
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        steps.sort_by_key(|step| step.index);
        Ok(steps)
    }

    /// The names of the artifacts that the last step of a run left.
    pub(super) async fn artifacts(&self, run: &Run) -> Result<Vec<String>> {
        let request = self.get(&format!("runs/{}/artifacts/", run.id));
        match request.send().await {
            Ok(reply) => Ok(reply.json::<Answer<Vec<String>>>()?.data),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// An artifact of a run, of its last step if none is named. `None` where that step left none.
    pub(super) async fn artifact(&self, run: &Run, step: Option<&Step>, name: &str) -> Result<Option<Input>> {
        let step = step.map(|step| step.index.to_string());
        let request = self.get(&format!("runs/{}/artifacts/{name}", run.id));
        let fetched = fetch(request.query_if("step", step.as_deref())).await;
        fetched.map_err(|error| error.with_context("run", run.id).with_context("file", name))
    }

    /// A GET below the account: of numbers and of names that we know, so that nothing is to encode.
    fn get(&self, path: &str) -> Request<'_> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let mut url = self.base.clone();
        url.set_path(&format!("/api/v2/accounts/{}/{path}", self.account));
        self.client.request(Method::GET, url)
    }
}

fn explain(refusal: &Refusal) -> Option<Error> {
    let (kind, message) = match refusal.status.as_u16() {
        401 => (
            ErrorKind::Unauthenticated,
            "dbt Cloud refused the token: it is unknown or has ended, or belongs to another host or account",
        ),
        403 => (
            ErrorKind::PermissionDenied,
            "dbt Cloud refused the read: give the token the permission Read-Only or Job Viewer on the project",
        ),
        _ => return None,
    };
    Some(Error::new(kind, message).with_context("status", refusal.status.as_u16()))
}
