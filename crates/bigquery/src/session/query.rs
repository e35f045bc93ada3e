//! Queries: begun, waited for, and ended at BigQuery where nobody waits for them any more.

use super::Session;
use crate::{
    error::{self, ErrorProto},
    resource::{Labels, number},
};
use headwater_core::{Error, ErrorKind, Result};
use headwater_http::Reply;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{sync::atomic::Ordering::Relaxed, time::Duration};
use tokio::time::timeout;
use tracing::debug;

/// How long the first request waits for a query, in milliseconds. Only its answer tells the job's id, without which
/// the job cannot be cancelled.
const FIRST_WAIT: u64 = 500;
/// How long each further request waits for it, in milliseconds.
const WAIT: u64 = 10_000;
/// How long a query may run at BigQuery, in milliseconds.
const LONGEST: u64 = 600_000;
/// How long it may take to end a query after a stop.
const FAREWELL: Duration = Duration::from_secs(2);
/// The least that BigQuery bills for a query of INFORMATION_SCHEMA:
/// <https://cloud.google.com/bigquery/docs/information-schema-intro#pricing>
const LEAST_BILLED: u64 = 10 << 20;

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

impl Session<'_> {
    /// Runs a query and waits for its first page; `beat` is called while it runs. On a stop, and where BigQuery cannot
    /// be asked for it any more, it is cancelled there.
    pub(crate) async fn run(&self, query: &Query<'_>, beat: impl Fn()) -> Result<Results> {
        let mut results = self.start(query).await?;
        while !results.job_complete {
            beat();
            let Some(job) = results.job_reference.take() else {
                return Err(Error::new(ErrorKind::DataInvalid, "a query has no job"));
            };
            results = match self.results(&job, None).await {
                Err(error) if error.kind() == ErrorKind::Stopped || error.kind().is_retryable() => {
                    self.farewell(self.cancel(&job)).await;
                    return Err(error);
                }
                results => results?,
            };
        }
        self.billed(&results);
        Ok(results)
    }

    /// Starts a query. It only reads and has an id of its own, so that it may be sent again. A stop meanwhile waits
    /// for the job's id and cancels it.
    pub(crate) async fn start(&self, query: &Query<'_>) -> Result<Results> {
        let stop = self.cx.stop();
        if stop.is_cancelled() {
            return Err(Error::stopped());
        }
        self.statements.fetch_add(1, Relaxed);
        let body = json!({
            "query": query.sql,
            "useLegacySql": false,
            "location": query.location,
            "maximumBytesBilled": query.max_bytes_billed.to_string(),
            "timeoutMs": FIRST_WAIT,
            "jobTimeoutMs": LONGEST.to_string(),
            "requestId": request_id()?,
            "formatOptions": {"useInt64Timestamp": true},
            "labels": Labels::from([("tool".to_owned(), "headwater".to_owned())]),
        });
        let project = query.billing_project;
        let request = self.api.post(project, ["queries"]).json(&body)?;
        let mut sent = Box::pin(self.deliver(project, request));
        tokio::select! {
            reply = &mut sent => self.results_of(project, reply?),
            () = stop.cancelled() => {
                self.farewell(async {
                    let begun = self.results_of(project, sent.await?)?;
                    match begun.job_reference.filter(|_| !begun.job_complete) {
                        Some(job) => self.cancel(&job).await,
                        None => Ok(()),
                    }
                })
                .await;
                Err(Error::stopped())
            }
        }
    }

    /// A page of the results of a job, or word that it is not done.
    pub(crate) async fn results(&self, job: &Job, token: Option<&str>) -> Result<Results> {
        let request = self.api.get(&job.project_id, ["queries", &job.job_id]);
        let request = request
            .query("timeoutMs", &WAIT.to_string())
            .query("formatOptions.useInt64Timestamp", "true")
            .query_if("location", job.location.as_deref())
            .query_if("pageToken", token);
        let reply = self.send(&job.project_id, request).await?;
        self.results_of(&job.project_id, reply)
    }

    /// An answer with faults is a failure, whatever its status says.
    fn results_of(&self, project: &str, reply: Reply) -> Result<Results> {
        let results: Results = reply.json()?;
        match error::of_query(&results.errors) {
            Some(refused) => Err(error::with_role(refused, project, &self.api.principal.member)),
            None => Ok(results),
        }
    }

    /// Asks BigQuery to end a job. A token whose scopes only read may not, by
    /// <https://cloud.google.com/bigquery/docs/reference/rest/v2/jobs/cancel>.
    async fn cancel(&self, job: &Job) -> Result<()> {
        self.requests.fetch_add(1, Relaxed);
        let request = self.api.post(&job.project_id, ["jobs", &job.job_id, "cancel"]);
        let request = request.query_if("location", job.location.as_deref());
        request.send().await.map(drop)
    }

    /// What is done after a stop takes its time, but not long. A query that goes on ends by itself.
    async fn farewell(&self, last: impl Future<Output = Result<()>>) {
        match timeout(FAREWELL, last).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => debug!(%error, "a query may not have been cancelled"),
            Err(_late) => debug!("a query may not have been cancelled in time"),
        }
    }

    /// Takes note of what a finished query is billed, which only the answer of one that ends at once tells.
    fn billed(&self, results: &Results) {
        let least = || {
            results
                .total_bytes_processed
                .unwrap_or_default()
                .max(LEAST_BILLED)
        };
        let bytes = results.total_bytes_billed.unwrap_or_else(least);
        self.bytes_billed.fetch_add(bytes, Relaxed);
    }
}

fn request_id() -> Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| Error::new(ErrorKind::Unexpected, "no random numbers").with_source(error))?;
    Ok(hex::encode(bytes))
}
