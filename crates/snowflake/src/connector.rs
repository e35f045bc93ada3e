//! The connector: what the contract asks, in order.

use crate::{
    check,
    config::{Config, Selection},
    credentials::Credentials,
    discover::{self, Grants},
    error, login, quote, read,
    server::Server,
    session::{Session, Watch},
};
use async_trait::async_trait;
use headwater_core::{
    Capability, Case, CheckReport, Clock, Connect, Container, Cx, Discovery, Error, ErrorKind, Family, Host,
    Listing, Path, Result, Scope, SourceConnector, Split, SplitSink, Verified, Warning,
};
use std::{fmt, sync::Arc};

/// Reads the metadata of Snowflake databases. See the [crate's docs](crate).
pub struct Snowflake {
    pub(crate) server: Server,
    pub(crate) selection: Selection,
    pub(crate) settings: read::Settings,
    clock: Arc<dyn Clock>,
}

/// How many sessions an account is asked to bear at once.
const SESSIONS: usize = 2;

const fn emulator(name: &'static str) -> Capability {
    Capability {
        name,
        verified: Verified::Emulator,
    }
}

const fn fake(name: &'static str) -> Capability {
    Capability {
        name,
        verified: Verified::Fake,
    }
}

impl Connect for Snowflake {
    const KIND: &'static str = "snowflake";
    const NAME: &'static str = "Snowflake";
    const FAMILY: Family = Family {
        name: "snowflake",
        case: Case::Insensitive,
    };
    const CAPABILITIES: &'static [Capability] = &[
        emulator("columns"),
        fake("constraints"),
        emulator("comments"),
        fake("definitions"),
        fake("lineage"),
        emulator("row_counts"),
        emulator("owners"),
        fake("tags"),
        fake("policies"),
    ];
    const DESTINATIONS: &'static [&'static str] = &["/account", "/host"];

    type Config = Config;
    type Credentials = Credentials;

    fn warnings(_: &Config, credentials: &Credentials) -> Vec<Warning> {
        let told = |(code, detail): (&str, &str)| Warning {
            code: code.to_owned(),
            detail: detail.to_owned(),
            path: None,
        };
        login::warning(credentials).map(told).into_iter().collect()
    }

    fn scope(config: &Config) -> Result<Scope> {
        config.scope()
    }

    fn open(config: Config, credentials: Credentials, host: &Host) -> Result<Self> {
        Ok(Self {
            selection: config.selection()?,
            settings: read::Settings {
                account_usage: config.account_usage,
                full_refresh_interval: config.full_refresh_interval,
                today: 0,
            },
            server: Server::new(&config, &credentials, host)?,
            clock: host.clock.clone(),
        })
    }
}

#[async_trait]
impl SourceConnector for Snowflake {
    async fn check(&self, cx: &Cx) -> Result<CheckReport> {
        let session = Session::open(&self.server, self.selection.first(), Watch { cx, beat: &|| {} }).await?;
        let report = check::check(&session, self).await;
        session.close().await;
        report
    }

    async fn discover(&self, scope: &Scope, cx: &Cx) -> Result<Discovery> {
        let session = Session::open(&self.server, self.selection.first(), Watch { cx, beat: &|| {} }).await?;
        let discovery = self.list(&session, scope).await;
        session.close().await;
        discovery
    }

    async fn sync(&self, split: &Split, out: &SplitSink) -> Result<()> {
        let beat = || out.beat();
        let watch = Watch {
            cx: out.cx(),
            beat: &beat,
        };
        let session = Session::open(&self.server, read::database(split).ok(), watch).await?;
        let settings = read::Settings {
            today: self.clock.now().as_second().div_euclid(86_400),
            ..self.settings
        };
        let read = Box::pin(read::read(&session, split, settings, out)).await;
        session.close().await;
        match read {
            // The database was dropped since it was listed, or a grant was lost: the next discovery knows.
            Err(error) if error.kind() == ErrorKind::NotFound => read::close_unread(split, &error, out).await,
            Err(error) => Err(self.explain(error, &session)),
            done => done,
        }
    }
}

impl Snowflake {
    async fn list(&self, session: &Session<'_>, scope: &Scope) -> Result<Discovery> {
        let facts = discover::identity(session).await?;
        let secondary = facts.as_ref().and_then(|facts| facts.secondary_roles.as_deref());
        let grants = Grants::read(session, secondary).await?;
        let (databases, children) = match &self.selection {
            Selection::Named(names) => (names.clone(), Listing::Complete),
            Selection::All => discover::databases(session).await?,
        };
        let root = Container {
            path: Path::root(),
            children,
            visibility: grants.visibility(&Path::root()),
        };
        let mut discovery = Discovery {
            identity: facts
                .map(|facts| facts.identity)
                .filter(|identity| !identity.is_empty()),
            containers: vec![root],
            splits: Vec::new(),
            max_parallel: Some(SESSIONS),
        };
        let mut refused: Option<Error> = None;
        for name in &databases {
            match discover::database(session, name, scope, &grants).await {
                Ok(found) => {
                    discovery.containers.extend(found.containers);
                    discovery.splits.extend(found.splits);
                }
                Err(error) if error::is_of_one_read(&error) => {
                    let error = self.explain_database(error, name, session);
                    let path = Path::new([name.as_str()]);
                    discovery.containers.push(Container {
                        visibility: grants.visibility(&path),
                        children: self.selection.unopened(&error),
                        path,
                    });
                    refused.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        match refused {
            Some(error)
                if discovery.containers.len() == databases.len() + 1 && discovery.splits.is_empty() =>
            {
                Err(error)
            }
            _ => Ok(discovery),
        }
    }

    /// The error of a database that cannot be read, with what to grant.
    pub(crate) fn explain_database(&self, error: Error, database: &str, session: &Session<'_>) -> Error {
        match error.kind() {
            ErrorKind::NotFound => {
                let mut message = format!("database {database} does not exist, or the role may not see it");
                let upper = database.to_uppercase();
                if upper != database {
                    message.push_str(&format!("; created without quotes its name is {upper}"));
                }
                let name = quote::display(database);
                let role = session.role_name();
                let grant = format!(
                    "GRANT USAGE ON DATABASE {name} TO ROLE {role}; \
                     GRANT USAGE ON ALL SCHEMAS IN DATABASE {name} TO ROLE {role}; \
                     GRANT REFERENCES ON ALL TABLES IN DATABASE {name} TO ROLE {role}; \
                     GRANT REFERENCES ON ALL VIEWS IN DATABASE {name} TO ROLE {role}"
                );
                Error::new(ErrorKind::NotFound, message)
                    .with_grant(grant)
                    .with_source(error)
            }
            _ => self.explain(error, session),
        }
    }

    /// Adds what to grant where a warehouse is missing.
    fn explain(&self, error: Error, session: &Session<'_>) -> Error {
        if error::code(&error) != "000606" {
            return error;
        }
        let warehouse = session
            .warehouse
            .as_deref()
            .map_or("a_warehouse".to_owned(), quote::display);
        let role = session.role_name();
        error.with_grant(format!("GRANT USAGE ON WAREHOUSE {warehouse} TO ROLE {role}"))
    }
}

impl fmt::Debug for Snowflake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snowflake")
            .field("server", &self.server)
            .field("selection", &self.selection)
            .finish_non_exhaustive()
    }
}
