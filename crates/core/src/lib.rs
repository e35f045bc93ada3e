//! The contract between a source of metadata and whoever keeps a catalog of it.
//!
//! A *connector* reads what a data warehouse, a lake catalog or a dbt project says of itself: schemas,
//! tables, columns, keys, sizes, lineage. A *host* (a program that embeds it, or Headwater's server) runs
//! it through [`sync()`] and consumes a stream of events. This crate is what both agree on. It holds the
//! [model], the errors, the traits and the driver; no database, no HTTP client.
//!
//! # Two traits
//!
//! One struct carries two traits. [`SourceConnector`] is object-safe and says what an opened connector
//! does: [`check`](SourceConnector::check), [`discover`](SourceConnector::discover),
//! [`sync`](SourceConnector::sync). [`Connect`] is static: the name, the types of config and credentials,
//! how to open. A [`Registry`] keeps one [`ConnectorType`] for each kind and opens connectors from JSON;
//! from there on a host sees `Arc<dyn SourceConnector>` and no kinds.
//!
//! # Splits and attempts
//!
//! `discover` lists the [`Container`]s in scope and cuts the work into [`Split`]s: one or more namespaces,
//! and a payload of the connector's own. A split is the unit of work, of failure and of resumption. Splits
//! are frozen: a host stores them, and a server that takes a run over resumes that very cut, in another
//! process. So a payload holds no secret and nothing that only lives in memory.
//!
//! The driver calls `sync` for each split, several at once, and again when an attempt fails and may succeed
//! later. Each attempt begins anew and reports everything again. A new attempt voids what the one before
//! *claimed* (which assets were seen, which namespaces were closed), not what a host wrote because of it.
//!
//! # Completeness: what is gone
//!
//! A catalog must tell a table that was dropped from one that could not be listed. It asks two things:
//!
//! - Was the *list of children* of a container complete? [`Container::children`] says so for containers, up
//!   to the root path, whose children are the outermost ones.
//! - Were the *assets of a namespace* listed to the end? [`SplitSink::close`] says so.
//!
//! An object is gone when its namespace was closed [`Listing::Complete`] without it, or when the nearest
//! missing container around it has a parent whose children were listed Complete. In every other case
//! nothing is known and nothing is removed: a namespace that was never closed, a split whose last attempt
//! failed, a listing that is [`Listing::Partial`]. A failed, truncated or refused listing is Partial with a
//! [`Reason`], never an empty one. A container that the config does not insist on and the principal may not
//! enter is [`Listing::Skipped`]: a host keeps what it knows of it, and misses nothing where it knows nothing.
//! An object that the filters leave out is out of scope, never gone.
//!
//! # Facets
//!
//! Each optional part of an asset is a [`Facet`]: `Read(value)`, which may be empty, or `Unread`.
//! `Read(vec![])` says "there are no constraints"; `Unread` says nothing, and a catalog keeps what it has.
//! A secondary read that the source refuses makes its part Unread and a warning: it neither fails the split
//! nor makes the namespace Partial. Lineage follows the same rule by calls: [`SplitSink::lineage`] replaces
//! all edges that an asset owns, and where it is not called they stay.
//!
//! # Lineage
//!
//! An edge belongs to the asset that it is known from, and is seen from both ends. [`Flow`](model::Flow) says
//! which way the data goes: a view owns edges from the tables that it reads, a dbt model one into the table
//! that it builds. The other end is a family and a path ([`LineageEnd`](model::LineageEnd)), so that it may
//! belong to another connector, and may come later or never. A host joins the two by the family's rule; where
//! several connectors hold the path, [`Connect::LINKS_INTO`] lets people say which one is meant.
//!
//! # Visibility
//!
//! Complete means "everything that this principal may see". Most sources answer a lost grant with a
//! shorter list and no error. So each container carries a [`Visibility`]: a fingerprint of what decides
//! the view (principal, role, grants where they can be read), or `Everyone` where the source shows all
//! names to all, as PostgreSQL's pg_catalog does. A host holds removals back when the fingerprint changes.
//!
//! # Versions
//!
//! Some sources mark each object with a change marker. A connector asks [`SplitSink::versions`] for the
//! markers that the host stored for a page of keys and reports those that did not move as
//! [`unchanged`](SplitSink::unchanged), without reading their columns. A marker vouches for the fields
//! and edges only. The host returns a marker only if it was stored under the same
//! [`READ_REVISION`](Connect::READ_REVISION) and a config that reads the same.
//!
//! # Identity is the path
//!
//! An object is its [`Path`]: the segments from the outside in, in the case that the source reports. A
//! dot within a name is part of the segment. The source's own id only suggests a rename; the same path with
//! a new id is the same object, because tools swap tables at every build. [`Connect::FAMILY`] names the
//! platform whose names the paths are and how it folds them: there lineage of different connectors meets.
//!
//! # Filters
//!
//! [`Filters`] are common to all connectors, and [`Connect::scope`] makes a [`Scope`] of them and of the
//! config's short forms. The driver applies the scope to containers, splits and items. A connector may push
//! it down to read less, and need not.
//!
//! # Memory and back-pressure
//!
//! Neither a connector nor a part of the engine holds a warehouse. A connector holds a page; each call of
//! the sink waits while the consumer is slow. What waits is bounded by count and by weight
//! ([`Options::buffer`], [`Options::buffer_bytes`]); an asset that is heavier than the bound passes alone.
//!
//! # Errors, and two layers of retry
//!
//! There is one [`Error`]. Its [`ErrorKind`] says what a caller can do; a connector maps its vendor's codes
//! to kinds in one table. Message, fields and context are shown to people and stored: they hold no secret
//! and no value of the config. The cause is for logs.
//!
//! A request that fails is first repeated by the connector's client, within a budget. Only when that is
//! spent does `sync` return `Unavailable` or `RateLimited`, and the driver makes another attempt at the
//! split, after [`Error::retry_after`] or a backoff that doubles. Other kinds end the split; the other
//! splits go on. `discover` is repeated by the same rule.
//!
//! An attempt counts as hung when it is *silent*, however long it takes: no item and no
//! [`beat`](SplitSink::beat) for [`Options::idle`] while the consumer had room. A panic is a failed split.
//!
//! # Stop
//!
//! A run stops by [`Options::cx`], or when its stream is dropped. The driver sets the signal, waits for
//! [`Options::grace`] so that the connector can end its statements *at the source* (dropping a future does
//! not), then drops the future. Whatever the connector returns by then, the attempt is `Stopped`.
//!
//! # Secrets
//!
//! A secret is a [`Secret`]: `Debug` and `Serialize` mask it, so deriving both is safe. Secrets stand in
//! the credentials, never in the config, a path, a payload, an error or a warning. Settings are parsed
//! without serde's own error text, because it quotes values. [`Connect::DESTINATIONS`] names the config
//! fields that say where a secret is sent; a host asks for the credentials again when one changes. Sockets
//! and files go through the [`Host`], which knows the rules of the program around it.
//!
//! # What an implementor must keep
//!
//! - Read only: read-only transactions, read-only scopes of an API.
//! - `open` does no I/O. `scope` and `open` name each wrong field.
//! - Discovery is stable: an unchanged source gives the same containers and the same splits. Each namespace
//!   that holds assets is in exactly one split.
//! - Each asset is reported once in an attempt, and only within the split's namespaces.
//! - Close a namespace after its last asset, Complete only if nothing was cut short, refused or skipped.
//! - An error of the sink ends the call: return it unchanged and at once.
//! - Await the source through [`Cx::or_stop`], or watch the signal.
//! - Map refused credentials to `Unauthenticated`, and a refused read to `PermissionDenied` with the grant.
//!
//! `headwater-testkit` holds a conformance suite that checks these rules on a connector.
//!
//! # What a host may rely on
//!
//! - The first event is `Discovered`, unless the run resumes; or `Failed`, and then it is the only one.
//! - Events of a split come in order: `Started`, items, `Ended`, for one attempt after the other. Events of
//!   different splits interleave.
//! - `Ended` with `retry_in` is followed by another `Started`, unless the run is stopped in between.
//! - Nothing out of scope comes through, and no item of a namespace outside its split.
//! - The stream ends. After a stop it ends within the grace period, if it is drained.
//!
//! # Edge cases
//!
//! - A source without schemas uses shorter paths and [`Scope::with_schema_depth`].
//! - An empty namespace is in a split, and closed Complete. One that is in no split was not read.
//! - A database that cannot be entered: its container stays, with `children` Partial. One that cannot be
//!   listed at all is missing, and makes its parent Partial.
//! - A split that was stored and whose namespace has gone since: close it Complete without assets if the
//!   source says that it is gone, and Partial if that is a guess. The next discovery no longer lists it.
//! - A stop before a split starts leaves it without any event. It is not complete.
//! - An object dropped between list and read: leave it out, it is gone; do not fail the split.
//!
//! # A worked example
//!
//! A connector for a source that needs no connection: its config *is* the source.
//!
//! ```
//! use async_trait::async_trait;
//! use futures_util::StreamExt;
//! use headwater_core::{model::*, *};
//! use schemars::JsonSchema;
//! use serde::Deserialize;
//! use serde_json::{Value, json};
//! use std::collections::BTreeMap;
//!
//! #[derive(Debug, Deserialize, JsonSchema)]
//! #[serde(deny_unknown_fields)]
//! struct Config {
//!     /// Tables by schema.
//!     schemas: BTreeMap<String, Vec<String>>,
//!     /// What to read.
//!     #[serde(default)]
//!     filters: Filters,
//! }
//!
//! #[derive(Debug, Deserialize, JsonSchema)]
//! #[serde(deny_unknown_fields)]
//! struct Credentials {}
//!
//! #[derive(Debug)]
//! struct Listed {
//!     schemas: BTreeMap<String, Vec<String>>,
//! }
//!
//! impl Connect for Listed {
//!     const KIND: &'static str = "listed";
//!     const NAME: &'static str = "A list of tables";
//!     const FAMILY: Family = Family { name: "listed", case: Case::Sensitive };
//!     const CAPABILITIES: &'static [Capability] = &[];
//!     const DESTINATIONS: &'static [&'static str] = &[];
//!     type Config = Config;
//!     type Credentials = Credentials;
//!
//!     fn scope(config: &Config) -> Result<Scope> {
//!         Ok(Scope::new(&config.filters, Self::FAMILY.case)?.with_schema_depth(1))
//!     }
//!
//!     fn open(config: Config, _: Credentials, _: &Host) -> Result<Self> {
//!         Ok(Self { schemas: config.schemas })
//!     }
//! }
//!
//! #[async_trait]
//! impl SourceConnector for Listed {
//!     async fn check(&self, _: &Cx) -> Result<CheckReport> {
//!         Ok(CheckReport { message: "a list in the config".into(), ..CheckReport::default() })
//!     }
//!
//!     async fn discover(&self, _: &Scope, _: &Cx) -> Result<Discovery> {
//!         let schemas = self.schemas.keys().map(|name| Path::new([name.as_str()]));
//!         let container = |path| Container {
//!             path,
//!             children: Listing::Complete,
//!             visibility: Visibility::Everyone,
//!         };
//!         let split = |path: Path| Split {
//!             id: path.to_string(),
//!             namespaces: vec![path],
//!             payload: Value::Null,
//!         };
//!         Ok(Discovery {
//!             identity: None,
//!             containers: [Path::root()].into_iter().chain(schemas.clone()).map(container).collect(),
//!             splits: schemas.map(split).collect(),
//!             max_parallel: None,
//!         })
//!     }
//!
//!     async fn sync(&self, split: &Split, out: &SplitSink) -> Result<()> {
//!         for schema in &split.namespaces {
//!             out.namespace(Namespace::new(schema.clone(), "schema")).await?;
//!             let tables = schema.name().and_then(|name| self.schemas.get(name));
//!             for table in tables.into_iter().flatten() {
//!                 out.asset(Asset::new(schema.child(table.as_str()), AssetKind::TABLE)).await?;
//!             }
//!             out.close(schema, Listing::Complete).await?;
//!         }
//!         Ok(())
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<()> {
//! let mut registry = Registry::default();
//! registry.register::<Listed>();
//!
//! let config = json!({
//!     "schemas": {"sales": ["orders", "orders_tmp", "customers"], "ops": []},
//!     "filters": {"exclude_tables": [".*_tmp"]},
//! });
//! let opened = registry.get("listed")?.open(config, json!({}), &Host::default())?;
//!
//! let mut options = Options::default();
//! options.scope = opened.scope;
//! let mut events = sync(opened.connector, options);
//! let (mut tables, mut complete) = (0, 0);
//! while let Some(event) = events.next().await {
//!     match event {
//!         SyncEvent::Item { item: Item::Asset(_), .. } => tables += 1,
//!         SyncEvent::Item { item: Item::Closed(_, Listing::Complete), .. } => complete += 1,
//!         SyncEvent::Failed(error) => return Err(error),
//!         _ => {}
//!     }
//! }
//! assert_eq!((tables, complete), (2, 2));
//! # Ok(())
//! # }
//! ```

mod connector;
mod cx;
mod databases;
mod driver;
mod error;
mod facet;
mod host;
mod limit;
pub mod model;
mod path;
mod registry;
mod scope;
mod secret;
mod settings;
mod sink;

pub use connector::{
    Capability, CheckReport, Connect, Container, Discovery, Family, Listing, Readable, Reason,
    SourceConnector, Split, Verified, Visibility,
};
pub use cx::Cx;
pub use databases::{Databases, Selection};
pub use driver::{Options, SyncEvent, sync};
pub use error::{Error, ErrorKind, FieldError, Result};
pub use facet::Facet;
pub use host::{Clock, Dial, DirectDial, Endpoint, Host, LocalFiles, Stream, SystemClock};
pub use limit::{Limiter, Limiters};
pub use path::Path;
pub use registry::{ConnectorType, Opened, Registry};
pub use scope::{Case, Filters, Scope};
pub use secret::Secret;
pub use settings::from_json;
pub use sink::{Baseline, Cost, Item, SplitSink, Warning};
