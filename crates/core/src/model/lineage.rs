use crate::Path;
use serde::{Deserialize, Serialize};

/// One end of a lineage edge: a path within a platform family.
///
/// The end need not be known to any catalog yet, and may belong to another connector: a dbt model that
/// builds `analytics.orders` names the warehouse's family and path.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LineageEnd {
    /// The family's name, as in [`Family::name`](crate::Family): `postgres`.
    pub family: String,
    /// The asset's path in the case that the source reports.
    pub path: Path,
}

/// Data flows from `upstream` into the edge's owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineageEdge {
    /// Where the data comes from.
    pub upstream: LineageEnd,
    /// How this is known, in snake_case: `view`, `dbt`, `query`.
    pub kind: String,
    /// Which fields flow into which, where that is known. A hint: an empty list says nothing.
    pub field_pairs: Vec<FieldPair>,
}

/// One field flows into another, each as its path within its asset.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FieldPair {
    /// The field read.
    pub upstream: Vec<String>,
    /// The field made of it.
    pub downstream: Vec<String>,
}
