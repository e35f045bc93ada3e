//! Spaces: each holds connectors, products and keys of its own.

use crate::{
    Actor, Error, Result, SpaceId, Store,
    audit::{AuditQueries as _, AuditRow},
    db::{in_tx, is_duplicate, on_conn, queries},
    id,
    schema::{
        api_key, connector, edge, product, product_stats, removal, run, run_split, run_warning,
        run_warning_count, schema_change, space,
    },
    store::{count, now, time},
};
use diesel::{dsl::count_star, prelude::*};
use diesel_async::RunQueryDsl;
use jiff::Timestamp;
use std::collections::HashMap;

/// A space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Space {
    /// Its id.
    pub id: SpaceId,
    /// Its name in addresses; unique.
    pub slug: String,
    /// Its name for people.
    pub name: String,
    /// How many connectors it has.
    pub connector_count: u64,
    /// How many active products it has.
    pub product_count: u64,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A space without its counts: cheap to look up on every request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpaceRef {
    /// Its id.
    pub id: SpaceId,
    /// Its name in addresses; unique.
    pub slug: String,
    /// Its name for people.
    pub name: String,
}

impl Store {
    /// All spaces, by slug.
    ///
    /// # Errors
    /// The database's.
    pub async fn list_spaces(&self) -> Result<Vec<Space>> {
        on_conn!(self.db(), |c| {
            let rows: Vec<SpaceRow> = space::table
                .order(space::slug)
                .select(SpaceRow::as_select())
                .load(c)
                .await?;
            let connectors: Vec<(String, i64)> = connector::table
                .group_by(connector::space_id)
                .select((connector::space_id, count_star()))
                .load(c)
                .await?;
            let products: Vec<(String, i64)> = product::table
                .filter(product::state.eq("active"))
                .group_by(product::space_id)
                .select((product::space_id, count_star()))
                .load(c)
                .await?;
            let (connectors, products) = (tally(connectors), tally(products));
            rows.into_iter()
                .map(|row| {
                    let counts = (
                        connectors.get(&row.id).copied().unwrap_or(0),
                        products.get(&row.id).copied().unwrap_or(0),
                    );
                    row.counted(counts)
                })
                .collect()
        })
    }

    /// The space of a slug, counted.
    ///
    /// # Errors
    /// The database's.
    pub async fn find_space(&self, slug: &str) -> Result<Option<Space>> {
        on_conn!(self.db(), |c| {
            let Some(row) = c.space_of_slug(slug).await? else {
                return Ok(None);
            };
            let connectors: i64 = connector::table
                .filter(connector::space_id.eq(&row.id))
                .count()
                .get_result(c)
                .await?;
            let products: i64 = product::table
                .filter(product::space_id.eq(&row.id))
                .filter(product::state.eq("active"))
                .count()
                .get_result(c)
                .await?;
            row.counted((connectors, products)).map(Some)
        })
    }

