use crate::{
    Config, Credentials, emit, error, files::Files, lineage, project::Project, read, source::Source,
};
use async_trait::async_trait;
use headwater_core::{
    Capability, Case, CheckReport, Connect, Container, Cx, Discovery, Error, ErrorKind, Family, Host,
    Listing, Path, Readable, Result, Scope, SourceConnector, Split, SplitSink, Verified, Visibility,
};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
    time::Instant,
};

/// A dbt project, as its artifacts tell it.
///
/// Discovery reads the artifacts whole, and the one split emits what was read then. Where there was no discovery
/// in this process, as when a run is resumed, the split reads the artifacts itself.
#[derive(Debug)]
pub struct Dbt {
    project_name: Option<String>,
    source: Source,
    scope: Scope,
    discovered: Mutex<Option<Project>>,
}

impl Connect for Dbt {
    const KIND: &'static str = "dbt";
    const NAME: &'static str = "dbt";
    const ALIASES: &'static [&'static str] = &["dbt_manifest", "dbt_cloud"];
    const INPUTS: &'static [&'static str] = &[
        "manifest_file",
        "catalog_file",
        "run_results_file",
        "sources_file",
    ];
    const FAMILY: Family = Family {
        name: lineage::FAMILY,
        case: Case::Sensitive,
    };
    const CAPABILITIES: &'static [Capability] = &[
        capability("columns"),
        capability("definitions"),
        capability("lineage"),
        capability("tests"),
        capability("row_counts"),
        Capability {
            name: "dbt_cloud",
            verified: Verified::Fake,
        },
    ];
    const DESTINATIONS: &'static [&'static str] = &["/host", "/artifacts_url"];
    const LINKS_INTO: Option<&'static str> = Some("/warehouse_connector_id");
    type Config = Config;
    type Credentials = Credentials;

    fn waits_for_input(config: &Config) -> bool {
        config.waits_for_upload()
    }

    fn scope(config: &Config) -> Result<Scope> {
        config.scope(Self::FAMILY.case)
    }

    fn open(config: Config, credentials: Credentials, host: &Host) -> Result<Self> {
        config.validate(host)?;
        Ok(Self {
            scope: Self::scope(&config)?,
            source: Source::of(&config, &credentials, host)?,
            project_name: config.project_name,
            discovered: Mutex::default(),
        })
    }
}

/// Stands for what a manifest does not say. So one that does not say it never passes for the project before it.
const UNNAMED: &str = "without a name";

const fn capability(name: &'static str) -> Capability {
    Capability {
        name,
        verified: Verified::Real,
    }
}

#[async_trait]
impl SourceConnector for Dbt {
    /// Reads the artifacts where there are any, and asks dbt Cloud for its runs; a connector that is fed by uploads has
    /// nothing else to prove.
    async fn check(&self, cx: &Cx) -> Result<CheckReport> {
        let begin = Instant::now();
        let (message, has_catalog) = match &self.source {
            Source::Cloud(cloud) => cx.or_stop(cloud.describe()).await?,
            _ => match self.source.files(cx).await? {
                Some(files) => {
                    let has_catalog = files.catalog.is_some();
                    (describe(&self.read(files, cx).await?), has_catalog)
                }
                None => ("waits for the upload of a manifest".to_owned(), true),
            },
        };
        let readable = |name: &'static str| match name {
            "row_counts" if !has_catalog => Readable {
                readable: false,
                detail: Some("there is no catalog.json: make it with dbt docs generate".to_owned()),
                grant: None,
            },
            "dbt_cloud" if !matches!(self.source, Source::Cloud(_)) => Readable {
                detail: Some("not configured".to_owned()),
                ..Readable::yes()
            },
            _ => Readable::yes(),
        };
        let capabilities = Self::CAPABILITIES
            .iter()
            .map(|one| (one.name, readable(one.name)));
        Ok(CheckReport {
            message,
            latency: begin.elapsed(),
            capabilities: capabilities.collect(),
        })
    }

    async fn discover(&self, _: &Scope, cx: &Cx) -> Result<Discovery> {
        let project = self.project(cx).await?;
        let namespaces = project.index.namespaces();
        let packages: BTreeSet<Path> = namespaces.iter().filter_map(Path::parent).collect();
        let container = |path: Path| Container {
            path,
            children: Listing::Complete,
            visibility: Visibility::Everyone,
        };
        let paths = [Path::root()]
            .into_iter()
            .chain(packages)
            .chain(namespaces.iter().cloned());
        let discovery = Discovery {
            identity: Some(project.header.project().unwrap_or(UNNAMED).to_owned()),
            containers: paths.map(container).collect(),
            splits: vec![Split {
                id: "project".to_owned(),
                namespaces: namespaces.into_iter().collect(),
                payload: Value::Null,
            }],
            max_parallel: Some(1),
        };
        *self.discovered.lock().unwrap_or_else(PoisonError::into_inner) = Some(project);
        Ok(discovery)
    }

    async fn sync(&self, split: &Split, out: &SplitSink) -> Result<()> {
        let discovered = self
            .discovered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let project = match discovered {
            Some(project) => project,
            None => self.project(out.cx()).await?,
        };
        emit::project(project, &self.scope, split, out).await
    }
}

impl Dbt {
    async fn project(&self, cx: &Cx) -> Result<Project> {
        let Some(files) = self.source.files(cx).await? else {
            let message =
                "nothing to sync: upload a manifest, or give manifest_path, artifacts_url or account_id";
            return Err(Error::new(ErrorKind::Unsupported, message).with_code("nothing_to_sync"));
        };
        self.read(files, cx).await
    }

    async fn read(&self, files: Files, cx: &Cx) -> Result<Project> {
        let stop = cx.stop().clone();
        let project = emit::blocking(move || read::read(&files, &stop)).await?;
        match &self.project_name {
            Some(wanted) if !project.header.is_of(wanted) => {
                let message = "the manifest is of another project than config.project_name";
                Err(error::invalid_manifest(message)
                    .with_context("expected", wanted)
                    .with_context("found", project.header.project().unwrap_or(UNNAMED)))
            }
            _ => Ok(project),
        }
    }
}

fn describe(project: &Project) -> String {
    let header = &project.header;
    let name = header.project().unwrap_or(UNNAMED);
    let version = header.dbt_version.as_deref().unwrap_or("of an unknown version");
    let products = project.index.len();
    format!(
        "project {name}, dbt {version}: {products} products, disabled nodes: {}",
        project.disabled
    )
}
