//! Statements on a SQL warehouse, by the Statement Execution API.
//!
//! A statement is sent without waiting, so that its id is known from the start and it can be cancelled at the source.
//! It is polled until it ends, and its rows are read chunk by chunk. Results come inline; one that is too large for
//! that is run again with links to the workspace's storage, which are fetched without credentials.
//! <https://docs.databricks.com/api/workspace/statementexecution>

use crate::{
    client::Workspace,
    error::{self, NAME},
};
use headwater_core::{Error, ErrorKind, Host, Result};
use headwater_http::{Url, address};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};
use tokio::time::{sleep, timeout};
use tracing::debug;

const STATEMENTS: [&str; 4] = ["api", "2.0", "sql", "statements"];
/// The wait before the first look at a statement; it doubles.
const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(3);
/// How long telling the source to stop may take.
const FAREWELL: Duration = Duration::from_secs(5);

/// A row: every value is a text or null.
pub(crate) type Row = Vec<Option<String>>;

/// A SQL warehouse of a workspace.
#[derive(Clone)]
pub(crate) struct Warehouse {
    pub(crate) workspace: Workspace,
    pub(crate) id: String,
    pub(crate) host: Host,
}

/// The rows of a result, of which one chunk is held.
pub(crate) struct Rows {
    warehouse: Warehouse,
    statement: String,
    chunk: std::vec::IntoIter<Row>,
    next: Option<u64>,
    columns: usize,
    /// Rows that the whole result has.
    total: Option<u64>,
    taken: u64,
    /// How long the statement took.
    pub(crate) elapsed: Duration,
}

#[derive(Deserialize)]
struct Response {
    statement_id: Option<String>,
    status: Status,
    manifest: Option<Manifest>,
    result: Option<Chunk>,
}

#[derive(Deserialize)]
struct Status {
    state: String,
    sql_state: Option<String>,
    error: Option<Failure>,
}

#[derive(Deserialize)]
struct Failure {
    error_code: Option<String>,
    message: Option<String>,
}

#[derive(Deserialize)]
struct Manifest {
    schema: Option<ResultSchema>,
    total_row_count: Option<u64>,
    truncated: Option<bool>,
}

#[derive(Deserialize)]
struct ResultSchema {
    column_count: Option<usize>,
}

#[derive(Default, Deserialize)]
struct Chunk {
    data_array: Option<Vec<Row>>,
    external_links: Option<Vec<Link>>,
    next_chunk_index: Option<u64>,
}

#[derive(Deserialize)]
struct Link {
    chunk_index: Option<u64>,
    external_link: String,
    http_headers: Option<BTreeMap<String, String>>,
    next_chunk_index: Option<u64>,
}

/// How a result is handed out.
#[derive(Clone, Copy, PartialEq)]
enum Disposition {
    Inline,
    Links,
}

