//! Which product stands at the end of an edge.
//!
//! Only active products of the edge's own space and family count. First those of the exact path: the one of
//! the owner's own connector, else the only one. Where none has the exact path, the only one whose folded
//! path is the same. Two that fit equally well are none: a link that is missing is better than a wrong one.

use super::{Lineage, LineageLink};
use crate::{
    Error, ProductId, Result,
    db::queries,
    id, path,
    product::ProductRow,
    schema::{edge, product},
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use headwater_core::model::FieldPair;
use std::collections::HashMap;

/// How many values one statement compares a column with.
const VALUES: usize = 1_000;

/// An active product, as far as edges look at it.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = product)]
pub(crate) struct Place {
    pub(super) id: String,
    connector_id: String,
    pub(super) family: String,
    pub(super) key: String,
    pub(super) folded: String,
    pub(super) kind: String,
}

/// An edge.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = edge)]
pub(crate) struct EdgeRow {
    pub(super) product_id: String,
    pub(super) upstream_family: String,
    pub(super) upstream_key: String,
    upstream_folded: String,
    pub(super) kind: String,
    field_pairs: String,
}

impl EdgeRow {
    pub(super) fn field_pairs(&self) -> Result<Vec<FieldPair>> {
        serde_json::from_str(&self.field_pairs).map_err(|_quotes_values| Error::corrupt("edge.field_pairs"))
    }
}

/// Active products by folded path.
#[derive(Debug, Default)]
pub(crate) struct Places(HashMap<String, Vec<Place>>);

impl Places {
    fn new(places: Vec<Place>) -> Self {
        let mut by_folded: HashMap<String, Vec<Place>> = HashMap::new();
        for place in places {
            by_folded.entry(place.folded.clone()).or_default().push(place);
        }
        Self(by_folded)
    }

    /// The product at the upstream end of an edge whose owner belongs to `connector`.
    pub(super) fn upstream_of(&self, edge: &EdgeRow, connector: &str) -> Option<&Place> {
        let folded = self.0.get(&edge.upstream_folded)?;
        let of_family: Vec<&Place> = folded
            .iter()
            .filter(|place| place.family == edge.upstream_family)
            .collect();
        let exact: Vec<&Place> = of_family
            .iter()
            .copied()
            .filter(|place| place.key == edge.upstream_key)
            .collect();
        let own = exact
            .iter()
            .copied()
            .find(|place| place.connector_id == connector);
        own.or_else(|| only(if exact.is_empty() { &of_family } else { &exact }))
    }
}

fn only<'a>(places: &[&'a Place]) -> Option<&'a Place> {
    match places {
        [one] => Some(one),
        _ => None,
    }
}

