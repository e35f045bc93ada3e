//! The connector: what the contract asks, in order.

use crate::{
    config::Config,
    connect::Server,
    credentials::Credentials,
    databases::{self, Database},
    discover, read,
    session::{Session, Settings},
};
use async_trait::async_trait;
use headwater_core::{
    Capability, Case, CheckReport, Connect, Container, Cx, Discovery, Error, ErrorKind, Family, Host,
    Listing, Path, Result, Scope, Selection, SourceConnector, Split, SplitSink, Verified, Visibility,
};
use headwater_pg_wire::{error::is_wrong_password, or_cancel, report};
use std::time::Instant;

/// Reads the metadata of PostgreSQL databases. See the [crate's docs](crate).
#[derive(Debug)]
pub struct Postgres {
    server: Server,
    selection: Selection,
    scope: Scope,
    settings: Settings,
}

/// How many sessions a server is asked to bear at once.
const SESSIONS: usize = 2;

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
            selection: config.selection()?,
            settings: Settings::from(&config),
            server: Server::new(&config, credentials, host)?,
        })
    }
}

#[async_trait]
impl SourceConnector for Postgres {
    async fn check(&self, cx: &Cx) -> Result<CheckReport> {
        let mut report: Option<CheckReport> = None;
        let mut refused = Vec::new();
        for Database { name, refused: known } in self.databases(cx).await? {
            let checked = match known {
                Some(refusal) => Err(refusal),
                None => self.check_database(&name, cx).await,
            };
            match checked {
                Ok(found) => {
                    report = Some(match report {
                        Some(before) => report::merge(before, found),
                        None => found,
                    })
                }
                Err(error) if is_of_one_database(&error) => refused.push((name, error)),
                Err(error) => return Err(error),
            }
        }
        match (report, &self.selection) {
            (Some(report), Selection::All) => Ok(report::skipping(report, &refused)),
            (Some(report), Selection::Named(_)) if refused.is_empty() => Ok(report),
            (Some(report), Selection::Named(_)) => Ok(report::without(report, &refused)),
            (None, _) => Err(refused
                .into_iter()
                .next()
                .map_or_else(no_database, |(_, error)| error)),
        }
    }

    async fn discover(&self, scope: &Scope, cx: &Cx) -> Result<Discovery> {
        let mut discovery = Discovery {
            identity: None,
            containers: vec![Container {
                path: Path::root(),
                // The config names the databases, or the server shows them all: there are no others to miss.
                children: Listing::Complete,
                visibility: Visibility::Everyone,
            }],
            splits: Vec::new(),
            max_parallel: Some(SESSIONS),
        };
        let mut refused: Option<Error> = None;
        let mut opened = 0;
        for Database { name, refused: known } in self.databases(cx).await? {
            let discovered = match known {
                Some(refusal) => Err(refusal),
                None => self.discover_database(&name, scope, cx).await,
            };
            match discovered {
                Ok(found) => {
                    opened += 1;
                    discovery.containers.extend(found.containers);
                    discovery.splits.extend(found.splits);
                    discovery.identity = discovery.identity.or(found.identity);
                }
                Err(error) if is_of_one_database(&error) => {
                    let children = self.selection.unopened(&error);
                    discovery.containers.push(discover::unopened(&name, children));
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
        match self.sync_split(split, out).await {
            // The database was dropped or renamed since it was listed: the next discovery knows.
            Err(error) if error.kind() == ErrorKind::NotFound => read::close_unread(split, &error, out).await,
            result => result,
        }
    }
}

impl Postgres {
    async fn session(&self, database: &str, cx: &Cx) -> Result<Session> {
        cx.or_stop(Session::open(&self.server, database, self.settings))
            .await
    }

    async fn sync_split(&self, split: &Split, out: &SplitSink) -> Result<()> {
        let cx = out.cx();
        let session = self.session(read::database(split)?, cx).await?;
        session.facts.access.require_relations()?;
        let work = async {
            read::read(&session, split, &self.scope, self.settings, out).await?;
            session.finish().await
        };
        let work = session.watch(|| out.beat(), work);
        match or_cancel(&self.server.wire, session.cancel_token(), cx, Box::pin(work)).await {
            Err(error) => Err(session.explain(error).await),
            done => done,
        }
    }

    /// The databases to read.
    async fn databases(&self, cx: &Cx) -> Result<Vec<Database>> {
        if let Selection::Named(names) = &self.selection {
            return Ok(names.iter().map(|name| Database::named(name)).collect());
        }
        let session = self.entrance(cx).await?;
        let work = session.watch(|| {}, databases::list(&session, &self.server.role));
        or_cancel(&self.server.wire, session.cancel_token(), cx, work).await
    }

    /// A session on any database, to ask for the others.
    async fn entrance(&self, cx: &Cx) -> Result<Session> {
        let mut refused: Option<Error> = None;
        for database in databases::entrances(&self.server.role) {
            match self.session(database, cx).await {
                Err(error) if is_of_one_database(&error) && !is_wrong_password(&error) => {
                    refused.get_or_insert(error);
                }
                result => return result,
            }
        }
        Err(refused.unwrap_or_else(no_database))
    }

    async fn discover_database(&self, database: &str, scope: &Scope, cx: &Cx) -> Result<discover::Found> {
        let session = self.session(database, cx).await?;
        let work = session.watch(|| {}, discover::list(&session, database, scope));
        or_cancel(&self.server.wire, session.cancel_token(), cx, work).await
    }

    async fn check_database(&self, database: &str, cx: &Cx) -> Result<CheckReport> {
        let session = self.session(database, cx).await?;
        let begun = Instant::now();
        let ping = session.watch(|| {}, session.ping());
        or_cancel(&self.server.wire, session.cancel_token(), cx, ping).await?;
        let latency = begun.elapsed();
        let access = &session.facts.access;
        access.require_relations()?;
        Ok(CheckReport {
            message: format!(
                "PostgreSQL {} at {}",
                session.facts.version,
                self.server.wire.endpoint()
            ),
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

fn no_database() -> Error {
    Error::new(ErrorKind::NotFound, "the server has no database to read")
}
