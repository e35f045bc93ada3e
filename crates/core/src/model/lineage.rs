use super::Name;
use crate::Path;
use serde::{Deserialize, Serialize};

/// A path within a platform family.
///
/// It need not be known to any catalog yet, and may belong to another connector: a dbt model that builds
/// `analytics.orders` names the warehouse's family and path.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LineageEnd {
    /// The family's name, as in [`Family::name`](crate::Family): `postgres`.
    pub family: Name,
    /// The asset's path in the case that the source reports.
    pub path: Path,
}

impl LineageEnd {
    /// A path of this family.
    pub fn new(family: impl Into<Name>, path: Path) -> Self {
        Self {
            family: family.into(),
            path,
        }
    }
}

/// Which way data flows along an edge, seen from its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flow {
    /// From the other end into the owner: a view reads a table.
    In,
    /// From the owner into the other end: a dbt model builds a table.
    Out,
}

/// Data flows between the asset that owns the edge and another one.
///
/// The asset that the edge is known from owns it, whichever way the data flows: a view its upstream tables,
/// a dbt model the table that it builds. An edge is reported once, by its owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineageEdge {
    /// Which way the data flows.
    pub flow: Flow,
    /// The end that is not the owner.
    pub end: LineageEnd,
    /// How this is known, in snake_case: `view`, `dbt`, `query`.
    pub kind: Name,
    /// Which fields flow into which, where that is known. A hint: an empty list says nothing.
    pub field_pairs: Vec<FieldPair>,
}

impl LineageEdge {
    /// An edge of which no fields are known.
    pub fn new(flow: Flow, end: LineageEnd, kind: impl Into<Name>) -> Self {
        Self {
            flow,
            end,
            kind: kind.into(),
            field_pairs: Vec::new(),
        }
    }
}

/// One field flows into another, each as its path within its asset.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FieldPair {
    /// The field read.
    pub upstream: Vec<String>,
    /// The field made of it.
    pub downstream: Vec<String>,
}
