//! Edges into views.

use crate::rows::UpstreamRow;
use headwater_core::{
    Error, ErrorKind, Path, Result,
    model::{Flow, LineageEdge, LineageEnd},
};
use headwater_sql_lineage::{Dialect, Name, Unread, tables};
use std::collections::BTreeSet;

/// The family of Redshift's paths.
pub(crate) const FAMILY: &str = "redshift";

/// Edges from what the dependencies say.
pub(crate) fn of_dependencies(database: &str, upstreams: &[UpstreamRow]) -> Vec<LineageEdge> {
    let path = |row: &UpstreamRow| Path::new([database, &row.schema, &row.name]);
    upstreams.iter().map(|row| edge(path(row))).collect()
}

/// The tables that each text names. Parsing takes its time, and is done where no other task waits for it.
pub(crate) async fn parse(texts: Vec<String>) -> Result<Vec<Result<BTreeSet<Name>, Unread>>> {
    if texts.is_empty() {
        return Ok(Vec::new());
    }
    let read = move || {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        tables(&texts, Dialect::Redshift)
    };
    tokio::task::spawn_blocking(read).await.map_err(|error| {
        Error::new(ErrorKind::Unexpected, "the texts of views could not be parsed").with_source(error)
    })
}

/// Edges from what a text names. A late-binding view qualifies its tables; a name without a schema is the view's own
/// schema's where that holds it, and else nobody's.
pub(crate) fn of_text(
    view: &Path,
    database: &str,
    names: &BTreeSet<Name>,
    is_listed: impl Fn(&str, &str) -> bool,
) -> Vec<LineageEdge> {
    let schema = view.segments().get(1).map_or("", |schema| schema);
    let path = |name: &Name| match name.as_slice() {
        [table] if is_listed(schema, table) => Some(Path::new([database, schema, table])),
        [schema, table] => Some(Path::new([database, schema, table])),
        [database, schema, table] => Some(Path::new([&**database, schema, table])),
        _ => None,
    };
    let paths: BTreeSet<Path> = names
        .iter()
        .filter_map(path)
        .filter(|path| path != view)
        .collect();
    paths.into_iter().map(edge).collect()
}

fn edge(path: Path) -> LineageEdge {
    // Neither says which column is made of which.
    LineageEdge::new(Flow::In, LineageEnd::new(FAMILY, path), "view")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_completed_by_what_is_known() {
        let view = Path::new(["dev", "s", "v"]);
        let name = |segments: &[&str]| segments.iter().map(|one| (*one).to_owned()).collect::<Name>();
        let names = BTreeSet::from([
            name(&["t"]),
            name(&["nowhere"]),
            name(&["other", "t"]),
            name(&["partner", "s", "t"]),
            name(&["s", "v"]),
        ]);
        let edges = of_text(&view, "dev", &names, |schema, table| {
            (schema, table) == ("s", "t")
        });
        let paths: Vec<String> = edges.iter().map(|edge| edge.end.path.to_string()).collect();
        assert_eq!(paths, ["dev.other.t", "dev.s.t", "partner.s.t"]);
    }
}
