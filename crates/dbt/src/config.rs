//! The settings of a connector, and what they mean.

use crate::read::Files;
use headwater_core::{Case, Cx, Filters, Host, Result, Scope};
use schemars::JsonSchema;
use serde::Deserialize;
use std::path::PathBuf;

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

/// Artifacts that are uploaded need no credentials.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Credentials {}

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
        Ok(())
    }

    pub(crate) fn scope(&self, case: Case) -> Result<Scope> {
        let scope = Scope::new(&self.filters, case)?;
        Ok(match &self.packages {
            Some(packages) => scope.with_catalogs(packages.iter().map(String::as_str)),
            None => scope,
        })
    }

    /// The files to read: those uploaded for the run, else the local ones. `None` without a manifest.
    pub(crate) fn files(&self, cx: &Cx) -> Option<Files> {
        if let Some(manifest) = cx.input("manifest_file") {
            return Some(Files {
                spool: manifest.parent().map(PathBuf::from),
                manifest: manifest.clone(),
                catalog: cx.input("catalog_file").cloned(),
                run_results: cx.input("run_results_file").cloned(),
                sources: cx.input("sources_file").cloned(),
            });
        }
        Some(Files {
            manifest: self.manifest_path.clone()?,
            catalog: self.catalog_path.clone(),
            run_results: self.run_results_path.clone(),
            sources: self.sources_path.clone(),
            spool: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_files_need_the_hosts_leave() {
        let config = Config {
            catalog_path: Some("/srv/target/catalog.json".into()),
            ..Config::default()
        };
        let error = config.validate(&Host::default()).unwrap_err();
        assert_eq!(error.fields()[0].pointer, "/config/catalog_path");
    }

    #[test]
    fn an_upload_stands_in_for_all_local_files() {
        let config = Config {
            manifest_path: Some("/local/manifest.json".into()),
            catalog_path: Some("/local/catalog.json".into()),
            ..Config::default()
        };
        let upload = Cx::default().with_input("manifest_file", "/uploads/1/manifest");
        let files = config.files(&upload).unwrap();
        assert_eq!(
            (files.manifest, files.catalog),
            ("/uploads/1/manifest".into(), None)
        );
        assert_eq!(config.files(&Cx::default()).unwrap().catalog, config.catalog_path);
        assert!(Config::default().files(&Cx::default()).is_none());
    }
}
