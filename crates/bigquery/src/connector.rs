//! The connector: what the contract asks, in order.

use crate::{
    auth, check,
    client::Api,
    config::{Config, Mode},
    convert,
    credentials::Credentials,
    discover,
    rest::{self, Reading},
    session::{Place, Session},
    sql,
};
use async_trait::async_trait;
use headwater_core::{
    Capability, Case, CheckReport, Connect, Cx, Discovery, Error, ErrorKind, Facet, Family, Host, Listing,
    Path, Result, Scope, SourceConnector, Split, SplitSink, Verified,
    model::{Namespace, Properties},
};
use serde_json::{Value, json};

/// Reads the metadata of BigQuery projects. See the [crate's docs](crate).
#[derive(Debug)]
pub struct BigQuery {
    api: Api,
    config: Config,
    projects: Vec<String>,
    scope: Scope,
}

const fn verified(name: &'static str, verified: Verified) -> Capability {
    Capability { name, verified }
}

impl Connect for BigQuery {
    const KIND: &'static str = "bigquery";
    const NAME: &'static str = "Google BigQuery";
    const FAMILY: Family = Family {
        name: convert::FAMILY,
        case: Case::Sensitive,
    };
    const CAPABILITIES: &'static [Capability] = &[
        verified("columns", Verified::Emulator),
        verified("constraints", Verified::Fake),
        verified("comments", Verified::Emulator),
        verified("definitions", Verified::Emulator),
        verified("lineage", Verified::Fake),
        verified("row_counts", Verified::Fake),
        verified("tags", Verified::Emulator),
    ];
    const DESTINATIONS: &'static [&'static str] = &["/endpoint"];

    type Config = Config;
    type Credentials = Credentials;

    fn scope(config: &Config) -> Result<Scope> {
        config.scope()
    }

    fn open(config: Config, credentials: Credentials, host: &Host) -> Result<Self> {
        config.validate()?;
        let endpoints = config.endpoints(host)?;
        let principal = auth::principal(&credentials, &endpoints, host)?;
        Ok(Self {
            api: Api::new(&config, endpoints, principal, host)?,
            projects: config.project_ids()?,
            scope: config.scope()?,
            config,
        })
    }
}

#[async_trait]
impl SourceConnector for BigQuery {
    async fn check(&self, cx: &Cx) -> Result<CheckReport> {
        let session = Session::new(&self.api, cx);
        let capabilities = Self::CAPABILITIES.iter().map(|capability| capability.name);
        check::check(&session, &self.config, &self.projects, &self.scope, capabilities).await
    }

    async fn discover(&self, scope: &Scope, cx: &Cx) -> Result<Discovery> {
        let session = Session::new(&self.api, cx);
        discover::discover(&session, &self.projects, scope).await
    }

    async fn sync(&self, split: &Split, out: &SplitSink) -> Result<()> {
        let [path] = split.namespaces.as_slice() else {
            return Err(foreign(split));
        };
        let [project, dataset] = path.segments() else {
            return Err(foreign(split));
        };
        let session = Session::new(&self.api, out.cx());
        let reading = Reading {
            place: Place { project, dataset },
            path,
            scope: &self.scope,
            collapse: self.config.collapse_sharded_tables,
            concurrency: self.config.concurrency.into(),
        };
        let read = self.read(&session, reading, &split.payload, out).await;
        let listing = match read {
            Ok(()) => Listing::Complete,
            // Dropped, or no longer open to the principal, since it was listed: the next discovery knows.
            Err(error) if is_of_one_dataset(&error) => Listing::failed(&error),
            Err(error) => return Err(error),
        };
        out.cost(session.cost()).await?;
        out.close(path, listing).await
    }
}

impl BigQuery {
    async fn read(
        &self,
        session: &Session<'_>,
        reading: Reading<'_>,
        payload: &Value,
        out: &SplitSink,
    ) -> Result<()> {
        describe(session, reading, out).await?;
        match self.config.mode {
            Mode::Rest => rest::read(session, reading, out).await,
            Mode::Sql => {
                let own = payload.get("location").and_then(Value::as_str);
                let location = self.config.location.as_deref().or(own);
                sql::read(session, &self.config, location, reading, out).await
            }
        }
    }
}

/// Whether other datasets may be open to the principal although this one is not.
fn is_of_one_dataset(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied)
}

/// Reports the dataset itself. Grants on its tables do without a view of it.
async fn describe(session: &Session<'_>, reading: Reading<'_>, out: &SplitSink) -> Result<()> {
    let Reading { place, path, .. } = reading;
    let mut namespace = match session.dataset(place).await {
        Ok(dataset) => convert::namespace(path.clone(), dataset),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            out.warn("dataset_unread", error.to_string(), Some(path.clone()))
                .await?;
            Namespace::new(path.clone(), "dataset")
        }
        Err(error) => return Err(error),
    };
    count(session, place, &mut namespace.properties).await?;
    namespace.owner = Facet::Unread;
    out.namespace(namespace).await
}

/// Counts what is in a dataset beside its tables. What cannot be counted is null: it was not read.
async fn count(session: &Session<'_>, place: Place<'_>, properties: &mut Properties) -> Result<()> {
    for what in ["models", "routines"] {
        let count = match session.count(place, what).await {
            Ok(count) => json!(count),
            Err(error) if discover::is_unanswerable(&error) => Value::Null,
            Err(error) => return Err(error),
        };
        properties.insert(what.into(), count);
    }
    Ok(())
}

fn foreign(split: &Split) -> Error {
    Error::new(ErrorKind::Unexpected, "a split that this connector did not make")
        .with_context("split", &split.id)
        .with_context(
            "namespaces",
            split
                .namespaces
                .iter()
                .map(Path::to_string)
                .collect::<Vec<_>>()
                .join(" "),
        )
}
