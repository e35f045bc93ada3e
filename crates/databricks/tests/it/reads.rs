//! What a user finds in the catalog afterwards.

use crate::{
    fake::Fake,
    shop::{self, run, shop, token, with_warehouse},
};
use async_trait::async_trait;
use headwater_core::{
    Baseline, Facet, Path, Result, Visibility,
    model::{Constraint, DataType, LineageEdge, Version},
};
use headwater_testkit::{Collected, collect};
use serde_json::json;
use std::sync::Arc;
use wiremock::ResponseTemplate;

fn path(name: &str) -> Path {
    Path::new(["main", "sales", name])
}

fn keys(run: &Collected, name: &str) -> Vec<(String, String)> {
    let constraints = run.assets[&path(name)].constraints.as_option().unwrap();
    let told = |key: &Constraint| {
        let reference = key
            .references
            .as_ref()
            .map(|to| format!(" -> {} {:?}", to.path, to.fields));
        let text = format!("{:?}{}", key.fields, reference.unwrap_or_default());
        (key.name.clone().unwrap_or_default(), text)
    };
    constraints.iter().map(told).collect()
}

fn edges(run: &Collected, name: &str) -> Vec<String> {
    let told = |edge: &LineageEdge| {
        let pairs = edge.field_pairs.iter();
        let pairs: Vec<String> = pairs
            .map(|pair| format!("{}>{}", pair.upstream[0], pair.downstream[0]))
            .collect();
        format!("{} {} {}", edge.kind, edge.end.path, pairs.join(","))
    };
    run.lineage
        .get(&path(name))
        .into_iter()
        .flatten()
        .map(told)
        .collect()
}