impl Warehouse {
    /// Runs a statement of `columns` columns; `beat` is called while it runs.
    ///
    /// # Errors
    /// The statement's failure. On a stop it is cancelled at the source.
    pub(crate) async fn execute(
        &self,
        sql: &str,
        parameters: &[Parameter<'_>],
        columns: usize,
        beat: impl Fn(),
    ) -> Result<Rows> {
        let begin = Instant::now();
        let inline = self.run(sql, parameters, Disposition::Inline, &beat).await;
        let response = match inline {
            Err(Ended::TooLarge) => self.run(sql, parameters, Disposition::Links, &beat).await,
            ran => ran,
        };
        let response = response.map_err(Error::from)?;
        debug!(elapsed = ?begin.elapsed(), "statement ended");
        Rows::new(self.clone(), response, columns, begin.elapsed()).await
    }

    async fn run(
        &self,
        sql: &str,
        parameters: &[Parameter<'_>],
        disposition: Disposition,
        beat: &impl Fn(),
    ) -> Result<Response, Ended> {
        let mut response = self.submit(sql, parameters, disposition).await?;
        let Some(id) = response.statement_id.clone() else {
            return Err(Ended::Failed(unclear()));
        };
        let mut wait = FIRST_WAIT;
        while matches!(response.status.state.as_str(), "PENDING" | "RUNNING") {
            beat();
            response = match self.look(&id, wait).await {
                Ok(response) => response,
                Err(error) => {
                    // Stopped, or nobody will come back for it.
                    self.cancel(&id).await;
                    return Err(Ended::Failed(error));
                }
            };
            wait = (wait * 2).min(LONGEST_WAIT);
        }
        response.statement_id = Some(id);
        response.ended()
    }

    /// Sends a statement and takes its id, also when the run is stopped meanwhile: else nobody could cancel it.
    async fn submit(
        &self,
        sql: &str,
        parameters: &[Parameter<'_>],
        disposition: Disposition,
    ) -> Result<Response> {
        let body = json!({
            "statement": sql,
            "warehouse_id": self.id,
            "parameters": parameters.iter().map(Parameter::json).collect::<Vec<_>>(),
            "wait_timeout": "0s",
            "disposition": match disposition {
                Disposition::Inline => "INLINE",
                Disposition::Links => "EXTERNAL_LINKS",
            },
            "format": "JSON_ARRAY",
        });
        let stop = self.workspace.cx().stop();
        if stop.is_cancelled() {
            return Err(Error::stopped());
        }
        let unstopped = self.workspace.past_stop();
        let mut sent = Box::pin(unstopped.post::<Response>(&STATEMENTS, &body));
        tokio::select! {
            response = &mut sent => response.map_err(|error| self.not_taken(error)),
            () = stop.cancelled() => {
                if let Ok(Ok(Response { statement_id: Some(id), .. })) = timeout(FAREWELL, sent).await {
                    self.cancel(&id).await;
                }
                Err(Error::stopped())
            }
        }
    }

    /// What keeps a statement from being taken at all is the warehouse, not what the statement reads.
    fn not_taken(&self, error: Error) -> Error {
        let kind = error.kind();
        let explained = |said| {
            let explained = Error::new(kind, format!("{NAME} {said}")).with_source(error.clone());
            explained.with_context("warehouse", &self.id)
        };
        match kind {
            ErrorKind::PermissionDenied => explained("refuses the use of the SQL warehouse")
                .with_grant(format!("CAN USE on the SQL warehouse {}", self.id)),
            // A wrong id is told as an invalid parameter:
            // <https://github.com/MicrosoftDocs/azure-docs.de-de/issues/774>.
            ErrorKind::NotFound | ErrorKind::Unexpected => {
                explained("takes no statement for the SQL warehouse: look whether the id is right")
            }
            _ => error,
        }
    }

    async fn look(&self, id: &str, wait: Duration) -> Result<Response> {
        let waited = async {
            sleep(wait).await;
            Ok(())
        };
        self.workspace.cx().or_stop(waited).await?;
        self.workspace.read(&[&STATEMENTS[..], &[id]].concat(), &[]).await
    }

    /// Tells the source that nobody waits for a statement any more.
    async fn cancel(&self, id: &str) {
        let path = [&STATEMENTS[..], &[id, "cancel"]].concat();
        let workspace = self.workspace.past_stop();
        let told = timeout(FAREWELL, workspace.post::<Value>(&path, &json!({}))).await;
        if !matches!(told, Ok(Ok(_))) {
            debug!("a statement may not have been cancelled");
        }
    }

    /// The rows of a chunk, and the number of the next.
    async fn chunk(&self, statement: &str, chunk: Chunk) -> Result<(Vec<Row>, Option<u64>)> {
        if let Some(rows) = chunk.data_array {
            return Ok((rows, chunk.next_chunk_index));
        }
        let Some(link) = chunk.external_links.into_iter().flatten().next() else {
            return Ok((Vec::new(), chunk.next_chunk_index));
        };
        let next = chunk.next_chunk_index.or(link.next_chunk_index);
        match (self.fetch(&link).await, link.chunk_index) {
            // A link is good for a quarter of an hour at most.
            (Err(error), Some(index)) if is_refusal(&error) => {
                let renewed = self.read_chunk(statement, index).await?;
                let link = renewed.external_links.into_iter().flatten().next();
                Ok((self.fetch(&link.ok_or_else(unclear)?).await?, next))
            }
            (fetched, _) => Ok((fetched?, next)),
        }
    }

    async fn read_chunk(&self, statement: &str, index: u64) -> Result<Chunk> {
        let index = index.to_string();
        let path = [&STATEMENTS[..], &[statement, "result", "chunks", &index]].concat();
        self.workspace.read(&path, &[]).await
    }

    async fn fetch(&self, link: &Link) -> Result<Vec<Row>> {
        let url: Url =
            address(&link.external_link, "/config/host", &self.host).map_err(|_not_the_config| {
                Error::new(
                    ErrorKind::DataInvalid,
                    format!("{NAME} links a result at an address that is not safe"),
                )
            })?;
        let headers: Vec<(String, String)> = link.http_headers.clone().into_iter().flatten().collect();
        self.workspace.fetch(url, &headers).await?.json()
    }
}

/// A value of a statement, bound by name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parameter<'a> {
    name: &'a str,
    value: &'a str,
    of_type: &'a str,
}

impl<'a> Parameter<'a> {
    pub(crate) fn text(name: &'a str, value: &'a str) -> Self {
        let of_type = "STRING";
        Self { name, value, of_type }
    }

    pub(crate) fn integer(name: &'a str, value: &'a str) -> Self {
        let of_type = "INT";
        Self { name, value, of_type }
    }

    fn json(&self) -> Value {
        json!({"name": self.name, "value": self.value, "type": self.of_type})
    }
}

/// Why a statement gave no result.
enum Ended {
    /// It is too large to come inline.
    TooLarge,
    Failed(Error),
}

impl From<Error> for Ended {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<Ended> for Error {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Failed(error) => error,
            Ended::TooLarge => Error::new(
                ErrorKind::DataInvalid,
                format!("{NAME} cannot hand out a large result"),
            ),
        }
    }
}

impl Response {
    fn ended(self) -> Result<Self, Ended> {
        if self.status.state == "SUCCEEDED" {
            return Ok(self);
        }
        let failure = self.status.error.as_ref();
        let message = failure
            .and_then(|failure| failure.message.as_deref())
            .unwrap_or_default();
        // The limit is 25 MiB, and the message names the way out: <https://github.com/databrickslabs/ucx/issues/3447>.
        if message.contains("EXTERNAL_LINKS") {
            return Err(Ended::TooLarge);
        }
        if self.status.state == "CANCELED" {
            let message = format!("a statement was cancelled at {NAME}");
            return Err(Ended::Failed(Error::new(ErrorKind::Unavailable, message)));
        }
        let code = failure.and_then(|failure| failure.error_code.as_deref());
        Err(Ended::Failed(error::of_statement(
            code,
            self.status.sql_state.as_deref(),
            message,
        )))
    }
}

impl Rows {
    async fn new(
        warehouse: Warehouse,
        response: Response,
        columns: usize,
        elapsed: Duration,
    ) -> Result<Self> {
        let manifest = response.manifest.ok_or_else(unclear)?;
        if manifest.truncated == Some(true) {
            return Err(cut_short());
        }
        let column_count = manifest.schema.and_then(|schema| schema.column_count);
        if column_count.is_some_and(|count| count != columns) {
            return Err(unclear());
        }
        let statement = response.statement_id.ok_or_else(unclear)?;
        let first = response.result.unwrap_or_default();
        let (rows, next) = warehouse.chunk(&statement, first).await?;
        Ok(Self {
            warehouse,
            statement,
            chunk: rows.into_iter(),
            next: after(0, next)?,
            columns,
            total: manifest.total_row_count,
            taken: 0,
            elapsed,
        })
    }

