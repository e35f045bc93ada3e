//! What is read of real artifacts, and what is refused.

use crate::common::{Target, artifact, open, read};
use flate2::{Compression, write::GzEncoder};
use headwater_core::{Cx, ErrorKind, Path, model::Flow};
use headwater_testkit::Collected;
use serde_json::{Value, json};
use std::{fmt::Write as _, fs, io::Write as _};

fn product(kind: &str, name: &str) -> Path {
    Path::new(["corner_shop", kind, name])
}

/// Everything that was reported, as one text.
fn rendered(run: &Collected) -> String {
    let mut text = String::new();
    for (path, asset) in &run.assets {
        let shown = json!({
            "kind": asset.kind,
            "native_id": asset.native_id,
            "description": asset.description,
            "fields": asset.fields.as_option().map(|fields| {
                let one = |field: &headwater_core::model::Field| {
                    let null = if field.nullable == Some(false) { " not null" } else { "" };
                    let described = field.description.value().map(|text| format!(": {text}"));
                    format!("{} {}{null}{}", field.name, field.native_type, described.unwrap_or_default())
                };
                fields.iter().map(one).collect::<Vec<_>>()
            }),
            "constraints": asset.constraints,
            "definition": asset.definition,
            "stats": asset.stats,
            "tags": asset.tags,
            "owners": asset.owners,
            "properties": asset.properties,
            "edges": run.lineage[path],
        });
        writeln!(text, "{path} {shown:#}").unwrap();
    }
    for (path, namespace) in &run.namespaces {
        writeln!(
            text,
            "{path} {} {:?} {:?}",
            namespace.kind, namespace.description, namespace.properties
        )
        .unwrap();
    }
    text
}

#[tokio::test]
async fn a_project_of_dbt_core_1_11_is_read_whole() {
    let run = Target::new().read().await;
    assert!(run.is_complete() && run.warnings.is_empty(), "{:?}", run.warnings);
    assert_eq!(
        run.discovery.as_ref().unwrap().identity.as_deref(),
        Some("corner_shop")
    );
    insta::assert_snapshot!(rendered(&run));
}

#[tokio::test]
async fn tests_of_each_kind_stand_with_their_column_and_latest_result() {
    let run = Target::new().read().await;
    let orders = &run.assets[&product("model", "orders")];
    let tests = orders.properties["tests"].as_array().unwrap();
    let told = |test: &Value| (test["test"].clone(), test.get("column").cloned());
    assert_eq!(
        tests.iter().map(told).collect::<Vec<_>>(),
        [
            (json!("unit"), None),
            (json!("not_null"), Some(json!("amount"))),
            (json!("unique"), Some(json!("order_id"))),
        ]
    );
    let results = &orders.stats.as_option().unwrap().properties["test_results"];
    assert_eq!(
        results["not_null_orders_amount"],
        json!({"status": "warn", "failures": 1})
    );
    assert_eq!(results["amounts_are_kept"]["status"], "pass");
}

#[tokio::test]
async fn lineage_leads_through_ephemeral_models_to_the_table_of_the_source() {
    let run = Target::new().read().await;
    let upstream = |kind, name| ends(&run, kind, name, Flow::In);
    assert_eq!(upstream("model", "orders"), ["dbt corner_shop.model.stg_orders"]);
    assert_eq!(
        upstream("model", "stg_orders"),
        ["dbt corner_shop.source.till.orders"]
    );
    assert_eq!(
        upstream("source.till", "orders"),
        ["duckdb corner_shop.main.raw_orders"]
    );
    assert_eq!(
        upstream("exposure", "weekly_report"),
        [
            "dbt corner_shop.model.customers.v2",
            "dbt corner_shop.model.orders"
        ]
    );
}

/// The other ends of the edges that a product owns.
fn ends(run: &Collected, kind: &str, name: &str, flow: Flow) -> Vec<String> {
    let edges = run.lineage[&product(kind, name)].iter();
    edges
        .filter(|edge| edge.flow == flow)
        .map(|edge| format!("{} {}", edge.end.family, edge.end.path))
        .collect()
}

