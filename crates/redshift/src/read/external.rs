//! Tables that are elsewhere: of the Glue data catalog, of Hive, of federated databases.

use super::{describe, over_schemas, warn_all, warn_refused};
use crate::{
    access::{Part, Refused},
    convert, error,
    payload::Task,
    rows::{ExternalColumnRow, ExternalSchemaRow, ExternalTableRow},
    session::Session,
    types::{Words, shape},
    usage,
};
use headwater_core::{
    Facet, Listing, Result, Scope, SplitSink,
    model::{Asset, AssetKind, Constraint, ConstraintKind, Field},
};
use serde_json::json;
use std::collections::{BTreeMap, HashMap};

pub(super) async fn read(session: &Session, task: &Task<'_>, scope: &Scope, out: &SplitSink) -> Result<()> {
    let mut refused = Refused::default();
    let (described, commented) = describe(session, task, &mut refused).await?;
    warn_all(&refused, task, out).await?;
    let kinds: HashMap<String, ExternalSchemaRow> = usage::external_schemas(session)
        .await?
        .into_iter()
        .map(|row| (row.name.clone(), row))
        .collect();
    let mut present = Vec::new();
    for row in described {
        present.push(row.name.clone());
        let kind = kinds.get(&row.name);
        let mut namespace = convert::namespace(task.path(&row.name), row, commented);
        if let Some(kind) = kind {
            namespace
                .properties
                .insert("external_catalog".into(), json!(catalog(kind.kind)));
            namespace
                .properties
                .insert("external_database".into(), json!(kind.database));
        }
        out.namespace(namespace).await?;
    }
    let listing = match tables(session, task, scope, &kinds, out).await {
        Ok(()) => Listing::Complete,
        Err(error) if error::is_of_one_relation(&error) => {
            let listing = Listing::failed(&error);
            warn_refused(Part::ExternalTables, error, session, task, out).await?;
            listing
        }
        Err(error) => return Err(error),
    };
    for schema in &task.schemas {
        let listing = match present.iter().any(|name| name == schema) {
            true if kinds.get(*schema).is_some_and(|kind| !kind.usable) => {
                hidden(schema, session, task, out).await?
            }
            true => listing.clone(),
            false => Listing::partial(
                "not_found",
                "the schema was dropped or renamed before it was read",
            ),
        };
        out.close(&task.path(schema), listing).await?;
    }
    Ok(())
}

/// Tells of a schema that the user may not use: what is not in the list may be there.
async fn hidden(schema: &str, session: &Session, task: &Task<'_>, out: &SplitSink) -> Result<Listing> {
    let error = usage::missing(schema, &session.facts.user);
    let detail = format!("{} are not read: {error}", Part::ExternalTables.name());
    out.warn(error.code(), detail, Some(task.path(schema))).await?;
    Ok(Listing::failed(&error))
}

/// What `eskind` stands for: <https://docs.aws.amazon.com/redshift/latest/dg/r_SVV_EXTERNAL_SCHEMAS.html>
fn catalog(kind: i64) -> &'static str {
    match kind {
        1 => "glue",
        2 => "hive",
        3 => "postgresql",
        4 => "redshift",
        5 => "redshift_remote",
        6 => "system",
        8 => "mysql",
        9 => "kinesis",
        10 => "kafka",
        _ => "other",
    }
}

/// Reports the tables, each when its columns are complete.
async fn tables(
    session: &Session,
    task: &Task<'_>,
    scope: &Scope,
    kinds: &HashMap<String, ExternalSchemaRow>,
    out: &SplitSink,
) -> Result<()> {
    let values: Vec<&str> = std::iter::once(task.database)
        .chain(task.schemas.iter().copied())
        .collect();
    let sql = over_schemas(include_str!("../queries/external_tables.sql"), 1, &task.schemas);
    let rows: Vec<ExternalTableRow> = session.apart(session.query(&sql, &values)).await?;
    out.beat();
    let mut tables: BTreeMap<(String, String), ExternalTableRow> = rows
        .into_iter()
        .filter(|row| scope.admits_table(&row.name))
        .map(|row| ((row.schema.clone(), row.name.clone()), row))
        .collect();
    let sql = over_schemas(include_str!("../queries/external_columns.sql"), 1, &task.schemas);
    let columns = async {
        let mut rows = session.rows(&sql, &values).await?;
        let mut current: Vec<ExternalColumnRow> = Vec::new();
        while let Some(row) = rows.next::<ExternalColumnRow>().await? {
            let next = current
                .first()
                .is_none_or(|first| (&first.schema, &first.table) != (&row.schema, &row.table));
            if next {
                emit(&mut tables, std::mem::take(&mut current), task, kinds, out).await?;
            }
            current.push(row);
        }
        emit(&mut tables, current, task, kinds, out).await
    };
    match session.apart::<(), headwater_core::Error>(columns).await {
        Err(error) if error::is_of_one_relation(&error) => {
            warn_refused(Part::ExternalTables, error, session, task, out).await?;
        }
        result => result?,
    }
    // Those whose columns the user may not see.
    for (_, row) in tables {
        out.asset(asset(row, None, task, kinds)).await?;
    }
    Ok(())
}

