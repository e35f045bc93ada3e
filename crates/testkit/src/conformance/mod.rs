//! One function for each rule of the contract. See the [crate's docs](crate) for how to use them.
//!
//! Each panics when the rule is broken, with a message that begins with the function's name, and when the
//! fixture lacks what the function needs: nothing passes because it was not tried.

mod disturbed;
mod listing;
mod secrets;
mod settings;
mod stop;

pub use disturbed::{hidden_namespace, refused_listing, removal, retry, unread_part};
pub use listing::{check, discovery, full_listing, odd_names, scope, second_sync};
pub use secrets::{bad_credentials, no_secret};
pub use settings::settings;
pub use stop::{sink_error, stop, stop_while_stalled};

use crate::{Collected, Fixture, Part, collect};
use headwater_core::{ConnectorType, Opened, Options, Path, Registry, Scope, model::Asset};
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// How long a stopped connector may take to return, and less than the driver's grace in these tests.
const AT_ONCE: Duration = Duration::from_secs(3);

fn connector_type<F: Fixture>() -> Arc<ConnectorType> {
    let mut registry = Registry::default();
    registry.register::<F::C>();
    match registry.types().next() {
        Some(kind) => kind.clone(),
        None => panic!("the registry lost the connector"),
    }
}

fn open_with<F: Fixture>(rule: &str, fixture: &F, config: Value, credentials: Value) -> Opened {
    match connector_type::<F>().open(config, credentials, &fixture.host()) {
        Ok(opened) => opened,
        Err(error) => panic!("{rule}: the fixture's settings do not open a connector: {error}"),
    }
}

fn open<F: Fixture>(rule: &str, fixture: &F) -> Opened {
    open_with(rule, fixture, fixture.config(), fixture.credentials())
}

fn options(scope: Scope) -> Options {
    let mut options = Options::default();
    options.scope = scope;
    options.backoff = Duration::from_millis(20);
    options.grace = 2 * AT_ONCE;
    options.idle = Duration::from_secs(60);
    options
}

/// Runs the fixture's connector and insists that something was listed.
async fn run<F: Fixture>(rule: &str, fixture: &F) -> Collected {
    let opened = open(rule, fixture);
    let run = collect(opened.connector, options(opened.scope)).await;
    if let Some(error) = &run.failed {
        panic!("{rule}: the run failed before it read anything: {error}");
    }
    run
}

/// Runs the fixture's connector and insists that everything was listed to its end.
async fn complete_run<F: Fixture>(rule: &str, fixture: &F) -> Collected {
    let run = run(rule, fixture).await;
    assert!(
        run.is_complete(),
        "{rule}: an undisturbed run is not complete: {:?}; attempts: {:?}",
        run.closed,
        run.ended
    );
    run
}

/// Insists that two runs saw the same assets, lineage and namespaces.
fn assert_same(rule: &str, first: &Collected, second: &Collected) {
    assert_same_keys(rule, "asset", &first.assets, &second.assets);
    for (key, asset) in &first.assets {
        if let Some(difference) = second.assets.get(key).and_then(|other| difference(asset, other)) {
            panic!("{rule}: {key} differs between two reads of an unchanged source: {difference}");
        }
    }
    assert_same_keys(rule, "lineage of", &first.lineage, &second.lineage);
    for (owner, edges) in &first.lineage {
        let other = second.lineage.get(owner);
        assert!(
            other == Some(edges),
            "{rule}: lineage of {owner} differs: {edges:?}, then {other:?}"
        );
    }
    assert_same_keys(rule, "namespace", &first.namespaces, &second.namespaces);
}

fn assert_same_keys<A, B>(rule: &str, what: &str, first: &BTreeMap<Path, A>, second: &BTreeMap<Path, B>) {
    if let Some(path) = first.keys().find(|path| !second.contains_key(*path)) {
        panic!("{rule}: {what} {path} is in one read of the source and missing in the other");
    }
    if let Some(path) = second.keys().find(|path| !first.contains_key(*path)) {
        panic!("{rule}: {what} {path} is in one read of the source and missing in the other");
    }
}

/// Names the part that differs. Measured values may move between two reads.
fn difference(first: &Asset, second: &Asset) -> Option<String> {
    let parts: [(&str, String, String); 8] = [
        ("kind", format!("{:?}", first.kind), format!("{:?}", second.kind)),
        (
            "description",
            format!("{:?}", first.description),
            format!("{:?}", second.description),
        ),
        (
            "fields",
            format!("{:?}", first.fields),
            format!("{:?}", second.fields),
        ),
        (
            "constraints",
            format!("{:?}", first.constraints),
            format!("{:?}", second.constraints),
        ),
        (
            "definition",
            format!("{:?}", first.definition),
            format!("{:?}", second.definition),
        ),
        (
            "tags and owners",
            format!("{:?} {:?}", first.tags, first.owners),
            format!("{:?} {:?}", second.tags, second.owners),
        ),
        (
            "properties",
            format!("{:?}", first.properties),
            format!("{:?}", second.properties),
        ),
        (
            "presence of stats",
            Part::Stats.is_unread(first).to_string(),
            Part::Stats.is_unread(second).to_string(),
        ),
    ];
    parts
        .into_iter()
        .find(|(_, first, second)| first != second)
        .map(|(part, first, second)| format!("{part} was {first}, then {second}"))
}

/// The panic of a test that the fixture cannot serve.
fn lacks(rule: &str, method: &str) -> ! {
    panic!(
        "{rule}: the fixture does not offer Fixture::{method}: write it, or leave this test out of the list"
    )
}

/// The paths for a message, at most ten.
fn names<'a>(paths: impl IntoIterator<Item = &'a Path>) -> String {
    let mut paths: Vec<String> = paths.into_iter().map(Path::to_string).collect();
    let more = paths.len().saturating_sub(10);
    paths.truncate(10);
    match more {
        0 => paths.join(", "),
        _ => format!("{} and {more} more", paths.join(", ")),
    }
}
