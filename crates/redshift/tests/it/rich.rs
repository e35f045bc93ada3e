//! Every kind of object, as a catalog gets to see it.

use crate::{peer::Peer, reading::asset};
use headwater_core::{
    Facet, Listing, Path,
    model::{AssetKind, DataType, Identity, Stat},
};
use headwater_testkit::Collected;
use serde_json::json;

async fn shop() -> (Peer, Collected) {
    let peer = Peer::seeded().await;
    peer.grant("SELECT ON redshift_catalog.svv_table_info").await;
    let run = peer.read().await;
    (peer, run)
}

fn upstreams(run: &Collected, path: &Path) -> Vec<String> {
    let edges = run
        .lineage
        .get(path)
        .unwrap_or_else(|| panic!("no lineage of {path}"));
    assert!(
        edges
            .iter()
            .all(|edge| edge.end.family == "redshift" && edge.kind == "view")
    );
    edges.iter().map(|edge| edge.end.path.to_string()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_have_types_keys_comments_and_what_redshift_adds() {
    let (peer, run) = shop().await;
    let orders = asset(&run, &peer.path(&["public", "orders"]));
    assert_eq!(orders.kind, AssetKind::TABLE);
    assert_eq!(orders.description, Facet::Read(Some("What was bought".into())));
    assert_eq!(orders.owners.as_option().unwrap().len(), 1);
    let fields = orders.fields.as_option().unwrap();
    let types: Vec<_> = fields
        .iter()
        .map(|field| (field.name.as_str(), field.native_type.as_str()))
        .collect();
    assert_eq!(
        types,
        [
            ("id", "bigint"),
            ("customer", "integer"),
            ("total", "numeric(12,2)"),
            ("placed", "timestamp without time zone"),
            ("basket", "super"),
            ("spot", "geometry"),
            ("seen", "hllsketch"),
            ("raw", "varbyte"),
        ]
    );
    assert_eq!(fields[4].data_type, DataType::Variant);
    assert_eq!(fields[5].data_type, DataType::Geometry);
    assert_eq!(
        (fields[0].nullable, fields[1].nullable),
        (Some(false), Some(true))
    );
    assert_eq!(fields[2].description, Facet::Read(Some("With tax".into())));
    assert_eq!(fields[2].default, Facet::Read(Some("0".into())));

    let constraints = orders.constraints.as_option().unwrap();
    let shown: Vec<_> = constraints
        .iter()
        .map(|one| format!("{} {}", one.kind, one.fields.join(",")))
        .collect();
    assert_eq!(
        shown,
        [
            "foreign_key customer",
            "primary_key id",
            "unique customer,placed",
            "clustering_key placed,id"
        ]
    );
    let references = constraints[0].references.as_ref().unwrap();
    assert_eq!(references.path, peer.path(&["public", "customers"]));
    assert_eq!(references.fields, ["id"]);
    assert_eq!(
        constraints[3].expression,
        Facet::Read(Some("COMPOUND SORTKEY (placed, id)".into()))
    );
    assert_eq!(orders.properties["dist_style"], "key");
    assert_eq!(orders.properties["dist_key"], "customer");
    assert_eq!(orders.properties["encodings"]["id"], "az64");
    let stats = orders.stats.as_option().unwrap();
    assert_eq!(
        stats.row_count,
        Some(Stat::estimate(1000)),
        "without the deleted ones"
    );
    assert_eq!(stats.size_bytes, Some(Stat::exact(12 << 20)));
    assert_eq!(stats.properties["created_at"], "2025-06-02T00:00:00Z");

    let customers = asset(&run, &peer.path(&["public", "customers"]));
    let id = &customers.fields.as_option().unwrap()[0];
    assert_eq!(
        (id.identity, &id.default),
        (Some(Identity::Always), &Facet::Read(None))
    );
    assert_eq!(customers.properties["dist_style"], "all");
    assert_eq!(
        customers.stats.as_option().unwrap().row_count,
        None,
        "a table without rows is listed all the same"
    );

    let log = asset(&run, &peer.path(&["audit", "log"]));
    assert_eq!(log.properties["dist_style"], "auto");
    assert_eq!(
        log.stats.as_option().unwrap().properties["effective_dist_style"],
        "auto(even)"
    );
    let key = &log.constraints.as_option().unwrap()[0];
    assert_eq!(
        key.expression,
        Facet::Read(Some("INTERLEAVED SORTKEY (id, note)".into()))
    );
    let audit = &run.namespaces[&peer.path(&["audit"])];
    assert_eq!(audit.description, Facet::Read(Some("Who did what".into())));
    assert!(audit.owner.value().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn views_of_all_three_kinds_have_columns_text_and_lineage() {
    let (peer, run) = shop().await;
    let path = |name: &str| peer.path(&["public", name]);
    let names = |name: &str| -> Vec<String> {
        let fields = asset(&run, &path(name)).fields.as_option().unwrap();
        fields
            .iter()
            .map(|field| format!("{} {}", field.name, field.native_type))
            .collect()
    };
    let text = |name: &str| asset(&run, &path(name)).definition.value().unwrap().text.clone();

    assert_eq!(asset(&run, &path("recent")).kind, AssetKind::VIEW);
    assert_eq!(names("recent"), ["id bigint", "total numeric(12,2)"]);
    assert!(text("recent").starts_with("SELECT"), "{}", text("recent"));
    assert!(
        text("recent").contains("public.orders"),
        "names are qualified: {}",
        text("recent")
    );
    assert_eq!(upstreams(&run, &path("recent")), [path("orders").to_string()]);

    let late = asset(&run, &path("late"));
    assert_eq!(
        (&late.kind, &late.properties["late_binding"]),
        (&AssetKind::VIEW, &json!(true))
    );
    assert_eq!(names("late"), ["id bigint", "total numeric(12,2)"]);
    assert!(text("late").ends_with("with no schema binding"));
    assert_eq!(
        upstreams(&run, &path("late")),
        [
            path("orders").to_string(),
            peer.path(&["spectrum", "events"]).to_string()
        ]
    );

    let daily = asset(&run, &path("daily"));
    assert_eq!(daily.kind, AssetKind::MATERIALIZED_VIEW);
    assert_eq!(names("daily"), ["day date", "total numeric"]);
    assert!(text("daily").starts_with("CREATE MATERIALIZED VIEW"));
    assert_eq!(upstreams(&run, &path("daily")), [path("orders").to_string()]);
    assert_eq!(daily.properties["auto_refresh"], true);
    assert_eq!(daily.properties["auto_rewrite"], false);
    assert_eq!(
        (&daily.properties["dist_style"], &daily.properties["dist_key"]),
        (&json!("key"), &json!("day"))
    );
    let stats = daily.stats.as_option().unwrap();
    assert_eq!(stats.row_count, Some(Stat::estimate(30)));
    assert_eq!(
        (&stats.properties["is_stale"], &stats.properties["refresh_state"]),
        (&json!(true), &json!("incremental"))
    );
    let key = &daily.constraints.as_option().unwrap()[0];
    assert_eq!(key.expression, Facet::Read(Some("COMPOUND SORTKEY (day)".into())));
    assert!(
        !run.assets.contains_key(&path("mv_tbl__daily__0")),
        "the inside of a materialized view is no table"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn external_schemas_show_where_their_tables_are() {
    let (peer, run) = shop().await;
    let spectrum = &run.namespaces[&peer.path(&["spectrum"])];
    assert_eq!(spectrum.properties["external_catalog"], "glue");
    assert_eq!(spectrum.properties["external_database"], "lake");
    let events = asset(&run, &peer.path(&["spectrum", "events"]));
    assert_eq!(events.kind, AssetKind::EXTERNAL_TABLE);
    assert_eq!(events.properties["location"], "s3://lake/events");
    assert!(
        events.properties["input_format"]
            .as_str()
            .unwrap()
            .contains("Parquet")
    );
    let fields = events.fields.as_option().unwrap();
    let who: Vec<_> = fields[1].fields.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(
        (&fields[1].data_type, who),
        (&DataType::Struct, vec!["name", "tags"])
    );
    assert_eq!((fields[0].nullable, fields[1].nullable), (None, Some(true)));
    let constraints = events.constraints.as_option().unwrap();
    assert_eq!(
        (constraints[0].kind.as_str(), &constraints[0].fields),
        ("partition_key", &vec!["year".into(), "day".into()])
    );
    let stock = asset(&run, &peer.path(&["federated", "stock"]));
    assert_eq!(stock.kind, AssetKind::FOREIGN_TABLE);
    assert!(
        !format!("{:?} {:?}", run.assets, run.namespaces).contains("hunter2"),
        "options of schemas are not read"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn external_schemas_can_be_left_out_without_losing_what_is_known() {
    let peer = Peer::seeded().await;
    let run = peer.read_with(json!({"include_external": false})).await;
    peer.assert_clean(&run);
    assert!(
        !run.paths()
            .iter()
            .any(|path| path.to_string().contains("spectrum"))
    );
    let containers = &run.discovery.as_ref().unwrap().containers;
    let spectrum = containers
        .iter()
        .find(|one| one.path == peer.path(&["spectrum"]))
        .unwrap();
    assert!(matches!(&spectrum.children, Listing::Skipped(reason) if reason.code == "external_left_out"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_number_of_statements_does_not_follow_the_number_of_tables() {
    let peer = Peer::create().await;
    let cost = peer.read().await.cost.statements;
    peer.sql(
        "DO $$ BEGIN FOR i IN 1..300 LOOP EXECUTE format('CREATE TABLE t%s (a int, b int)', i); END LOOP; END $$",
    )
    .await;
    let run = peer.read().await;
    assert_eq!(run.assets.len(), 300);
    assert!(
        run.cost.statements <= cost + 12,
        "{} after {cost}",
        run.cost.statements
    );
}
