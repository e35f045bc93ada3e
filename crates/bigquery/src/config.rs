//! The settings of a connector, and what they mean.

use headwater_core::{Case, Error, Filters, Host, Result, Scope};
use headwater_http::{Url, is_loopback, origin};
use schemars::JsonSchema;
use serde::Deserialize;
use std::time::Duration;

/// Google's own address of the BigQuery API.
const VENDOR: &str = "https://bigquery.googleapis.com";

/// Which projects to read, and how.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The project to read, by its id. Give either this or `projects`.
    #[serde(default)]
    pub project_id: Option<String>,
    /// The projects to read, by their ids. Give either this or `project_id`.
    #[serde(default)]
    pub projects: Option<Vec<String>>,
    /// The only dataset to read: a short form of `filters.include_schemas`.
    #[serde(default)]
    pub dataset: Option<String>,
    /// Where the queries of mode `sql` run, such as `EU`. The default is each dataset's own location.
    #[serde(default)]
    pub location: Option<String>,
    /// The project that pays for the queries of mode `sql`. The default is the project that is read.
    #[serde(default)]
    pub billing_project: Option<String>,
    /// How tables are read. The default is `rest`.
    #[serde(default)]
    pub mode: Mode,
    /// The most bytes that one query of mode `sql` may bill. BigQuery bills 10 MiB at least.
    #[serde(default = "default_max_bytes_billed")]
    #[schemars(range(min = 10_485_760_u64))]
    pub max_bytes_billed: u64,
    /// Another address of the API: an endpoint of Private Service Connect, or an emulator's.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// Requests in a second, over all connectors of this principal in one process.
    #[serde(default = "default_requests_per_second")]
    #[schemars(range(min = 1, max = 10_000))]
    pub requests_per_second: u32,
    /// Requests at once.
    #[serde(default = "default_concurrency")]
    #[schemars(range(min = 1, max = 256))]
    pub concurrency: u16,
    /// Whether the tables of a series such as `events_20260131` are one table, `events_*`.
    #[serde(default = "default_collapse")]
    pub collapse_sharded_tables: bool,
    /// Which datasets and tables to read. Schemas are datasets.
    #[serde(default)]
    pub filters: Filters,
}

fn default_max_bytes_billed() -> u64 {
    1 << 30
}

fn default_requests_per_second() -> u32 {
    50
}

fn default_concurrency() -> u16 {
    16
}

fn default_collapse() -> bool {
    true
}

/// How tables are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// One request per table, no query: free, in every region, and with grants on single tables.
    #[default]
    Rest,
    /// A handful of queries of INFORMATION_SCHEMA per dataset, which are billed.
    Sql,
}

/// The addresses of Google's APIs. An endpoint on a loopback address stands for all of them.
#[derive(Debug, Clone)]
pub(crate) struct Endpoints {
    pub(crate) bigquery: Url,
    pub(crate) resource_manager: Url,
    pub(crate) iam_credentials: Url,
}

impl Config {
    /// The filters as a scope over the configured projects.
    pub(crate) fn scope(&self) -> Result<Scope> {
        let mut filters = self.filters.clone();
        if let Some(dataset) = &self.dataset {
            if !filters.include_schemas.is_empty() {
                let detail = "give either dataset or filters.include_schemas, not both";
                return Err(Error::invalid_field("/config/dataset", detail));
            }
            filters.include_schemas.push(dataset.clone());
        }
        Ok(Scope::new(&filters, Case::Sensitive)?.with_catalogs(self.project_ids()?))
    }

    /// The projects to read, at least one and each once.
    pub(crate) fn project_ids(&self) -> Result<Vec<String>> {
        let (ids, pointer) = match (&self.project_id, &self.projects) {
            (Some(id), None) => (vec![id.clone()], "/config/project_id"),
            (None, Some(ids)) => (ids.clone(), "/config/projects"),
            (Some(_), Some(_)) => {
                let detail = "give either project_id or projects, not both";
                return Err(Error::invalid_field("/config/projects", detail));
            }
            (None, None) => {
                let detail = "is missing: name the project to read, or several as projects";
                return Err(Error::invalid_field("/config/project_id", detail));
            }
        };
        let mut sorted = ids.clone();
        sorted.sort_unstable();
        sorted.dedup();
        if ids.is_empty() || sorted.len() != ids.len() || !ids.iter().all(|id| is_project_id(id)) {
            let detail = "expected ids of projects such as my-project-1, each once; a project's name or number \
                          is not its id";
            return Err(Error::invalid_field(pointer, detail));
        }
        Ok(ids)
    }

    pub(crate) fn validate(&self) -> Result<()> {
        let ranges = [
            (
                "requests_per_second",
                (1..=10_000).contains(&self.requests_per_second),
                "expected an integer from 1 to 10000",
            ),
            (
                "concurrency",
                (1..=256).contains(&self.concurrency),
                "expected an integer from 1 to 256",
            ),
            (
                "max_bytes_billed",
                self.max_bytes_billed >= 10 << 20,
                "expected an integer of at least 10485760, the least that BigQuery bills for a query",
            ),
            (
                "billing_project",
                self.billing_project.as_deref().is_none_or(is_project_id),
                "expected the id of a project such as my-project-1",
            ),
            (
                "location",
                self.location.as_deref().is_none_or(is_location),
                "expected a location such as EU or europe-west3",
            ),
        ];
        match ranges.into_iter().find(|(_, valid, _)| !valid) {
            Some((name, _, detail)) => Err(Error::invalid_field(format!("/config/{name}"), detail)),
            None => Ok(()),
        }
    }

