//! Databases made of datashares: their tables are in no catalog of this cluster, only in lists.

use super::over_schemas;
use crate::{
    access::{Part, explained},
    convert::sort_key,
    payload::Task,
    rows::{SharedColumnRow, SharedTableRow},
    session::Session,
    types::{Words, shape},
};
use headwater_core::{
    Facet, Listing, Result, Scope, SplitSink,
    model::{Asset, AssetKind, Field, Namespace},
};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

pub(super) async fn read(session: &Session, task: &Task<'_>, scope: &Scope, out: &SplitSink) -> Result<()> {
    let explain = |error| explained(Part::Datashares, error, &session.facts.user);
    for schema in &task.schemas {
        let mut namespace = Namespace::new(task.path(schema), "schema");
        namespace.tags = Facet::Read(Vec::new());
        namespace.properties.insert("datashare".into(), json!(true));
        out.namespace(namespace).await?;
    }
    let values: Vec<&str> = std::iter::once(task.database)
        .chain(task.schemas.iter().copied())
        .collect();
    let sql = over_schemas(include_str!("../queries/shared_tables.sql"), 1, &task.schemas);
    let rows = session.query::<SharedTableRow>(&sql, &values);
    let rows = session.apart(rows).await.map_err(explain)?;
    out.beat();
    let mut tables: Tables = rows
        .into_iter()
        .filter(|row| scope.admits_table(&row.name))
        .map(|row| ((row.schema.clone(), row.name.clone()), row))
        .collect();
    let sql = over_schemas(include_str!("../queries/shared_columns.sql"), 1, &task.schemas);
    let columns = async {
        let mut rows = session.rows(&sql, &values).await?;
        let mut current: Vec<SharedColumnRow> = Vec::new();
        while let Some(row) = rows.next::<SharedColumnRow>().await? {
            let next = current
                .first()
                .is_none_or(|first| (&first.schema, &first.table) != (&row.schema, &row.table));
            if next {
                emit(&mut tables, std::mem::take(&mut current), task, out).await?;
            }
            current.push(row);
        }
        emit(&mut tables, current, task, out).await
    };
    session
        .apart::<(), headwater_core::Error>(columns)
        .await
        .map_err(explain)?;
    for (_, row) in tables {
        out.asset(asset(row, None, task)).await?;
    }
    for schema in &task.schemas {
        out.close(&task.path(schema), Listing::Complete).await?;
    }
    Ok(())
}

type Tables = BTreeMap<(String, String), SharedTableRow>;

async fn emit(
    tables: &mut Tables,
    columns: Vec<SharedColumnRow>,
    task: &Task<'_>,
    out: &SplitSink,
) -> Result<()> {
    let Some(first) = columns.first() else {
        return Ok(());
    };
    match tables.remove(&(first.schema.clone(), first.table.clone())) {
        Some(row) => out.asset(asset(row, Some(columns), task)).await,
        None => Ok(()),
    }
}

/// Of a shared table its producer tells neither constraints nor, for a view, the text.
fn asset(row: SharedTableRow, columns: Option<Vec<SharedColumnRow>>, task: &Task<'_>) -> Asset {
    let kind = match row.kind.as_deref().map(str::to_ascii_uppercase).as_deref() {
        Some("VIEW") => AssetKind::VIEW,
        Some("MATERIALIZED VIEW") => AssetKind::MATERIALIZED_VIEW,
        _ => AssetKind::TABLE,
    };
    let mut asset = Asset::new(task.path(&row.schema).child(&*row.name), kind);
    asset.tags = Facet::Read(Vec::new());
    asset.description = Facet::Read(row.remarks.filter(|text| !text.is_empty()));
    asset.owners = Facet::Read(row.owner.filter(|text| !text.is_empty()).into_iter().collect());
    if let Some(columns) = columns {
        let encodings: Map<String, Value> = columns
            .iter()
            .filter_map(|column| Some((column.name.clone(), json!(column.encoding.as_deref()?))))
            .filter(|(_, encoding)| encoding != "")
            .collect();
        if !encodings.is_empty() {
            asset.properties.insert("encodings".into(), encodings.into());
        }
        if let Some(column) = columns.iter().find(|column| column.dist_key) {
            asset.properties.insert("dist_key".into(), json!(column.name));
        }
        let order = columns
            .iter()
            .map(|column| (column.name.as_str(), column.sort_key.unwrap_or_default()));
        if let Some(key) = sort_key(order) {
            let shown = key.expression.value().cloned();
            asset.properties.insert("sort_key".into(), json!(shown));
        }
        asset.fields = Facet::Read(columns.into_iter().map(field).collect());
    }
    asset
}

fn field(row: SharedColumnRow) -> Field {
    let shape = shape(&row.native, Words::Redshift);
    let mut field = Field::new(row.name, row.native, shape.data_type);
    field.fields = shape.fields;
    field.nullable = match row.nullable.as_deref().map(str::to_ascii_lowercase).as_deref() {
        Some("yes") => Some(true),
        Some("no") => Some(false),
        _ => None,
    };
    field.default = Facet::Read(row.default.filter(|text| !text.is_empty()));
    field.generated = Facet::Read(None);
    field.tags = Facet::Read(Vec::new());
    field.description = Facet::Read(row.remarks.filter(|text| !text.is_empty()));
    field
}
