//! What the statements on a warehouse say beyond the lists: keys, tags, events of lineage.
//!
//! Each statement covers the schemas of a split, and its rows come in the order of the schemas. They are taken schema by
//! schema, so that only what belongs to the schemas that are being read is held.

use super::Reader;
use crate::{
    config::Constraints,
    error::NAME,
    grants,
    lineage::{self, Event, Upstreams},
    statement::{Parameter, Row, Rows},
};
use headwater_core::{
    Error, ErrorKind, Facet, Path, Result, Split,
    model::{Constraint, ConstraintKind, Reference},
};
use std::collections::BTreeMap;
use tokio::join;

/// The statements of a split.
pub(super) struct Extras {
    catalog: Path,
    keys: Option<Cursor>,
    tags: Option<Cursor>,
    /// `None` where events are not read at all.
    events: Option<Option<Cursor>>,
    pub(super) statements: u64,
    pub(super) seconds: f64,
}

/// What they say of one schema.
pub(super) struct Extra {
    keys: Facet<BTreeMap<String, Vec<Constraint>>>,
    pub(super) tags: Facet<SchemaTags>,
    events: Option<Facet<BTreeMap<String, Upstreams>>>,
}

/// What they say of one table.
pub(super) struct TableExtra {
    pub(super) keys: Facet<Vec<Constraint>>,
    pub(super) tags: Facet<TableTags>,
    pub(super) events: Option<Facet<Upstreams>>,
}

/// The tags in a schema, and its own.
#[derive(Default)]
pub(super) struct SchemaTags {
    pub(super) own: Vec<String>,
    tables: BTreeMap<String, TableTags>,
}

/// The tags of a table, and those of its columns.
#[derive(Default)]
pub(super) struct TableTags {
    pub(super) own: Vec<String>,
    pub(super) columns: BTreeMap<String, Vec<String>>,
}

const KEYS: &str = include_str!("../queries/constraints.sql");
const TAGS: &str = include_str!("../queries/tags.sql");
const EVENTS: &str = include_str!("../queries/lineage.sql");

impl Extras {
    /// Runs the statements that the settings ask for, all at once.
    ///
    /// # Errors
    /// `Stopped`. A statement that fails leaves its part unread, with a warning.
    pub(super) async fn open(reader: &Reader<'_>, catalog: &str, split: &Split) -> Result<Self> {
        let names = || split.namespaces.iter().filter_map(Path::name);
        let (first, last) = (
            names().min().unwrap_or_default(),
            names().max().unwrap_or_default(),
        );
        let days = reader.settings.lineage_days.to_string();
        let between = [Parameter::text("first", first), Parameter::text("last", last)];
        let with_days = [
            between[0],
            between[1],
            Parameter::text("catalog", catalog),
            Parameter::integer("days", &days),
        ];
        let quoted = grants::quote(catalog);
        let (keys, tags) = (
            KEYS.replace("{catalog}", &quoted),
            TAGS.replace("{catalog}", &quoted),
        );
        let by_sql = reader.settings.constraints == Constraints::Sql;
        let (keys, tags, events) = join!(
            reader.execute(by_sql, &keys, &between, 9),
            reader.execute(true, &tags, &between, 5),
            reader.execute(reader.settings.lineage_days > 0, EVENTS, &with_days, 7),
        );
        let path = Path::new([catalog]);
        let mut extras = Self {
            keys: None,
            tags: None,
            events: events.is_some().then_some(None),
            catalog: path,
            statements: 0,
            seconds: 0.0,
        };
        for (part, ran) in [("constraints", keys), ("tags", tags), ("lineage", events)] {
            let Some(ran) = ran else { continue };
            let cursor = extras.opened(reader, part, ran).await?;
            match part {
                "constraints" => extras.keys = cursor,
                "tags" => extras.tags = cursor,
                _ => extras.events = Some(cursor),
            }
        }
        Ok(extras)
    }

