//! The two results whose rows belong to single tables: columns, and the texts of views.

use super::{
    groups::{Key, Source},
    listing::Listing,
    shown::{List, Shown},
};
use crate::convert::ColumnRow;
use headwater_core::Result;

/// The columns of all tables.
pub(super) struct Columns<'s>(pub(super) Listing<'s>);

impl Source for Columns<'_> {
    type Item = ColumnRow;

    async fn next(&mut self) -> Result<Option<(Key, usize, ColumnRow)>> {
        let Some(mut row) = self.0.next().await? else {
            return Ok(None);
        };
        let key = (row.require("TABLE_SCHEMA")?, row.require("TABLE_NAME")?);
        let count = row.number("COLUMN_COUNT").unwrap_or(usize::MAX);
        Ok(Some((key, count, ColumnRow::read(row)?)))
    }
}

/// The text of a view, and whether it is secure.
pub(super) type Text = (Option<String>, bool);

/// The texts of all views.
pub(super) struct Texts<'s>(pub(super) Shown<'s>);

impl Source for Texts<'_> {
    type Item = Text;

    async fn next(&mut self) -> Result<Option<(Key, usize, Text)>> {
        let Some((schema, mut row)) = self.0.next().await? else {
            return Ok(None);
        };
        let key = (schema, row.require("name")?);
        let text = row.take_text("text");
        Ok(Some((key, 1, (text, row.flag("is_secure")))))
    }
}

pub(super) const VIEWS: List = List {
    what: "VIEWS",
    schema: "schema_name",
    paged: true,
};
pub(super) const DYNAMIC_TABLES: List = List {
    what: "DYNAMIC TABLES",
    schema: "schema_name",
    paged: true,
};
