//! What goes over the wire: the structs of requests and answers, and how they come from the catalog's types.

pub mod asset;
mod audit;
mod connector;
mod connector_type;
mod key;
mod page;
mod product;
mod space;
mod sync_job;
mod time;

pub(crate) use audit::AuditEvent;
pub(crate) use connector::{Connector, ConnectorAnswer, ConnectorPatch, NewConnector, TestAnswer};
pub(crate) use connector_type::ConnectorType;
pub(crate) use key::{ApiKey, NewApiKey, NewInstanceKey, NewKeyAnswer};
pub(crate) use page::Page;
pub(crate) use product::{LineageGraph, Product, ProductDetail, ProductPatch, SchemaChange};
pub(crate) use space::{NewSpace, Space, is_slug};
pub(crate) use sync_job::{Decision, StartedSync, SyncJob, SyncJobDetail, SyncRequest};
pub use time::Time;
