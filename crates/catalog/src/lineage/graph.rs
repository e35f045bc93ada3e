//! The lineage of a product over several hops.

use super::resolve::{EdgeRow, Holders, Hop, LineageQueries, Place};
use crate::{
    ProductId, Result, SpaceId, Store,
    db::{on_conn, queries},
    product::ProductQueries as _,
};
use headwater_core::model::{FieldPair, Flow, LineageEnd};
use std::collections::HashSet;

/// The most hops that a graph follows.
const MAX_DEPTH: u32 = 10;
/// The most nodes that a graph has.
const MAX_NODES: usize = 1_000;

/// Which way to follow lineage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LineageDirection {
    /// To where the data comes from.
    Upstream,
    /// To where the data goes to.
    Downstream,
    /// Both, each on its own: what is upstream of a downstream product is not followed.
    #[default]
    Both,
}

/// What lies around a product.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LineageGraph {
    /// The ends, the product itself first, each once.
    pub nodes: Vec<LineageNode>,
    /// The edges between them, each once.
    pub edges: Vec<LineageArc>,
    /// Whether there are more nodes than fit.
    pub truncated: bool,
}

/// An end in a graph.
#[derive(Debug, Clone, PartialEq)]
pub struct LineageNode {
    /// The product there, where the space has exactly one.
    pub product_id: Option<ProductId>,
    /// The family and path of the product, or as the edge names it.
    pub end: LineageEnd,
    /// The kind of asset, where there is a product.
    pub product_type: Option<String>,
}

/// An edge in a graph. Its ends are those of two nodes.
#[derive(Debug, Clone, PartialEq)]
pub struct LineageArc {
    /// Where the data comes from.
    pub upstream: LineageEnd,
    /// The product there, where the space has exactly one.
    pub upstream_id: Option<ProductId>,
    /// Where the data goes to.
    pub downstream: LineageEnd,
    /// The product there, where the space has exactly one.
    pub downstream_id: Option<ProductId>,
    /// How the edge is known: `view`.
    pub kind: String,
    /// Which fields flow into which, where that is known.
    pub field_pairs: Vec<FieldPair>,
}

impl Store {
    /// What lies around a product: at most 10 hops and 1,000 nodes, the nearest first.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound).
    pub async fn lineage(
        &self,
        space: SpaceId,
        product: ProductId,
        depth: u32,
        direction: LineageDirection,
    ) -> Result<LineageGraph> {
        let (space, id) = (space.to_string(), product.to_string());
        on_conn!(self.db(), |c| {
            let root = Place::from(&c.product_row(&space, &id).await?);
            let holders = c.holders(&space).await?;
            let mut walk = Walk::default();
            walk.add(&root)?;
            let depth = depth.min(MAX_DEPTH);
            if direction != LineageDirection::Downstream {
                c.walk(&space, &root, depth, Flow::In, &holders, &mut walk)
                    .await?;
            }
            if direction != LineageDirection::Upstream {
                c.walk(&space, &root, depth, Flow::Out, &holders, &mut walk)
                    .await?;
            }
            Ok(walk.graph)
        })
    }
}

queries! {
    /// Follows edges, hop by hop.
    trait GraphQueries {
        async fn walk(
            &mut self,
            space: &str,
            root: &Place,
            depth: u32,
            flow: Flow,
            holders: &Holders,
            walk: &mut Walk,
        ) -> Result<()> {
            let mut visited = HashSet::from([root.id.clone()]);
            let mut frontier = vec![root.clone()];
            for _ in 0..depth {
                let mut next = Vec::new();
                for hop in self.hops(space, &frontier, flow, holders).await? {
                    let fits = match &hop.far {
                        Some(place) => walk.add(place)?,
                        None => walk.add_unknown(&hop.edge),
                    };
                    if fits {
                        walk.connect(&hop, flow)?;
                        next.extend(hop.far.filter(|place| visited.insert(place.id.clone())));
                    }
                }
                frontier = next;
            }
            Ok(())
        }
    }
}

/// A graph that grows.
#[derive(Debug, Default)]
struct Walk {
    graph: LineageGraph,
    nodes: HashSet<LineageEndKey>,
    edges: HashSet<(String, i64)>,
}

/// Family and stored path; a product's id in place of the path, as two connectors may hold one path.
type LineageEndKey = (String, String);

impl Walk {
    /// Adds a product once. `false` when the graph is full.
    fn add(&mut self, place: &Place) -> Result<bool> {
        let node = LineageNode {
            product_id: Some(place.product_id()?),
            end: place.end(),
            product_type: Some(place.kind.clone()),
        };
        Ok(self.insert((place.family.clone(), place.id.clone()), node))
    }

    /// Adds an end that is no product of the space. `false` when the graph is full.
    fn add_unknown(&mut self, edge: &EdgeRow) -> bool {
        let node = LineageNode {
            product_id: None,
            end: edge.end(),
            product_type: None,
        };
        self.insert((edge.end_family.clone(), edge.end_key.clone()), node)
    }

    fn insert(&mut self, key: LineageEndKey, node: LineageNode) -> bool {
        if self.nodes.contains(&key) {
            return true;
        }
        if self.nodes.len() >= MAX_NODES {
            self.graph.truncated = true;
            return false;
        }
        self.nodes.insert(key);
        self.graph.nodes.push(node);
        true
    }

    fn connect(&mut self, hop: &Hop, flow: Flow) -> Result<()> {
        let edge = &hop.edge;
        if !self.edges.insert((edge.product_id.clone(), edge.ordinal)) {
            return Ok(());
        }
        let near = (hop.near.end(), Some(hop.near.product_id()?));
        let far = (hop.far_end(), hop.far_id()?);
        let ((upstream, upstream_id), (downstream, downstream_id)) = match flow {
            Flow::In => (far, near),
            Flow::Out => (near, far),
        };
        self.graph.edges.push(LineageArc {
            upstream,
            upstream_id,
            downstream,
            downstream_id,
            kind: edge.kind.clone(),
            field_pairs: edge.field_pairs()?,
        });
        Ok(())
    }
}
