//! Edges into views, snapshots and clones.

use crate::{
    convert::{self, FAMILY},
    resource::{CopyOf, Table},
    shards,
};
use headwater_core::{
    Error, ErrorKind, Path, Result, SplitSink,
    model::{Flow, LineageEdge, LineageEnd},
};
use headwater_sql_lineage::{Dialect, Name, tables};
use std::collections::BTreeSet;

/// Where the rows of an asset come from, as far as the asset itself tells.
#[derive(Debug, PartialEq)]
pub(crate) enum Origin {
    /// A query in GoogleSQL.
    Query(String),
    /// One table.
    Copy(Path, &'static str),
}

impl Origin {
    /// What a table says of its origin. Queries in legacy SQL are not read.
    pub(crate) fn of(table: &Table) -> Option<Self> {
        let copy = |copy: &CopyOf, kind| Self::Copy(convert::path(&copy.base_table_reference), kind);
        match (&table.view, &table.materialized_view) {
            (Some(view), _) if view.use_legacy_sql != Some(true) => Some(Self::Query(view.query.clone())),
            (None, Some(view)) => Some(Self::Query(view.query.clone())),
            _ => {
                let snapshot = table.snapshot_definition.as_ref().map(|of| copy(of, "snapshot"));
                snapshot.or(table.clone_definition.as_ref().map(|of| copy(of, "clone")))
            }
        }
    }
}

/// Reports the edges into an asset. A query that cannot be parsed leaves those that are known.
pub(crate) async fn report(key: Path, origin: Origin, collapse: bool, out: &SplitSink) -> Result<()> {
    let edges = match origin {
        Origin::Copy(base, kind) => vec![edge(base, kind)],
        Origin::Query(text) => match parse(text).await? {
            Some(names) => of_names(&key, &names, collapse),
            None => {
                let detail = "the query cannot be parsed: which tables it reads is not known";
                return out.warn("lineage_unread", detail, Some(key)).await;
            }
        },
    };
    out.lineage(key, edges).await
}

/// The tables that a text names. Parsing takes its time, and is done where no other task waits for it.
async fn parse(text: String) -> Result<Option<BTreeSet<Name>>> {
    let read = move || tables(&[&text], Dialect::BigQuery).into_iter().next();
    let parsed = tokio::task::spawn_blocking(read).await.map_err(|error| {
        Error::new(ErrorKind::Unexpected, "the query of a view could not be parsed").with_source(error)
    })?;
    Ok(parsed.and_then(Result::ok))
}

/// A name without a project is one of the view's own. A shard is part of its series.
fn of_names(view: &Path, names: &BTreeSet<Name>, collapse: bool) -> Vec<LineageEdge> {
    let project = view.segments().first().map_or("", |project| project);
    let path = |name: &Name| {
        let (project, dataset, table) = match name.as_slice() {
            [dataset, table] => (project, dataset, table),
            [project, dataset, table] => (project.as_str(), dataset, table),
            _ => return None,
        };
        let dataset = Path::new([project, dataset.as_str()]);
        Some(dataset.child(shards::name(table, collapse)))
    };
    let is_schema = |name: &&Name| {
        name.iter()
            .any(|part| part.eq_ignore_ascii_case("INFORMATION_SCHEMA"))
    };
    let tables = names.iter().filter(|name| !is_schema(name));
    let paths: BTreeSet<Path> = tables.filter_map(path).filter(|path| path != view).collect();
    paths.into_iter().map(|path| edge(path, "view")).collect()
}

fn edge(upstream: Path, kind: &str) -> LineageEdge {
    LineageEdge::new(Flow::In, LineageEnd::new(FAMILY, upstream), kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn origin(table: Value) -> Option<Origin> {
        Origin::of(&serde_json::from_value(table).unwrap())
    }

    #[test]
    fn snapshots_and_clones_come_of_their_base() {
        let base = json!({"baseTableReference": {"projectId": "p", "datasetId": "d", "tableId": "base"}});
        let path = Path::new(["p", "d", "base"]);
        assert_eq!(
            origin(json!({"type": "SNAPSHOT", "snapshotDefinition": base})),
            Some(Origin::Copy(path.clone(), "snapshot"))
        );
        assert_eq!(
            origin(json!({"cloneDefinition": base})),
            Some(Origin::Copy(path, "clone"))
        );
        assert_eq!(
            origin(json!({"view": {"query": "q", "useLegacySql": true}})),
            None
        );
        assert_eq!(origin(json!({})), None);
    }

    #[test]
    fn names_are_completed_and_shards_are_their_series() {
        let name = |text: &str| text.split('.').map(str::to_owned).collect::<Name>();
        let names = [
            "d.t",
            "other.d.t",
            "d.events_20260101",
            "d.events_*",
            "alone",
            "d.v",
            "d.INFORMATION_SCHEMA.TABLES",
        ];
        let names: BTreeSet<Name> = names.into_iter().map(name).collect();
        let view = Path::new(["p", "d", "v"]);
        let edges = of_names(&view, &names, true);
        let paths: Vec<String> = edges.iter().map(|edge| edge.end.path.to_string()).collect();
        assert_eq!(paths, ["other.d.t", "p.d.events_*", "p.d.t"]);
        assert_eq!(of_names(&view, &names, false).len(), 4);
    }
}
