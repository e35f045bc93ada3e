//! The stored catalog: spaces, keys, connectors, runs and products, in SQLite or PostgreSQL.

mod db;
mod error;
mod id;
mod name;
mod page;
mod schema;

pub use error::{Error, Result, UnknownName};
pub use id::{AuditId, ChangeId, ConnectorId, KeyId, ProductId, RunId, SpaceId};
pub use name::Name;
pub use page::{Page, PageRequest};
