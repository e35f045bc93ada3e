//! Products as people find them.

use super::{Product, ProductDetail, ProductFilter, ProductRow, ProductState};
use crate::{
    Error, Page, PageRequest, ProductId, Result, SchemaChange, SpaceId, Store,
    change::ChangeQueries as _,
    db::{on_conn, queries},
    id,
    lineage::LineageQueries as _,
    path,
    reconcile::Doc,
    schema::{product, product_stats},
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use headwater_core::{
    Facet,
    model::{Constraint, Stats},
};
use std::collections::HashMap;

/// How many of the newest changes the detail of a product shows.
const NEWEST_CHANGES: i64 = 10;

impl Store {
    /// The products of a space, by hosting location.
    ///
    /// # Errors
    /// The database's.
    pub async fn list_products(
        &self,
        space: SpaceId,
        filter: ProductFilter,
        page: PageRequest,
    ) -> Result<Page<Product>> {
        let space = space.to_string();
        let pattern = filter.search.as_deref().map(contains);
        let state = filter
            .state
            .or((!filter.include_archived).then_some(ProductState::Active));
        let (rows, total) = on_conn!(self.db(), |c| {
            let matching = || {
                let mut query = product::table.filter(product::space_id.eq(&space)).into_boxed();
                if let Some(connector) = filter.connector_id {
                    query = query.filter(product::connector_id.eq(connector.to_string()));
                }
                if let Some(state) = state {
                    query = query.filter(product::state.eq(state.as_str()));
                }
                if let Some(pattern) = &pattern {
                    query = query.filter(product::search.like(pattern).escape('\\'));
                }
                query
            };
            let rows: Vec<ProductRow> = matching()
                .order((product::hosting_location, product::id))
                .limit(page.limit())
                .offset(page.offset())
                .select(ProductRow::as_select())
                .load(c)
                .await?;
            let total: i64 = matching().count().get_result(c).await?;
            Ok((rows, total))
        })?;
        let items = rows
            .into_iter()
            .map(|row| Ok(row.into_product()?.0))
            .collect::<Result<_>>()?;
        Ok(page.of(items, total))
    }

    /// Everything about one product.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get_product(&self, space: SpaceId, product: ProductId) -> Result<ProductDetail> {
        let (space, id) = (space.to_string(), product.to_string());
        on_conn!(self.db(), |c| c.product_detail(&space, &id).await)
    }

    /// The changes of a product's schema, newest first.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn schema_changes(
        &self,
        space: SpaceId,
        product: ProductId,
        page: PageRequest,
    ) -> Result<Page<SchemaChange>> {
        let (space, id) = (space.to_string(), product.to_string());
        on_conn!(self.db(), |c| {
            c.product_row(&space, &id).await?;
            let items = c.changes_of(&id, page.limit(), page.offset()).await?;
            Ok(page.of(items, c.count_changes(&id).await?))
        })
    }
}

queries! {
    /// Reads of products.
    pub(crate) trait ProductQueries {
        /// The product's row, if it is of this space.
        async fn product_row(&mut self, space: &str, id: &str) -> Result<ProductRow> {
            product::table
                .find(id)
                .filter(product::space_id.eq(space))
                .select(ProductRow::as_select())
                .first(self)
                .await
                .optional()?
                .ok_or(Error::NotFound("product"))
        }

        /// Everything about one product.
        async fn product_detail(&mut self, space: &str, id: &str) -> Result<ProductDetail> {
            let row = self.product_row(space, id).await?;
            let stats: Option<String> = product_stats::table
                .find(id)
                .select(product_stats::doc)
                .first(self)
                .await
                .optional()?;
            let lineage = self.one_hop(&row).await?;
            let schema_changes = self.changes_of(id, NEWEST_CHANGES, 0).await?;
            let doc = row.doc()?;
            let referred = self.referred(&row.connector_id, &doc).await?;
            let native_id = row.native_id.clone();
            let (product, doc) = row.into_product()?;
            Ok(ProductDetail {
                product,
                native_id,
                properties: doc.properties,
                fields: doc.fields,
                constraints: doc.constraints,
                referred,
                definition: doc.definition,
                stats: stats.map_or(Ok(Facet::Unread), |text| stored_stats(&text).map(Facet::Read))?,
                lineage,
                schema_changes,
            })
        }

        /// For each constraint, the product of the same connector that its foreign key refers to.
        async fn referred(&mut self, connector: &str, doc: &Doc) -> Result<Vec<Option<ProductId>>> {
            let constraints: &[Constraint] = doc.constraints.as_option().map_or(&[], Vec::as_slice);
            let keys: Vec<Option<String>> = constraints
                .iter()
                .map(|one| one.references.as_ref().map(|other| path::key(&other.path)))
                .collect();
            let wanted: Vec<&String> = keys.iter().flatten().collect();
            if wanted.is_empty() {
                return Ok(vec![None; keys.len()]);
            }
            let found: HashMap<String, String> = product::table
                .filter(product::connector_id.eq(connector))
                .filter(product::key.eq_any(wanted))
                .select((product::key, product::id))
                .load(self)
                .await?
                .into_iter()
                .collect();
            keys.iter()
                .map(|key| key.as_ref().and_then(|key| found.get(key)))
                .map(|found| found.map(|text| id::stored(text, "product.id")).transpose())
                .collect()
        }
    }
}

/// Reads stored statistics.
pub(crate) fn stored_stats(text: &str) -> Result<Stats> {
    serde_json::from_str(text).map_err(|_quotes_values| Error::corrupt("product_stats.doc"))
}

/// The LIKE pattern of texts that contain this one, whatever its case.
fn contains(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for character in text.to_lowercase().replace('\0', " ").chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_in_a_search_stand_for_themselves() {
        assert_eq!(contains(r"A_b%c\"), r"%a\_b\%c\\%");
    }
}
