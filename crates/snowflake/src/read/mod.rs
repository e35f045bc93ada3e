//! One split: the tables and views of some schemas of a database.
//!
//! A few statements answer for all of them, whatever their number: the list of tables, their columns, the texts of
//! views, the keys. The lists of tables and of columns are read side by side, so that only one page is held. What SHOW
//! lists is only looked up for tables that the information schema lists: the two see by different rules.

mod groups;
mod keys;
mod listing;
pub(crate) mod nested;
mod shown;
mod slice;
mod sources;
pub(crate) mod usage;

pub(crate) use slice::SHOWN;

use crate::{
    convert::{self, ColumnRow, Parts, TableRow},
    discover::Payload,
    error,
    session::Session,
};
use groups::{Found, Groups, Key};
use headwater_core::{
    Error, ErrorKind, Facet, Listing, Path, Result, Split, SplitSink,
    model::{Asset, Version},
};
use headwater_sql_lineage::Dialect;
use keys::Keys;
use nested::Nested;
use shown::Shown;
use sources::{Columns, DYNAMIC_TABLES, Text, Texts, VIEWS};
use std::collections::{BTreeMap, BTreeSet};
use usage::Usage;

/// Tables that are worked on at once.
const PAGE: usize = 250;

/// How a split is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    /// Whether `ACCOUNT_USAGE` is read.
    pub(crate) account_usage: bool,
    /// [`Config::full_refresh_interval`](crate::Config::full_refresh_interval).
    pub(crate) full_refresh_interval: u32,
    /// Days since the epoch.
    pub(crate) today: i64,
}

/// Reads a split.
pub(crate) async fn read(
    session: &Session<'_>,
    split: &Split,
    settings: Settings,
    out: &SplitSink,
) -> Result<()> {
    let mut reader = Reader::open(session, split, &Payload::of(split)?, settings, out).await?;
    reader.namespaces().await?;
    reader.tables().await?;
    reader.close().await
}

/// All that is open while a split is read.
struct Reader<'s> {
    session: &'s Session<'s>,
    out: &'s SplitSink,
    settings: Settings,
    database: &'s str,
    schemas: BTreeMap<&'s str, &'s Path>,
    /// Those of them that are still there.
    present: BTreeSet<String>,
    listing: listing::Listing<'s>,
    columns: Groups<Columns<'s>>,
    views: Groups<Texts<'s>>,
    dynamic: Groups<Texts<'s>>,
    keys: Keys,
    nested: Part<Nested>,
    usage: Option<Usage>,
}

/// A part that is read when it is first needed.
enum Part<T> {
    Unasked,
    Read(T),
    Refused,
}

/// A table that was listed, and what was found of it so far.
struct Wanted {
    row: TableRow,
    version: Option<Version>,
    /// `None` until they are known; then those that were read, if any were.
    columns: Option<Option<Vec<ColumnRow>>>,
    text: Option<Option<Text>>,
    /// Whether it may have changed since it was stored.
    changed: bool,
}

impl<'s> Reader<'s> {
    async fn open(
        session: &'s Session<'s>,
        split: &'s Split,
        payload: &Payload,
        settings: Settings,
        out: &'s SplitSink,
    ) -> Result<Self> {
        let (database, schemas) = places(split)?;
        let names: Vec<String> = schemas.keys().map(|name| (*name).to_owned()).collect();
        let listing = |view| listing::Listing::new(session, database, view, names.clone());
        let is_whole = |count| names.len() > 1 && payload.is_shown_whole(count);
        let texts = |list, count: Option<u64>| {
            let wanted = if count == Some(0) {
                Vec::new()
            } else {
                names.clone()
            };
            Groups::new(Texts(Shown::new(
                session,
                database,
                list,
                wanted,
                is_whole(count),
            )))
        };
        let usage = match settings.account_usage {
            true => {
                secondary(
                    Usage::read(session, database).await,
                    database,
                    "account_usage_unread",
                    out,
                )
                .await?
            }
            false => None,
        };
        Ok(Self {
            listing: listing(listing::TABLES),
            columns: Groups::new(Columns(listing(listing::COLUMNS))),
            views: texts(VIEWS, payload.views),
            dynamic: texts(DYNAMIC_TABLES, payload.dynamic),
            keys: Keys::read(session, database, &names, is_whole(payload.tables)).await?,
            session,
            out,
            settings,
            database,
            schemas,
            present: BTreeSet::new(),
            nested: Part::Unasked,
            usage,
        })
    }

