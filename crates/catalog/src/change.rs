//! Schema changes: what a sync found different about a product.

use crate::{
    ChangeId, Error, ProductId, Result, RunId,
    db::{bulk_writes, queries},
    id,
    name::names,
    schema::schema_change,
    store::time,
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What one sync found different about one product.
#[derive(Debug, Clone, PartialEq)]
pub struct SchemaChange {
    /// Its id.
    pub id: ChangeId,
    /// The run that found it.
    pub run_id: RunId,
    /// The product.
    pub product_id: ProductId,
    /// When it was found.
    pub changed_at: Timestamp,
    /// Each difference.
    pub changes: Vec<Change>,
}

names! {
    /// What happened to a thing.
    pub enum ChangeOp {
        /// It is new.
        Added = "added",
        /// It is gone.
        Removed = "removed",
        /// It is another.
        Changed = "changed",
    }
}

/// One difference between what was stored and what the source says now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// What happened.
    pub op: ChangeOp,
    /// Where: `fields`, `constraints`, `definition`, `description`, `tags`, `owners`, `properties`, `kind`, or
    /// `path` for a product that was renamed.
    pub part: String,
    /// The thing within the part: a field by the names from the outermost in, a constraint or a property by
    /// its name. Empty where the part is one thing.
    pub path: Vec<String>,
    /// What of the thing: `native_type`. `None` where the whole thing came or went.
    pub attribute: Option<String>,
    /// What was stored.
    pub before: Value,
    /// What the source says now.
    pub after: Value,
}

/// A row of `schema_change`.
#[derive(Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = schema_change)]
pub(crate) struct ChangeRow {
    id: String,
    product_id: String,
    run_id: String,
    changed_at: i64,
    changes: String,
}

impl ChangeRow {
    /// What a run found.
    pub(crate) fn new(product: &str, run: &str, changed_at: i64, changes: &[Change]) -> Result<Self> {
        Ok(Self {
            id: ChangeId::new().to_string(),
            product_id: product.to_owned(),
            run_id: run.to_owned(),
            changed_at,
            changes: serde_json::to_string(changes).map_err(Error::store)?,
        })
    }
}

impl TryFrom<ChangeRow> for SchemaChange {
    type Error = Error;

    fn try_from(row: ChangeRow) -> Result<Self> {
        Ok(Self {
            id: id::stored(&row.id, "schema_change.id")?,
            run_id: id::stored(&row.run_id, "schema_change.run_id")?,
            product_id: id::stored(&row.product_id, "schema_change.product_id")?,
            changed_at: time(row.changed_at),
            changes: serde_json::from_str(&row.changes)
                .map_err(|_quotes_values| Error::corrupt("schema_change.changes"))?,
        })
    }
}

bulk_writes! {
    /// Writes of schema changes.
    pub(crate) trait ChangeBulk {
        fn insert_changes(rows: Vec<ChangeRow>) {
            diesel::insert_into(schema_change::table).values(rows)
        }
    }
}

queries! {
    /// Reads of schema changes.
    pub(crate) trait ChangeQueries {
        /// Some of a product's changes, newest first.
        async fn changes_of(&mut self, product: &str, limit: i64, offset: i64) -> Result<Vec<SchemaChange>> {
            let rows: Vec<ChangeRow> = schema_change::table
                .filter(schema_change::product_id.eq(product))
                .order((schema_change::changed_at.desc(), schema_change::id.desc()))
                .limit(limit)
                .offset(offset)
                .select(ChangeRow::as_select())
                .load(self)
                .await?;
            rows.into_iter().map(SchemaChange::try_from).collect()
        }

        /// How many changes a product has.
        async fn count_changes(&mut self, product: &str) -> Result<i64> {
            Ok(schema_change::table
                .filter(schema_change::product_id.eq(product))
                .count()
                .get_result(self)
                .await?)
        }
    }
}