#[tokio::test]
async fn what_dbt_builds_leads_into_its_relation() {
    let target = Target::new();
    target.edit(|manifest| {
        manifest["metadata"]["adapter_type"] = json!("snowflake");
        manifest["nodes"]["model.corner_shop.days"]["schema"] = json!(null);
    });
    let config = json!({"manifest_path": target.file("manifest.json")});
    let run = read(config, Cx::default()).await;
    let built = |kind, name| ends(&run, kind, name, Flow::Out);
    assert_eq!(built("model", "orders"), ["snowflake corner_shop.main.orders"]);
    assert_eq!(
        built("model", "customers.v2"),
        ["snowflake corner_shop.main.customers_v2"],
        "by the alias"
    );
    assert_eq!(
        built("seed", "raw_orders"),
        ["snowflake corner_shop.main.raw_orders"]
    );
    assert_eq!(
        built("snapshot", "orders_history"),
        ["snowflake corner_shop.history.orders_history"]
    );
    for (kind, name) in [
        ("model", "stg_orders"),
        ("model", "days"),
        ("source.till", "orders"),
        ("exposure", "weekly_report"),
    ] {
        assert_eq!(built(kind, name), [""; 0], "{kind} {name}");
    }
    let kinds: Vec<&str> = run.lineage[&product("seed", "raw_orders")]
        .iter()
        .map(|edge| edge.kind.as_str())
        .collect();
    assert_eq!(kinds, ["dbt_seed"]);
}

#[tokio::test]
async fn the_catalog_spells_relations_as_the_warehouse_does() {
    let target = Target::new();
    let built = ends(&target.read().await, "model", "orders", Flow::Out);
    assert_eq!(built, ["duckdb corner_shop.main.orders"]);
    let file = target.file("catalog.json");
    let mut catalog: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let real = &mut catalog["nodes"]["model.corner_shop.orders"]["metadata"];
    for (part, name) in [("database", "SHOP"), ("schema", "MAIN"), ("name", "ORDERS")] {
        real[part] = json!(name);
    }
    fs::write(file, catalog.to_string()).unwrap();
    let run = target.read().await;
    assert_eq!(
        ends(&run, "model", "orders", Flow::Out),
        ["duckdb SHOP.MAIN.ORDERS"]
    );
}

#[tokio::test]
async fn an_upload_is_read_packed_or_plain_and_leaves_no_file() {
    let plain = Target::new().read().await;
    assert!(plain.is_complete() && !plain.assets.is_empty() && !plain.lineage.is_empty());
    let folder = tempfile::TempDir::new().unwrap();
    let mut cx = Cx::default();
    for name in ["manifest", "catalog", "run_results", "sources"] {
        let file = folder.path().join(name);
        let mut packed = GzEncoder::new(fs::File::create(&file).unwrap(), Compression::fast());
        packed
            .write_all(&fs::read(artifact(&format!("{name}.json"))).unwrap())
            .unwrap();
        packed.finish().unwrap();
        cx = cx.with_input(format!("{name}_file"), file);
    }
    let run = read(json!({}), cx).await;
    assert_eq!(rendered(&run), rendered(&plain));
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        4,
        "the spool is gone"
    );
}

#[tokio::test]
async fn a_manifest_alone_gives_what_it_writes_down() {
    let target = Target::new();
    let run = read(
        json!({"manifest_path": target.file("manifest.json")}),
        Cx::default(),
    )
    .await;
    let orders = &run.assets[&product("model", "orders")];
    let types = orders
        .fields
        .as_option()
        .unwrap()
        .iter()
        .map(|field| &*field.native_type);
    assert_eq!(types.collect::<Vec<_>>(), ["integer", "integer", "decimal(12,2)"]);
    assert!(run.assets[&product("seed", "raw_orders")].fields.is_unread());
}

#[tokio::test]
async fn a_file_that_is_cut_anywhere_reports_nothing() {
    let target = Target::new();
    let whole = fs::read(artifact("manifest.json")).unwrap();
    let config = json!({"manifest_path": target.file("manifest.json")});
    for end in (0..whole.len()).step_by(613).chain([whole.len() - 1]) {
        fs::write(target.file("manifest.json"), &whole[..end]).unwrap();
        let run = read(config.clone(), Cx::default()).await;
        let error = run.failed.as_ref().unwrap();
        assert_eq!(error.kind(), ErrorKind::DataInvalid, "{end}: {error}");
        assert!(error.to_string().contains("[at=byte"), "{end}: {error}");
        assert!(run.assets.is_empty() && run.namespaces.is_empty(), "{end}");
    }
}