queries! {
    /// Reads of edges.
    pub(crate) trait LineageQueries {
        /// The active products of these folded paths.
        async fn places(&mut self, space: &str, folded: &[String]) -> Result<Places> {
            let mut places = Vec::new();
            for folded in folded.chunks(VALUES) {
                let found: Vec<Place> = product::table
                    .filter(product::space_id.eq(space))
                    .filter(product::folded.eq_any(folded))
                    .filter(product::state.eq("active"))
                    .select(Place::as_select())
                    .load(self)
                    .await?;
                places.extend(found);
            }
            Ok(Places::new(places))
        }

        /// The edges into these products, each with the product at its other end.
        async fn edges_into(&mut self, space: &str, owners: &[Place]) -> Result<Vec<(EdgeRow, Option<Place>)>> {
            let ids: Vec<&str> = owners.iter().map(|owner| owner.id.as_str()).collect();
            let mut edges: Vec<EdgeRow> = Vec::new();
            for ids in ids.chunks(VALUES) {
                let found: Vec<EdgeRow> = edge::table
                    .filter(edge::product_id.eq_any(ids))
                    .order((edge::product_id, edge::ordinal))
                    .select(EdgeRow::as_select())
                    .load(self)
                    .await?;
                edges.extend(found);
            }
            let folded: Vec<String> = edges.iter().map(|edge| edge.upstream_folded.clone()).collect();
            let places = self.places(space, &folded).await?;
            let owners: HashMap<&str, &Place> = owners.iter().map(|owner| (owner.id.as_str(), owner)).collect();
            Ok(edges
                .into_iter()
                .map(|edge| {
                    let owner = owners.get(edge.product_id.as_str());
                    let upstream = owner.and_then(|owner| places.upstream_of(&edge, &owner.connector_id));
                    let upstream = upstream.cloned();
                    (edge, upstream)
                })
                .collect())
        }

        /// The edges out of these products into active ones, each with its owner and the product that it
        /// comes from.
        async fn edges_from(&mut self, space: &str, from: &[Place]) -> Result<Vec<(EdgeRow, Place, Place)>> {
            let folded: Vec<String> = from.iter().map(|place| place.folded.clone()).collect();
            let mut edges: Vec<(EdgeRow, Place)> = Vec::new();
            for folded in folded.chunks(VALUES) {
                let found: Vec<(EdgeRow, Place)> = edge::table
                    .inner_join(product::table.on(product::id.eq(edge::product_id)))
                    .filter(edge::space_id.eq(space))
                    .filter(edge::upstream_folded.eq_any(folded))
                    .filter(product::state.eq("active"))
                    .order((product::hosting_location, product::id, edge::ordinal))
                    .select((EdgeRow::as_select(), Place::as_select()))
                    .load(self)
                    .await?;
                edges.extend(found);
            }
            let places = self.places(space, &folded).await?;
            Ok(edges
                .into_iter()
                .filter_map(|(edge, owner)| {
                    let upstream = places.upstream_of(&edge, &owner.connector_id)?;
                    let asked = from.iter().any(|place| place.id == upstream.id);
                    asked.then(|| (edge, owner, upstream.clone()))
                })
                .collect())
        }

        /// The lineage of a product, one hop.
        async fn one_hop(&mut self, row: &ProductRow) -> Result<Lineage> {
            let own = [Place::from(row)];
            let mut lineage = Lineage::default();
            for (edge, upstream) in self.edges_into(&row.space_id, &own).await? {
                let (path, product_id) = end(&edge, upstream.as_ref())?;
                lineage.upstream.push(LineageLink {
                    product_id,
                    path,
                    family: edge.upstream_family.clone(),
                    field_pairs: edge.field_pairs()?,
                    kind: edge.kind,
                });
            }
            for (edge, owner, _) in self.edges_from(&row.space_id, &own).await? {
                lineage.downstream.push(LineageLink {
                    product_id: Some(owner.product_id()?),
                    path: path::path(&owner.key),
                    family: owner.family,
                    field_pairs: edge.field_pairs()?,
                    kind: edge.kind,
                });
            }
            Ok(lineage)
        }
    }
}

/// The path and the product at the upstream end: the product's own path where there is one.
pub(super) fn end(
    edge: &EdgeRow,
    upstream: Option<&Place>,
) -> Result<(headwater_core::Path, Option<ProductId>)> {
    match upstream {
        Some(place) => Ok((path::path(&place.key), Some(place.product_id()?))),
        None => Ok((path::path(&edge.upstream_key), None)),
    }
}

impl Place {
    pub(super) fn product_id(&self) -> Result<ProductId> {
        id::stored(&self.id, "product.id")
    }
}

impl From<&ProductRow> for Place {
    fn from(row: &ProductRow) -> Self {
        Self {
            id: row.id.clone(),
            connector_id: row.connector_id.clone(),
            family: row.family.clone(),
            key: row.key.clone(),
            folded: row.folded.clone(),
            kind: row.kind.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(id: &str, connector: &str, key: &str) -> Place {
        Place {
            id: id.into(),
            connector_id: connector.into(),
            family: "postgres".into(),
            key: key.into(),
            folded: key.to_lowercase(),
            kind: "table".into(),
        }
    }

    fn found(places: &[Place], key: &str, connector: &str) -> Option<String> {
        let edge = EdgeRow {
            product_id: "owner".into(),
            upstream_family: "postgres".into(),
            upstream_key: key.into(),
            upstream_folded: key.to_lowercase(),
            kind: "view".into(),
            field_pairs: "[]".into(),
        };
        let places = Places::new(places.to_vec());
        places.upstream_of(&edge, connector).map(|place| place.id.clone())
    }

    #[test]
    fn the_exact_path_wins_and_a_folded_one_must_be_the_only_one() {
        let lower = place("lower", "a", "orders");
        let upper = place("upper", "a", "ORDERS");
        assert_eq!(
            found(&[lower.clone(), upper.clone()], "orders", "a").unwrap(),
            "lower"
        );
        assert_eq!(
            found(std::slice::from_ref(&upper), "orders", "b").unwrap(),
            "upper"
        );
        assert_eq!(found(&[lower, upper], "Orders", "a"), None);
    }

    #[test]
    fn the_owners_connector_comes_before_others_and_two_others_are_none() {
        let (a, b) = (place("in a", "a", "orders"), place("in b", "b", "orders"));
        let both = [a, b];
        assert_eq!(found(&both, "orders", "b").unwrap(), "in b");
        assert_eq!(found(&both, "orders", "c"), None);
    }

    #[test]
    fn another_family_is_another_name_space() {
        let mut other = place("x", "a", "orders");
        other.family = "snowflake".into();
        assert_eq!(found(&[other], "orders", "a"), None);
    }
}
