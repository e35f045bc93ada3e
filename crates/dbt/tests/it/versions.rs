//! Small manifests in the shape of each version, after the schemas that dbt publishes
//! (<https://schemas.getdbt.com/dbt/manifest/v1.json> to `v12.json`).

use crate::read_manifest;
use headwater_core::Path;
use serde_json::{Value, json};

/// A project of a source, a model over it, a test of the model and a disabled one, as this version writes it.
fn manifest(version: u32) -> Value {
    let address = format!("https://schemas.getdbt.com/dbt/manifest/v{version}.json");
    // dbt 1.3, which writes v7, called SQL code: models may be Python.
    let [raw, compiled] = if version < 7 {
        ["raw_sql", "compiled_sql"]
    } else {
        ["raw_code", "compiled_code"]
    };
    let model = json!({
        "unique_id": "model.shop.orders", "resource_type": "model", "package_name": "shop", "name": "orders",
        "database": "db", "schema": "main", "alias": "orders", "description": "One row for each sale.",
        "config": {"enabled": true, "materialized": "table", "tags": "nightly"}, "tags": ["nightly"],
        "columns": {"id": {"name": "id", "description": "The key.", "data_type": "int", "meta": {}, "tags": []}},
        "depends_on": {"macros": [], "nodes": ["source.shop.till.sales"]},
        raw: "select * from {{ source('till', 'sales') }}", compiled: "select * from db.main.sales",
    });
    let test = json!({
        "unique_id": "test.shop.unique_orders_id.1", "resource_type": "test", "name": "unique_orders_id",
        "column_name": "id", "test_metadata": {"name": "unique", "kwargs": {"column_name": "id"}, "namespace": null},
        "config": {"enabled": true, "severity": "warn"}, "depends_on": {"macros": [], "nodes": ["model.shop.orders"]},
    });
    let source = json!({
        "unique_id": "source.shop.till.sales", "resource_type": "source", "source_name": "till", "name": "sales",
        "database": "db", "schema": "main", "identifier": "sales", "columns": {}, "description": "",
    });
    let mut manifest = json!({
        "metadata": {"dbt_schema_version": address, "project_id": "0badc0de", "adapter_type": "postgres"},
        "nodes": {"model.shop.orders": model, "test.shop.unique_orders_id.1": test},
        "sources": {"source.shop.till.sales": source},
        "macros": {}, "docs": {}, "parent_map": {}, "child_map": {},
        "disabled": if version < 4 { json!([{"name": "old"}]) } else { json!({"model.shop.old": [{"name": "old"}]}) },
    });
    let sections = [
        (2, "exposures"),
        (2, "selectors"),
        (4, "metrics"),
        (9, "groups"),
        (10, "semantic_models"),
        (11, "saved_queries"),
        (12, "unit_tests"),
    ];
    for (_, section) in sections.iter().filter(|(since, _)| *since <= version) {
        manifest[*section] = if version == 20 { Value::Null } else { json!({}) };
    }
    if version >= 10 {
        manifest["metadata"]["project_name"] = json!("shop");
    }
    if version == 20 {
        for key in [
            "columns",
            "tags",
            "description",
            "constraints",
            "refs",
            "meta",
            "patch_path",
        ] {
            manifest["sources"]["source.shop.till.sales"][key] = Value::Null;
        }
        for key in ["macros", "docs", "disabled"] {
            manifest[key] = Value::Null;
        }
    }
    manifest
}

#[tokio::test]
async fn all_versions_tell_the_same_of_the_same_project() {
    for version in (1..=12).chain([20]) {
        let run = read_manifest(manifest(version).to_string().as_bytes()).await;
        assert!(
            run.is_complete() && run.warnings.is_empty(),
            "v{version}: {:?} {:?}",
            run.failed,
            run.warnings
        );
        let paths: Vec<String> = run.assets.keys().map(Path::to_string).collect();
        assert_eq!(
            paths,
            ["shop.model.orders", "shop.source.till.sales"],
            "v{version}"
        );
        let orders = &run.assets[&Path::new(["shop", "model", "orders"])];
        assert_eq!(orders.description.value().unwrap(), "One row for each sale.");
        assert_eq!(orders.tags.as_option().unwrap(), &["nightly"], "v{version}");
        let code = orders.definition.value().unwrap();
        assert_eq!(
            code.text, "select * from {{ source('till', 'sales') }}",
            "v{version}"
        );
        let compiled = &orders.stats.as_option().unwrap().properties["compiled_code"];
        assert_eq!(compiled, "select * from db.main.sales", "v{version}");
        assert_eq!(
            orders.properties["tests"],
            json!([{"name": "unique_orders_id", "test": "unique", "column": "id", "severity": "warn"}]),
            "v{version}"
        );
        let edges = &run.lineage[&orders.key];
        let upstream: Vec<String> = edges.iter().map(|edge| edge.end.path.to_string()).collect();
        assert!(
            upstream.contains(&"shop.source.till.sales".to_owned()),
            "v{version}: {upstream:?}"
        );
        let identity = run.discovery.as_ref().unwrap().identity.as_deref();
        assert_eq!(
            identity,
            Some(if version < 10 { "0badc0de" } else { "shop" }),
            "v{version}"
        );
    }
}

#[tokio::test]
async fn a_disabled_model_is_counted_and_left_out_whatever_the_list() {
    for version in [1, 3, 4, 12] {
        let mut manifest = manifest(version);
        manifest["metadata"]["project_name"] = json!("shop");
        let run = read_manifest(manifest.to_string().as_bytes()).await;
        let package = &run.namespaces[&Path::new(["shop"])];
        assert_eq!(package.properties["disabled_nodes"], 1, "v{version}");
    }
}

#[tokio::test]
async fn a_section_of_another_form_is_passed_over_unless_it_is_needed() {
    for section in [
        "exposures",
        "metrics",
        "semantic_models",
        "unit_tests",
        "groups",
        "disabled",
        "macros",
    ] {
        for form in [json!([1, {}]), json!("x"), json!(7), Value::Null] {
            let mut manifest = manifest(12);
            manifest[section] = form.clone();
            let run = read_manifest(manifest.to_string().as_bytes()).await;
            assert_eq!(run.assets.len(), 2, "{section}: {form}: {:?}", run.failed);
        }
    }
    for section in ["nodes", "sources"] {
        let mut manifest = manifest(12);
        manifest[section] = json!([]);
        let failed = read_manifest(manifest.to_string().as_bytes())
            .await
            .failed
            .unwrap();
        assert_eq!(failed.code(), "invalid_manifest", "{section}");
    }
}
