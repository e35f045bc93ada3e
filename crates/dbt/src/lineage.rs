//! Where the data of a product comes from.

use crate::{artifact::Node, convert::identifier, identity, project::Product};
use headwater_core::{
    Path,
    model::{LineageEdge, LineageEnd},
};
use std::collections::BTreeSet;

/// The family of dbt's own paths.
pub(crate) const FAMILY: &str = "dbt";

/// The edges into a product: from each product that it is made of, and into a source from the relation that it
/// stands for. What it depends on and is no product (an analysis, a disabled model) makes no edge.
pub(crate) fn edges(
    is_source: bool,
    product: &Product,
    adapter: Option<&str>,
    is_product: impl Fn(&str) -> bool,
) -> Vec<LineageEdge> {
    let node = &product.record.node;
    let read = node.depends_on.as_ref().and_then(|on| on.nodes.as_ref());
    let upstream: BTreeSet<&String> = read.into_iter().flatten().filter(|id| is_product(id)).collect();
    let of_product = |id: &String| Some(edge("dbt", FAMILY, identity::path(id)?));
    let mut edges: Vec<LineageEdge> = upstream.into_iter().filter_map(of_product).collect();
    if is_source && let Some(adapter) = adapter {
        edges.extend(relation(product, adapter).map(|path| edge("dbt_source", adapter, path)));
    }
    edges
}

/// The path of a product's relation in the warehouse: by the catalog, which keeps the warehouse's case, else as the
/// project spells it. A part that nobody names is none to guess; only Databricks has a name for it.
fn relation(product: &Product, adapter: &str) -> Option<Path> {
    let real = product.catalog.as_ref().and_then(|entry| entry.metadata.as_ref());
    if let Some(real) = real
        && let (Some(database), Some(schema), Some(name)) = (&real.database, &real.schema, &real.name)
    {
        return Some(Path::new([database, schema, name].map(String::as_str)));
    }
    let node: &Node = &product.record.node;
    let default = (adapter == "databricks").then_some("hive_metastore");
    let database = node.database.as_deref().or(default)?;
    Some(Path::new([database, node.schema.as_deref()?, identifier(node)?]))
}

fn edge(kind: &str, family: &str, path: Path) -> LineageEdge {
    LineageEdge {
        upstream: LineageEnd {
            family: family.to_owned(),
            path,
        },
        kind: kind.to_owned(),
        field_pairs: Vec::new(),
    }
}