    async fn opened(
        &mut self,
        reader: &Reader<'_>,
        part: &'static str,
        ran: Result<Rows>,
    ) -> Result<Option<Cursor>> {
        match ran {
            Ok(rows) => {
                self.statements += 1;
                self.seconds += rows.elapsed.as_secs_f64();
                Ok(Some(Cursor {
                    part,
                    rows,
                    ahead: None,
                    last: String::new(),
                }))
            }
            Err(error) => {
                reader.unread(part, error, &self.catalog).await?;
                Ok(None)
            }
        }
    }

    /// The tags of the catalog itself, which come first.
    pub(super) async fn of_catalog(&mut self, reader: &Reader<'_>) -> Result<Facet<Vec<String>>> {
        let rows = take(&mut self.tags, reader, "", &self.catalog).await?;
        Ok(match rows {
            Facet::Read(rows) => Facet::Read(rows.into_iter().map(|row| tag(&row)).collect()),
            Facet::Unread => Facet::Unread,
        })
    }

    /// What they say of a schema. Schemas are asked for in their order.
    pub(super) async fn take(&mut self, reader: &Reader<'_>, schema: &str) -> Result<Extra> {
        let catalog = &self.catalog;
        let path = catalog.child(schema);
        let keys = take(&mut self.keys, reader, schema, catalog).await?;
        let tags = take(&mut self.tags, reader, schema, catalog).await?;
        let events = match &mut self.events {
            Some(events) => Some(take(events, reader, schema, catalog).await?),
            None => None,
        };
        Ok(Extra {
            keys: map(keys, keys_of),
            tags: map(tags, tags_of),
            events: events.map(|rows| map(rows, |rows| events_of(&path, rows))),
        })
    }
}

impl Extra {
    /// What they say of a table. It is taken out.
    pub(super) fn of_table(&mut self, name: &str) -> TableExtra {
        TableExtra {
            keys: taken(&mut self.keys, |all| all.remove(name)),
            tags: taken(&mut self.tags, |all| all.tables.remove(name)),
            events: self
                .events
                .as_mut()
                .map(|events| taken(events, |all| all.remove(name))),
        }
    }
}

impl Reader<'_> {
    /// Runs a statement, where there is a warehouse and the settings ask for it.
    async fn execute(
        &self,
        wanted: bool,
        sql: &str,
        parameters: &[Parameter<'_>],
        columns: usize,
    ) -> Option<Result<Rows>> {
        let warehouse = self.warehouse.as_ref().filter(|_| wanted)?;
        Some(
            warehouse
                .execute(sql, parameters, columns, || self.out.beat())
                .await,
        )
    }

    /// Says that a part cannot be read. The lists go on.
    async fn unread(&self, part: &str, error: Error, catalog: &Path) -> Result<()> {
        if error.kind() == ErrorKind::Stopped {
            return Err(error);
        }
        let grantee = self.principal.grantee();
        let error = match (error.kind(), part) {
            _ if error.grant().is_some() => error,
            (ErrorKind::PermissionDenied | ErrorKind::NotFound, "lineage") => {
                error.with_grant(grants::on_lineage(grantee))
            }
            (ErrorKind::PermissionDenied, _) => {
                error.with_grant(grants::on_catalog(catalog.name().unwrap_or_default(), grantee))
            }
            _ => error,
        };
        let detail = format!("{part} cannot be read: {error}");
        self.out
            .warn(format!("{part}_unread"), detail, Some(catalog.clone()))
            .await
    }
}

/// The rows of a statement, of which the next may be of a later schema.
struct Cursor {
    part: &'static str,
    rows: Rows,
    ahead: Option<Row>,
    last: String,
}

/// The rows of a schema. A statement that breaks off is unread from there on.
async fn take(
    cursor: &mut Option<Cursor>,
    reader: &Reader<'_>,
    schema: &str,
    catalog: &Path,
) -> Result<Facet<Vec<Row>>> {
    let Some(open) = cursor else {
        return Ok(Facet::Unread);
    };
    match open.take(schema).await {
        Ok(rows) => Ok(Facet::Read(rows)),
        Err(error) => {
            let part = open.part;
            *cursor = None;
            reader.unread(part, error, catalog).await?;
            Ok(Facet::Unread)
        }
    }
}

