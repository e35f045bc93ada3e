//! The requests of one call of the contract: counted, and ended by its stop signal.

mod query;

pub(crate) use query::{Job, Query, Results};

use crate::{
    client::Api,
    error,
    pages::Pages,
    resource::{CountedList, Dataset, DatasetList, Table, TableList},
};
use headwater_core::{Cost, Cx, Result};
use headwater_http::{Reply, Request, StatusCode, header::IF_NONE_MATCH};
use serde::Deserialize;
use serde_json::json;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Entries of a page of tables: as many as the API gives at once.
const PAGE: &str = "1000";

/// A dataset.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) project: &'a str,
    pub(crate) dataset: &'a str,
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
        self.cx.or_stop(self.deliver(project, request)).await
    }

    /// Sends a request that a stop does not end.
    async fn deliver(&self, project: &str, request: Request<'_>) -> Result<Reply> {
        let _permit = self.api.permits.acquire().await;
        self.requests.fetch_add(1, Relaxed);
        let member = &self.api.principal.member;
        let result = request.send().await;
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
}
