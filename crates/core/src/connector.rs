//! The two traits that a connector implements, and what they exchange.

use crate::{Case, Cx, Host, Path, Result, Scope, SplitSink, Warning};
use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::{collections::BTreeMap, fmt, time::Duration};

/// An opened connector: what it can do. Object-safe; see the [crate's docs](crate) for the contract.
#[async_trait]
pub trait SourceConnector: fmt::Debug + Send + Sync + 'static {
    /// Proves that the settings work and says, per capability, what the principal can read.
    ///
    /// # Errors
    /// When the source cannot be used at all. A capability that is missing is no error: it stands in the
    /// report with the grant to run.
    async fn check(&self, cx: &Cx) -> Result<CheckReport>;

    /// Lists the containers in scope, says how far the children of each were listed, and cuts the work.
    ///
    /// # Contract
    /// - Container paths and split ids are unique, and a second call on an unchanged source gives the same.
    /// - Each namespace that holds assets stands in exactly one split.
    /// - A listing that was refused, cut short or broke off is [`Listing::Partial`]. Scope may be pushed
    ///   down: a container that is out of scope need not be listed, and its absence means nothing.
    ///
    /// # Errors
    /// When nothing could be listed. One container that cannot be listed is Partial.
    async fn discover(&self, scope: &Scope, cx: &Cx) -> Result<Discovery>;

    /// Makes one attempt at one split.
    ///
    /// # Contract
    /// - Emits each asset of the split's namespaces once, in any order, and closes each namespace it read.
    ///   What is not closed is Partial.
    /// - An error of the sink is returned unchanged and at once.
    /// - May run again, for the same split, from its start.
    ///
    /// # Errors
    /// A retryable error makes the driver try the split again; any other ends it.
    async fn sync(&self, split: &Split, out: &SplitSink) -> Result<()>;
}

/// How a connector is named, configured and opened.
pub trait Connect: SourceConnector + Sized {
    /// The stable name that is stored and sent: `postgres`.
    const KIND: &'static str;
    /// The name that people read: `PostgreSQL`.
    const NAME: &'static str;
    /// Other names that are accepted for it.
    const ALIASES: &'static [&'static str] = &[];
    /// The uploads it takes, by field name. The first must be given, the others may.
    const INPUTS: &'static [&'static str] = &[];
    /// Raised when the connector reads more than before: it voids every stored [`Version`](crate::model::Version).
    const READ_REVISION: u32 = 1;
    /// The platform family of its paths: where lineage ends of different connectors meet.
    const FAMILY: Family;
    /// What it can read, and what its own tests proved that against.
    const CAPABILITIES: &'static [Capability];
    /// JSON pointers of the config fields that say where a secret is sent: `/host`.
    const DESTINATIONS: &'static [&'static str];
    /// JSON pointer of the config field that names, by its id, the connector of the same space where lineage
    /// ends of other families are looked for: `/warehouse_connector_id`. A host with a catalog checks it.
    const LINKS_INTO: Option<&'static str> = None;

    /// The settings: `deny_unknown_fields`, a doc line on each field, no secrets.
    type Config: DeserializeOwned + JsonSchema + fmt::Debug + Send;
    /// The credentials: `deny_unknown_fields`, secrets as [`Secret`](crate::Secret).
    type Credentials: DeserializeOwned + JsonSchema + fmt::Debug + Send;

    /// Whether these settings name nothing to fetch from, so that only an upload has something to read.
    fn waits_for_input(_config: &Self::Config) -> bool {
        false
    }

    /// What a person should know about settings that are accepted, such as a way to log in that is about to end.
    fn warnings(_config: &Self::Config, _credentials: &Self::Credentials) -> Vec<Warning> {
        Vec::new()
    }

    /// The filters that the config states, short forms included.
    ///
    /// # Errors
    /// `ConfigInvalid` for a pattern that does not parse.
    fn scope(config: &Self::Config) -> Result<Scope>;

    /// Validates the settings and builds the connector. No I/O.
    ///
    /// # Errors
    /// `ConfigInvalid` naming each field.
    fn open(config: Self::Config, credentials: Self::Credentials, host: &Host) -> Result<Self>;
}

/// A platform whose object names form one space, and how it compares them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Family {
    /// Stable name: `postgres`.
    pub name: &'static str,
    /// How names compare.
    pub case: Case,
}

impl Family {
    /// A path's segments, folded: equal for paths that name the same object.
    pub fn fold(&self, path: &Path) -> Path {
        Path::new(path.segments().iter().map(|segment| self.case.fold(segment)))
    }
}

/// One thing that a connector can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Capability {
    /// `columns`, `lineage`, ...
    pub name: &'static str,
    /// What the connector's own tests proved it against.
    pub verified: Verified,
}

