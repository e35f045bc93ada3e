//! The tables of a split, page by page: what is found of each, and when all of it is.

use super::{
    Reader,
    groups::{Found, Key},
    sources::Text,
};
use crate::convert::{ColumnRow, TableRow};
use headwater_core::{Path, Result, model::Version};

/// Tables that are worked on at once.
const PAGE: usize = 250;

/// A table that was listed, and what was found of it so far.
pub(super) struct Wanted {
    pub(super) row: TableRow,
    pub(super) version: Option<Version>,
    /// `None` until they are known; then those that were read, if any were.
    pub(super) columns: Option<Option<Vec<ColumnRow>>>,
    pub(super) text: Option<Option<Text>>,
    /// Whether it may have changed since it was stored.
    pub(super) changed: bool,
}

impl Reader<'_> {
    /// Every table, page by page; at the end those of which something came in another order.
    pub(super) async fn tables(&mut self) -> Result<()> {
        let mut deferred = Vec::new();
        loop {
            let (page, is_last) = self.page().await?;
            let mut ready = Vec::with_capacity(page.len());
            for mut wanted in page {
                match self.complete(&mut wanted, false).await? {
                    true => ready.push(wanted),
                    false => deferred.push(wanted),
                }
            }
            self.emit(ready).await?;
            if is_last {
                break;
            }
        }
        while !deferred.is_empty() {
            let rest = deferred.split_off(deferred.len().min(PAGE));
            for wanted in &mut deferred {
                self.complete(wanted, true).await?;
            }
            self.emit(std::mem::replace(&mut deferred, rest)).await?;
        }
        Ok(())
    }

    /// The next tables of the list, and whether they are the last.
    async fn page(&mut self) -> Result<(Vec<Wanted>, bool)> {
        let mut rows = Vec::with_capacity(PAGE);
        let mut is_last = false;
        while rows.len() < PAGE {
            let Some(row) = self.listing.next().await? else {
                is_last = true;
                break;
            };
            let key = (row.text("TABLE_SCHEMA"), row.text("TABLE_NAME"));
            let key = (
                key.0.unwrap_or_default().to_owned(),
                key.1.unwrap_or_default().to_owned(),
            );
            match TableRow::read(row)? {
                Some(row) if self.schemas.contains_key(row.schema.as_str()) => rows.push(row),
                _ => self.columns.drop_group(key),
            }
        }
        Ok((self.compare(rows).await?, is_last))
    }

    /// Compares the tables with what is stored of them.
    async fn compare(&mut self, rows: Vec<TableRow>) -> Result<Vec<Wanted>> {
        let (interval, today) = (self.settings.full_refresh_interval, self.settings.today);
        let paths: Vec<Path> = rows.iter().filter_map(|row| self.path(row)).collect();
        let stored = self.out.versions(&paths).await?;
        let mut page = Vec::with_capacity(rows.len());
        for (row, stored) in rows.into_iter().zip(stored) {
            let version = row.version(interval, today);
            let changed = version.is_none() || version != stored;
            let mut wanted = Wanted {
                columns: None,
                text: (!row.has_text()).then_some(None),
                row,
                version,
                changed,
            };
            if !changed {
                wanted.columns = Some(None);
                self.columns.drop_group(wanted.key());
            }
            page.push(wanted);
        }
        Ok(page)
    }

    fn path(&self, row: &TableRow) -> Option<Path> {
        let schema = self.schemas.get(row.schema.as_str())?;
        Some(schema.child(row.name.as_str()))
    }

    /// Looks for what is not yet known of a table; whether all is known now. At the last look, what is not found is not
    /// there.
    async fn complete(&mut self, wanted: &mut Wanted, last: bool) -> Result<bool> {
        let key = wanted.key();
        if last {
            self.columns.finish().await?;
        }
        if wanted.columns.is_none() {
            wanted.columns = known(self.columns.take(&key).await?);
        }
        if wanted.text.is_none() {
            let source = match wanted.row.is_dynamic() {
                true => &mut self.dynamic,
                false => &mut self.views,
            };
            if last {
                source.finish().await?;
            }
            let text = known(source.take(&key).await?);
            wanted.text = text.map(|rows| rows.and_then(|rows| rows.into_iter().next()));
        }
        Ok(wanted.columns.is_some() && wanted.text.is_some())
    }
}

impl Wanted {
    pub(super) fn key(&self) -> Key {
        (self.row.schema.clone(), self.row.name.clone())
    }
}

/// What a look found: `None` while there may be more.
fn known<T>(found: Found<T>) -> Option<Option<Vec<T>>> {
    match found {
        Found::All(rows) => Some(Some(rows)),
        Found::None => Some(None),
        Found::Later => None,
    }
}
