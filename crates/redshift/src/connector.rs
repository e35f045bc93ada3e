//! The connector: what the contract asks, in order.

use crate::{
    check,
    config::Config,
    connect::Server,
    credentials::Credentials,
    databases::{self, Database, is_of_one_database},
    discover::{self, Found},
    lineage,
    payload::Task,
    read,
    session::Session,
    visibility::Sight,
};
use async_trait::async_trait;
use headwater_core::{
    Capability, Case, CheckReport, Connect, Container, Cx, Discovery, Error, ErrorKind, Family, Host,
    Listing, Path, Result, Scope, Selection, SourceConnector, Split, SplitSink, Verified,
};
use headwater_pg_wire::{error::is_wrong_password, or_cancel, report};
use std::{future::Future, time::Duration};

/// Reads the metadata of Redshift databases. See the [crate's docs](crate).
#[derive(Debug)]
pub struct Redshift {
    server: Server,
    selection: Selection,
    include_datashares: bool,
    scope: Scope,
    statement_timeout: Duration,
    include_external: bool,
}

/// How many sessions a cluster is asked to bear at once.
const SESSIONS: usize = 2;

const fn fake(name: &'static str) -> Capability {
    Capability {
        name,
        verified: Verified::Fake,
    }
}

impl Connect for Redshift {
    const KIND: &'static str = "redshift";
    const NAME: &'static str = "Amazon Redshift";
    const FAMILY: Family = Family {
        name: lineage::FAMILY,
        case: Case::Insensitive,
    };
    const CAPABILITIES: &'static [Capability] = &[
        fake("columns"),
        fake("constraints"),
        fake("comments"),
        fake("definitions"),
        fake("lineage"),
        fake("row_counts"),
        fake("owners"),
        fake("external_tables"),
        fake("datashares"),
        fake("visibility"),
    ];
    const DESTINATIONS: &'static [&'static str] = &["/host", "/port", "/aws_endpoint", "/sts_endpoint"];

    type Config = Config;
    type Credentials = Credentials;

    fn scope(config: &Config) -> Result<Scope> {
        config.scope()
    }

    fn open(config: Config, credentials: Credentials, host: &Host) -> Result<Self> {
        Ok(Self {
            scope: config.scope()?,
            selection: config.selection()?,
            include_datashares: config.include_datashares,
            statement_timeout: config.statement_timeout(),
            include_external: config.include_external,
            server: Server::new(&config, credentials, host)?,
        })
    }
}

#[async_trait]
impl SourceConnector for Redshift {
    async fn check(&self, cx: &Cx) -> Result<CheckReport> {
        let entrance = self.entrance(cx).await?;
        let databases = self.databases(&entrance, cx).await?;
        let mut report: Option<CheckReport> = None;
        let mut refused = Vec::new();
        // What a datashare shows is asked for in a local database.
        for database in databases.iter().filter(|database| !database.shared) {
            match self.check_database(&database.name, cx).await {
                Ok(found) => {
                    report = Some(match report {
                        Some(before) => report::merge(before, found),
                        None => found,
                    })
                }
                Err(error) if is_of_one_database(&error) => refused.push((database.name.clone(), error)),
                Err(error) => return Err(error),
            }
        }
        match (report, &self.selection) {
            (Some(report), Selection::All) => Ok(report::skipping(report, &refused)),
            (Some(report), Selection::Named(_)) if refused.is_empty() => Ok(report),
            (Some(report), Selection::Named(_)) => Ok(report::without(report, &refused)),
            (None, _) => match refused.into_iter().next() {
                Some((_, error)) => Err(error),
                None => self.check_session(&entrance, cx).await,
            },
        }
    }