    /// The next row; `None` after the last.
    ///
    /// # Errors
    /// `DataInvalid` when fewer rows came than the source counted.
    pub(crate) async fn next(&mut self) -> Result<Option<Row>> {
        loop {
            if let Some(row) = self.chunk.next() {
                self.taken += 1;
                return match row.len() == self.columns {
                    true => Ok(Some(row)),
                    false => Err(unclear()),
                };
            }
            let Some(index) = self.next.take() else {
                return match self.total.is_some_and(|total| total != self.taken) {
                    true => Err(cut_short()),
                    false => Ok(None),
                };
            };
            let chunk = self.warehouse.read_chunk(&self.statement, index).await?;
            let (rows, next) = self.warehouse.chunk(&self.statement, chunk).await?;
            (self.chunk, self.next) = (rows.into_iter(), after(index, next)?);
        }
    }
}

/// The number of the next chunk, which leads on: else a result could have no end.
fn after(index: u64, next: Option<u64>) -> Result<Option<u64>> {
    match next.is_some_and(|next| next <= index) {
        true => Err(unclear()),
        false => Ok(next),
    }
}

fn is_refusal(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::PermissionDenied
            | ErrorKind::Unauthenticated
            | ErrorKind::NotFound
            | ErrorKind::Unexpected
    )
}

fn unclear() -> Error {
    let message = format!("{NAME} answered a statement with something that cannot be understood");
    Error::new(ErrorKind::DataInvalid, message)
}

fn cut_short() -> Error {
    Error::new(
        ErrorKind::DataInvalid,
        format!("{NAME} cut the result of a statement short"),
    )
}
