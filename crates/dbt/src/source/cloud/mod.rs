//! Artifacts of runs in dbt Cloud.
//!
//! The schema comes from the newest run that has a manifest, if possible from one that succeeded; the results of tests
//! from the newest run, however it ended. Without a step the API serves what the last step of a run left. A catalog that
//! an earlier step made is a 404 then, so the steps are tried, from the last to the first.

mod api;

use crate::{
    Config, Credentials,
    artifact::Artifact,
    config::Id,
    files::{Files, Input, Origin},
};
use api::{Api, PAGE, Run, Step};
use headwater_core::{Error, ErrorKind, Host, Result};
use headwater_http::origin;
use serde_json::json;

/// The multi-tenant host.
const HOST: &str = "cloud.getdbt.com";
/// How many runs are looked at.
const MOST_RUNS: usize = 300;
/// How many of them are asked for an artifact.
const MOST_TRIES: usize = 20;

/// The runs of an environment or of a job.
#[derive(Debug)]
pub(crate) struct Cloud {
    api: Api,
    filters: Vec<(&'static str, String)>,
}

/// Runs that have finished, newest first.
struct Runs {
    finished: Vec<Run>,
}

impl Runs {
    /// Those that succeeded, then the others.
    fn by_preference(&self) -> impl Iterator<Item = &Run> {
        let succeeded = self.finished.iter().filter(|run| run.succeeded());
        succeeded.chain(self.finished.iter().filter(|run| !run.succeeded()))
    }

    /// A run, and then all others that may serve in its place.
    fn from<'r>(&'r self, first: &'r Run, serves: fn(&Run) -> Option<bool>) -> impl Iterator<Item = &'r Run> {
        let others = self.finished.iter();
        let others = others.filter(move |run| run.id != first.id && serves(run) == Some(true));
        std::iter::once(first).chain(others)
    }
}

impl Cloud {
    pub(crate) fn new(account: Id, config: &Config, credentials: &Credentials, host: &Host) -> Result<Self> {
        let base = origin(config.host.as_deref().unwrap_or(HOST), "/config/host", host)?;
        let filters = [
            ("project_id", config.project_id),
            ("environment_id", config.environment_id),
            ("job_definition_id", config.job_id),
        ];
        let named = |(name, id): (&'static str, Option<Id>)| Some((name, id?.to_string()));
        Ok(Self {
            api: Api::new(base, account.0, credentials, host)?,
            filters: filters.into_iter().filter_map(named).collect(),
        })
    }

    /// What would be read, for people, and whether a catalog is known to be there.
    pub(crate) async fn describe(&self) -> Result<(String, bool)> {
        let runs = self.runs().await?;
        let run = runs
            .by_preference()
            .next()
            .ok_or_else(|| self.nothing_finished())?;
        let artifacts = self.api.artifacts(run).await?;
        let has = |name: &str| artifacts.iter().any(|artifact| artifact == name);
        let has_catalog = has("catalog.json")
            || runs
                .finished
                .iter()
                .any(|run| run.has_docs_generated == Some(true));
        let message = format!("dbt Cloud, {}", told(run));
        match has("manifest.json") {
            true => Ok((message, has_catalog)),
            false => Ok((
                format!("{message}; its last step left no manifest.json"),
                has_catalog,
            )),
        }
    }

    /// Fetches the newest artifacts.
    ///
    /// # Errors
    /// `NotFound` when no run has a manifest.
    pub(crate) async fn files(&self) -> Result<Files> {
        let runs = self.runs().await?;
        let newest = runs.finished.first().ok_or_else(|| self.nothing_finished())?;
        let (run, manifest) = self.manifest(&runs).await?;
        let mut origin = Origin::default();
        if run.id != newest.id {
            let detail = format!(
                "manifest.json is of {}; the newest is {}",
                told(run),
                told(newest)
            );
            origin.warnings.push(("older_run", detail));
        }
        let with_docs = runs.from(run, |run| run.has_docs_generated);
        let catalog = self.first_of(with_docs, Artifact::Catalog).await?;
        let fresh = runs.from(newest, |run| run.has_sources_generated);
        let sources = self.first_of(fresh, Artifact::Sources).await?;
        let (tested, run_results) = self.results(newest, run).await?;
        for (name, run) in [
            ("dbt_cloud_run_id", Some(run.id)),
            (
                "dbt_cloud_catalog_run_id",
                catalog.as_ref().map(|(run, _)| run.id),
            ),
            ("dbt_cloud_results_run_id", tested.map(|run| run.id)),
        ] {
            origin.properties.extend(run.map(|run| (name.into(), json!(run))));
        }
        origin.requests = self.api.take_requests();
        Ok(Files {
            manifest,
            catalog: catalog.map(|(_, input)| input),
            run_results,
            sources: sources.map(|(_, input)| input),
            spool: None,
            origin,
        })
    }

    /// The runs that have finished, as far back as the first success, and a page at least.
    async fn runs(&self) -> Result<Runs> {
        let mut finished: Vec<Run> = Vec::new();
        let mut offset = 0;
        loop {
            let page = self.api.runs(&self.filters, offset).await?;
            let last = page.len() < PAGE;
            offset += page.len();
            // A run that finishes while pages are turned moves others back, and they come twice.
            let new = page.into_iter().filter(Run::is_finished);
            for run in new {
                if finished.iter().all(|known| known.id != run.id) {
                    finished.push(run);
                }
            }
            if last || offset >= MOST_RUNS || finished.iter().any(Run::succeeded) {
                return Ok(Runs { finished });
            }
        }
    }

    async fn manifest<'r>(&self, runs: &'r Runs) -> Result<(&'r Run, Input)> {
        let found = self.first_of(runs.by_preference(), Artifact::Manifest).await?;
        found.ok_or_else(|| {
            let message = "none of the newest runs in dbt Cloud left a manifest.json";
            Error::new(ErrorKind::NotFound, message).with_context("runs", runs.finished.len())
        })
    }

