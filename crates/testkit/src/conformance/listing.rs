use super::{assert_same, complete_run, connector_type, names, open, open_with, options};
use crate::{Collected, Fixture, collect};
use headwater_core::{Connect, Cx, Discovery, Path};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// `check` succeeds, tells what answered, and reports only capabilities that the connector declares.
pub async fn check<F: Fixture>(fixture: &F) {
    let kind = connector_type::<F>();
    let report = match open("check", fixture).connector.check(&Cx::default()).await {
        Ok(report) => report,
        Err(error) => panic!("check: fails on a source that works: {error}"),
    };
    assert!(
        !report.message.is_empty(),
        "check: the report does not say what answered"
    );
    let declared: BTreeSet<&str> = kind
        .capabilities
        .iter()
        .map(|capability| capability.name)
        .collect();
    let reported: BTreeSet<&str> = report.capabilities.keys().copied().collect();
    assert!(
        declared == reported,
        "check: CAPABILITIES declares {declared:?}, the report holds {reported:?}"
    );
    for (name, readable) in &report.capabilities {
        assert!(
            readable.readable || readable.detail.is_some(),
            "check: {name} cannot be read and the report does not say why"
        );
    }
}

/// Containers and splits are unique, two discoveries are equal, each namespace is in exactly one split.
pub async fn discovery<F: Fixture>(fixture: &F) {
    let opened = open("discovery", fixture);
    let mut found = Vec::new();
    for _ in 0..2 {
        match opened.connector.discover(&opened.scope, &Cx::default()).await {
            Ok(discovery) => found.push(discovery),
            Err(error) => panic!("discovery: fails on a source that works: {error}"),
        }
    }
    let (Some(second), Some(first)) = (found.pop(), found.pop()) else {
        return;
    };
    assert_unique(&first);
    assert!(
        first.splits == second.splits,
        "discovery: is not stable: the splits were {:?}, then {:?}",
        first.splits,
        second.splits
    );
    assert!(
        first == second,
        "discovery: is not stable: it was {first:?}, then {second:?}"
    );
    let planned: BTreeSet<&Path> = first.splits.iter().flat_map(|split| &split.namespaces).collect();
    for key in fixture.expected() {
        let within = planned.iter().any(|namespace| namespace.is_parent_of(&key));
        assert!(within, "discovery: no split reads the namespace of {key}");
    }
}

fn assert_unique(discovery: &Discovery) {
    let mut containers = BTreeSet::new();
    for container in &discovery.containers {
        assert!(
            containers.insert(&container.path),
            "discovery: container {} is listed twice",
            container.path
        );
    }
    let mut ids = BTreeSet::new();
    let mut namespaces = BTreeMap::new();
    for split in &discovery.splits {
        assert!(
            ids.insert(&split.id),
            "discovery: two splits have the id {}",
            split.id
        );
        assert!(
            !split.namespaces.is_empty(),
            "discovery: split {} has no namespace",
            split.id
        );
        for namespace in &split.namespaces {
            assert!(
                containers.contains(namespace),
                "discovery: split {} reads {namespace}, which is not among the containers",
                split.id
            );
            if let Some(other) = namespaces.insert(namespace, &split.id) {
                panic!(
                    "discovery: {namespace} is in two splits, {other} and {}",
                    split.id
                );
            }
        }
    }
}

/// Exactly the expected assets are reported, each once. Finds a last page that was dropped, an empty page
/// taken for the end, an asset reported twice.
pub async fn full_listing<F: Fixture>(fixture: &F) {
    let run = complete_run("full_listing", fixture).await;
    let expected = fixture.expected();
    assert_nothing_missing(&expected, &run);
    let known: BTreeSet<&Path> = expected.iter().collect();
    let paths = run.paths();
    let surplus: Vec<&Path> = paths.iter().filter(|path| !known.contains(path)).collect();
    assert!(
        surplus.is_empty(),
        "full_listing: not expected: {}",
        names(surplus)
    );
    assert!(
        run.repeated.is_empty(),
        "full_listing: reported more than once in one attempt: {}",
        names(&run.repeated)
    );
}

