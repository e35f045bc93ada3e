//! Which product stands at the end of an edge.
//!
//! Only active products of the edge's own space and of its family count. Where the owner's connector names
//! another (`links_into`), an end of another family than the owner's is looked for there and nowhere else.
//! Otherwise every connector counts that is switched on, and the owner's own.
//!
//! Of these, first those of the exact path: the one of the owner's own connector, else the only one. Where none
//! has the exact path, the only one whose folded path is the same. Two that fit equally well are none: a link
//! that is missing is better than a wrong one.

use super::{Lineage, LineageLink, flow_name};
use crate::{
    Error, ProductId, Result,
    db::queries,
    id, path,
    product::ProductRow,
    schema::{connector, edge, product},
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use headwater_core::model::{FieldPair, Flow, LineageEnd};
use std::collections::{HashMap, HashSet};

/// How many values one statement compares a column with.
pub(super) const VALUES: usize = 1_000;

/// An active product, as far as edges look at it.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = product)]
pub(crate) struct Place {
    pub(super) id: String,
    pub(super) connector_id: String,
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
    pub(super) ordinal: i64,
    pub(super) end_family: String,
    pub(super) end_key: String,
    pub(super) end_folded: String,
    pub(super) kind: String,
    field_pairs: String,
}

impl EdgeRow {
    pub(super) fn field_pairs(&self) -> Result<Vec<FieldPair>> {
        serde_json::from_str(&self.field_pairs).map_err(|_quotes_values| Error::corrupt("edge.field_pairs"))
    }

    /// The end that is not the owner, as it was reported.
    pub(super) fn end(&self) -> LineageEnd {
        LineageEnd::new(&*self.end_family, path::path(&self.end_key))
    }
}

/// A connector of the space, as far as edges look at it.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = connector)]
pub(crate) struct Holder {
    id: String,
    pub(super) name: String,
    is_active: bool,
    links_into: Option<String>,
}

/// The connectors of a space by id.
#[derive(Debug, Default)]
pub(crate) struct Holders(HashMap<String, Holder>);

impl Holders {
    fn new(holders: Vec<Holder>) -> Self {
        let by_id = |holder: Holder| (holder.id.clone(), holder);
        Self(holders.into_iter().map(by_id).collect())
    }

    pub(super) fn get(&self, connector: &str) -> Option<&Holder> {
        self.0.get(connector)
    }

    /// The connector that another one names, if the space still has it.
    pub(super) fn named_by(&self, connector: &str) -> Option<&Holder> {
        self.get(self.get(connector)?.links_into.as_deref()?)
    }

    fn is_active(&self, connector: &str) -> bool {
        self.get(connector).is_some_and(|holder| holder.is_active)
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

    /// The products that fit the end of an edge best. It is the product there if it is the only one.
    pub(super) fn fitting(&self, edge: &EdgeRow, owner: &Place, holders: &Holders) -> Vec<&Place> {
        let is_foreign = edge.end_family != owner.family;
        let named = holders.named_by(&owner.connector_id).filter(|_| is_foreign);
        let counts = |connector: &String| match named {
            Some(named) => *connector == named.id,
            None => *connector == owner.connector_id || holders.is_active(connector),
        };
        let folded = self.0.get(&edge.end_folded).into_iter().flatten();
        let folded: Vec<&Place> = folded
            .filter(|place| place.family == edge.end_family && counts(&place.connector_id))
            .collect();
        let exact = folded.iter().copied().filter(|place| place.key == edge.end_key);
        let exact: Vec<&Place> = exact.collect();
        let own = exact
            .iter()
            .copied()
            .find(|place| place.connector_id == owner.connector_id);
        match own {
            Some(own) => vec![own],
            None if exact.is_empty() => folded,
            None => exact,
        }
    }

    /// The product at the end of an edge.
    fn at(&self, edge: &EdgeRow, owner: &Place, holders: &Holders) -> Option<&Place> {
        match *self.fitting(edge, owner, holders) {
            [one] => Some(one),
            _ => None,
        }
    }
}

/// An edge at a product that was asked about, and what stands at its far side.
#[derive(Debug, Clone)]
pub(crate) struct Hop {
    pub(super) edge: EdgeRow,
    pub(super) near: Place,
    /// The product there, where there is exactly one.
    pub(super) far: Option<Place>,
}

impl Hop {
    /// The far side: where there is a product, by the product's own path.
    pub(super) fn far_end(&self) -> LineageEnd {
        self.far.as_ref().map_or_else(|| self.edge.end(), Place::end)
    }

    pub(super) fn far_id(&self) -> Result<Option<ProductId>> {
        self.far.as_ref().map(Place::product_id).transpose()
    }

    fn into_link(self) -> Result<LineageLink> {
        let LineageEnd { family, path } = self.far_end();
        Ok(LineageLink {
            product_id: self.far_id()?,
            path,
            family: family.into(),
            field_pairs: self.edge.field_pairs()?,
            kind: self.edge.kind,
        })
    }
}

queries! {
    /// Reads of edges.
    pub(crate) trait LineageQueries {
        /// The connectors of a space.
        async fn holders(&mut self, space: &str) -> Result<Holders> {
            let holders: Vec<Holder> = connector::table
                .filter(connector::space_id.eq(space))
                .select(Holder::as_select())
                .load(self)
                .await?;
            Ok(Holders::new(holders))
        }

        /// The active products that these edges may end at.
        async fn places(&mut self, space: &str, edges: Vec<&EdgeRow>) -> Result<Places> {
            let families: HashSet<&str> = edges.iter().map(|edge| edge.end_family.as_str()).collect();
            let folded: HashSet<&str> = edges.iter().map(|edge| edge.end_folded.as_str()).collect();
            let folded: Vec<&str> = folded.into_iter().collect();
            let mut places = Vec::new();
            for folded in folded.chunks(VALUES) {
                let found: Vec<Place> = product::table
                    .filter(product::space_id.eq(space))
                    .filter(product::family.eq_any(&families))
                    .filter(product::folded.eq_any(folded))
                    .filter(product::state.eq("active"))
                    .select(Place::as_select())
                    .load(self)
                    .await?;
                places.extend(found);
            }
            Ok(Places::new(places))
        }

        /// The edges through which data flows into these products, or out of them: first their own, then those
        /// that active products own which end at them.
        async fn hops(&mut self, space: &str, near: &[Place], flow: Flow, holders: &Holders) -> Result<Vec<Hop>> {
            let mut hops = self.owned(space, near, flow, holders).await?;
            let reverse = match flow {
                Flow::In => Flow::Out,
                Flow::Out => Flow::In,
            };
            hops.extend(self.ending_at(space, near, reverse, holders).await?);
            Ok(hops)
        }

        /// The edges that these products own.
        async fn owned(&mut self, space: &str, owners: &[Place], flow: Flow, holders: &Holders) -> Result<Vec<Hop>> {
            let ids: Vec<&str> = owners.iter().map(|owner| owner.id.as_str()).collect();
            let mut edges: Vec<EdgeRow> = Vec::new();
            for ids in ids.chunks(VALUES) {
                let found: Vec<EdgeRow> = edge::table
                    .filter(edge::product_id.eq_any(ids))
                    .filter(edge::flow.eq(flow_name(flow)))
                    .order((edge::product_id, edge::ordinal))
                    .select(EdgeRow::as_select())
                    .load(self)
                    .await?;
                edges.extend(found);
            }
            let places = self.places(space, edges.iter().collect()).await?;
            let owners: HashMap<&str, &Place> = owners.iter().map(|owner| (owner.id.as_str(), owner)).collect();
            Ok(edges
                .into_iter()
                .filter_map(|edge| {
                    let near = *owners.get(edge.product_id.as_str())?;
                    let far = places.at(&edge, near, holders).cloned();
                    Some(Hop { edge, near: near.clone(), far })
                })
                .collect())
        }

        /// The edges of active products that end at these.
        async fn ending_at(&mut self, space: &str, ends: &[Place], flow: Flow, holders: &Holders) -> Result<Vec<Hop>> {
            let families: HashSet<&str> = ends.iter().map(|end| end.family.as_str()).collect();
            let folded: Vec<&str> = ends.iter().map(|end| end.folded.as_str()).collect();
            let mut edges: Vec<(EdgeRow, Place)> = Vec::new();
            for folded in folded.chunks(VALUES) {
                let found: Vec<(EdgeRow, Place)> = edge::table
                    .inner_join(product::table.on(product::id.eq(edge::product_id)))
                    .filter(edge::space_id.eq(space))
                    .filter(edge::end_family.eq_any(&families))
                    .filter(edge::end_folded.eq_any(folded))
                    .filter(edge::flow.eq(flow_name(flow)))
                    .filter(product::state.eq("active"))
                    .order((product::hosting_location, product::id, edge::ordinal))
                    .select((EdgeRow::as_select(), Place::as_select()))
                    .load(self)
                    .await?;
                edges.extend(found);
            }
            let places = self.places(space, edges.iter().map(|(edge, _)| edge).collect()).await?;
            let asked: HashSet<&str> = ends.iter().map(|end| end.id.as_str()).collect();
            Ok(edges
                .into_iter()
                .filter_map(|(edge, owner)| {
                    let near = places.at(&edge, &owner, holders)?.clone();
                    let is_asked = asked.contains(near.id.as_str());
                    is_asked.then_some(Hop { edge, near, far: Some(owner) })
                })
                .collect())
        }

        /// The lineage of a product, one hop.
        async fn one_hop(&mut self, row: &ProductRow) -> Result<Lineage> {
            let (space, own) = (&row.space_id, [Place::from(row)]);
            let holders = self.holders(space).await?;
            let upstream = self.hops(space, &own, Flow::In, &holders).await?;
            let downstream = self.hops(space, &own, Flow::Out, &holders).await?;
            Ok(Lineage {
                upstream: upstream.into_iter().map(Hop::into_link).collect::<Result<_>>()?,
                downstream: downstream.into_iter().map(Hop::into_link).collect::<Result<_>>()?,
            })
        }
    }
}

impl Place {
    pub(super) fn product_id(&self) -> Result<ProductId> {
        id::stored(&self.id, "product.id")
    }

    pub(super) fn end(&self) -> LineageEnd {
        LineageEnd::new(&*self.family, path::path(&self.key))
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

    fn owner(connector: &str, family: &str) -> Place {
        Place {
            family: family.into(),
            ..place("owner", connector, "owner")
        }
    }

    /// Connectors a, b and c, of which d names b and e one that is gone; off is switched off.
    fn holders() -> Holders {
        let holder = |(id, links_into): (&str, Option<&str>)| Holder {
            id: id.into(),
            name: id.into(),
            is_active: id != "off",
            links_into: links_into.map(str::to_owned),
        };
        let all = [
            ("a", None),
            ("b", None),
            ("c", None),
            ("d", Some("b")),
            ("e", Some("gone")),
            ("f", Some("off")),
            ("off", None),
        ];
        Holders::new(all.into_iter().map(holder).collect())
    }

    fn found(places: &[Place], key: &str, owner: &Place) -> Option<String> {
        let edge = EdgeRow {
            product_id: "owner".into(),
            ordinal: 0,
            end_family: "postgres".into(),
            end_key: key.into(),
            end_folded: key.to_lowercase(),
            kind: "view".into(),
            field_pairs: "[]".into(),
        };
        let places = Places::new(places.to_vec());
        places.at(&edge, owner, &holders()).map(|place| place.id.clone())
    }

    #[test]
    fn the_exact_path_wins_and_a_folded_one_must_be_the_only_one() {
        let (a, b) = (owner("a", "postgres"), owner("b", "postgres"));
        let lower = place("lower", "a", "orders");
        let upper = place("upper", "a", "ORDERS");
        assert_eq!(
            found(&[lower.clone(), upper.clone()], "orders", &a).unwrap(),
            "lower"
        );
        assert_eq!(
            found(std::slice::from_ref(&upper), "orders", &b).unwrap(),
            "upper"
        );
        assert_eq!(found(&[lower, upper], "Orders", &a), None);
    }

    #[test]
    fn the_owners_connector_comes_before_others_and_two_others_are_none() {
        let both = [place("in a", "a", "orders"), place("in b", "b", "orders")];
        assert_eq!(found(&both, "orders", &owner("b", "postgres")).unwrap(), "in b");
        assert_eq!(found(&both, "orders", &owner("c", "postgres")), None);
    }

    #[test]
    fn another_family_is_another_name_space() {
        let mut other = place("x", "a", "orders");
        other.family = "snowflake".into();
        assert_eq!(found(&[other], "orders", &owner("a", "postgres")), None);
    }

    #[test]
    fn the_named_connector_is_the_only_candidate_for_ends_of_other_families() {
        let both = [place("in a", "a", "orders"), place("in b", "b", "ORDERS")];
        assert_eq!(found(&both, "orders", &owner("d", "dbt")).unwrap(), "in b");
        assert_eq!(found(&both[..1], "orders", &owner("d", "dbt")), None);
        assert_eq!(
            found(&both[..1], "orders", &owner("d", "postgres")).unwrap(),
            "in a"
        );
    }

    #[test]
    fn a_named_connector_that_is_gone_names_none() {
        let one = [place("in a", "a", "orders")];
        assert_eq!(found(&one, "orders", &owner("e", "dbt")).unwrap(), "in a");
    }

    #[test]
    fn a_connector_that_is_switched_off_counts_if_it_is_named_or_the_owners_own() {
        let both = [place("in a", "a", "orders"), place("in off", "off", "orders")];
        assert_eq!(found(&both, "orders", &owner("c", "dbt")).unwrap(), "in a");
        assert_eq!(found(&both[1..], "orders", &owner("c", "dbt")), None);
        assert_eq!(found(&both, "orders", &owner("f", "dbt")).unwrap(), "in off");
        let folded = [place("in off", "off", "ORDERS")];
        assert_eq!(
            found(&folded, "orders", &owner("off", "postgres")).unwrap(),
            "in off"
        );
    }
}
