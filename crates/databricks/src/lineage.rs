//! Edges into an asset: from the dependencies of a view, and from events.

use crate::{connector::FAMILY, convert::path_of, rows::DependenciesRow};
use headwater_core::{
    Path,
    model::{FieldPair, Flow, LineageEdge, LineageEnd},
};
use std::collections::BTreeMap;

/// The upstream tables of one asset, each with the pairs of columns that are known.
pub(crate) type Upstreams = BTreeMap<Path, Vec<FieldPair>>;

/// One event: a table was read to write another. Columns are given where one was made of the other.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) upstream: Path,
    pub(crate) columns: Option<(String, String)>,
}

/// Adds an event to what is known of an asset. A table that is written from itself has no edge.
pub(crate) fn add(upstreams: &mut Upstreams, owner: &Path, event: Event) {
    if event.upstream == *owner {
        return;
    }
    let pairs = upstreams.entry(event.upstream).or_default();
    if let Some((upstream, downstream)) = event.columns {
        let pair = FieldPair {
            upstream: vec![upstream],
            downstream: vec![downstream],
        };
        if !pairs.contains(&pair) {
            pairs.push(pair);
        }
    }
}

/// All edges into an asset. What a view depends on is an edge of kind `view`, the rest is known from events.
pub(crate) fn edges(dependencies: Option<&DependenciesRow>, mut events: Upstreams) -> Vec<LineageEdge> {
    let tables = dependencies.and_then(|all| all.dependencies.as_ref());
    let mut views: Vec<Path> = tables
        .into_iter()
        .flatten()
        .filter_map(|one| path_of(&one.table.as_ref()?.table_full_name))
        .collect();
    views.sort_unstable();
    views.dedup();
    let of_view: Vec<LineageEdge> = views
        .into_iter()
        .map(|path| {
            let pairs = events.remove(&path).unwrap_or_default();
            edge(path, "view", pairs)
        })
        .collect();
    let of_events = events.into_iter().map(|(path, pairs)| edge(path, "query", pairs));
    of_view.into_iter().chain(of_events).collect()
}

fn edge(path: Path, kind: &str, field_pairs: Vec<FieldPair>) -> LineageEdge {
    let mut edge = LineageEdge::new(Flow::In, LineageEnd::new(FAMILY.name, path), kind);
    edge.field_pairs = field_pairs;
    edge
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event(upstream: [&str; 3], columns: Option<(&str, &str)>) -> Event {
        Event {
            upstream: Path::new(upstream),
            columns: columns.map(|(up, down)| (up.to_owned(), down.to_owned())),
        }
    }

    #[test]
    fn a_view_and_events_meet_in_one_edge_for_each_table() {
        let owner = Path::new(["main", "s", "v"]);
        let mut events = Upstreams::new();
        for one in [
            event(["main", "s", "a"], None),
            event(["main", "s", "a"], Some(("id", "a_id"))),
            event(["main", "s", "a"], Some(("id", "a_id"))),
            event(["main", "s", "c"], None),
            event(["main", "s", "v"], None),
        ] {
            add(&mut events, &owner, one);
        }
        let dependencies: DependenciesRow = serde_json::from_value(json!({"dependencies": [
            {"table": {"table_full_name": "main.s.b"}}, {"table": {"table_full_name": "main.s.a"}},
            {"function": {"function_full_name": "main.s.f"}}, {"table": {"table_full_name": "main.s.a"}},
        ]}))
        .unwrap();
        let edges = edges(Some(&dependencies), events);
        let told: Vec<(String, &str, usize)> = edges
            .iter()
            .map(|edge| (edge.end.path.to_string(), &*edge.kind, edge.field_pairs.len()))
            .collect();
        assert_eq!(
            told,
            [
                ("main.s.a".into(), "view", 1),
                ("main.s.b".into(), "view", 0),
                ("main.s.c".into(), "query", 0)
            ]
        );
    }
}