fn assert_nothing_missing(expected: &[Path], run: &Collected) {
    let seen = run.paths();
    let mut namespaces: BTreeMap<Path, Vec<&Path>> = BTreeMap::new();
    for path in expected {
        namespaces
            .entry(path.parent().unwrap_or_else(Path::root))
            .or_default()
            .push(path);
    }
    for (namespace, all) in namespaces {
        let missing: Vec<&Path> = all.iter().copied().filter(|path| !seen.contains(path)).collect();
        if missing.is_empty() {
            continue;
        }
        let listed = all.len() - missing.len();
        let tail = all.get(listed..).is_some_and(|tail| tail == missing);
        let why = if tail {
            "; they are the last that the source lists: the last page was dropped, \
             or an empty page with a next token was taken for the end"
        } else {
            ""
        };
        panic!(
            "full_listing: {namespace} was closed Complete without {} of its {} assets: {}{why}",
            missing.len(),
            all.len(),
            names(missing),
        );
    }
}

/// Names with quotes, dots, spaces, capitals and letters beyond ASCII arrive as the source spells them.
pub async fn odd_names<F: Fixture>(fixture: &F) {
    let odd = fixture.odd_names();
    if odd.is_empty() {
        super::lacks("odd_names", "odd_names");
    }
    let run = complete_run("odd_names", fixture).await;
    let seen = run.paths();
    for path in odd {
        if seen.contains(&path) {
            continue;
        }
        let folded = path.to_string().to_lowercase();
        let near: Vec<&Path> = seen
            .iter()
            .filter(|other| other.to_string().to_lowercase() == folded)
            .collect();
        panic!(
            "odd_names: {:?} did not survive; the nearest that was reported: {:?}",
            path.segments(),
            near
        );
    }
}

/// The filters of the config are honoured: nothing else is reported, and nothing less.
pub async fn scope<F: Fixture>(fixture: &F) {
    let expected = fixture.expected();
    let schema_of = |path: &Path| path.parent().and_then(|parent| parent.name().map(str::to_owned));
    let schemas: BTreeSet<String> = expected.iter().filter_map(schema_of).collect();
    assert!(
        schemas.len() > 1,
        "scope: the fixture needs assets in two namespaces of different names"
    );
    let (Some(schema), Some(asset)) = (schemas.first(), expected.first()) else {
        return;
    };
    let table = asset.name().unwrap_or_default();
    let fold = |name: &str| F::C::FAMILY.case.fold(name);
    let in_schema = |path: &Path| schema_of(path).is_some_and(|name| fold(&name) == fold(schema));
    let is_table = |path: &Path| path.name().is_some_and(|name| fold(name) == fold(table));
    let pattern = escaped(table);

    let keep = |admits: &dyn Fn(&Path) -> bool| -> BTreeSet<Path> {
        expected.iter().filter(|path| admits(path)).cloned().collect()
    };
    for (filters, wanted) in [
        (json!({"include_schemas": [schema]}), keep(&in_schema)),
        (
            json!({"exclude_schemas": [schema]}),
            keep(&|path| !in_schema(path)),
        ),
        (json!({"include_tables": [pattern]}), keep(&is_table)),
        (
            json!({"exclude_tables": [pattern]}),
            keep(&|path| !is_table(path)),
        ),
        (json!({"include_schemas": ["no such schema"]}), BTreeSet::new()),
    ] {
        assert_filtered(fixture, filters, &wanted).await;
    }
}

async fn assert_filtered<F: Fixture>(fixture: &F, filters: Value, wanted: &BTreeSet<Path>) {
    let mut config = fixture.config();
    if let Some(config) = config.as_object_mut() {
        config.insert("filters".into(), filters.clone());
    }
    let opened = open_with("scope", fixture, config, fixture.credentials());
    let run = collect(opened.connector, options(opened.scope)).await;
    if let Some(error) = &run.failed {
        panic!("scope: with {filters} nothing is listed at all: {error}");
    }
    let seen = run.paths();
    let missing: Vec<&Path> = wanted.difference(&seen).collect();
    assert!(
        missing.is_empty(),
        "scope: {filters} leaves out {}",
        names(missing)
    );
    let surplus: Vec<&Path> = seen.difference(wanted).collect();
    assert!(
        surplus.is_empty(),
        "scope: {filters} lets through {}",
        names(surplus)
    );
    assert!(
        run.is_complete(),
        "scope: {filters} makes the listing Partial: {:?}",
        run.closed
    );
}

/// A regular expression for exactly this text.
fn escaped(text: &str) -> String {
    let mut pattern = String::new();
    for character in text.chars() {
        if character.is_ascii_punctuation() && !matches!(character, '<' | '>') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern
}

/// Two syncs of an unchanged source report the same.
pub async fn second_sync<F: Fixture>(fixture: &F) {
    let first = complete_run("second_sync", fixture).await;
    let second = complete_run("second_sync", fixture).await;
    assert_same("second_sync", &first, &second);
}