    /// The space of a slug, counted.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get_space(&self, slug: &str) -> Result<Space> {
        self.find_space(slug).await?.ok_or(Error::NotFound("space"))
    }

    /// The space of a slug, without its counts: what a request needs to find its way.
    ///
    /// # Errors
    /// The database's.
    pub async fn resolve_space(&self, slug: &str) -> Result<Option<SpaceRef>> {
        let row = on_conn!(self.db(), |c| c.space_of_slug(slug).await)?;
        row.map(|row| SpaceRef::stored(&row.id, row.slug, row.name))
            .transpose()
    }

    /// Makes a space. The caller has checked the slug's form.
    ///
    /// # Errors
    /// [`Error::SlugTaken`].
    pub async fn create_space(&self, slug: &str, name: &str, actor: &Actor) -> Result<Space> {
        let id = SpaceId::new();
        let row = SpaceRow {
            id: id.to_string(),
            slug: slug.to_owned(),
            name: name.to_owned(),
            created_at: now(),
        };
        in_tx!(self.db(), |c| {
            let inserted = diesel::insert_into(space::table).values(&row).execute(c).await;
            inserted.map_err(|error| match is_duplicate(&error) {
                true => Error::SlugTaken,
                false => error.into(),
            })?;
            c.record(
                AuditRow::new(Some(id), actor, "space.create", ("space", id)).with_fields(&["slug", "name"]),
            )
            .await
        })?;
        row.counted((0, 0))
    }

    /// Deletes a space with its keys, its history and the products that deleted connectors left. The audit
    /// log stays.
    ///
    /// # Errors
    /// [`Error::SpaceNotEmpty`] while it has connectors, [`Error::NotFound`].
    pub async fn delete_space(&self, space: SpaceId, actor: &Actor) -> Result<()> {
        let id = space.to_string();
        in_tx!(self.db(), |c| {
            // Taken first: a connector that is being created waits here, and then finds no space.
            let held = diesel::update(space::table.find(&id))
                .set(space::id.eq(&id))
                .execute(c)
                .await?;
            if held == 0 {
                return Err(Error::NotFound("space"));
            }
            let connectors: i64 = connector::table
                .filter(connector::space_id.eq(&id))
                .count()
                .get_result(c)
                .await?;
            if connectors > 0 {
                return Err(Error::SpaceNotEmpty);
            }
            c.delete_products(&id).await?;
            c.delete_history(&id).await?;
            diesel::delete(api_key::table.filter(api_key::space_id.eq(&id)))
                .execute(c)
                .await?;
            diesel::delete(space::table.find(&id)).execute(c).await?;
            c.record(AuditRow::new(
                Some(space),
                actor,
                "space.delete",
                ("space", space),
            ))
            .await
        })
    }
}

/// A row of `space`.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = space)]
pub(crate) struct SpaceRow {
    id: String,
    slug: String,
    name: String,
    created_at: i64,
}

impl SpaceRow {
    fn counted(self, (connectors, products): (i64, i64)) -> Result<Space> {
        Ok(Space {
            id: id::stored(&self.id, "space.id")?,
            slug: self.slug,
            name: self.name,
            connector_count: count(connectors),
            product_count: count(products),
            created_at: time(self.created_at),
        })
    }
}

impl SpaceRef {
    /// From a row's columns.
    pub(crate) fn stored(id: &str, slug: String, name: String) -> Result<Self> {
        Ok(Self {
            id: id::stored(id, "space.id")?,
            slug,
            name,
        })
    }
}

fn tally(rows: Vec<(String, i64)>) -> HashMap<String, i64> {
    rows.into_iter().collect()
}

queries! {
    /// Queries on spaces.
    trait SpaceQueries {
        async fn space_of_slug(&mut self, slug: &str) -> Result<Option<SpaceRow>> {
            Ok(space::table
                .filter(space::slug.eq(slug))
                .select(SpaceRow::as_select())
                .first(self)
                .await
                .optional()?)
        }

        async fn delete_products(&mut self, space: &str) -> Result<()> {
            let products = product::table.filter(product::space_id.eq(space)).select(product::id);
            diesel::delete(removal::table.filter(removal::product_id.eq_any(products)))
                .execute(self)
                .await?;
            diesel::delete(product_stats::table.filter(product_stats::product_id.eq_any(products)))
                .execute(self)
                .await?;
            diesel::delete(schema_change::table.filter(schema_change::product_id.eq_any(products)))
                .execute(self)
                .await?;
            diesel::delete(edge::table.filter(edge::product_id.eq_any(products)))
                .execute(self)
                .await?;
            diesel::delete(product::table.filter(product::space_id.eq(space)))
                .execute(self)
                .await?;
            Ok(())
        }

        async fn delete_history(&mut self, space: &str) -> Result<()> {
            let runs = run::table.filter(run::space_id.eq(space)).select(run::id);
            diesel::delete(run_split::table.filter(run_split::run_id.eq_any(runs)))
                .execute(self)
                .await?;
            diesel::delete(run_warning::table.filter(run_warning::run_id.eq_any(runs)))
                .execute(self)
                .await?;
            diesel::delete(run_warning_count::table.filter(run_warning_count::run_id.eq_any(runs)))
                .execute(self)
                .await?;
            diesel::delete(run::table.filter(run::space_id.eq(space))).execute(self).await?;
            Ok(())
        }
    }
}
