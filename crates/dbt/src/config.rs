//! The settings of a connector, and what they mean.

use crate::files::{Files, Input};
use headwater_core::{Case, Cx, Error, Filters, Host, Result, Scope};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};
use std::{borrow::Cow, fmt, path::PathBuf};

/// Which project is expected, what to read of it, and where its artifacts are if they are not uploaded.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The project's name in `dbt_project.yml`. A manifest of another project is refused.
    pub project_name: Option<String>,
    /// The connector of the same space that reads the warehouse which the project builds into.
    pub warehouse_connector_id: Option<String>,
    /// The packages to read; the default is the project and all packages that it installs.
    pub packages: Option<Vec<String>>,
    /// The account in dbt Cloud whose runs leave the artifacts.
    pub account_id: Option<Id>,
    /// The project in dbt Cloud; narrows the runs of the environment.
    pub project_id: Option<Id>,
    /// The environment in dbt Cloud whose newest runs are read, such as production.
    pub environment_id: Option<Id>,
    /// The job in dbt Cloud whose newest runs are read, in place of an environment.
    pub job_id: Option<Id>,
    /// The host of dbt Cloud; the default is `cloud.getdbt.com`. Accounts in cells have one like
    /// `ab123.us1.dbt.com`.
    pub host: Option<String>,
    /// The address of a folder with `manifest.json`, and with `catalog.json`, `run_results.json` and `sources.json`
    /// as far as there are any.
    pub artifacts_url: Option<String>,
    /// A local `manifest.json`, where the host program allows local files.
    pub manifest_path: Option<PathBuf>,
    /// A local `catalog.json`, beside `manifest_path`.
    pub catalog_path: Option<PathBuf>,
    /// A local `run_results.json`, beside `manifest_path`.
    pub run_results_path: Option<PathBuf>,
    /// A local `sources.json`, beside `manifest_path`.
    pub sources_path: Option<PathBuf>,
    /// What to read: the schemas are `model`, `seed`, `source.NAME` and so on, the tables the names of products.
    pub filters: Filters,
}

impl Config {
    /// Checks what the types cannot say.
    pub(crate) fn validate(&self, host: &Host) -> Result<()> {
        for (path, pointer) in [
            (&self.manifest_path, "/config/manifest_path"),
            (&self.catalog_path, "/config/catalog_path"),
            (&self.run_results_path, "/config/run_results_path"),
            (&self.sources_path, "/config/sources_path"),
        ] {
            if let Some(path) = path {
                host.local_files.check(path, pointer)?;
            }
        }
        self.one_source()?;
        self.cloud()
    }

    fn one_source(&self) -> Result<()> {
        let sources = [
            ("account_id", self.account_id.is_some()),
            ("artifacts_url", self.artifacts_url.is_some()),
            ("manifest_path", self.manifest_path.is_some()),
        ];
        let mut given = sources.iter().filter(|(_, given)| *given).map(|(name, _)| name);
        match (given.next(), given.next()) {
            (Some(first), Some(second)) => Err(Error::invalid_field(
                format!("/config/{second}"),
                format!("give either {first} or {second}: artifacts come from one place"),
            )),
            _ => Ok(()),
        }
    }

    /// What belongs to dbt Cloud stands together.
    fn cloud(&self) -> Result<()> {
        let beside = [
            ("project_id", self.project_id.is_some()),
            ("environment_id", self.environment_id.is_some()),
            ("job_id", self.job_id.is_some()),
            ("host", self.host.is_some()),
        ];
        let beside = beside.iter().find_map(|(name, given)| given.then_some(*name));
        match (&self.account_id, beside) {
            (None, Some(name)) => Err(Error::invalid_field(
                "/config/account_id",
                format!("is missing: {name} belongs to dbt Cloud"),
            )),
            (None, None) => Ok(()),
            (Some(_), _) => match (&self.environment_id, &self.job_id) {
                (Some(_), Some(_)) => Err(Error::invalid_field(
                    "/config/job_id",
                    "give either environment_id or job_id",
                )),
                (None, None) => Err(Error::invalid_field(
                    "/config/environment_id",
                    "is missing: give environment_id or job_id, because the runs of a whole project include those \
                     of pull requests",
                )),
                _ => Ok(()),
            },
        }
    }

    pub(crate) fn scope(&self, case: Case) -> Result<Scope> {
        let scope = Scope::new(&self.filters, case)?;
        Ok(match &self.packages {
            Some(packages) => scope.with_catalogs(packages.iter().map(String::as_str)),
            None => scope,
        })
    }

