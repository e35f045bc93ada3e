//! The stored catalog: spaces, keys, connectors, runs and products, in SQLite or PostgreSQL.
//!
//! [`Store`] is the door. It hands out domain types; rows and SQL stay inside. Each aggregate has one file
//! with its rows and its queries together (`space`, `key`, `connector`, `run`, `audit`).

mod audit;
mod change;
mod connector;
mod db;
pub mod engine;
mod error;
mod id;
mod key;
mod keyring;
mod lineage;
mod name;
mod page;
mod path;
mod product;
mod reconcile;
mod removal;
mod run;
mod schema;
mod space;
mod store;

pub use audit::{Actor, AuditEvent};
pub use change::{Change, ChangeOp, SchemaChange};
pub use connector::{Connector, ConnectorPatch, NewConnector};
pub use error::{Error, Result, UnknownName};
pub use id::{AuditId, ChangeId, ConnectorId, KeyId, ProductId, RunId, SpaceId};
pub use key::{ApiKey, NewApiKey, Principal, Role};
pub use keyring::KeyRing;
pub use lineage::{Lineage, LineageArc, LineageDirection, LineageGraph, LineageLink, LineageNode};
pub use name::Name;
pub use page::{Page, PageRequest};
pub use product::{
    Origins, Product, ProductDetail, ProductFilter, ProductOrigin, ProductPatch, ProductState,
};
pub use removal::{Decision, RemovalCandidates};
pub use run::{
    Claim, Completeness, Heartbeat, Outcome, PartialPath, Phase, Progress, RemovalReason, Removals, Run,
    RunError, RunFilter, RunRequest, RunStatus, SplitEnd, SplitState, StoredSplit, Trigger,
};
pub use space::{Space, SpaceRef};
pub use store::Store;
