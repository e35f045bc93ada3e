//! What is refused is told with its grant, and costs only itself.

use crate::{peer::Peer, reading::asset};
use headwater_core::{CheckReport, Cx, Listing, Visibility};
use headwater_testkit::Collected;
use serde_json::json;
use std::sync::atomic::Ordering;

async fn check(peer: &Peer) -> CheckReport {
    peer.open(json!({}))
        .connector
        .check(&Cx::default())
        .await
        .unwrap()
}

fn grants(run: &Collected) -> Vec<String> {
    let refused = run
        .warnings
        .iter()
        .filter(|warning| warning.code == "permission_denied");
    let mut grants: Vec<String> = refused
        .filter_map(|warning| Some(warning.detail.rsplit_once("run: ")?.1.to_owned()))
        .collect();
    grants.sort();
    grants.dedup();
    grants
}

#[tokio::test(flavor = "multi_thread")]
async fn sizes_need_a_grant_and_nothing_else_goes_without_them() {
    let peer = Peer::seeded().await;
    let run = peer.read().await;
    let orders = asset(&run, &peer.path(&["public", "orders"]));
    assert!(orders.stats.is_unread() && !orders.fields.is_unread() && !orders.constraints.is_unread());
    let grant = format!("GRANT SELECT ON svv_table_info TO \"{}\"", peer.user);
    assert_eq!(grants(&run), [grant.as_str()]);
    let sizes = &check(&peer).await.capabilities["row_counts"];
    assert_eq!((sizes.readable, sizes.grant.as_ref()), (false, Some(&grant)));

    peer.grant("SELECT ON redshift_catalog.svv_table_info").await;
    assert!(check(&peer).await.capabilities["row_counts"].readable);
    assert_eq!(grants(&peer.read().await), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_refused_relation_costs_its_own_part() {
    let peer = Peer::seeded().await;
    peer.grant("SELECT ON redshift_catalog.svv_table_info").await;
    peer.sql(
        "REVOKE SELECT ON redshift_catalog.pg_description, redshift_catalog.pg_depend, redshift_catalog.svv_mv_info,
           redshift_catalog.pg_class_info FROM PUBLIC;
         REVOKE EXECUTE ON FUNCTION redshift_catalog.pg_get_late_binding_view_cols() FROM PUBLIC",
    )
    .await;
    let run = peer.read().await;
    let path = |name: &str| peer.path(&["public", name]);
    let orders = asset(&run, &path("orders"));
    assert!(orders.description.is_unread() && !orders.fields.is_unread());
    assert!(
        !run.lineage.contains_key(&path("recent")),
        "edges that were not read stay"
    );
    assert!(
        run.lineage.contains_key(&path("late")),
        "the text needs no dependencies"
    );
    assert!(asset(&run, &path("late")).fields.is_unread());
    assert!(asset(&run, &path("daily")).properties["auto_refresh"].is_null());
    let user = &peer.user;
    let mut expected = vec![
        format!("GRANT EXECUTE ON FUNCTION pg_get_late_binding_view_cols() TO \"{user}\""),
        format!("GRANT SELECT ON pg_class_info TO \"{user}\""),
        format!("GRANT SELECT ON pg_depend TO \"{user}\""),
        format!("GRANT SELECT ON pg_description TO \"{user}\""),
        format!("GRANT SELECT ON svv_mv_info TO \"{user}\""),
    ];
    assert_eq!(grants(&run), expected);
    let report = check(&peer).await;
    let mut told: Vec<String> = report
        .capabilities
        .values()
        .filter_map(|readable| readable.grant.clone())
        .flat_map(|grants| grants.split("; ").map(str::to_owned).collect::<Vec<_>>())
        .collect();
    told.sort();
    expected.sort();
    assert_eq!(told, expected);
    assert!(report.capabilities["external_tables"].readable);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_says_which_schemas_are_external_an_empty_one_is_not_taken_for_empty() {
    let peer = Peer::seeded().await;
    peer.sql("REVOKE SELECT ON redshift_catalog.pg_external_schema FROM PUBLIC")
        .await;
    let run = peer.read_with(json!({})).await;
    assert_eq!(run.closed[&peer.path(&["public"])], Listing::Complete);
    let Listing::Partial(reasons) = &run.closed[&peer.path(&["spectrum"])] else {
        panic!("{:?}", run.closed)
    };
    assert_eq!(reasons[0].code, "external_schemas_unread");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_external_schema_without_usage_is_not_taken_for_empty() {
    let peer = Peer::seeded().await;
    let before = peer.read().await;
    peer.sql(&format!("REVOKE USAGE ON SCHEMA spectrum FROM {}", peer.user))
        .await;
    let run = peer.read_with(json!({})).await;
    assert!(run.failed.is_none(), "{:?}", run.failed);
    let (spectrum, federated) = (peer.path(&["spectrum"]), peer.path(&["federated"]));
    let grant = format!("GRANT USAGE ON SCHEMA \"spectrum\" TO \"{}\"", peer.user);
    let Listing::Partial(reasons) = &run.closed[&spectrum] else {
        panic!("{:?}", run.closed)
    };
    assert_eq!(
        (reasons[0].code.as_str(), reasons[0].grant.as_ref()),
        ("permission_denied", Some(&grant))
    );
    assert!(grants(&run).contains(&grant), "{:?}", run.warnings);
    assert!(
        run.warnings
            .iter()
            .any(|one| one.path.as_ref() == Some(&spectrum))
    );
    assert!(
        run.namespaces.contains_key(&spectrum),
        "the schema itself is seen"
    );
    assert_eq!(run.closed[&federated], Listing::Complete);
    assert!(run.assets.contains_key(&federated.child("stock")));
    let visibility = |run: &Collected| {
        let containers = &run.discovery.as_ref().unwrap().containers;
        let container = containers.iter().find(|one| one.path == spectrum);
        container.unwrap().visibility.clone()
    };
    assert_ne!(visibility(&before), visibility(&run));
    assert_eq!(*peer.wire.violations.lock().unwrap(), [""; 0]);

    peer.grant("USAGE ON SCHEMA spectrum").await;
    let run = peer.read().await;
    assert!(run.assets.contains_key(&spectrum.child("events")));
}

#[tokio::test(flavor = "multi_thread")]
async fn external_schemas_without_usage_are_named_with_their_grant() {
    let peer = Peer::seeded().await;
    assert!(check(&peer).await.capabilities["external_tables"].readable);
    peer.sql(&format!(
        "REVOKE USAGE ON SCHEMA spectrum, federated FROM {}",
        peer.user
    ))
    .await;
    let told = &check(&peer).await.capabilities["external_tables"];
    let detail = told.detail.as_ref().unwrap();
    assert!(
        !told.readable && detail.ends_with("federated, spectrum"),
        "{detail}"
    );
    let grant = format!(
        "GRANT USAGE ON SCHEMA \"federated\", \"spectrum\" TO \"{}\"",
        peer.user
    );
    assert_eq!(told.grant.as_ref(), Some(&grant));
    peer.sql(&grant).await;
    assert!(check(&peer).await.capabilities["external_tables"].readable);

    peer.sql(&format!("REVOKE USAGE ON SCHEMA spectrum FROM {}", peer.user))
        .await;
    for unwanted in [
        json!({"filters": {"exclude_schemas": ["spectrum"]}}),
        json!({"include_external": false}),
    ] {
        let connector = peer.open(unwanted.clone()).connector;
        let report = connector.check(&Cx::default()).await.unwrap();
        assert!(report.capabilities["external_tables"].readable, "{unwanted}");
        peer.assert_clean(&peer.read_with(unwanted).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_of_the_database_itself_needs_no_usage() {
    let peer = Peer::seeded().await;
    peer.sql("REVOKE ALL ON SCHEMA public FROM PUBLIC").await;
    let run = peer.read().await;
    for path in [&["audit", "log"], &["public", "orders"]] {
        assert!(!asset(&run, &peer.path(path)).fields.is_unread());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_security_is_told_with_the_permission_that_lifts_it() {
    let peer = Peer::seeded().await;
    peer.sql("UPDATE redshift_catalog.settings SET value = 'on' WHERE name = 'metadata_security'")
        .await;
    let sight = &check(&peer).await.capabilities["visibility"];
    assert!(!sight.readable);
    let grant = sight.grant.as_ref().unwrap();
    assert!(
        grant.contains("GRANT ACCESS CATALOG TO ROLE") && grant.contains(&peer.user),
        "{grant}"
    );
    peer.sql(&format!(
        "REVOKE USAGE ON SCHEMA spectrum, federated FROM {}",
        peer.user
    ))
    .await;
    let run = peer.read().await;
    assert!(run.assets.is_empty(), "nothing was granted: {:?}", run.paths());
    let containers = &run.discovery.as_ref().unwrap().containers;
    assert!(
        containers
            .iter()
            .all(|one| one.visibility != Visibility::Everyone)
    );

    let user = &peer.user;
    peer.sql(&format!(
        "INSERT INTO redshift_catalog.settings VALUES ('access_catalog', '{user}');
         INSERT INTO redshift_catalog.svv_user_grants VALUES (1, '{user}', 7, 'viewer', false);
         INSERT INTO redshift_catalog.svv_system_privileges VALUES ('ACCESS CATALOG', 7, 'viewer', 'role')"
    ))
    .await;
    assert!(check(&peer).await.capabilities["visibility"].readable);
    // It shows the schema, and what stands elsewhere is still a matter of usage.
    let run = peer.read_with(json!({})).await;
    assert!(run.assets.contains_key(&peer.path(&["public", "orders"])));
    assert!(!run.closed[&peer.path(&["spectrum"])].is_complete());
    let containers = &run.discovery.as_ref().unwrap().containers;
    let public = containers
        .iter()
        .find(|one| one.path == peer.path(&["public"]))
        .unwrap();
    assert_eq!(public.visibility, Visibility::Everyone);
}

#[tokio::test(flavor = "multi_thread")]
async fn serverless_and_multi_az_are_told_apart_by_what_they_refuse() {
    let peer = Peer::seeded().await;
    peer.wire.refuses_stv.store(true, Ordering::SeqCst);
    assert!(check(&peer).await.message.contains("(provisioned, Multi-AZ)"));
    peer.sql("CREATE TABLE redshift_catalog.sys_serverless_usage (start_time timestamp)")
        .await;
    let message = check(&peer).await.message;
    assert!(
        message.contains("(Serverless)"),
        "readable for superusers only: {message}"
    );
    let run = peer.read().await;
    assert!(
        run.assets.contains_key(&peer.path(&["public", "daily"])),
        "nothing that is read is refused"
    );
}