    /// Whether there is nothing to read but what is uploaded.
    pub(crate) fn waits_for_upload(&self) -> bool {
        self.manifest_path.is_none() && self.account_id.is_none() && self.artifacts_url.is_none()
    }

    /// The files that were uploaded for the run. `None` without a manifest.
    pub(crate) fn uploaded(cx: &Cx) -> Option<Files> {
        let manifest = cx.input("manifest_file")?;
        let given = |name| cx.input(name).map(Input::from);
        Some(Files {
            catalog: given("catalog_file"),
            run_results: given("run_results_file").into_iter().collect(),
            sources: given("sources_file"),
            spool: manifest.parent().map(PathBuf::from),
            ..Files::manifest(manifest)
        })
    }

    /// The local files. `None` without a manifest.
    pub(crate) fn local(&self) -> Option<Files> {
        let given = |path: &Option<PathBuf>| path.as_ref().map(Input::from);
        Some(Files {
            catalog: given(&self.catalog_path),
            run_results: given(&self.run_results_path).into_iter().collect(),
            sources: given(&self.sources_path),
            ..Files::manifest(self.manifest_path.as_ref()?)
        })
    }
}

/// A number of dbt Cloud's, as a number or as its digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Id(pub u64);

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Number(u64),
            Digits(String),
        }
        match Either::deserialize(deserializer)? {
            Either::Number(id) => Ok(Self(id)),
            Either::Digits(text) => match text.trim().parse() {
                Ok(id) => Ok(Self(id)),
                Err(_other) => Err(serde::de::Error::custom("not a number")),
            },
        }
    }
}

impl JsonSchema for Id {
    fn schema_name() -> Cow<'static, str> {
        "Id".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": ["integer", "string"], "minimum": 0, "pattern": "^[0-9]+$"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn wrong(config: Value) -> (String, String) {
        let config: Config = serde_json::from_value(config).unwrap();
        let error = config.validate(&Host::default()).unwrap_err();
        let field = &error.fields()[0];
        (field.pointer.clone(), field.detail.clone())
    }

    #[test]
    fn local_files_need_the_hosts_leave() {
        let (pointer, _) = wrong(json!({"catalog_path": "/srv/target/catalog.json"}));
        assert_eq!(pointer, "/config/catalog_path");
    }

    #[test]
    fn settings_that_do_not_go_together_are_named() {
        for (config, pointer, said) in [
            (
                json!({"account_id": 1}),
                "environment_id",
                "environment_id or job_id",
            ),
            (
                json!({"account_id": 1, "project_id": 2}),
                "environment_id",
                "pull requests",
            ),
            (
                json!({"account_id": 1, "environment_id": 2, "job_id": 3}),
                "job_id",
                "either",
            ),
            (json!({"job_id": 3}), "account_id", "job_id belongs to dbt Cloud"),
            (
                json!({"host": "cloud.getdbt.com"}),
                "account_id",
                "host belongs to dbt Cloud",
            ),
            (
                json!({"account_id": 1, "job_id": 3, "artifacts_url": "https://build.example.com"}),
                "artifacts_url",
                "account_id or artifacts_url",
            ),
        ] {
            let (found, detail) = wrong(config.clone());
            assert_eq!(found, format!("/config/{pointer}"), "{config}");
            assert!(detail.contains(said), "{detail}");
        }
    }

    #[test]
    fn numbers_of_dbt_cloud_may_be_digits() {
        let id = |value| serde_json::from_value::<Id>(value).ok();
        assert_eq!(id(json!(70403103)), Some(Id(70403103)));
        assert_eq!(id(json!(" 70403103 ")), Some(Id(70403103)));
        for other in [json!("prod"), json!(-1), json!(1.5), json!(""), json!([1])] {
            assert_eq!(id(other.clone()), None, "{other}");
        }
    }

    #[test]
    fn only_a_config_without_a_source_waits_for_an_upload() {
        let waits = |config| {
            serde_json::from_value::<Config>(config)
                .unwrap()
                .waits_for_upload()
        };
        assert!(waits(json!({"project_name": "shop"})));
        assert!(!waits(json!({"artifacts_url": "https://build.example.com"})));
        assert!(!waits(json!({"account_id": 1, "job_id": 2})));
        assert!(!waits(json!({"manifest_path": "manifest.json"})));
    }
}