    /// The database and its schemas themselves.
    async fn namespaces(&mut self) -> Result<()> {
        let mut rows = self
            .session
            .query(&convert::namespaces_sql(self.database), &[self.database])
            .await?;
        while let Some(mut row) = self.session.next(&mut rows).await? {
            let (kind, name) = (row.require("KIND")?, row.require("NAME")?);
            let namespace = if kind == "database" {
                convert::namespace(Path::new([self.database]), "database", row, Facet::Unread)
            } else if let Some(path) = self.schemas.get(name.as_str()) {
                let tags = self.usage.as_ref().map(|usage| usage.schema_tags(&name));
                self.present.insert(name);
                convert::namespace(
                    (*path).clone(),
                    "schema",
                    row,
                    tags.map_or(Facet::Unread, Facet::Read),
                )
            } else {
                continue;
            };
            self.out.namespace(namespace).await?;
        }
        Ok(())
    }

    /// Every table, page by page; at the end those of which something came in another order.
    async fn tables(&mut self) -> Result<()> {
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

    async fn emit(&mut self, page: Vec<Wanted>) -> Result<()> {
        let mut texts = Vec::new();
        for wanted in page {
            let Some(schema) = self.schemas.get(wanted.row.schema.as_str()).copied() else {
                continue;
            };
            let changed = wanted.changed;
            let asset = self.asset(wanted, schema).await?;
            if let (true, Some(definition)) = (changed, asset.definition.value()) {
                texts.push((asset.key.clone(), definition.text.clone()));
            }
            self.out.asset(asset).await?;
        }
        self.lineage(texts).await?;
        self.out.cost(self.session.take_cost()).await
    }

    async fn asset(&mut self, wanted: Wanted, schema: &Path) -> Result<Asset> {
        let key = wanted.key();
        let mut columns = wanted.columns.flatten();
        let is_nested = |columns: &Vec<ColumnRow>| columns.iter().any(|column| column.kind.is_nested());
        if columns.as_ref().is_some_and(is_nested) && !self.has_nested().await? {
            columns = None;
        } else if columns.is_none() && wanted.changed && !self.columns.source.0.refused.contains_key(&key.0) {
            let detail = "its columns were not listed: it was made or dropped meanwhile";
            self.out
                .warn("columns_unread", detail, Some(schema.child(key.1.as_str())))
                .await?;
        }
        let usage = self.usage.as_mut().map(|usage| usage.take(&key.0, &key.1));
        let (text, secure) = wanted
            .text
            .flatten()
            .map_or((None, None), |(text, secure)| (text, Some(secure)));
        let parts = Parts {
            text: text.or_else(|| usage.as_ref().and_then(|object| object.text.clone())),
            keys: self.keys.take(&key.0, &key.1),
            columns,
            secure,
            usage,
        };
        if wanted.row.has_text() && parts.text.is_none() && !self.is_text_refused(&key.0) {
            let detail =
                "its text is hidden from the role: of a secure view it can be read with account_usage";
            self.out
                .warn("definition_unread", detail, Some(schema.child(key.1.as_str())))
                .await?;
        }
        let nested = match &self.nested {
            Part::Read(nested) => Some(nested),
            Part::Unasked | Part::Refused => None,
        };
        let mut asset = wanted.row.into_asset(schema, parts, nested);
        asset.version = wanted.version;
        Ok(asset)
    }

    /// Whether the texts of a schema could not be listed, which is told once for all.
    fn is_text_refused(&self, schema: &str) -> bool {
        let lists = [&self.views, &self.dynamic];
        lists
            .iter()
            .any(|list| list.source.0.refused.contains_key(schema))
    }

    /// Whether inner types can be read; reads them the first time.
    async fn has_nested(&mut self) -> Result<bool> {
        if matches!(self.nested, Part::Unasked) {
            let read = Nested::read(self.session, self.database).await;
            let read = secondary(read, self.database, "nested_types_unread", self.out).await?;
            self.nested = read.map_or(Part::Refused, Part::Read);
        }
        Ok(matches!(self.nested, Part::Read(_)))
    }

    /// What the texts of views read. Parsing takes a stack of its own.
    async fn lineage(&self, views: Vec<(Path, String)>) -> Result<()> {
        if views.is_empty() {
            return Ok(());
        }
        let (paths, texts): (Vec<Path>, Vec<String>) = views.into_iter().unzip();
        let parse = move || {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            headwater_sql_lineage::tables(&texts, Dialect::Snowflake)
        };
        let parsed = tokio::task::spawn_blocking(parse).await.map_err(|error| {
            Error::new(ErrorKind::Unexpected, "the reading of view texts broke off").with_source(error)
        })?;
        for (path, names) in paths.into_iter().zip(parsed) {
            match names {
                Ok(names) => {
                    let schema = path.parent().unwrap_or_else(Path::root);
                    self.out.lineage(path, convert::lineage(&schema, names)).await?;
                }
                Err(unread) => {
                    self.out
                        .warn("lineage_unread", unread.to_string(), Some(path))
                        .await?
                }
            }
        }
        Ok(())
    }

    /// Says how far each schema was listed, and which parts are missing.
    async fn close(self) -> Result<()> {
        let (out, columns) = (self.out, &self.columns.source.0.refused);
        for (refused, code) in [
            (&self.keys.refused, "constraints_unread"),
            (columns, "columns_unread"),
            (&self.views.source.0.refused, "definitions_unread"),
            (&self.dynamic.source.0.refused, "definitions_unread"),
        ] {
            for (schema, error) in refused {
                let path = self.schemas.get(schema.as_str()).map(|path| (*path).clone());
                out.warn(code, error.to_string(), path).await?;
            }
        }
        out.cost(self.session.take_cost()).await?;
        for (name, path) in &self.schemas {
            let listing = match self.listing.refused.get(*name) {
                Some(error) => Listing::failed(error),
                None if self.present.contains(*name) => Listing::Complete,
                None => Listing::partial("not_found", "the schema is gone, or out of the role's sight"),
            };
            out.close(path, listing).await?;
        }
        Ok(())
    }
}

impl Wanted {
    fn key(&self) -> Key {
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

/// A part whose read may be refused: then it is left out, with a warning.
async fn secondary<T>(
    read: Result<T>,
    database: &str,
    code: &'static str,
    out: &SplitSink,
) -> Result<Option<T>> {
    match read {
        Err(error) if error::is_of_one_read(&error) => {
            out.warn(code, error.to_string(), Some(Path::new([database])))
                .await?;
            Ok(None)
        }
        read => read.map(Some),
    }
}

/// The database of a split.
///
/// # Errors
/// `DataInvalid` for a split that is not of this connector.
pub(crate) fn database(split: &Split) -> Result<&str> {
    places(split).map(|(database, _)| database)
}

/// The database of a split, and its schemas by name.
fn places(split: &Split) -> Result<(&str, BTreeMap<&str, &Path>)> {
    let mut schemas = BTreeMap::new();
    let mut database = None;
    for path in &split.namespaces {
        if let [first, name] = path.segments() {
            database = Some(&**first);
            schemas.insert(&**name, path);
        }
    }
    let message = "a split without schemas";
    Ok((
        database.ok_or_else(|| Error::new(ErrorKind::DataInvalid, message))?,
        schemas,
    ))
}

/// Closes what cannot be read because its database is gone.
pub(crate) async fn close_unread(split: &Split, error: &Error, out: &SplitSink) -> Result<()> {
    for path in &split.namespaces {
        out.close(path, Listing::failed(error)).await?;
    }
    Ok(())
}