/// What a capability was proved against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verified {
    /// The real server software.
    Real,
    /// An emulator made by others.
    Emulator,
    /// A fake made from the vendor's documentation.
    Fake,
}

/// What [`SourceConnector::check`] found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// What answered, for people: `PostgreSQL 18.1 at db.example.com:5432`.
    pub message: String,
    /// How long one small round trip took.
    pub latency: Duration,
    /// Per capability of [`Connect::CAPABILITIES`], what the principal can read.
    pub capabilities: BTreeMap<&'static str, Readable>,
}

/// Whether the principal can read one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Readable {
    /// Whether it can be read.
    pub readable: bool,
    /// More about it, such as which objects are left out.
    pub detail: Option<String>,
    /// What an administrator must run so that it can be read.
    pub grant: Option<String>,
}

impl Readable {
    /// It can be read.
    pub fn yes() -> Self {
        Self {
            readable: true,
            detail: None,
            grant: None,
        }
    }

    /// It cannot be read until someone runs `grant`.
    pub fn no(detail: impl Into<String>, grant: impl Into<String>) -> Self {
        Self {
            readable: false,
            detail: Some(detail.into()),
            grant: Some(grant.into()),
        }
    }
}

/// How far the content of a container was listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Listing {
    /// Everything that this principal may see: what is missing is gone.
    Complete,
    /// Not everything: what is missing says nothing.
    Partial(Vec<Reason>),
    /// Not looked into, as the config asks for whatever is open to the principal and this is not. What is
    /// known of it stays; where nothing is, nothing is missing, and the run is complete without it.
    Skipped(Reason),
}

impl Listing {
    /// Partial for one reason.
    pub fn partial(code: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Partial(vec![Reason {
            code: code.into(),
            detail: detail.into(),
            grant: None,
        }])
    }

    /// Partial because of an error.
    pub fn failed(error: &crate::Error) -> Self {
        Self::Partial(vec![Reason::from(error)])
    }

    /// Whether what is missing is gone.
    pub fn is_complete(&self) -> bool {
        matches!(self, Self::Complete)
    }
}

/// Why a listing is not complete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// Stable, snake_case: `permission_denied`.
    pub code: String,
    /// For people.
    pub detail: String,
    /// What an administrator of the source must grant, where that is known.
    pub grant: Option<String>,
}

impl From<&crate::Error> for Reason {
    fn from(error: &crate::Error) -> Self {
        Self {
            code: error.code().to_owned(),
            detail: error.to_string(),
            grant: error.grant().map(str::to_owned),
        }
    }
}

/// What decides which objects of a container the principal gets to see.
///
/// Most sources answer a lost grant with a shorter list and no error. When the fingerprint of a container
/// changes between two runs, a catalog holds removals back instead of believing them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// The source shows every object to everyone who may connect (PostgreSQL's pg_catalog).
    Everyone,
    /// The source filters by grants; this is the principal, its role and its grants where readable.
    Fingerprint(String),
}

/// A container in scope, and how far its children were listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Container {
    /// Where it stands. The root path stands for the source: its children are the catalogs.
    pub path: Path,
    /// How far its child containers were listed. For a container of assets only: `Complete`; how far its
    /// assets were listed is said by [`SplitSink::close`].
    pub children: Listing,
    /// What decides what is seen of it.
    pub visibility: Visibility,
}

/// What a connector found before it reads: the containers and the work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Discovery {
    /// What the source is, beyond the name it is reached by: cluster, account, project. A change means
    /// that the settings now lead to another source. `None` where the source has nothing of the kind.
    pub identity: Option<String>,
    /// Every container in scope.
    pub containers: Vec<Container>,
    /// The work, cut.
    pub splits: Vec<Split>,
    /// How many splits the source bears at once; `None` leaves it to the host.
    pub max_parallel: Option<usize>,
}

impl Discovery {
    /// One warning for each container that was skipped.
    pub fn skipped(&self) -> impl Iterator<Item = Warning> {
        self.containers
            .iter()
            .filter_map(|container| match &container.children {
                Listing::Skipped(reason) => Some(Warning {
                    code: reason.code.clone(),
                    detail: reason.detail.clone(),
                    path: Some(container.path.clone()),
                }),
                Listing::Complete | Listing::Partial(_) => None,
            })
    }
}

/// A unit of work, failure and resumption: one or more namespaces.
///
/// Splits are stored with the run. A server that takes the run over resumes this very cut.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Split {
    /// Unique within the discovery.
    pub id: String,
    /// The namespaces whose assets it reads.
    pub namespaces: Vec<Path>,
    /// The connector's own; no secrets, it is stored.
    #[serde(default)]
    pub payload: Value,
}