    pub(crate) fn endpoints(&self, host: &Host) -> Result<Endpoints> {
        let read = |text: &str| origin(text, "/config/endpoint", host);
        let bigquery = read(self.endpoint.as_deref().unwrap_or(VENDOR))?;
        if is_loopback(&bigquery) {
            return Ok(Endpoints {
                resource_manager: bigquery.clone(),
                iam_credentials: bigquery.clone(),
                bigquery,
            });
        }
        Ok(Endpoints {
            bigquery,
            resource_manager: read("https://cloudresourcemanager.googleapis.com")?,
            iam_credentials: read("https://iamcredentials.googleapis.com")?,
        })
    }

    /// The distance between two requests.
    pub(crate) fn distance(&self) -> Duration {
        Duration::from_secs(1) / self.requests_per_second.max(1)
    }
}

/// Whether a text can be the id of a project: lower-case letters, digits and hyphens, with the old
/// `example.com:` before it, and no number.
fn is_project_id(text: &str) -> bool {
    let id = text
        .rsplit_once(':')
        .map_or(text, |(domain, id)| match domain.is_empty() {
            true => "",
            false => id,
        });
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.' | ':');
    id.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(allowed)
}

fn is_location(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use headwater_core::Path;
    use serde_json::{Value, json};

    fn config(change: Value) -> Config {
        let mut all = json!({"project_id": "shop-1"});
        for (key, value) in change.as_object().unwrap() {
            all[key] = value.clone();
        }
        serde_json::from_value(all).unwrap()
    }

    fn pointer(result: Result<impl std::fmt::Debug>) -> String {
        result.unwrap_err().fields()[0].pointer.clone()
    }

    #[test]
    fn one_project_or_several_by_their_ids() {
        assert_eq!(config(json!({})).project_ids().unwrap(), ["shop-1"]);
        let several = json!({"project_id": null, "projects": ["b", "example.com:a"]});
        assert_eq!(config(several).project_ids().unwrap(), ["b", "example.com:a"]);
        for (change, at) in [
            (json!({"project_id": null}), "/config/project_id"),
            (json!({"project_id": ""}), "/config/project_id"),
            (json!({"project_id": "123456"}), "/config/project_id"),
            (json!({"project_id": "My Project"}), "/config/project_id"),
            (json!({"project_id": ":a"}), "/config/project_id"),
            (json!({"projects": ["a"]}), "/config/projects"),
            (json!({"project_id": null, "projects": []}), "/config/projects"),
            (
                json!({"project_id": null, "projects": ["a", "a"]}),
                "/config/projects",
            ),
        ] {
            assert_eq!(pointer(config(change.clone()).project_ids()), at, "{change}");
        }
    }

    #[test]
    fn names_are_compared_with_their_case() {
        let scope = config(json!({"dataset": "Sales"})).scope().unwrap();
        assert!(scope.admits_namespace(&Path::new(["shop-1", "Sales"])));
        assert!(!scope.admits_namespace(&Path::new(["shop-1", "sales"])));
        assert!(!scope.admits_namespace(&Path::new(["other", "Sales"])));
        let both = config(json!({"dataset": "a", "filters": {"include_schemas": ["b"]}}));
        assert_eq!(pointer(both.scope()), "/config/dataset");
    }

    #[test]
    fn values_out_of_range_are_told_by_name() {
        for (change, at) in [
            (json!({"requests_per_second": 0}), "/config/requests_per_second"),
            (json!({"concurrency": 0}), "/config/concurrency"),
            (json!({"max_bytes_billed": 1}), "/config/max_bytes_billed"),
            (json!({"billing_project": "A B"}), "/config/billing_project"),
            (json!({"location": "eu;"}), "/config/location"),
        ] {
            assert_eq!(pointer(config(change).validate()), at);
        }
        assert!(config(json!({"location": "europe-west3"})).validate().is_ok());
    }

    #[test]
    fn only_an_emulator_stands_for_other_apis_too() {
        let host = Host::default();
        let named = |endpoint| {
            let endpoints = config(json!({"endpoint": endpoint})).endpoints(&host).unwrap();
            (
                endpoints.bigquery.to_string(),
                endpoints.iam_credentials.to_string(),
            )
        };
        let vendor = "https://iamcredentials.googleapis.com/".to_owned();
        let emulator = "http://127.0.0.1:9050/".to_owned();
        assert_eq!(named(Some("http://127.0.0.1:9050")), (emulator.clone(), emulator));
        assert_eq!(
            named(None),
            ("https://bigquery.googleapis.com/".into(), vendor.clone())
        );
        let connect = "https://bigquery-mine.p.googleapis.com/";
        assert_eq!(named(Some(connect)), (connect.into(), vendor));
        let plain = config(json!({"endpoint": "http://bigquery.example.com"}));
        assert_eq!(pointer(plain.endpoints(&host)), "/config/endpoint");
    }
}
