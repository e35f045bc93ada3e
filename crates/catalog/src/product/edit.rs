//! What people write over what the source says.

use super::{Manual, ProductDetail, ProductPatch, ProductQueries as _};
use crate::{
    Actor, ProductId, Result, SpaceId, Store,
    audit::{AuditQueries as _, AuditRow},
    db::in_tx,
    schema::product,
    store::now,
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

impl Store {
    /// Writes over description, tags or owners, or gives them back to the source.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound).
    pub async fn update_product(
        &self,
        space: SpaceId,
        product: ProductId,
        patch: ProductPatch,
        actor: &Actor,
    ) -> Result<ProductDetail> {
        let (space_id, id) = (space.to_string(), product.to_string());
        in_tx!(self.db(), |c| {
            // Taken first: two people who edit at once follow one another.
            diesel::update(product::table.find(&id))
                .filter(product::space_id.eq(&space_id))
                .set(product::id.eq(&id))
                .execute(c)
                .await?;
            let mut row = c.product_row(&space_id, &id).await?;
            let mut manual = row.manual()?;
            let changed = patch.apply(&mut manual);
            if !changed.is_empty() {
                let doc = row.doc()?;
                row.set_manual(&manual, &doc)?;
                diesel::update(product::table.find(&id))
                    .set((
                        product::manual.eq(&row.manual),
                        product::search.eq(&row.search),
                        product::updated_at.eq(now()),
                    ))
                    .execute(c)
                    .await?;
                let event = AuditRow::new(Some(space), actor, "product.update", ("product", product));
                c.record(event.with_fields(&changed)).await?;
            }
            c.product_detail(&space_id, &id).await
        })
    }
}

impl ProductPatch {
    /// Changes what was written, and names what is another than before.
    fn apply(&self, manual: &mut Manual) -> Vec<&'static str> {
        let mut changed = Vec::new();
        put(
            "description",
            &self.description,
            &mut manual.description,
            &mut changed,
        );
        put("tags", &self.tags, &mut manual.tags, &mut changed);
        put("owners", &self.owners, &mut manual.owners, &mut changed);
        changed
    }
}

fn put<T: Clone + PartialEq>(
    name: &'static str,
    patch: &Option<Option<T>>,
    manual: &mut Option<T>,
    changed: &mut Vec<&'static str>,
) {
    if let Some(value) = patch
        && value != manual
    {
        manual.clone_from(value);
        changed.push(name);
    }
}
