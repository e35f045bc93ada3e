//! From dbt's words to the catalog's. Pure.

mod asset;
mod fields;
mod properties;
mod stats;
mod types;

pub(crate) use asset::{asset, prose};
pub(crate) use properties::identifier;