#[tokio::test]
async fn a_field_of_the_wrong_type_is_named_in_a_warning() {
    let target = Target::new();
    target.edit(|manifest| {
        manifest["nodes"]["model.corner_shop.orders"]["description"] = json!(["hunter2"]);
        manifest["nodes"]["model.corner_shop.days"] = json!("hunter2");
    });
    let run = target.read().await;
    let told: Vec<_> = run
        .warnings
        .iter()
        .map(|warning| (&*warning.code, &*warning.detail))
        .collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(
        told.iter()
            .all(|(code, detail)| *code == "artifact_unread" && !detail.contains("hunter2"))
    );
    assert!(
        told.iter()
            .any(|(_, detail)| detail.contains("/description of model.corner_shop.orders"))
    );
    let orders = &run.assets[&product("model", "orders")];
    assert!(orders.description.is_unread() && orders.fields.as_option().is_some());
    let days = &run.assets[&product("model", "days")];
    assert!(
        days.description.is_unread() && !run.lineage.contains_key(&days.key),
        "what is stored stays"
    );
}

#[tokio::test]
async fn a_part_that_cannot_be_read_stays_as_stored() {
    for (field, bad) in [
        ("description", json!({})),
        ("columns", json!([1])),
        ("constraints", json!("hunter2")),
        ("raw_code", json!(5)),
        ("tags", json!([null])),
        ("owner", json!("hunter2")),
        ("config", json!("hunter2")),
    ] {
        let target = Target::new();
        target.edit(|manifest| manifest["nodes"]["model.corner_shop.orders"][field] = bad);
        let run = target.read().await;
        let orders = &run.assets[&product("model", "orders")];
        assert_eq!(run.warnings.len(), 1, "{field}: {:?}", run.warnings);
        let unread = [
            ("description", orders.description.is_unread()),
            ("columns", orders.fields.is_unread()),
            ("constraints", orders.constraints.is_unread()),
            ("raw_code", orders.definition.is_unread()),
            ("tags", orders.tags.is_unread()),
            ("owner", orders.owners.is_unread()),
        ];
        for (part, is_unread) in unread {
            let expected = match field {
                "columns" => matches!(part, "columns" | "constraints"),
                "config" => matches!(part, "constraints" | "tags" | "owner"),
                field => part == field,
            };
            assert_eq!(is_unread, expected, "{part} where {field} is bad");
        }
        assert!(!orders.properties.is_empty() && run.lineage.contains_key(&orders.key));
    }
}

#[tokio::test]
async fn what_a_node_is_made_of_stays_as_stored_when_it_cannot_be_read() {
    for bad in [
        json!("hunter2"),
        json!({"nodes": "hunter2"}),
        json!({"nodes": [null]}),
    ] {
        let target = Target::new();
        target.edit(|manifest| manifest["nodes"]["model.corner_shop.orders"]["depends_on"] = bad.clone());
        let run = target.read().await;
        let orders = product("model", "orders");
        assert_eq!(run.warnings.len(), 1, "{bad}");
        assert!(run.warnings[0].detail.contains("/depends_on"), "{bad}");
        assert!(run.assets[&orders].description.value().is_some(), "{bad}");
        assert!(!run.lineage.contains_key(&orders), "{bad}");
    }
}

#[tokio::test]
async fn a_source_keeps_what_older_dbt_writes_down_beside_it() {
    let target = Target::new();
    target.edit(|manifest| {
        let source = &mut manifest["sources"]["source.corner_shop.till.orders"];
        (source["meta"], source["config"]) = (json!({}), json!({"enabled": true}));
        source["source_meta"] = json!({"owner": "@till"});
    });
    let run = target.read().await;
    let sales = &run.assets[&Path::new(["corner_shop", "source.till", "orders"])];
    assert_eq!(sales.owners.as_option().unwrap(), &["@till"]);
    assert_eq!(sales.properties["meta"], json!({"owner": "@till"}));
}

