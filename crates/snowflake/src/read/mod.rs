//! One split: the tables and views of some schemas of a database.
//!
//! A few statements answer for all of them, whatever their number: the list of tables, their columns, the texts of
//! views, the keys. The lists of tables and of columns are read side by side, so that only one page is held. What SHOW
//! lists is only looked up for tables that the information schema lists: the two see by different rules.

mod assets;
mod groups;
mod keys;
mod listing;
pub(crate) mod nested;
mod pages;
mod shown;
mod slice;
mod sources;
pub(crate) mod usage;

pub(crate) use slice::SHOWN;

use crate::{convert, discover::Payload, error, session::Session};
use groups::Groups;
use headwater_core::{Error, ErrorKind, Facet, Listing, Path, Result, Split, SplitSink};
use keys::Keys;
use nested::Nested;
use shown::Shown;
use sources::{Columns, DYNAMIC_TABLES, Texts, VIEWS};
use std::collections::{BTreeMap, BTreeSet};
use usage::Usage;

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
