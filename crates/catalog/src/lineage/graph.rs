//! The lineage of a product over several hops.

use super::resolve::{EdgeRow, LineageQueries, Place, end};
use crate::{
    ProductId, Result, SpaceId, Store,
    db::{on_conn, queries},
    path,
    product::ProductQueries as _,
};
use headwater_core::model::{FieldPair, LineageEnd};
use std::collections::{HashMap, HashSet};

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
    /// The product there.
    pub downstream_id: ProductId,
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
            let mut walk = Walk::default();
            walk.add(&root)?;
            if direction != LineageDirection::Downstream {
                c.walk_upstream(&space, &root, depth.min(MAX_DEPTH), &mut walk)
                    .await?;
            }
            if direction != LineageDirection::Upstream {
                c.walk_downstream(&space, &root, depth.min(MAX_DEPTH), &mut walk)
                    .await?;
            }
            Ok(walk.graph)
        })
    }
}

queries! {
    /// Follows edges, hop by hop.
    trait GraphQueries {
        async fn walk_upstream(&mut self, space: &str, root: &Place, depth: u32, walk: &mut Walk) -> Result<()> {
            let mut visited = HashSet::from([root.id.clone()]);
            let mut frontier = vec![root.clone()];
            for _ in 0..depth {
                let mut next = Vec::new();
                let owners: HashMap<String, Place> =
                    frontier.iter().map(|place| (place.id.clone(), place.clone())).collect();
                for (edge, upstream) in self.edges_into(space, &frontier).await? {
                    let known = match &upstream {
                        Some(place) => walk.add(place)?,
                        None => walk.add_unknown(&edge)?,
                    };
                    let Some(owner) = owners.get(&edge.product_id).filter(|_| known) else { continue };
                    walk.connect(&edge, upstream.as_ref(), owner)?;
                    next.extend(upstream.filter(|place| visited.insert(place.id.clone())));
                }
                frontier = next;
            }
            Ok(())
        }

        async fn walk_downstream(&mut self, space: &str, root: &Place, depth: u32, walk: &mut Walk) -> Result<()> {
            let mut visited = HashSet::from([root.id.clone()]);
            let mut frontier = vec![root.clone()];
            for _ in 0..depth {
                let mut next = Vec::new();
                for (edge, owner, upstream) in self.edges_from(space, &frontier).await? {
                    if walk.add(&owner)? {
                        walk.connect(&edge, Some(&upstream), &owner)?;
                        next.extend(visited.insert(owner.id.clone()).then_some(owner));
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
    edges: HashSet<(String, LineageEndKey, String)>,
}

/// Family and stored path; a product's id in place of the path, as two connectors may hold one path.
type LineageEndKey = (String, String);

impl Walk {
    /// Adds a product once. `false` when the graph is full.
    fn add(&mut self, place: &Place) -> Result<bool> {
        let node = LineageNode {
            product_id: Some(place.product_id()?),
            end: place_end(place),
            product_type: Some(place.kind.clone()),
        };
        Ok(self.insert((place.family.clone(), place.id.clone()), node))
    }

    /// Adds an end that is no product of the space.
    fn add_unknown(&mut self, edge: &EdgeRow) -> Result<bool> {
        let node = LineageNode {
            product_id: None,
            end: upstream_end(edge, None)?,
            product_type: None,
        };
        Ok(self.insert((edge.upstream_family.clone(), edge.upstream_key.clone()), node))
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

    fn connect(&mut self, edge: &EdgeRow, upstream: Option<&Place>, owner: &Place) -> Result<()> {
        let from = (edge.upstream_family.clone(), edge.upstream_key.clone());
        if self.edges.insert((owner.id.clone(), from, edge.kind.clone())) {
            self.graph.edges.push(LineageArc {
                upstream: upstream_end(edge, upstream)?,
                upstream_id: upstream.map(Place::product_id).transpose()?,
                downstream: place_end(owner),
                downstream_id: owner.product_id()?,
                kind: edge.kind.clone(),
                field_pairs: edge.field_pairs()?,
            });
        }
        Ok(())
    }
}

fn place_end(place: &Place) -> LineageEnd {
    LineageEnd {
        family: place.family.clone(),
        path: path::path(&place.key),
    }
}

fn upstream_end(edge: &EdgeRow, upstream: Option<&Place>) -> Result<LineageEnd> {
    Ok(LineageEnd {
        family: edge.upstream_family.clone(),
        path: end(edge, upstream)?.0,
    })
}
