//! Artifacts as dbt-core 1.7 and 1.11 write them, made of the example project in the test run.

use crate::{parsed, read, shipped};
use headwater_core::model::{Asset, Flow, LineageEdge};
use headwater_testkit::Collected;
use serde_json::{Map, Value};
use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

/// The kinds of entries that become products.
const PRODUCTS: [&str; 7] = [
    "model",
    "seed",
    "snapshot",
    "source",
    "exposure",
    "metric",
    "semantic_model",
];

fn peer(variable: &str) -> PathBuf {
    match env::var_os(variable) {
        Some(folder) => folder.into(),
        None => panic!("{variable} is not set: run cargo xtask test, which installs dbt-core"),
    }
}

/// What a user sees of a project, a paragraph for each product.
fn rendered(run: &Collected) -> String {
    let mut text = String::new();
    for (path, asset) in &run.assets {
        let property = |name: &str| {
            asset
                .properties
                .get(name)
                .map(Value::to_string)
                .unwrap_or_default()
        };
        writeln!(text, "{path} {} {}", asset.kind, property("materialized")).unwrap();
        if let Some(description) = asset.description.value() {
            writeln!(text, "  {description}").unwrap();
        }
        let lists = [("tags", &asset.tags), ("owners", &asset.owners)];
        for (name, list) in lists {
            if let Some(list) = list.as_option().filter(|list| !list.is_empty()) {
                writeln!(text, "  {name}: {}", list.join(", ")).unwrap();
            }
        }
        for field in asset.fields.as_option().into_iter().flatten() {
            let null = if field.nullable == Some(false) {
                " not null"
            } else {
                ""
            };
            let described = field.description.value().map(|text| format!(": {text}"));
            let described = described.unwrap_or_default();
            writeln!(text, "  | {} {}{null}{described}", field.name, field.native_type).unwrap();
        }
        let results = asset
            .stats
            .as_option()
            .and_then(|stats| stats.properties.get("test_results"));
        for test in asset
            .properties
            .get("tests")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let result = results.map(|results| results[test["name"].as_str().unwrap()].to_string());
            writeln!(
                text,
                "  ? {} {} {}",
                test["test"],
                test["column"],
                result.unwrap_or_default()
            )
            .unwrap();
        }
        for edge in run.lineage.get(path).into_iter().flatten() {
            let arrow = if edge.flow == Flow::In { '<' } else { '>' };
            writeln!(text, "  {arrow} {} {}", edge.end.family, edge.end.path).unwrap();
        }
    }
    text
}

#[tokio::test]
async fn what_dbt_core_1_7_writes_is_read_whole() {
    let folder = peer("HEADWATER_TEST_DBT_ARTIFACTS_1_7");
    assert_whole(&folder).await;
    insta::assert_snapshot!(rendered(&read(&folder).await));
}

#[tokio::test]
async fn what_dbt_core_1_11_writes_is_read_whole() {
    let folder = peer("HEADWATER_TEST_DBT_ARTIFACTS_1_11");
    assert_whole(&folder).await;
    insta::assert_snapshot!(rendered(&read(&folder).await));
}

#[tokio::test]
async fn the_shipped_artifacts_are_those_of_the_example_project() {
    let fresh = peer("HEADWATER_TEST_DBT_ARTIFACTS_1_11");
    let [fresh, shipped] = [
        rendered(&read(&fresh).await),
        rendered(&read(&shipped("before")).await),
    ];
    assert_eq!(shipped, fresh, "run cargo xtask dbt-artifacts");
}

/// The shipped projects, and those in the folders below `HEADWATER_TEST_DBT_PROJECTS` where that is set.
#[tokio::test]
async fn other_projects_are_read_whole() {
    let mut folders = vec![shipped("before"), shipped("after")];
    if let Some(more) = env::var_os("HEADWATER_TEST_DBT_PROJECTS") {
        let found = fs::read_dir(more).unwrap().map(|entry| entry.unwrap().path());
        let before = folders.len();
        folders.extend(found.filter(|path| path.is_dir()));
        assert!(
            folders.len() > before,
            "HEADWATER_TEST_DBT_PROJECTS has no folder in it"
        );
    }
    for folder in folders {
        assert_whole(&folder).await;
    }
}

/// Counts for itself what the artifacts hold, and insists that all of it was reported.
async fn assert_whole(folder: &Path) {
    let at = folder.display();
    let run = read(folder).await;
    assert!(
        run.is_complete() && run.warnings.is_empty(),
        "{at}: {:?} {:?}",
        run.failed,
        run.warnings
    );
    let manifest = parsed(&folder.join("manifest.json"));
    let catalog = parsed(&folder.join("catalog.json"));
    let expected = products(&manifest);
    let by_id: BTreeMap<&str, &Asset> = run
        .assets
        .values()
        .map(|asset| (asset.native_id.as_deref().unwrap(), asset))
        .collect();
    let ids: BTreeSet<&str> = by_id.keys().copied().collect();
    assert_eq!(ids, expected.keys().map(String::as_str).collect(), "{at}");
    assert!(!ids.is_empty(), "{at}");
    for (id, node) in &expected {
        let asset = by_id[id.as_str()];
        assert_columns(asset, node, [&catalog["nodes"][id], &catalog["sources"][id]]);
        let read = node["depends_on"]["nodes"].as_array().into_iter().flatten();
        let upstream: BTreeSet<&str> = read
            .filter_map(Value::as_str)
            .filter(|id| ids.contains(id))
            .collect();
        let edges: &Vec<LineageEdge> = &run.lineage[&asset.key];
        let told = edges
            .iter()
            .filter(|edge| edge.flow == Flow::In && edge.end.family == "dbt");
        let told: BTreeSet<&str> = told
            .map(|edge| run.assets[&edge.end.path].native_id.as_deref().unwrap())
            .collect();
        assert_eq!(told, upstream, "{at}: {id}");
    }
}

/// Entries of the manifest that become products.
fn products(manifest: &Value) -> BTreeMap<String, &Value> {
    let sections = ["nodes", "sources", "exposures", "metrics", "semantic_models"];
    let entries = sections
        .iter()
        .filter_map(|section| manifest[section].as_object());
    let is_product = |id: &str| PRODUCTS.contains(&id.split('.').next().unwrap());
    let entries = entries.flat_map(Map::iter).filter(|(id, _)| is_product(id));
    entries.map(|(id, node)| (id.clone(), node)).collect()
}

/// The columns of either file, whatever their case, with the warehouse's types.
fn assert_columns(asset: &Asset, node: &Value, catalog: [&Value; 2]) {
    let mut expected: BTreeMap<String, Option<&str>> = BTreeMap::new();
    let declared = node["columns"].as_object().into_iter().flatten();
    expected.extend(declared.map(|(name, _)| (name.to_lowercase(), None)));
    for entry in catalog {
        let real = entry["columns"].as_object().into_iter().flatten();
        expected.extend(real.map(|(name, column)| (name.to_lowercase(), column["type"].as_str())));
    }
    let fields = asset.fields.as_option().map(Vec::as_slice).unwrap_or_default();
    let names: BTreeSet<String> = fields
        .iter()
        .map(|field| field.name.as_str().to_lowercase())
        .collect();
    assert_eq!(names, expected.keys().cloned().collect(), "{}", asset.key);
    for field in fields {
        if let Some(native) = expected[&field.name.as_str().to_lowercase()] {
            assert_eq!(&*field.native_type, native, "{} {}", asset.key, field.name);
        }
    }
}
