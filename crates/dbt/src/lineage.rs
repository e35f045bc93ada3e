//! Where the data of a product comes from, and the relation that it stands for in the warehouse.

use crate::{artifact::Node, convert::identifier, identity, project::Product};
use headwater_core::{
    Path,
    model::{AssetKind, Flow, LineageEdge, LineageEnd},
};

/// The family of dbt's own paths.
pub(crate) const FAMILY: &str = "dbt";

/// The edges of a product: from each product that it is made of, and from or into its relation. What it depends
/// on and is no product (an analysis, a disabled model) makes no edge.
pub(crate) fn edges(
    kind: &AssetKind,
    product: &Product<'_>,
    adapter: Option<&str>,
    is_product: impl Fn(&str) -> bool,
) -> Vec<LineageEdge> {
    let node = &product.record.node;
    let read = node.depends_on.as_ref().and_then(|on| on.nodes.as_ref());
    let read = read.into_iter().flatten().map(|id| &**id);
    let mut upstream: Vec<&str> = read.filter(|id| is_product(id)).collect();
    upstream.sort_unstable();
    upstream.dedup();
    let of_product = |id: &str| {
        let end = LineageEnd::new(FAMILY, identity::path(id)?);
        Some(LineageEdge::new(Flow::In, end, "dbt"))
    };
    let mut edges: Vec<LineageEdge> = upstream.into_iter().filter_map(of_product).collect();
    edges.extend(adapter.and_then(|adapter| link(kind, product, adapter)));
    edges
}

/// The edge between a product and its relation: a source reads it, a model, seed or snapshot builds it. dbt writes
/// down a schema for an ephemeral model, too, of which nothing is built.
fn link(kind: &AssetKind, product: &Product<'_>, adapter: &str) -> Option<LineageEdge> {
    let config = product.record.node.config.as_ref();
    let materialized = config.and_then(|config| config.materialized.as_deref());
    let flow = match kind.as_str() {
        "dbt_source" => Flow::In,
        "dbt_model" | "dbt_seed" | "dbt_snapshot" if materialized != Some("ephemeral") => Flow::Out,
        _ => return None,
    };
    let end = LineageEnd::new(adapter, relation(product, adapter)?);
    Some(LineageEdge::new(flow, end, kind.as_str()))
}

/// The path of a product's relation in the warehouse: by the catalog, which keeps the warehouse's case, else as the
/// project spells it. A part that nobody names is none to guess; only Databricks has a name for it.
fn relation(product: &Product<'_>, adapter: &str) -> Option<Path> {
    let real = product.catalog.as_ref().and_then(|entry| entry.metadata.as_ref());
    if let Some(real) = real
        && let (Some(database), Some(schema), Some(name)) = (&real.database, &real.schema, &real.name)
    {
        return Some(Path::new([database, schema, name].map(|part| &**part)));
    }
    let node: &Node<'_> = &product.record.node;
    let default = (adapter == "databricks").then_some("hive_metastore");
    let database = node.database.as_deref().or(default)?;
    Some(Path::new([database, node.schema.as_deref()?, identifier(node)?]))
}