    /// An artifact of the first run that has it.
    async fn first_of<'r>(
        &self,
        runs: impl Iterator<Item = &'r Run>,
        artifact: Artifact,
    ) -> Result<Option<(&'r Run, Input)>> {
        for run in runs.take(MOST_TRIES) {
            if let Some(input) = self.latest(run, artifact).await? {
                return Ok(Some((run, input)));
            }
        }
        Ok(None)
    }

    /// An artifact of the last step of a run that left one.
    async fn latest(&self, run: &Run, artifact: Artifact) -> Result<Option<Input>> {
        let name = artifact.file_name();
        if let Some(input) = self.api.artifact(run, None, name).await? {
            return Ok(Some(input));
        }
        for step in self.api.steps(run).await?.iter().rev() {
            if let Some(input) = self.api.artifact(run, Some(step), name).await? {
                return Ok(Some(input));
            }
        }
        Ok(None)
    }

    /// The results of the newest run, of each command that ran nodes; of the manifest's run if that has none, as when it
    /// was cancelled before it began.
    async fn results<'r>(&self, newest: &'r Run, run: &'r Run) -> Result<(Option<&'r Run>, Vec<Input>)> {
        let either = [newest, run];
        let distinct = if newest.id == run.id { 1 } else { 2 };
        for run in either.into_iter().take(distinct) {
            let mut inputs = Vec::new();
            for step in self.api.steps(run).await?.iter().filter(|step| runs_nodes(step)) {
                inputs.extend(
                    self.api
                        .artifact(run, Some(step), Artifact::RunResults.file_name())
                        .await?,
                );
            }
            if !inputs.is_empty() {
                return Ok((Some(run), inputs));
            }
        }
        Ok((None, Vec::new()))
    }

    fn nothing_finished(&self) -> Error {
        let filters: Vec<_> = self
            .filters
            .iter()
            .map(|(name, id)| format!("{name} {id}"))
            .collect();
        let message =
            "no run has finished in dbt Cloud yet: run the job once, or check the numbers in the config";
        Error::new(ErrorKind::NotFound, message).with_context("runs_of", filters.join(", "))
    }
}

/// Whether the command of a step runs nodes of the project, so that its results are worth having.
fn runs_nodes(step: &Step) -> bool {
    let name = step.name.as_deref().unwrap_or_default();
    let command = name.split_once("dbt ").map_or("", |(_, command)| command);
    let ran = ["build", "run", "test", "seed", "snapshot", "retry", "clone"];
    // Flags may stand before the command: dbt --warn-error build.
    let mut words = command.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_');
    words.any(|word| ran.contains(&word)) && !command.contains("docs generate")
}

fn told(run: &Run) -> String {
    let when = run.finished_at.as_deref().unwrap_or("at an unknown time");
    format!("run {} ({}, finished {when})", run.id, run.outcome())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_that_run_nodes() {
        let step = |name: &str| Step {
            index: 4,
            name: Some(name.to_owned()),
        };
        for name in [
            "Invoke dbt with `dbt build`",
            "Invoke dbt with `dbt --warn-error run --select tag:nightly`",
            "Invoke dbt with `dbt test`",
        ] {
            assert!(runs_nodes(&step(name)), "{name}");
        }
        for name in [
            "Clone git repository",
            "Create profile from connection Snowflake",
            "Invoke dbt with `dbt deps`",
            "Invoke dbt with `dbt docs generate`",
            "Invoke dbt with `dbt source freshness`",
            "Invoke dbt with `dbt compile`",
        ] {
            assert!(!runs_nodes(&step(name)), "{name}");
        }
        assert!(!runs_nodes(&Step::default()));
    }
}