fn expected_keys() -> [(String, String); 2] {
    [
        (
            "orders_customer_fk".into(),
            r#"["customer_id"] -> main.sales.customers ["id"]"#.into(),
        ),
        ("orders_pk".into(), r#"["id"]"#.into()),
    ]
}

#[tokio::test]
async fn tables_with_all_that_their_list_says() {
    let fake = Fake::start(shop()).await;
    let run = run(fake.config(), token()).await;
    assert!(run.is_complete(), "{:?}", run.closed);
    let customers = &run.assets[&path("customers")];
    assert_eq!(customers.kind.as_str(), "table");
    assert_eq!(customers.description, Facet::Read(Some("who buys".into())));
    assert_eq!(customers.owners, Facet::Read(vec!["shop".into()]));
    assert_eq!(customers.native_id.as_deref(), Some("t-customers"));
    assert_eq!(
        customers.stats.as_option().unwrap().row_count.unwrap().value,
        1200
    );
    assert_eq!(customers.properties["data_source_format"], "DELTA");
    let fields = customers.fields.as_option().unwrap();
    assert_eq!(
        (fields[1].name.as_str(), &fields[1].data_type),
        ("address", &DataType::Struct)
    );
    assert_eq!(
        fields[1].fields[0].description,
        Facet::Read(Some("where it is".into()))
    );
    let kinds = |name: &str| run.assets[&path(name)].kind.as_str().to_owned();
    let of: Vec<String> = ["live", "daily", "files", "crm", "revenue", "landing"]
        .map(kinds)
        .into();
    assert_eq!(
        of,
        [
            "streaming_table",
            "materialized_view",
            "external_table",
            "foreign_table",
            "view",
            "volume"
        ]
    );
    let definition = run.assets[&path("revenue")].definition.value().unwrap();
    assert!(definition.text.starts_with("SELECT sum(total)"));
    let sales = &run.namespaces[&Path::new(["main", "sales"])];
    assert_eq!(
        (&sales.properties["functions"], &sales.properties["models"]),
        (&json!(5), &json!(2))
    );
    assert_eq!(sales.description, Facet::Read(Some("the schema sales".into())));
    let main = &run.namespaces[&Path::new(["main"])];
    assert_eq!(
        (main.kind, &main.properties["catalog_type"]),
        ("catalog", &json!("MANAGED_CATALOG"))
    );
    assert!(
        !format!("{run:?}").contains("in-the-options"),
        "a catalog's options lead to credentials"
    );
}

#[tokio::test]
async fn keys_and_dependencies_by_one_request_for_each_table() {
    let fake = Fake::start(shop()).await;
    let run = run(fake.config(), token()).await;
    assert!(run.warnings.is_empty(), "odd names too: {:?}", run.warnings);
    assert_eq!(keys(&run, "orders"), expected_keys());
    assert_eq!(edges(&run, "revenue"), ["view main.sales.orders "]);
    assert_eq!(run.assets[&path("crm")].constraints, Facet::Read(vec![]));
    assert!(
        run.assets[&path("orders")].tags.is_unread(),
        "tags need a warehouse"
    );
    let asked = fake.seen("unity-catalog/tables/");
    // All but the foreign table.
    assert_eq!(asked.len(), 8, "{asked:?}");
    assert_eq!(run.cost.statements, 0);
    assert!(run.cost.requests > 8);
}

#[tokio::test]
async fn what_the_filters_leave_out_is_not_asked_for() {
    let fake = Fake::start(shop()).await;
    let mut config = fake.config();
    config["filters"] = json!({"include_schemas": ["sal*"], "include_tables": ["orders"]});
    let run = run(config, token()).await;
    assert_eq!(run.paths().into_iter().collect::<Vec<_>>(), [path("orders")]);
    let asked = fake.seen("unity-catalog/tables");
    let asked_alone = asked.iter().filter(|seen| seen.path.contains("tables/main."));
    assert_eq!(asked_alone.count(), 1);
    let schemas = asked.iter().filter_map(|seen| seen.query.get("schema_name"));
    assert!(schemas.into_iter().all(|schema| schema == "sales"));
}

#[tokio::test]
async fn keys_tags_and_lineage_by_three_statements() {
    let fake = Fake::start(shop()).await;
    let run = run(with_warehouse(&fake), token()).await;
    assert!(
        run.is_complete() && run.warnings.is_empty(),
        "{:?} {:?}",
        run.closed,
        run.warnings
    );
    assert_eq!(keys(&run, "orders"), expected_keys());
    assert_eq!(run.cost.statements, 3);
    let customers = &run.assets[&path("customers")];
    assert_eq!(customers.tags, Facet::Read(vec!["pii".into()]));
    let tags: Vec<_> = customers
        .fields
        .as_option()
        .unwrap()
        .iter()
        .map(|field| field.tags.clone())
        .collect();
    assert_eq!(
        tags,
        [Facet::Read(vec![]), Facet::Read(vec!["pii=address".into()])]
    );
    assert_eq!(run.assets[&path("orders")].tags, Facet::Read(vec![]));
    assert_eq!(
        run.namespaces[&Path::new(["main"])].tags,
        Facet::Read(vec!["domain=retail".into()])
    );
    assert_eq!(
        run.namespaces[&Path::new(["main", "sales"])].tags,
        Facet::Read(vec!["tier=gold".into()])
    );
    let odd = &run.assets[&Path::new(["main", "ops", "Upper&Lower+?#"])];
    assert_eq!(odd.tags, Facet::Read(vec!["odd=yes".into()]));
    assert_eq!(edges(&run, "orders"), ["query main.sales.live id>id"]);
    assert_eq!(
        edges(&run, "revenue"),
        ["view main.sales.orders total>total", "query main.sales.files "]
    );
    assert!(
        !run.lineage.contains_key(&path("customers")),
        "no event is no proof that there is no edge"
    );
    // Only what a query makes is asked for alone: for its dependencies.
    assert_eq!(fake.seen("unity-catalog/tables/").len(), 3);
}

#[tokio::test]
async fn keys_that_are_not_wanted_are_unread() {
    let fake = Fake::start(shop()).await;
    let mut config = with_warehouse(&fake);
    config["constraints"] = json!("none");
    config["lineage_days"] = json!(0);
    let run = run(config, token()).await;
    assert!(run.assets[&path("orders")].constraints.is_unread());
    assert_eq!(run.cost.statements, 1, "the tags");
    assert_eq!(edges(&run, "revenue"), ["view main.sales.orders "]);
}

#[tokio::test]
async fn all_catalogs_but_databricks_own() {
    let fake = Fake::start(shop()).await;
    let mut config = fake.config();
    config["catalog"] = json!(null);
    let all = run(config.clone(), token()).await;
    assert!(all.paths().iter().all(|path| path.segments()[0] == "main"));
    assert_eq!(all.paths().len(), 10);
    config["catalogs"] = json!(["system", "main"]);
    let named = run(config, token()).await;
    assert_eq!(named.paths().len(), 11, "a catalog that is named is read");
}

#[tokio::test]
async fn no_order_of_lists_is_assumed() {
    let fake = Fake::start(shop()).await;
    let before = run(with_warehouse(&fake), token()).await;
    fake.state().reversed = true;
    let after = run(with_warehouse(&fake), token()).await;
    assert!(
        after.is_complete() && after.warnings.is_empty(),
        "{:?}",
        after.warnings
    );
    assert_eq!(before.discovery, after.discovery, "or a run could not be resumed");
    assert_eq!(before.assets, after.assets);
}

/// A host that stored everything at the version that all tables have.
#[derive(Debug)]
struct Stored;

#[async_trait]
impl Baseline for Stored {
    async fn versions(&self, keys: &[Path]) -> Result<Vec<Option<Version>>> {
        Ok(vec![Some(Version("1700000000000".into())); keys.len()])
    }
}

#[tokio::test]
async fn only_tables_that_changed_are_asked_for_again() {
    let fake = Fake::start(shop()).await;
    fake.state().table("main", "sales", "orders")["updated_at"] = json!(1_700_000_000_001_i64);
    let opened = shop::open(fake.config(), token());
    let mut options = shop::options(&opened);
    options.baseline = Arc::new(Stored);
    let run = collect(opened.connector, options).await;
    let asked: Vec<String> = fake
        .seen("unity-catalog/tables/")
        .into_iter()
        .map(|seen| seen.path)
        .collect();
    assert_eq!(asked, ["api/2.1/unity-catalog/tables/main.sales.orders"]);
    assert_eq!(keys(&run, "orders"), expected_keys());
    let customers = &run.assets[&path("customers")];
    assert!(customers.constraints.is_unread(), "they are as they were stored");
    assert!(!run.lineage.contains_key(&path("revenue")));
    assert!(!customers.fields.is_unread(), "the list says them anyway");
}

#[tokio::test]
async fn a_view_that_did_not_change_is_asked_for_again_when_there_are_events_to_tell() {
    let fake = Fake::start(shop()).await;
    let opened = shop::open(with_warehouse(&fake), token());
    let mut options = shop::options(&opened);
    options.baseline = Arc::new(Stored);
    let run = collect(opened.connector, options).await;
    assert_eq!(
        edges(&run, "revenue"),
        ["view main.sales.orders total>total", "query main.sales.files "],
        "all edges of a view are replaced together"
    );
    // Of the others that a query makes, nothing is known that is new.
    assert_eq!(fake.seen("unity-catalog/tables/").len(), 1);
}

#[tokio::test]
async fn an_edge_ends_with_its_last_sight_and_silence_ends_none() {
    let fake = Fake::start(shop()).await;
    fake.state().events = vec![["main", "sales", "orders", "main", "sales", "files", "", ""]];
    let moved = run(with_warehouse(&fake), token()).await;
    assert_eq!(
        edges(&moved, "orders"),
        ["query main.sales.files "],
        "in place of those that were known"
    );
    fake.state().events.clear();
    let silent = run(with_warehouse(&fake), token()).await;
    assert!(
        !silent.lineage.contains_key(&path("orders")),
        "what is known stays"
    );
    assert_eq!(edges(&silent, "revenue"), ["view main.sales.orders "]);
}

#[tokio::test]
async fn a_view_that_could_not_be_asked_for_keeps_the_edges_that_are_known() {
    let fake = Fake::start(shop()).await;
    fake.state().refused.insert("tables main.sales.revenue".into());
    let run = run(with_warehouse(&fake), token()).await;
    assert!(run.warnings.iter().any(|one| one.code == "details_unread"));
    assert!(!run.lineage.contains_key(&path("revenue")), "{:?}", run.lineage);
}

#[tokio::test]
async fn a_table_that_could_not_be_asked_for_has_no_version() {
    let fake = Fake::start(shop()).await;
    fake.state().refused.insert("tables main.sales.orders".into());
    let run = run(fake.config(), token()).await;
    assert_eq!(
        run.assets[&path("orders")].version,
        None,
        "else it would never be asked for again"
    );
    assert!(run.assets[&path("customers")].version.is_some());
}

#[tokio::test]
async fn a_volume_makes_way_for_a_table_of_its_name() {
    let fake = Fake::start(shop()).await;
    fake.state().schema("main", "sales").volumes[0]["name"] = json!("orders");
    let run = run(fake.config(), token()).await;
    assert_eq!(run.assets[&path("orders")].kind.as_str(), "table");
    assert!(run.repeated.is_empty());
    assert!(
        run.warnings
            .iter()
            .any(|warning| warning.code == "volume_left_out")
    );
}

#[tokio::test]
async fn what_is_seen_follows_the_principal_its_groups_and_its_grants() {
    let fake = Fake::start(shop()).await;
    let visibility = || async {
        let discovery = run(fake.config(), token()).await.discovery.unwrap();
        let main = discovery
            .containers
            .into_iter()
            .find(|one| one.path == Path::new(["main"]));
        assert_eq!(discovery.identity.as_deref(), Some("aws:eu-central-1:m-1"));
        main.unwrap().visibility
    };
    let before = visibility().await;
    assert!(matches!(&before, Visibility::Fingerprint(text) if text.contains("reader@example.com")));
    fake.state().groups.clear();
    let without_group = visibility().await;
    // A privilege on the second page counts too.
    fake.state().page = 1;
    fake.state().privileges.push("BROWSE".into());
    let with_grant = visibility().await;
    fake.state().principal = "other@example.com".into();
    let other = visibility().await;
    assert!(before != without_group && without_group != with_grant && with_grant != other);
}

#[tokio::test]
async fn privileges_without_an_end_are_unread() {
    let fake = Fake::start(shop()).await;
    // Pages of nothing that name each other in turn.
    let turn = |next: &str| {
        ResponseTemplate::new(200)
            .set_body_json(json!({"privilege_assignments": [], "next_page_token": next}))
    };
    let in_turn = ["a", "b"].into_iter().cycle().take(9).map(turn);
    fake.state().trouble = in_turn.map(|page| ("effective-permissions", page)).collect();
    let run = run(fake.config(), token()).await;
    assert!(run.is_complete(), "{:?}", run.failed);
    let discovery = run.discovery.unwrap();
    let told = format!("{:?}", discovery.containers[1].visibility);
    assert!(told.contains("privileges=unread"), "{told}");
    assert_eq!(fake.seen("effective-permissions").len(), 3);
}

#[tokio::test]
async fn what_may_only_be_browsed_is_asked_for_unless_the_config_says_no() {
    let fake = Fake::start(shop()).await;
    run(fake.config(), token()).await;
    let lists = fake.seen("unity-catalog/tables");
    assert!(lists.iter().all(|seen| seen.query["include_browse"] == "true"));
    fake.state().seen.clear();
    let mut config = fake.config();
    config["include_browse"] = json!(false);
    run(config, token()).await;
    assert!(
        fake.seen("unity-catalog/tables")
            .iter()
            .all(|seen| seen.query["include_browse"] == "false")
    );
}

#[tokio::test]
async fn keys_of_what_may_only_be_browsed_are_unread() {
    let fake = Fake::start(shop()).await;
    fake.state().table("main", "sales", "orders")["browse_only"] = json!(true);
    let run = run(with_warehouse(&fake), token()).await;
    assert!(run.assets[&path("orders")].constraints.is_unread());
    assert_eq!(run.assets[&path("orders")].version, None);
}
