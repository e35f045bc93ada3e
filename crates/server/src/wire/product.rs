use super::{
    Time,
    asset::{Constraint, Definition, Field, FieldPair, LineageEnd, Stats},
};
use headwater_catalog as catalog;
use headwater_core::{
    Path,
    model::{self, Properties},
};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// A table, view, model or the like, as lists show it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Product {
    /// Its id.
    id: String,
    /// Its name in the source.
    #[schema(example = "orders")]
    name: String,
    /// Its name in addresses; unique in the space, and it never changes.
    #[schema(example = "shop-public-orders")]
    slug: String,
    /// What it is.
    #[schema(required)]
    description: Option<String>,
    /// What kind of thing it is.
    #[schema(example = "table")]
    product_type: String,
    /// The connector's kind.
    #[schema(example = "postgres")]
    provider: String,
    /// Its path, joined by dots: for people.
    #[schema(example = "shop.public.orders")]
    hosting_location: String,
    /// Its tags; null where they were never read.
    #[schema(required)]
    tags: Option<Vec<String>>,
    /// `active`, `stale`, `out_of_scope` or `disconnected`.
    #[schema(example = "active")]
    state: &'static str,
    /// Whether it is anything but active.
    is_archived: bool,
    /// When it was first seen.
    created_at: Time,
    /// When it last changed.
    updated_at: Time,
    /// The connector that reads it.
    connector_id: String,
}

impl From<catalog::Product> for Product {
    fn from(product: catalog::Product) -> Self {
        Self {
            id: product.id.to_string(),
            name: product.name,
            slug: product.slug,
            description: product.description,
            product_type: product.product_type,
            provider: product.provider,
            hosting_location: product.hosting_location,
            tags: product.tags.into_option(),
            state: product.state.as_str(),
            is_archived: product.state != catalog::ProductState::Active,
            created_at: Time(product.created_at),
            updated_at: Time(product.updated_at),
            connector_id: product.connector_id.to_string(),
        }
    }
}

/// A product with all that is known of it. A part that was never read is null; read and empty is `[]`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProductDetail {
    #[serde(flatten)]
    product: Product,
    /// Its path in the source.
    #[schema(value_type = Vec<String>)]
    path: Path,
    /// The source's own id.
    #[schema(required)]
    native_id: Option<String>,
    /// Who owns it.
    #[schema(required)]
    owners: Option<Vec<String>>,
    /// What else the source says of it.
    #[schema(value_type = Object)]
    properties: Properties,
    /// Where the parts that people may write come from.
    origins: Origins,
    /// Its columns, as a tree.
    #[schema(required)]
    fields: Option<Vec<Field>>,
    /// Its constraints and physical keys.
    #[schema(required)]
    constraints: Option<Vec<Constraint>>,
    /// The code that makes it.
    #[schema(required)]
    definition: Option<Definition>,
    /// Its sizes and times.
    #[schema(required)]
    stats: Option<Stats>,
    /// One hop of lineage.
    lineage: Lineage,
    /// The newest 10 changes.
    schema_changes: Vec<SchemaChange>,
}

impl From<catalog::ProductDetail> for ProductDetail {
    fn from(detail: catalog::ProductDetail) -> Self {
        let constraints = detail.constraints.into_option();
        let fields = detail.fields.into_option();
        let fields = fields.map(|fields| Field::tree(fields, constraints.as_deref().unwrap_or_default()));
        let constraints = constraints.map(|all| all.into_iter().zip(detail.referred));
        Self {
            path: detail.product.path.clone(),
            owners: detail.product.owners.clone().into_option(),
            origins: detail.product.origins.into(),
            product: detail.product.into(),
            native_id: detail.native_id,
            properties: detail.properties,
            fields,
            constraints: constraints.map(|all| all.map(constraint).collect()),
            definition: detail.definition.into_option().flatten().map(Definition::from),
            stats: detail.stats.into_option().map(Stats::from),
            lineage: detail.lineage.into(),
            schema_changes: detail
                .schema_changes
                .into_iter()
                .map(SchemaChange::from)
                .collect(),
        }
    }
}

/// With the product that a foreign key refers to.
fn constraint((constraint, referred): (model::Constraint, Option<catalog::ProductId>)) -> Constraint {
    let mut constraint = Constraint::from(constraint);
    if let Some(references) = &mut constraint.references {
        references.product_id = Some(referred.map(|id| id.to_string()));
    }
    constraint
}

/// Where the parts of a product that people may write come from: `source` or `manual`.
#[derive(Debug, Serialize, ToSchema)]
struct Origins {
    /// Of the description.
    #[schema(example = "source")]
    description: &'static str,
    /// Of the tags.
    #[schema(example = "manual")]
    tags: &'static str,
    /// Of the owners.
    #[schema(example = "source")]
    owners: &'static str,
}

impl From<catalog::Origins> for Origins {
    fn from(origins: catalog::Origins) -> Self {
        Self {
            description: origins.description.as_str(),
            tags: origins.tags.as_str(),
            owners: origins.owners.as_str(),
        }
    }
}

/// What a product is made of and what is made of it: one hop.
#[derive(Debug, Serialize, ToSchema)]
struct Lineage {
    /// What it is made of.
    upstream: Vec<LineageLink>,
    /// What is made of it.
    downstream: Vec<LineageLink>,
}