    async fn discover(&self, scope: &Scope, cx: &Cx) -> Result<Discovery> {
        let entrance = self.entrance(cx).await?;
        let databases = self.databases(&entrance, cx).await?;
        let sight = self.run(&entrance, cx, Sight::read(&entrance)).await?;
        let shared = databases.iter().any(|database| database.shared);
        let mut discovery = Discovery {
            identity: None,
            containers: vec![Container {
                path: Path::root(),
                // The config names the databases, or the server lists those that the user may see.
                children: Listing::Complete,
                visibility: match shared {
                    true => sight.by_grants(true),
                    false => sight.of_local(true),
                },
            }],
            splits: Vec::new(),
            max_parallel: Some(SESSIONS),
        };
        let mut refused: Option<Error> = None;
        let mut opened = 0;
        for database in &databases {
            match self.discover_database(database, &entrance, scope, cx).await {
                Ok(found) => {
                    opened += 1;
                    discovery.containers.extend(found.containers);
                    discovery.splits.extend(found.splits);
                    discovery.identity = discovery.identity.or(found.identity);
                }
                Err(error) if is_of_one_database(&error) => {
                    let children = self.selection.unopened(&error);
                    discovery.containers.push(discover::unopened(database, children));
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

impl Redshift {
    async fn session(&self, database: &str, cx: &Cx) -> Result<Session> {
        // On the heap: it holds a handshake, a login and the first statements.
        let open = Session::open(&self.server, database, self.statement_timeout);
        cx.or_stop(Box::pin(open)).await
    }

    /// Runs work on a session until it ends or the run stops.
    async fn run<T>(&self, session: &Session, cx: &Cx, work: impl Future<Output = Result<T>>) -> Result<T> {
        let work = session.watch(|| {}, work);
        or_cancel(&self.server.wire, session.cancel_token(), cx, Box::pin(work)).await
    }

    async fn sync_split(&self, split: &Split, out: &SplitSink) -> Result<()> {
        let cx = out.cx();
        let task = Task::new(split)?;
        let session = self.session(task.entrance(), cx).await?;
        let work = read::read(&session, &task, &self.scope, out);
        let work = session.watch(|| out.beat(), work);
        match or_cancel(&self.server.wire, session.cancel_token(), cx, Box::pin(work)).await {
            Err(error) => Err(session.explain(error).await),
            done => done,
        }
    }

    /// A session on any database, to ask for the others.
    async fn entrance(&self, cx: &Cx) -> Result<Session> {
        let mut refused: Option<Error> = None;
        for database in databases::entrances(&self.selection) {
            match self.session(database, cx).await {
                Err(error) if is_of_one_database(&error) && !is_wrong_password(&error) => {
                    refused.get_or_insert(error);
                }
                result => return result,
            }
        }
        Err(match (refused, &self.selection) {
            (Some(error), Selection::All) if error.kind() == ErrorKind::NotFound => {
                databases::without_entrance(error)
            }
            (Some(error), _) => error,
            (None, _) => Error::new(ErrorKind::NotFound, "there is no database to read"),
        })
    }

    async fn databases(&self, entrance: &Session, cx: &Cx) -> Result<Vec<Database>> {
        let listed = databases::list(entrance, &self.selection, self.include_datashares);
        self.run(entrance, cx, listed).await
    }

    async fn discover_database(
        &self,
        database: &Database,
        entrance: &Session,
        scope: &Scope,
        cx: &Cx,
    ) -> Result<Found> {
        let own = match database.shared || entrance.facts.database == database.name {
            true => None,
            false => Some(self.session(&database.name, cx).await?),
        };
        let session = own.as_ref().unwrap_or(entrance);
        let work = async {
            let sight = Sight::read(session).await?;
            match database.shared {
                true => discover::shared(session, &database.name, scope, &sight).await,
                false => discover::local(session, scope, &sight, self.include_external).await,
            }
        };
        self.run(session, cx, work).await
    }

    async fn check_database(&self, database: &str, cx: &Cx) -> Result<CheckReport> {
        let session = self.session(database, cx).await?;
        self.check_session(&session, cx).await
    }

    async fn check_session(&self, session: &Session, cx: &Cx) -> Result<CheckReport> {
        let external = self.include_external.then_some(&self.scope);
        let check = check::database(session, self.server.wire.endpoint(), external);
        self.run(session, cx, check).await
    }
}