impl Cursor {
    /// The rows of a schema, whose name stands first in each.
    async fn take(&mut self, schema: &str) -> Result<Vec<Row>> {
        let mut taken = Vec::new();
        loop {
            let row = match self.ahead.take() {
                Some(row) => row,
                None => match self.rows.next().await? {
                    Some(row) => row,
                    None => return Ok(taken),
                },
            };
            let own = text(&row, 0);
            if own < self.last.as_str() {
                let message = format!("{NAME} did not sort the rows of a statement");
                return Err(Error::new(ErrorKind::DataInvalid, message));
            }
            if own > schema {
                self.ahead = Some(row);
                return Ok(taken);
            }
            own.clone_into(&mut self.last);
            if own == schema {
                taken.push(row);
            }
        }
    }
}

fn text(row: &Row, column: usize) -> &str {
    row.get(column).and_then(Option::as_deref).unwrap_or_default()
}

fn map<A, B>(facet: Facet<A>, with: impl FnOnce(A) -> B) -> Facet<B> {
    match facet {
        Facet::Read(value) => Facet::Read(with(value)),
        Facet::Unread => Facet::Unread,
    }
}

fn taken<A, B: Default>(facet: &mut Facet<A>, take: impl FnOnce(&mut A) -> Option<B>) -> Facet<B> {
    match facet {
        Facet::Read(all) => Facet::Read(take(all).unwrap_or_default()),
        Facet::Unread => Facet::Unread,
    }
}

/// `name=value`, or the name alone.
fn tag(row: &Row) -> String {
    match (text(row, 3), text(row, 4)) {
        (name, "") => name.to_owned(),
        (name, value) => format!("{name}={value}"),
    }
}

/// Rows: schema, table, column, name, value.
fn tags_of(rows: Vec<Row>) -> SchemaTags {
    let mut tags = SchemaTags::default();
    for row in rows {
        let of_table = match text(&row, 1) {
            "" => {
                tags.own.push(tag(&row));
                continue;
            }
            table => tags.tables.entry(table.to_owned()).or_default(),
        };
        match text(&row, 2) {
            "" => of_table.own.push(tag(&row)),
            column => of_table
                .columns
                .entry(column.to_owned())
                .or_default()
                .push(tag(&row)),
        }
    }
    tags
}

/// Rows: schema, table, constraint, type, column, and of the other side catalog, schema, table, column.
fn keys_of(rows: Vec<Row>) -> BTreeMap<String, Vec<Constraint>> {
    let mut tables: BTreeMap<String, Vec<Constraint>> = BTreeMap::new();
    for row in rows {
        let keys = tables.entry(text(&row, 1).to_owned()).or_default();
        let name = Some(text(&row, 2).to_owned());
        if keys.last().is_none_or(|last| last.name != name) {
            let kind = match text(&row, 3) {
                "FOREIGN KEY" => ConstraintKind::FOREIGN_KEY,
                _ => ConstraintKind::PRIMARY_KEY,
            };
            keys.push(Constraint::new(name, kind, [""; 0]));
        }
        let Some(key) = keys.last_mut() else { continue };
        key.fields.push(text(&row, 4).to_owned());
        let parent = [text(&row, 5), text(&row, 6), text(&row, 7)];
        if !parent.contains(&"") {
            let reference = key.references.get_or_insert_with(|| Reference {
                path: Path::new(parent),
                fields: Vec::new(),
            });
            reference.fields.push(text(&row, 8).to_owned());
        }
    }
    tables
}

/// Rows: schema, table, then catalog, schema and table of the source, and a column of each or null.
fn events_of(schema: &Path, rows: Vec<Row>) -> BTreeMap<String, Upstreams> {
    let mut tables: BTreeMap<String, Upstreams> = BTreeMap::new();
    for row in rows {
        let table = text(&row, 1);
        let columns = match (text(&row, 5), text(&row, 6)) {
            ("", _) | (_, "") => None,
            (upstream, downstream) => Some((upstream.to_owned(), downstream.to_owned())),
        };
        let event = Event {
            upstream: Path::new([text(&row, 2), text(&row, 3), text(&row, 4)]),
            columns,
        };
        let upstreams = tables.entry(table.to_owned()).or_default();
        lineage::add(upstreams, &schema.child(table), event);
    }
    tables
}

#[cfg(test)]
mod tests;
