//! Where data comes from and goes to.
//!
//! An edge is stored with its owner, the product that it is known from; its other end is a path of a platform
//! family, and data flows to it or from it. Which product that is, is found when it is read: so it does not
//! matter which side was synced first, or by which connector. See [`resolve`] for the rule.

mod ambiguous;
mod graph;
mod resolve;

pub(crate) use ambiguous::AmbiguousQueries;
pub use graph::{LineageArc, LineageDirection, LineageGraph, LineageNode};
pub(crate) use resolve::LineageQueries;

use crate::ProductId;
use headwater_core::{
    Path,
    model::{FieldPair, Flow},
};

/// The lineage of one product, one hop.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Lineage {
    /// Where its data comes from.
    pub upstream: Vec<LineageLink>,
    /// Where its data goes to.
    pub downstream: Vec<LineageLink>,
}

/// The other end of an edge.
#[derive(Debug, Clone, PartialEq)]
pub struct LineageLink {
    /// The product there, where the space has exactly one.
    pub product_id: Option<ProductId>,
    /// Its path.
    pub path: Path,
    /// The platform family of the path.
    pub family: String,
    /// How the edge is known: `view`.
    pub kind: String,
    /// Which fields flow into which, where that is known.
    pub field_pairs: Vec<FieldPair>,
}

/// A flow, as it is stored.
pub(crate) fn flow_name(flow: Flow) -> &'static str {
    match flow {
        Flow::In => "in",
        Flow::Out => "out",
    }
}
