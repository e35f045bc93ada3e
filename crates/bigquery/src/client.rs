//! BigQuery's REST API: what is asked, and nothing of our types.

use crate::{
    auth::Principal,
    config::{Config, Endpoints},
    error,
};
use headwater_core::{Host, Result};
use headwater_http::{Client, Request, Settings, Url};
use tokio::sync::Semaphore;

/// The API as one principal sees it. All splits of a connector share it.
#[derive(Debug)]
pub(crate) struct Api {
    pub(crate) endpoints: Endpoints,
    pub(crate) principal: Principal,
    /// Requests at once, over all splits.
    pub(crate) permits: Semaphore,
    http: Client,
}

impl Api {
    pub(crate) fn new(
        config: &Config,
        endpoints: Endpoints,
        principal: Principal,
        host: &Host,
    ) -> Result<Self> {
        let mut settings = Settings::new("BigQuery");
        settings.explain = error::explain;
        let key = format!("bigquery:{}", principal.name);
        settings.limiter = Some(host.limiters.get(&key, config.distance()));
        let mut http = Client::new(host, settings)?;
        if let Some(auth) = &principal.auth {
            http = http.with_auth(auth.clone());
        }
        Ok(Self {
            endpoints,
            principal,
            permits: Semaphore::new(config.concurrency.into()),
            http,
        })
    }

    /// A GET below a project.
    pub(crate) fn get<'s>(&self, project: &'s str, below: impl IntoIterator<Item = &'s str>) -> Request<'_> {
        self.http.get(&self.endpoints.bigquery, segments(project, below))
    }

    /// A POST below a project.
    pub(crate) fn post<'s>(&self, project: &'s str, below: impl IntoIterator<Item = &'s str>) -> Request<'_> {
        self.http.post(&self.endpoints.bigquery, segments(project, below))
    }

    /// A POST to another API of Google's.
    pub(crate) fn post_to<'s>(&self, base: &Url, path: impl IntoIterator<Item = &'s str>) -> Request<'_> {
        self.http.post(base, path)
    }
}

fn segments<'s>(project: &'s str, below: impl IntoIterator<Item = &'s str>) -> impl Iterator<Item = &'s str> {
    ["bigquery", "v2", "projects", project].into_iter().chain(below)
}
