//! A workspace that has a bad day.

use crate::{
    fake::{Fake, QUOTED},
    shop::{open, open_in, run, shop, token, with_warehouse},
};
use headwater_core::{Cx, Discovery, ErrorKind, Host, Listing, Path};
use serde_json::json;
use std::time::Duration;
use wiremock::ResponseTemplate;

fn sales() -> Path {
    Path::new(["main", "sales"])
}

fn reasons(listing: &Listing) -> String {
    match listing {
        Listing::Partial(reasons) => format!("{reasons:?}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_schema_that_is_refused_is_partial_with_the_grant_and_the_others_are_read() {
    let fake = Fake::start(shop()).await;
    fake.state().refused.insert("tables main.sales".into());
    let run = run(fake.config(), token()).await;
    let told = reasons(&run.closed[&sales()]);
    assert!(
        told.contains("GRANT USE SCHEMA, SELECT ON SCHEMA `main`.`sales` TO `reader@example.com`"),
        "{told}"
    );
    assert!(!told.contains(QUOTED), "{told}");
    assert_eq!(run.closed[&Path::new(["main", "ops"])], Listing::Complete);
    assert!(run.paths().contains(&Path::new(["main", "ops", "ünïcode 100%"])));
}

#[tokio::test]
async fn a_schema_that_vanishes_between_list_and_read_is_partial() {
    let fake = Fake::start(shop()).await;
    fake.state().missing.insert("tables main.sales".into());
    let run = run(fake.config(), token()).await;
    assert!(reasons(&run.closed[&sales()]).contains("not_found"));
}

#[tokio::test]
async fn a_schema_that_is_dropped_after_it_was_found_is_partial() {
    let fake = Fake::start(shop()).await;
    fake.state().when("effective-permissions", |state| {
        state.catalogs[1]
            .schemas
            .retain(|schema| schema.row["name"] != "ops");
    });
    let run = run(fake.config(), token()).await;
    assert!(reasons(&run.closed[&Path::new(["main", "ops"])]).contains("no longer listed"));
    assert_eq!(run.closed[&sales()], Listing::Complete);
}

#[tokio::test]
async fn a_catalog_that_vanishes_after_it_was_found_leaves_its_schemas_partial() {
    for (lists, why) in [("missing", "not_found"), ("refused", "ON CATALOG `main`")] {
        let fake = Fake::start(shop()).await;
        fake.state().when("effective-permissions", move |state| {
            let lists = match lists {
                "missing" => &mut state.missing,
                _ => &mut state.refused,
            };
            lists.insert("schemas main".into());
        });
        let run = run(fake.config(), token()).await;
        assert_eq!(run.closed.len(), 2);
        for listing in run.closed.values() {
            assert!(reasons(listing).contains(why), "{listing:?}");
        }
        assert!(run.assets.is_empty());
    }
}

#[tokio::test]
async fn a_list_that_is_refused_at_its_second_page_is_partial_and_what_came_is_kept() {
    let fake = Fake::start(shop()).await;
    fake.state().when("page_token", |state| {
        state.refused.insert("tables main.sales".into());
    });
    let run = run(fake.config(), token()).await;
    assert!(reasons(&run.closed[&sales()]).contains("permission_denied"));
    assert!(run.assets.contains_key(&sales().child("customers")));
    assert!(!run.assets.contains_key(&sales().child("crm")));
}

#[tokio::test]
async fn volumes_that_are_refused_make_their_schema_partial() {
    let fake = Fake::start(shop()).await;
    fake.state().refused.insert("volumes main.sales".into());
    let run = run(fake.config(), token()).await;
    assert!(reasons(&run.closed[&sales()]).contains("permission_denied"));
    assert!(run.assets.contains_key(&sales().child("customers")));
}

#[tokio::test]
async fn what_has_no_name_makes_its_list_partial() {
    let nameless = || json!({"comment": "who am I"});
    let fake = Fake::start(shop()).await;
    fake.state()
        .schema("main", "sales")
        .volumes
        .push(json!({"volume_type": "MANAGED"}));
    let told = run(fake.config(), token()).await;
    assert!(reasons(&told.closed[&sales()]).contains("a volume in the list cannot be understood"));

    fake.state().catalogs[1].schemas.last_mut().unwrap().row = nameless();
    let told = run(fake.config(), token()).await;
    let children = |discovery: &Discovery, path: Path| {
        let found = discovery.containers.iter().find(|one| one.path == path);
        reasons(&found.unwrap().children)
    };
    let discovery = told.discovery.unwrap();
    assert!(children(&discovery, Path::new(["main"])).contains("a schema in the list"));

    fake.state().catalogs[0].row = nameless();
    let mut config = fake.config();
    config["catalog"] = json!(null);
    let discovery = run(config, token()).await.discovery.unwrap();
    assert!(children(&discovery, Path::root()).contains("a catalog in the list"));
}

#[tokio::test]
async fn a_page_that_is_none_is_not_an_empty_one() {
    for body in [
        json!({"tables": "none"}),
        json!({"tables": [], "next_page_token": 7}),
    ] {
        let fake = Fake::start(shop()).await;
        let nonsense = || ResponseTemplate::new(200).set_body_json(&body);
        fake.state().trouble = vec![
            ("unity-catalog/tables", nonsense()),
            ("unity-catalog/tables", nonsense()),
        ];
        let run = run(fake.config(), token()).await;
        assert!(
            reasons(&run.closed[&sales()]).contains("no page of a list"),
            "{body}: {:?}",
            run.closed
        );
    }
}

#[tokio::test]
async fn a_catalog_that_is_refused_is_partial_beside_one_that_is_read() {
    let mut state = shop();
    state.refused.insert("catalogs system".into());
    let fake = Fake::start(state).await;
    let mut config = fake.config();
    config["catalog"] = json!(null);
    config["catalogs"] = json!(["main", "system", "nowhere"]);
    let run = run(config, token()).await;
    let discovery = run.discovery.as_ref().unwrap();
    let children = |name: &str| {
        let found = discovery
            .containers
            .iter()
            .find(|one| one.path == Path::new([name]));
        found.unwrap().children.clone()
    };
    assert!(
        reasons(&children("system"))
            .contains("GRANT USE CATALOG, USE SCHEMA, BROWSE, SELECT ON CATALOG `system`")
    );
    assert!(reasons(&children("nowhere")).contains("not_found"));
    assert_eq!(children("main"), Listing::Complete);
    assert_eq!(run.paths().len(), 10);
}

#[tokio::test]
async fn the_only_catalog_that_is_refused_ends_the_run_with_the_grant() {
    let fake = Fake::start(shop()).await;
    fake.state().refused.insert("catalogs main".into());
    let opened = open(fake.config(), token());
    let error = opened
        .connector
        .discover(&opened.scope, &Cx::default())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert!(error.grant().unwrap().contains("ON CATALOG `main`"));
    let checked = opened.connector.check(&Cx::default()).await.unwrap_err();
    assert_eq!(checked.kind(), ErrorKind::PermissionDenied);
}

#[tokio::test]
async fn schemas_that_are_refused_leave_the_catalogs_children_unknown() {
    let fake = Fake::start(shop()).await;
    fake.state().refused.insert("schemas main".into());
    let run = run(fake.config(), token()).await;
    assert!(!run.is_complete());
    let discovery = run.discovery.unwrap();
    let main = discovery
        .containers
        .iter()
        .find(|one| one.path == Path::new(["main"]))
        .unwrap();
    assert!(reasons(&main.children).contains("permission_denied"));
}

#[tokio::test]
async fn a_list_without_an_end_is_an_error() {
    let mut state = shop();
    state.empty_pages = false;
    let fake = Fake::start(state).await;
    let opened = open(fake.config(), token());
    fake.state().endless = true;
    let mut config = fake.config();
    config["catalog"] = json!(null);
    let all = open(config, token());
    let error = all
        .connector
        .discover(&all.scope, &Cx::default())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DataInvalid);
    let discovery = opened
        .connector
        .discover(&opened.scope, &Cx::default())
        .await
        .unwrap();
    let main = discovery
        .containers
        .iter()
        .find(|one| one.path == Path::new(["main"]))
        .unwrap();
    assert!(reasons(&main.children).contains("data_invalid"));
}

#[tokio::test]
async fn a_slower_pace_and_short_outages_are_not_seen() {
    let fake = Fake::start(shop()).await;
    let pause = || ResponseTemplate::new(429).insert_header("Retry-After", "1");
    let down = || ResponseTemplate::new(503).insert_header("Retry-After", "0");
    fake.state().trouble = vec![
        ("unity-catalog/schemas", pause()),
        // In the middle of a split, which would begin anew.
        ("unity-catalog/functions", pause()),
        ("unity-catalog/tables", down()),
        (
            "unity-catalog/tables",
            ResponseTemplate::new(500).insert_header("Retry-After", "0"),
        ),
        ("unity-catalog/volumes", down()),
    ];
    let run = run(fake.config(), token()).await;
    assert!(run.is_complete(), "{:?}", run.closed);
    assert!(run.ended.iter().all(|ended| ended.attempt == 1));
    assert!(fake.state().trouble.is_empty());
    assert_eq!(run.paths().len(), 10);
}

#[tokio::test]
async fn a_pause_that_one_connector_is_asked_for_holds_the_others_of_its_principal() {
    let fake = Fake::start(shop()).await;
    let host = Host::default();
    let opened = [(); 2].map(|()| open_in(&host, fake.config(), token()));
    let pause = ResponseTemplate::new(429).insert_header("Retry-After", "3600");
    fake.state().trouble = vec![("scim", pause)];
    let [first, second] = &opened;
    let error = first
        .connector
        .discover(&first.scope, &Cx::default())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert_eq!(error.retry_after(), Some(Duration::from_secs(3600)));
    let cx = Cx::default();
    let held = second.connector.discover(&second.scope, &cx);
    assert!(
        tokio::time::timeout(Duration::from_millis(300), held)
            .await
            .is_err()
    );
    assert_eq!(fake.seen("").len(), 1, "nobody asks meanwhile");
}

#[tokio::test]
async fn one_table_that_cannot_be_understood_degrades_alone() {
    let fake = Fake::start(shop()).await;
    fake.state().table("main", "sales", "orders")["columns"] = json!("none of your business");
    let run = run(fake.config(), token()).await;
    assert!(run.is_complete(), "{:?}", run.closed);
    let orders = &run.assets[&sales().child("orders")];
    assert!(orders.fields.is_unread() && orders.constraints.is_unread() && orders.owners.is_unread());
    assert!(run.warnings.iter().any(|warning| warning.code == "table_unclear"));
    assert_eq!(run.paths().len(), 10);
}

#[tokio::test]
async fn a_table_without_a_name_makes_its_schema_partial() {
    let fake = Fake::start(shop()).await;
    fake.state().schema("main", "sales").tables[0] = json!({"table_type": "MANAGED"});
    let run = run(fake.config(), token()).await;
    assert!(reasons(&run.closed[&sales()]).contains("cannot be understood"));
}

#[tokio::test]
async fn what_a_workspace_does_not_offer_is_not_missed() {
    let fake = Fake::start(shop()).await;
    let without = || ResponseTemplate::new(501).set_body_json(json!({"error_code": "NOT_IMPLEMENTED"}));
    fake.state().trouble = vec![
        ("unity-catalog/volumes", without()),
        ("unity-catalog/volumes", without()),
    ];
    fake.state().refused.insert("models main.sales".into());
    let run = run(fake.config(), token()).await;
    assert!(run.is_complete(), "{:?}", run.closed);
    let properties = &run.namespaces[&sales()].properties;
    assert_eq!(
        (&properties["functions"], &properties["models"]),
        (&json!(5), &json!(null))
    );
}

#[tokio::test]
async fn a_refused_statement_leaves_its_part_unread_and_says_what_to_grant() {
    for (part, code, grant) in [
        ("key_column_usage", "constraints_unread", "ON CATALOG `main`"),
        ("column_tags", "tags_unread", "ON CATALOG `main`"),
        ("table_lineage", "lineage_unread", "ON SCHEMA `system`.`access`"),
    ] {
        let fake = Fake::start(shop()).await;
        fake.state().refused_sql = Some(part);
        let run = run(with_warehouse(&fake), token()).await;
        assert!(run.is_complete(), "{:?}", run.closed);
        let [warning] = &run.warnings[..] else {
            panic!("{:?}", run.warnings)
        };
        assert_eq!(warning.code, code);
        assert!(
            warning.detail.contains(grant) && !warning.detail.contains(QUOTED),
            "{}",
            warning.detail
        );
        let orders = &run.assets[&sales().child("orders")];
        assert_eq!(orders.constraints.is_unread(), code == "constraints_unread");
        assert_eq!(orders.tags.is_unread(), code == "tags_unread");
        // With events unread, the dependencies of a view alone would take its other edges away.
        assert_eq!(run.lineage.is_empty(), code == "lineage_unread");
    }
}

#[tokio::test]
async fn a_workspace_that_cannot_be_reached_is_named() {
    let fake = Fake::start(shop()).await;
    let down = || ResponseTemplate::new(503).insert_header("Retry-After", "60");
    fake.state().trouble = vec![("scim", down())];
    let opened = open(fake.config(), token());
    let error = opened.connector.check(&Cx::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains(&fake.uri()), "{error}");
}

#[tokio::test]
async fn check_says_per_capability_what_to_grant() {
    let fake = Fake::start(shop()).await;
    let opened = open(with_warehouse(&fake), token());
    let report = opened.connector.check(&Cx::default()).await.unwrap();
    assert!(
        report.message.contains("metastore") && report.message.contains("reader@example.com"),
        "{}",
        report.message
    );
    assert!(report.capabilities.values().all(|one| one.readable), "{report:?}");
    fake.state().refused_sql = Some("table_lineage");
    let report = opened.connector.check(&Cx::default()).await.unwrap();
    let lineage = &report.capabilities["lineage"];
    assert!(!lineage.readable && lineage.grant.as_ref().unwrap().contains("`system`.`access`"));
    assert!(report.capabilities["tags"].readable);
    fake.state().refused.insert("schemas main".into());
    let report = opened.connector.check(&Cx::default()).await.unwrap();
    let columns = &report.capabilities["columns"];
    assert!(!columns.readable && columns.grant.as_ref().unwrap().contains("ON CATALOG `main`"));
    fake.state().refused.clear();
    let without = open(fake.config(), token());
    let report = without.connector.check(&Cx::default()).await.unwrap();
    assert!(!report.capabilities["tags"].readable && report.capabilities["constraints"].readable);
    assert!(
        report.capabilities["tags"]
            .detail
            .as_ref()
            .unwrap()
            .contains("warehouse")
    );
}