#[tokio::test]
async fn another_artifact_and_another_project_are_refused_by_name() {
    let target = Target::new();
    let refused = async |config: Value| read(config, Cx::default()).await.failed.unwrap().to_string();
    let error = refused(json!({"manifest_path": artifact("catalog.json")})).await;
    assert!(error.contains("this is a catalog.json"), "{error}");
    let error = refused(json!({"manifest_path": artifact("run_results.json")})).await;
    assert!(error.contains("this is a run_results.json"), "{error}");
    let error = refused(json!({"manifest_path": target.file("gone.json")})).await;
    assert!(
        error.contains("cannot be opened") && error.contains("gone.json"),
        "{error}"
    );
    fs::write(
        target.file("other.json"),
        r#"{"metadata": {}, "nodes": {}, "sources": {}, "errors": null}"#,
    )
    .unwrap();
    let error = refused(json!({"manifest_path": target.file("other.json")})).await;
    assert!(
        error.contains("no manifest.json") && error.contains("errors"),
        "{error}"
    );
    let mut config = target.config();
    config["project_name"] = json!("big_shop");
    let error = refused(config).await;
    assert!(
        error.contains("big_shop") && error.contains("corner_shop"),
        "{error}"
    );
}

#[tokio::test]
async fn a_manifest_that_does_not_say_its_project_passes_for_none() {
    let mut manifest: Value = serde_json::from_slice(&fs::read(artifact("manifest.json")).unwrap()).unwrap();
    let target = Target::new();
    let mut without = async |metadata: &str, config: Value| {
        drop(manifest["metadata"].as_object_mut().unwrap().remove(metadata));
        fs::write(target.file("manifest.json"), manifest.to_string()).unwrap();
        read(config, Cx::default()).await
    };
    let mut wanted = target.config();
    wanted["project_name"] = json!("corner_shop");
    // What is left is the hash of the name.
    let run = without("project_name", wanted.clone()).await;
    assert!(run.is_complete(), "{:?}", run.failed);
    let mut other = wanted.clone();
    other["project_name"] = json!("big_shop");
    let refused = without("project_name", other).await.failed.unwrap().to_string();
    assert!(refused.contains("[expected=big_shop]"), "{refused}");
    let refused = without("project_id", wanted).await.failed.unwrap().to_string();
    assert!(refused.contains("[found=without a name]"), "{refused}");
    let run = without("project_id", target.config()).await;
    let identity = run.discovery.unwrap().identity;
    assert_eq!(identity.as_deref(), Some("without a name"));
}

#[tokio::test]
async fn a_manifest_without_sources_or_nodes_is_refused_and_none_other_needed() {
    let manifest: Value = serde_json::from_slice(&fs::read(artifact("manifest.json")).unwrap()).unwrap();
    let target = Target::new();
    for key in manifest.as_object().unwrap().keys() {
        for null in [true, false] {
            let mut changed = manifest.clone();
            match null {
                true => changed[key] = Value::Null,
                false => drop(changed.as_object_mut().unwrap().remove(key)),
            }
            fs::write(target.file("manifest.json"), changed.to_string()).unwrap();
            let refused = target.read().await.failed.is_some();
            let needed = matches!(
                (key.as_str(), null),
                ("nodes" | "sources", _) | ("metadata", false)
            );
            assert_eq!(refused, needed, "{key}, null: {null}");
        }
    }
}

#[tokio::test]
async fn a_newer_manifest_is_read_with_a_warning_and_fusions_without() {
    let target = Target::new();
    for (version, warned) in [(20, false), (21, true)] {
        target.edit(|manifest| {
            let address = format!("https://schemas.getdbt.com/dbt/manifest/v{version}.json");
            manifest["metadata"]["dbt_schema_version"] = json!(address);
        });
        let run = target.read().await;
        assert!(run.is_complete());
        assert_eq!(
            run.warnings.iter().any(|warning| warning.code == "newer_schema"),
            warned,
            "{version}"
        );
    }
}

#[tokio::test]
async fn without_an_upload_there_is_nothing_to_sync() {
    let error = read(json!({}), Cx::default()).await.failed.unwrap();
    assert!(error.to_string().contains("upload a manifest"), "{error}");
    let report = open(json!({})).connector.check(&Cx::default()).await.unwrap();
    assert!(report.message.contains("upload"), "{}", report.message);
}
