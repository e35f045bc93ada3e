//! What a run says of its links into other families: which of them fit more than one product.
//!
//! Looked at when the run ends, for the links that are stored then. What is read later goes by what is there
//! then, and says nothing.

use super::{
    LineageQueries as _,
    resolve::{EdgeRow, Holders, Place, VALUES},
};
use crate::{
    Result, Store,
    db::{on_conn, queries},
    path,
    reconcile::Target,
    run::ProgressQueries as _,
    schema::{edge, product},
};
use diesel::{dsl::count_star, prelude::*};
use diesel_async::RunQueryDsl;
use headwater_core::Warning;

/// How many candidates a warning names.
const NAMED: usize = 10;

diesel::alias!(product as candidate: Candidate);

/// A link, and the product that owns it.
type Link = (EdgeRow, Place);

impl Store {
    /// Whether any link may be ambiguous. Mostly none is, and the transaction that ends a run need not look
    /// through all links for it.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn has_contested_links(&self, target: &Target) -> Result<bool> {
        on_conn!(self.db(), |c| Ok(!c.contested(target, None).await?.is_empty()))
    }
}

queries! {
    /// The last words of a run.
    pub(crate) trait AmbiguousQueries {
        /// Warns of a named connector that is gone and, where some are `contested`, of each link into another
        /// family that is ambiguous.
        async fn warn_of_links(&mut self, target: &Target, contested: bool) -> Result<()> {
            let holders = self.holders(&target.space).await?;
            self.put_warnings(&target.run, gone(target, &holders).as_slice()).await?;
            let mut links = match contested {
                true => self.contested(target, None).await?,
                false => Vec::new(),
            };
            while let Some(last) = links.last() {
                let places = self.places(&target.space, links.iter().map(|(edge, _)| edge).collect()).await?;
                let warning = |(edge, owner): &Link| {
                    let fits = places.fitting(edge, owner, &holders);
                    (fits.len() > 1).then(|| ambiguous(target, edge, owner, &fits, &holders))
                };
                let warnings: Vec<Warning> = links.iter().filter_map(warning).collect();
                self.put_warnings(&target.run, &warnings).await?;
                if links.len() < VALUES {
                    break;
                }
                links = self.contested(target, Some(last)).await?;
            }
            Ok(())
        }

        /// A page of the connector's links into other families whose folded path more than one product has.
        async fn contested(&mut self, target: &Target, after: Option<&Link>) -> Result<Vec<Link>> {
            let (key, ordinal) = after.map_or(("", -1), |(edge, owner)| (owner.key.as_str(), edge.ordinal));
            let candidates = candidate
                .filter(candidate.field(product::space_id).eq(edge::space_id))
                .filter(candidate.field(product::family).eq(edge::end_family))
                .filter(candidate.field(product::folded).eq(edge::end_folded))
                .filter(candidate.field(product::state).eq("active"))
                .select(count_star())
                .single_value();
            let links = edge::table
                .inner_join(product::table.on(product::id.eq(edge::product_id)))
                .filter(product::connector_id.eq(&target.connector))
                .filter(product::state.eq("active"))
                .filter(edge::end_family.ne(target.family.name))
                .filter(product::key.ge(key))
                .filter(product::key.gt(key).or(edge::ordinal.gt(ordinal)))
                .filter(candidates.gt(1))
                .order((product::key, edge::ordinal))
                .limit(VALUES as i64)
                .select((EdgeRow::as_select(), Place::as_select()))
                .load(self)
                .await?;
            Ok(links)
        }
    }
}

fn ambiguous(target: &Target, edge: &EdgeRow, owner: &Place, fits: &[&Place], holders: &Holders) -> Warning {
    let named = |place: &&Place| {
        let name = holders.get(&place.connector_id).map_or("", |holder| &holder.name);
        format!(
            "{} of \"{name}\" ({})",
            path::path(&place.key),
            place.connector_id
        )
    };
    let named: Vec<String> = fits.iter().take(NAMED).map(named).collect();
    let more = match fits.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let end = edge.end();
    let remedy = match (target.links_into, holders.named_by(&owner.connector_id)) {
        (Some(field), None) => format!("; name the connector in config{}", field.replace('/', ".")),
        _ => String::new(),
    };
    Warning {
        code: "ambiguous_link".to_owned(),
        detail: format!(
            "{} {} may be {}{more}: it is linked to none of them{remedy}",
            end.family,
            end.path,
            named.join(" or ")
        ),
        path: Some(path::path(&owner.key)),
    }
}

/// The warning that the config names a connector which the space no longer has.
fn gone(target: &Target, holders: &Holders) -> Option<Warning> {
    let connector = &target.claim.connector;
    let named = connector
        .links_into
        .filter(|id| holders.get(&id.to_string()).is_none())?;
    Some(Warning {
        code: "linked_connector_gone".to_owned(),
        detail: format!(
            "the config names connector {named}, which this space no longer has: links go by the path alone"
        ),
        path: None,
    })
}