async fn emit(
    tables: &mut BTreeMap<(String, String), ExternalTableRow>,
    columns: Vec<ExternalColumnRow>,
    task: &Task<'_>,
    kinds: &HashMap<String, ExternalSchemaRow>,
    out: &SplitSink,
) -> Result<()> {
    let Some(first) = columns.first() else {
        return Ok(());
    };
    let key = (first.schema.clone(), first.table.clone());
    match tables.remove(&key) {
        Some(row) => out.asset(asset(row, Some(columns), task, kinds)).await,
        None => Ok(()),
    }
}

fn asset(
    row: ExternalTableRow,
    columns: Option<Vec<ExternalColumnRow>>,
    task: &Task<'_>,
    kinds: &HashMap<String, ExternalSchemaRow>,
) -> Asset {
    let schema_kind = kinds.get(&row.schema).map(|schema| schema.kind);
    let kind = match row.kind.as_deref().map(str::to_ascii_uppercase).as_deref() {
        Some("VIEW") => AssetKind::VIEW,
        Some("MATERIALIZED VIEW") => AssetKind::MATERIALIZED_VIEW,
        _ if matches!(schema_kind, Some(3 | 8)) => AssetKind::FOREIGN_TABLE,
        _ => AssetKind::EXTERNAL_TABLE,
    };
    let mut asset = Asset::new(task.path(&row.schema).child(&*row.name), kind);
    asset.tags = Facet::Read(Vec::new());
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    for (name, value) in [
        (
            "location",
            given(row.location).map(|location| without_secrets(&location)),
        ),
        ("input_format", given(row.input_format)),
        ("output_format", given(row.output_format)),
        ("serialization", given(row.serialization)),
    ] {
        if let Some(value) = value {
            asset.properties.insert(name.into(), json!(value));
        }
    }
    if let Some(compressed) = row.compressed {
        asset
            .properties
            .insert("compressed".into(), json!(compressed != 0));
    }
    if let Some(columns) = columns {
        let mut keys: Vec<(i64, &str)> = columns
            .iter()
            .filter_map(|column| Some((column.part_key.filter(|key| *key > 0)?, column.name.as_str())))
            .collect();
        keys.sort_unstable();
        let names: Vec<&str> = keys.into_iter().map(|(_, name)| name).collect();
        let key = (!names.is_empty()).then(|| Constraint::new(None, ConstraintKind::PARTITION_KEY, names));
        asset.constraints = Facet::Read(key.into_iter().collect());
        asset.fields = Facet::Read(columns.into_iter().map(field).collect());
    }
    asset
}

fn field(row: ExternalColumnRow) -> Field {
    let shape = shape(&row.native, Words::Hive);
    let mut field = Field::new(row.name, row.native, shape.data_type);
    field.fields = shape.fields;
    field.nullable = match row.nullable.as_deref() {
        Some("true") => Some(true),
        Some("false") => Some(false),
        _ => None,
    };
    field.default = Facet::Read(None);
    field.generated = Facet::Read(None);
    field.tags = Facet::Read(Vec::new());
    field
}

/// A location without an account in it and without what follows a question mark, where tokens stand.
fn without_secrets(location: &str) -> String {
    let location = location.split(['?', '#']).next().unwrap_or_default();
    match location.split_once("://") {
        Some((scheme, rest)) => {
            let (authority, path) = rest
                .split_once('/')
                .map_or((rest, None), |(host, path)| (host, Some(path)));
            let host = authority.rsplit('@').next().unwrap_or_default();
            match path {
                Some(path) => format!("{scheme}://{host}/{path}"),
                None => format!("{scheme}://{host}"),
            }
        }
        None => location.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_keeps_its_place_and_loses_its_secrets() {
        for (given, shown) in [
            ("s3://bucket/a@b/c=1/", "s3://bucket/a@b/c=1/"),
            (
                "jdbc:postgresql://me:hunter2@db:5432/shop?password=hunter2",
                "jdbc:postgresql://db:5432/shop",
            ),
            ("https://me:hunter2@host", "https://host"),
            ("plain", "plain"),
        ] {
            assert_eq!(without_secrets(given), shown);
        }
    }
}