impl From<catalog::Lineage> for Lineage {
    fn from(lineage: catalog::Lineage) -> Self {
        Self {
            upstream: lineage.upstream.into_iter().map(LineageLink::from).collect(),
            downstream: lineage.downstream.into_iter().map(LineageLink::from).collect(),
        }
    }
}

/// The other end of an edge.
#[derive(Debug, Serialize, ToSchema)]
struct LineageLink {
    /// The product there; null where this space has none of this path, or more than one.
    #[schema(required)]
    product_id: Option<String>,
    /// Its path.
    #[schema(value_type = Vec<String>)]
    path: Path,
    /// The platform family whose names the path uses.
    #[schema(example = "postgres")]
    family: String,
    /// How this is known.
    #[schema(example = "view")]
    kind: String,
    /// Which fields flow into which, where that is known.
    field_pairs: Vec<FieldPair>,
}

impl From<catalog::LineageLink> for LineageLink {
    fn from(link: catalog::LineageLink) -> Self {
        Self {
            product_id: link.product_id.map(|id| id.to_string()),
            path: link.path,
            family: link.family,
            kind: link.kind,
            field_pairs: link.field_pairs.into_iter().map(FieldPair::from).collect(),
        }
    }
}

/// What lies around a product.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LineageGraph {
    /// The ends, the product itself first, each once.
    nodes: Vec<LineageNode>,
    /// The edges between them, each once.
    edges: Vec<LineageArc>,
    /// Whether there are more nodes than fit.
    truncated: bool,
}

/// An end in a graph.
#[derive(Debug, Serialize, ToSchema)]
struct LineageNode {
    /// The product there; null where this space has none of this path, or more than one.
    #[schema(required)]
    product_id: Option<String>,
    /// The platform family and the path.
    #[serde(flatten)]
    end: LineageEnd,
    /// What kind of thing it is, where there is a product.
    #[schema(required, example = "view")]
    product_type: Option<String>,
}

/// An edge in a graph.
#[derive(Debug, Serialize, ToSchema)]
struct LineageArc {
    /// Where the data comes from.
    upstream: LineageEnd,
    /// The product there.
    #[schema(required)]
    upstream_id: Option<String>,
    /// Where the data goes to.
    downstream: LineageEnd,
    /// The product there.
    #[schema(required)]
    downstream_id: Option<String>,
    /// How this is known.
    #[schema(example = "view")]
    kind: String,
    /// Which fields flow into which, where that is known.
    field_pairs: Vec<FieldPair>,
}

impl From<catalog::LineageGraph> for LineageGraph {
    fn from(graph: catalog::LineageGraph) -> Self {
        let nodes = graph.nodes.into_iter().map(|node| LineageNode {
            product_id: node.product_id.map(|id| id.to_string()),
            end: node.end.into(),
            product_type: node.product_type,
        });
        let edges = graph.edges.into_iter().map(|arc| LineageArc {
            upstream: arc.upstream.into(),
            upstream_id: arc.upstream_id.map(|id| id.to_string()),
            downstream: arc.downstream.into(),
            downstream_id: arc.downstream_id.map(|id| id.to_string()),
            kind: arc.kind,
            field_pairs: arc.field_pairs.into_iter().map(FieldPair::from).collect(),
        });
        Self {
            nodes: nodes.collect(),
            edges: edges.collect(),
            truncated: graph.truncated,
        }
    }
}

/// What one sync found different about a product.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SchemaChange {
    /// Its id.
    id: String,
    /// The sync that found it.
    job_id: String,
    /// When it was found.
    changed_at: Time,
    /// Each difference.
    changes: Vec<Change>,
}

/// One difference.
#[derive(Debug, Serialize, ToSchema)]
struct Change {
    /// `added`, `removed` or `changed`.
    #[schema(example = "changed")]
    op: &'static str,
    /// Which part of the product: `fields`, `constraints`, `definition`, ...
    #[schema(example = "fields")]
    part: String,
    /// The thing within the part.
    #[schema(example = json!(["total"]))]
    path: Vec<String>,
    /// What of the thing; null where the whole thing came or went.
    #[schema(required, example = "native_type")]
    attribute: Option<String>,
    /// What it was.
    #[schema(required, value_type = Value)]
    before: Value,
    /// What it is.
    #[schema(required, value_type = Value)]
    after: Value,
}

impl From<catalog::SchemaChange> for SchemaChange {
    fn from(change: catalog::SchemaChange) -> Self {
        let changes = change.changes.into_iter().map(|one| Change {
            op: one.op.as_str(),
            part: one.part,
            path: one.path,
            attribute: one.attribute,
            before: one.before,
            after: one.after,
        });
        Self {
            id: change.id.to_string(),
            job_id: change.run_id.to_string(),
            changed_at: Time(change.changed_at),
            changes: changes.collect(),
        }
    }
}

/// What a person writes about a product. What is absent stays; null gives a part back to the source.
#[derive(Debug, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProductPatch {
    /// What it is.
    #[serde(default, deserialize_with = "present")]
    description: Option<Option<String>>,
    /// Its tags.
    #[serde(default, deserialize_with = "present")]
    tags: Option<Option<Vec<String>>>,
    /// Who owns it.
    #[serde(default, deserialize_with = "present")]
    owners: Option<Option<Vec<String>>>,
}

/// Tells null from absent.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl From<ProductPatch> for catalog::ProductPatch {
    fn from(patch: ProductPatch) -> Self {
        Self {
            description: patch.description,
            tags: patch.tags,
            owners: patch.owners,
        }
    }
}
