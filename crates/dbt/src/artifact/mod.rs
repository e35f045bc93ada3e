//! The files that dbt writes, read by their shape: whatever their version, unknown keys are passed over, and
//! missing and null ones are allowed.

mod borrowed;
mod entry;
mod file;
mod header;
mod json;
mod node;
mod result;
mod scan;

pub(crate) use borrowed::{Json, Literal, Members, Str};
use entry::skip;
pub(crate) use file::{Source, open};
pub(crate) use header::{Artifact, Header};
pub(crate) use node::{Column, Constraint, Group, Node, Owner, Test, Threshold};
pub(crate) use result::{Args, CatalogColumn, CatalogEntry, FreshnessResult, RunResult};
pub(crate) use scan::{Scanner, Text};
