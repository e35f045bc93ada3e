//! Products: what the catalog holds of the assets of its connectors.

mod edit;
mod read;
mod row;
mod slug;

pub(crate) use read::{ProductQueries, stored_stats};
pub(crate) use row::{Manual, ProductRow, search_text};
pub(crate) use slug::{numbered, slug};

use crate::{ConnectorId, Lineage, ProductId, SchemaChange, SpaceId, name::names};
use headwater_core::{
    Facet, Path,
    model::{Constraint, Definition, Field, Properties, Stats},
};
use jiff::Timestamp;

names! {
    /// Whether a product is still there.
    pub enum ProductState {
        /// Its source has it.
        Active = "active",
        /// It is gone from its source.
        Stale = "stale",
        /// The connector's filters leave it out.
        OutOfScope = "out_of_scope",
        /// Its connector was deleted.
        Disconnected = "disconnected",
    }
}

names! {
    /// Who said something about a product.
    pub enum ProductOrigin {
        /// The source.
        Source = "source",
        /// A person; a sync does not overwrite it.
        Manual = "manual",
    }
}

/// Who said what a person may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origins {
    /// Who said the description.
    pub description: ProductOrigin,
    /// Who said the tags.
    pub tags: ProductOrigin,
    /// Who said the owners.
    pub owners: ProductOrigin,
}

/// A product as it stands in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Product {
    /// Its id.
    pub id: ProductId,
    /// Its space.
    pub space_id: SpaceId,
    /// Its connector, which may be deleted.
    pub connector_id: ConnectorId,
    /// Its path in the source.
    pub path: Path,
    /// The platform family of its path.
    pub family: String,
    /// The last segment of its path.
    pub name: String,
    /// Its name in addresses: unique in the space, never changed.
    pub slug: String,
    /// What it is for.
    pub description: Option<String>,
    /// The kind of asset: `table`.
    pub product_type: String,
    /// The kind of connector: `postgres`.
    pub provider: String,
    /// The path, joined with dots.
    pub hosting_location: String,
    /// Its tags.
    pub tags: Facet<Vec<String>>,
    /// Its owners.
    pub owners: Facet<Vec<String>>,
    /// Whether it is still there.
    pub state: ProductState,
    /// When it was first seen.
    pub created_at: Timestamp,
    /// When its schema, its state or what people wrote of it last changed. Statistics do not move it.
    pub updated_at: Timestamp,
    /// Who said the description, the tags and the owners.
    pub origins: Origins,
}

/// Everything about one product.
#[derive(Debug, Clone, PartialEq)]
pub struct ProductDetail {
    /// What the list shows.
    pub product: Product,
    /// The source's own id.
    pub native_id: Option<String>,
    /// What else the source says of its structure.
    pub properties: Properties,
    /// Its columns.
    pub fields: Facet<Vec<Field>>,
    /// Its keys and checks.
    pub constraints: Facet<Vec<Constraint>>,
    /// For each of `constraints`, the product that a foreign key refers to, where the catalog has it.
    pub referred: Vec<Option<ProductId>>,
    /// The code that makes it.
    pub definition: Facet<Option<Definition>>,
    /// Sizes and times.
    pub stats: Facet<Stats>,
    /// Where its data comes from and goes to, one hop.
    pub lineage: Lineage,
    /// The newest changes of its schema, newest first, at most 10.
    pub schema_changes: Vec<SchemaChange>,
}

/// Which products of a space: the active ones, unless told otherwise.
#[derive(Debug, Clone, Default)]
pub struct ProductFilter {
    /// Those of one connector.
    pub connector_id: Option<ConnectorId>,
    /// Those with this text in name, path, description or the name of a column, whatever its case.
    pub search: Option<String>,
    /// Those in this state.
    pub state: Option<ProductState>,
    /// Those in any state, where `state` names none.
    pub include_archived: bool,
}

/// A change to what a person may say: `None` leaves it, `Some(None)` gives it back to the source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProductPatch {
    /// What it is for.
    pub description: Option<Option<String>>,
    /// Its tags.
    pub tags: Option<Option<Vec<String>>>,
    /// Its owners.
    pub owners: Option<Option<Vec<String>>>,
}
