//! The connector: what the contract asks, in order.

use crate::{
    config::{Config, Credentials},
    connect::Server,
    discover, read,
    session::{Limits, Session, or_cancel},
};
use async_trait::async_trait;
use headwater_core::{
    Capability, Case, CheckReport, Connect, Container, Cx, Discovery, Error, ErrorKind, Family, Host,
    Listing, Path, Readable, Result, Scope, SourceConnector, Split, SplitSink, Verified, Visibility,
};
use std::{collections::BTreeMap, time::Instant};

/// Reads the metadata of PostgreSQL databases. See the [crate's docs](crate).
#[derive(Debug)]
pub struct Postgres {
    server: Server,
    databases: Vec<String>,
    scope: Scope,
    limits: Limits,
}

/// How many sessions a server is asked to bear at once.
const SESSIONS: usize = 4;

const fn real(name: &'static str) -> Capability {
    Capability {
        name,
        verified: Verified::Real,
    }
}

impl Connect for Postgres {
    const KIND: &'static str = "postgres";
    const NAME: &'static str = "PostgreSQL";
    const ALIASES: &'static [&'static str] = &["postgresql"];
    const FAMILY: Family = Family {
        name: "postgres",
        case: Case::Insensitive,
    };
    const CAPABILITIES: &'static [Capability] = &[
        real("columns"),
        real("constraints"),
        real("comments"),
        real("definitions"),
        real("lineage"),
        real("row_counts"),
        real("owners"),
    ];
    const DESTINATIONS: &'static [&'static str] = &["/host", "/port"];

    type Config = Config;
    type Credentials = Credentials;

    fn scope(config: &Config) -> Result<Scope> {
        config.scope()
    }

    fn open(config: Config, credentials: Credentials, host: &Host) -> Result<Self> {
        Ok(Self {
            scope: config.scope()?,
            databases: config.database_names()?,
            limits: Limits::from(&config),
            server: Server::new(&config, credentials, host)?,
        })
    }
}

#[async_trait]
impl SourceConnector for Postgres {
    async fn check(&self, cx: &Cx) -> Result<CheckReport> {
        let mut report: Option<CheckReport> = None;
        let mut refused = Vec::new();
        for database in &self.databases {
            match self.check_database(database, cx).await {
                Ok(found) => {
                    report = Some(match report {
                        Some(before) => merge(before, found),
                        None => found,
                    })
                }
                Err(error) if is_of_one_database(&error) => refused.push((database, error)),
                Err(error) => return Err(error),
            }
        }
        match (report, refused.into_iter().next()) {
            (Some(report), None) => Ok(report),
            (Some(report), Some((database, error))) => Ok(without(report, database, &error)),
            (None, Some((_, error))) => Err(error),
            (None, None) => Err(Error::new(ErrorKind::Unexpected, "no database is configured")),
        }
    }

    async fn discover(&self, scope: &Scope, cx: &Cx) -> Result<Discovery> {
        let mut discovery = Discovery {
            identity: None,
            containers: vec![Container {
                path: Path::root(),
                // The config names the databases: there are no others to miss.
                children: Listing::Complete,
                visibility: Visibility::Everyone,
            }],
            splits: Vec::new(),
            max_parallel: Some(SESSIONS),
        };
        let mut refused: Option<Error> = None;
        let mut opened = 0;
        for database in &self.databases {
            match self.discover_database(database, scope, cx).await {
                Ok(found) => {
                    opened += 1;
                    discovery.containers.extend(found.containers);
                    discovery.splits.extend(found.splits);
                    discovery.identity = discovery.identity.or(found.identity);
                }
                Err(error) if is_of_one_database(&error) => {
                    discovery.containers.push(discover::unopened(database, &error));
                    refused.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        match refused {
            Some(error) if opened == 0 => Err(error),
            _ => Ok(discovery),
        }
    }

    async fn sync(&self, split: &Split, out: &SplitSink) -> Result<()> {
        let cx = out.cx();
        let session = self.session(read::database(split)?, cx).await?;
        session.facts.access.require_relations()?;
        let work = async {
            read::read(&session, split, &self.scope, self.limits, out).await?;
            session.finish().await
        };
        or_cancel(&self.server, session.cancel_token(), cx, Box::pin(work)).await
    }
}

impl Postgres {
    async fn session(&self, database: &str, cx: &Cx) -> Result<Session> {
        cx.or_stop(Session::open(&self.server, database, self.limits))
            .await
    }

    async fn discover_database(&self, database: &str, scope: &Scope, cx: &Cx) -> Result<discover::Found> {
        let session = self.session(database, cx).await?;
        let work = discover::list(&session, database, scope);
        or_cancel(&self.server, session.cancel_token(), cx, work).await
    }

    async fn check_database(&self, database: &str, cx: &Cx) -> Result<CheckReport> {
        let session = self.session(database, cx).await?;
        let begun = Instant::now();
        or_cancel(&self.server, session.cancel_token(), cx, session.ping()).await?;
        let latency = begun.elapsed();
        let access = &session.facts.access;
        access.require_relations()?;
        Ok(CheckReport {
            message: format!("PostgreSQL {} at {}", session.facts.version, self.server.endpoint),
            latency,
            capabilities: Self::CAPABILITIES
                .iter()
                .map(|one| (one.name, access.capability(one.name)))
                .collect(),
        })
    }
}

/// Whether other databases of the server may be open to the role although this one is not.
fn is_of_one_database(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::NotFound | ErrorKind::PermissionDenied | ErrorKind::Unauthenticated
    )
}

/// The worse of two reports, capability by capability.
fn merge(before: CheckReport, found: CheckReport) -> CheckReport {
    let mut capabilities: BTreeMap<_, _> = found.capabilities;
    for (name, readable) in before.capabilities {
        if !readable.readable {
            capabilities.insert(name, readable);
        }
    }
    CheckReport {
        message: found.message,
        latency: before.latency.max(found.latency),
        capabilities,
    }
}

/// A report that says of each capability that one database cannot be opened.
fn without(mut report: CheckReport, database: &str, error: &Error) -> CheckReport {
    for readable in report.capabilities.values_mut() {
        *readable = Readable {
            readable: false,
            detail: Some(format!("database {database}: {}", error.message())),
            grant: error.grant().map(str::to_owned),
        };
    }
    report
}
