//! The requests of one call of the contract: counted, and ended by its stop signal.

use crate::{
    client::Api,
    error::{self, ErrorProto},
    pages::Pages,
    resource::{CountedList, Dataset, DatasetList, Labels, Table, TableList, number},
};
use headwater_core::{Cost, Cx, Error, ErrorKind, Result};
use headwater_http::{Reply, Request, StatusCode, header::IF_NONE_MATCH};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Entries of a page of tables: as many as the API gives at once.
const PAGE: &str = "1000";
/// How long one request waits for a query, in milliseconds.
const WAIT: u64 = 10_000;
/// How long a query may run at BigQuery, in milliseconds. A principal that only reads cannot end one.
const LONGEST: u64 = 600_000;

/// A dataset.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) project: &'a str,
    pub(crate) dataset: &'a str,
}

/// A query, and who pays for it.
#[derive(Debug)]
pub(crate) struct Query<'a> {
    pub(crate) sql: &'a str,
    pub(crate) billing_project: &'a str,
    pub(crate) location: Option<&'a str>,
    pub(crate) max_bytes_billed: u64,
}

/// A page of a query's result, or word that there is none yet.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Results {
    #[serde(default)]
    pub(crate) job_complete: bool,
    pub(crate) job_reference: Option<Job>,
    #[serde(default)]
    pub(crate) schema: ResultSchema,
    #[serde(default)]
    pub(crate) rows: Vec<ResultRow>,
    #[serde(default, deserialize_with = "number")]
    pub(crate) total_rows: Option<u64>,
    pub(crate) page_token: Option<String>,
    #[serde(default)]
    errors: Vec<ErrorProto>,
    #[serde(default, deserialize_with = "number")]
    total_bytes_billed: Option<u64>,
    #[serde(default, deserialize_with = "number")]
    total_bytes_processed: Option<u64>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Job {
    pub(crate) project_id: String,
    pub(crate) job_id: String,
    pub(crate) location: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct ResultSchema {
    #[serde(default)]
    pub(crate) fields: Vec<ResultField>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct ResultField {
    pub(crate) name: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct ResultRow {
    #[serde(default)]
    pub(crate) f: Vec<ResultCell>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct ResultCell {
    #[serde(default)]
    pub(crate) v: Value,
}

/// One call's way to the API.
#[derive(Debug)]
pub(crate) struct Session<'a> {
    pub(crate) api: &'a Api,
    pub(crate) cx: &'a Cx,
    requests: AtomicU64,
    statements: AtomicU64,
    bytes_billed: AtomicU64,
}

impl<'a> Session<'a> {
    pub(crate) fn new(api: &'a Api, cx: &'a Cx) -> Self {
        Self {
            api,
            cx,
            requests: AtomicU64::new(0),
            statements: AtomicU64::new(0),
            bytes_billed: AtomicU64::new(0),
        }
    }

    /// What it cost so far.
    pub(crate) fn cost(&self) -> Cost {
        Cost {
            requests: self.requests.load(Relaxed),
            statements: self.statements.load(Relaxed),
            bytes_billed: self.bytes_billed.load(Relaxed),
            source_seconds: 0.0,
        }
    }

    async fn send(&self, project: &str, request: Request<'_>) -> Result<Reply> {
        let sent = async {
            let _permit = self.api.permits.acquire().await;
            self.requests.fetch_add(1, Relaxed);
            request.send().await
        };
        let member = &self.api.principal.member;
        let result = self.cx.or_stop(sent).await;
        result.map_err(|refused| error::with_role(refused, project, member))
    }

    /// A page of a project's datasets, hidden ones left out.
    pub(crate) async fn datasets(&self, project: &str, pages: &Pages) -> Result<DatasetList> {
        let request = self.api.get(project, ["datasets"]).query("maxResults", PAGE);
        let request = request.query_if("pageToken", pages.token());
        self.send(project, request).await?.json()
    }

    pub(crate) async fn dataset(&self, place: Place<'_>) -> Result<Dataset> {
        let request = self.api.get(place.project, ["datasets", place.dataset]);
        self.send(place.project, request).await?.json()
    }

    /// A page of a dataset's tables.
    pub(crate) async fn tables(&self, place: Place<'_>, pages: &Pages, most: &str) -> Result<TableList> {
        let request = self.api.get(place.project, ["datasets", place.dataset, "tables"]);
        let request = request
            .query("maxResults", most)
            .query_if("pageToken", pages.token());
        self.send(place.project, request).await?.json()
    }

    /// A page of a dataset's tables, as large as may be.
    pub(crate) async fn all_tables(&self, place: Place<'_>, pages: &Pages) -> Result<TableList> {
        self.tables(place, pages, PAGE).await
    }

    /// A table; `None` where it is still as it was at this `etag`.
    pub(crate) async fn table(
        &self,
        place: Place<'_>,
        table: &str,
        etag: Option<&str>,
    ) -> Result<Option<Table>> {
        let path = ["datasets", place.dataset, "tables", table];
        let mut request = self.api.get(place.project, path).query("fields", Table::FIELDS);
        if let Some(etag) = etag {
            request = request.header(IF_NONE_MATCH, etag);
        }
        let reply = self.send(place.project, request).await?;
        match reply.status == StatusCode::NOT_MODIFIED {
            true => Ok(None),
            false => reply.json().map(Some),
        }
    }

    /// How many models or routines a dataset has.
    pub(crate) async fn count(&self, place: Place<'_>, what: &str) -> Result<u64> {
        let mut pages = Pages::default();
        let mut count = 0;
        loop {
            let request = self.api.get(place.project, ["datasets", place.dataset, what]);
            let request = request
                .query("maxResults", PAGE)
                .query_if("pageToken", pages.token());
            let page: CountedList = self.send(place.project, request).await?.json()?;
            count += page.items.len() as u64;
            if !pages.turn(page.next_page_token)? {
                return Ok(count);
            }
        }
    }

    /// Which of some permissions the principal has in a project.
    pub(crate) async fn permissions(&self, project: &str, asked: &[&str]) -> Result<Vec<String>> {
        #[derive(Deserialize)]
        struct Granted {
            #[serde(default)]
            permissions: Vec<String>,
        }
        let base = &self.api.endpoints.resource_manager;
        let verb = format!("{project}:testIamPermissions");
        let request = self.api.post_to(base, ["v1", "projects", &verb]);
        let request = request.json(&json!({"permissions": asked}))?;
        let mut granted: Granted = self.send(project, request).await?.json()?;
        granted.permissions.sort_unstable();
        Ok(granted.permissions)
    }

    /// Starts a query. It only reads and has an id of its own, so that it may be sent again.
    pub(crate) async fn query(&self, query: &Query<'_>) -> Result<Results> {
        self.statements.fetch_add(1, Relaxed);
        let body = json!({
            "query": query.sql,
            "useLegacySql": false,
            "location": query.location,
            "maximumBytesBilled": query.max_bytes_billed.to_string(),
            "timeoutMs": WAIT,
            "jobTimeoutMs": LONGEST.to_string(),
            "requestId": request_id()?,
            "formatOptions": {"useInt64Timestamp": true},
            "labels": Labels::from([("tool".to_owned(), "headwater".to_owned())]),
        });
        let request = self.api.post(query.billing_project, ["queries"]).json(&body)?;
        self.results_of(query.billing_project, request).await
    }

    /// A page of the results of a job, or word that it is not done.
    pub(crate) async fn results(&self, job: &Job, token: Option<&str>) -> Result<Results> {
        let request = self.api.get(&job.project_id, ["queries", &job.job_id]);
        let request = request
            .query("timeoutMs", &WAIT.to_string())
            .query("formatOptions.useInt64Timestamp", "true")
            .query_if("location", job.location.as_deref())
            .query_if("pageToken", token);
        self.results_of(&job.project_id, request).await
    }

    /// An answer with faults is a failure, whatever its status says.
    async fn results_of(&self, project: &str, request: Request<'_>) -> Result<Results> {
        let results: Results = self.send(project, request).await?.json()?;
        if let Some(refused) = error::of_query(&results.errors) {
            return Err(error::with_role(refused, project, &self.api.principal.member));
        }
        Ok(results)
    }

    /// Takes note of what a finished query is billed.
    pub(crate) fn billed(&self, results: &Results) {
        let bytes = results.total_bytes_billed.or(results.total_bytes_processed);
        self.bytes_billed.fetch_add(bytes.unwrap_or_default(), Relaxed);
    }
}

fn request_id() -> Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| Error::new(ErrorKind::Unexpected, "no random numbers").with_source(error))?;
    Ok(hex::encode(bytes))
}
