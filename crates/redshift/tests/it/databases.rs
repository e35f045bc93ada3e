//! Databases made of datashares, and those that are not there.

use crate::{peer::Peer, reading::asset};
use headwater_core::{Cx, ErrorKind, Listing, Path, Visibility, model::AssetKind};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_datashare_is_read_through_a_local_database() {
    let peer = Peer::seeded().await;
    let run = peer
        .read_with(json!({"database": null, "databases": [peer.name, "partner"]}))
        .await;
    peer.assert_clean(&run);
    let leads = asset(&run, &Path::new(["partner", "sales", "leads"]));
    assert_eq!(
        leads.description.value().map(String::as_str),
        Some("From the fair")
    );
    assert_eq!(leads.owners.as_option().unwrap(), &["ann"]);
    let fields = leads.fields.as_option().unwrap();
    let shown: Vec<_> = fields
        .iter()
        .map(|field| (field.name.as_str(), field.native_type.as_str(), field.nullable))
        .collect();
    assert_eq!(
        shown,
        [
            ("id", "integer", Some(false)),
            ("mail", "character varying", Some(true))
        ]
    );
    assert_eq!(fields[1].description.value().map(String::as_str), Some("Checked"));
    assert_eq!(leads.properties["dist_key"], "id");
    assert!(leads.constraints.is_unread(), "the producer does not tell them");
    let hot = asset(&run, &Path::new(["partner", "sales", "hot_leads"]));
    assert_eq!(hot.kind, AssetKind::VIEW);
    assert!(hot.definition.is_unread());
    assert!(run.assets.contains_key(&peer.path(&["public", "orders"])));
    let containers = &run.discovery.unwrap().containers;
    let sales = containers
        .iter()
        .find(|one| one.path == Path::new(["partner", "sales"]))
        .unwrap();
    assert!(
        matches!(sales.visibility, Visibility::Fingerprint(_)),
        "listed by grants"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_named_database_that_is_not_there_makes_the_run_partial() {
    let peer = Peer::seeded().await;
    let config = json!({"database": null, "databases": [peer.name, "nowhere"]});
    let run = peer.read_with(config.clone()).await;
    let containers = &run.discovery.as_ref().unwrap().containers;
    let nowhere = containers
        .iter()
        .find(|one| one.path == Path::new(["nowhere"]))
        .unwrap();
    assert!(matches!(&nowhere.children, Listing::Partial(reasons) if reasons[0].code == "not_found"));
    assert!(run.assets.contains_key(&peer.path(&["public", "orders"])));
    let report = peer.open(config).connector.check(&Cx::default()).await.unwrap();
    assert!(report.capabilities.values().all(|one| !one.readable));

    let run = peer.read_with(json!({"database": "nowhere"})).await;
    assert_eq!(run.failed.unwrap().kind(), ErrorKind::NotFound);
    let run = peer.read_with(json!({"database": null, "databases": "*"})).await;
    let error = run.failed.unwrap();
    assert_eq!(error.fields()[0].pointer, "/config/databases");
    assert!(error.to_string().contains("name the databases"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_star_reads_all_databases_that_let_the_user_in() {
    let (dev, sales, closed) = (Peer::seeded().await, Peer::seeded().await, Peer::create().await);
    *dev.wire.dev.lock().unwrap() = Some(dev.name.clone());
    for other in [&sales, &closed] {
        dev.sql(&format!(
            "INSERT INTO redshift_catalog.local_databases VALUES ('{}')",
            other.name
        ))
        .await;
    }
    sales
        .sql(&format!("GRANT USAGE ON SCHEMA spectrum TO {}", dev.user))
        .await;
    closed
        .sql(&format!("REVOKE CONNECT ON DATABASE {} FROM PUBLIC", closed.name))
        .await;
    let config = json!({"database": null, "databases": "*"});
    let run = dev.read_with(config.clone()).await;
    assert!(run.failed.is_none(), "{:?}", run.failed);
    assert_eq!(*dev.wire.violations.lock().unwrap(), [""; 0]);
    for database in [&dev, &sales] {
        for path in [&["public", "orders"], &["spectrum", "events"]] {
            asset(&run, &database.path(path));
        }
    }
    assert!(
        run.assets.contains_key(&dev.path(&["federated", "stock"]))
            && !run.assets.contains_key(&sales.path(&["federated", "stock"])),
        "granted in one database only"
    );
    let partial: Vec<&Path> = run
        .closed
        .iter()
        .filter(|(_, listing)| !listing.is_complete())
        .map(|(path, _)| path)
        .collect();
    assert_eq!(partial, [&sales.path(&["federated"])]);
    let mut databases: Vec<(String, &Listing)> = run
        .discovery
        .as_ref()
        .unwrap()
        .containers
        .iter()
        .filter(|one| one.path.segments().len() == 1)
        .map(|one| (one.path.to_string(), &one.children))
        .collect();
    databases.sort_by(|one, other| one.0.cmp(&other.0));
    let mut names = [&dev.name, &sales.name, &closed.name];
    names.sort();
    assert_eq!(databases.iter().map(|one| &one.0).collect::<Vec<_>>(), names);
    for (name, children) in databases {
        match name == closed.name {
            true => {
                assert!(matches!(children, Listing::Skipped(reason) if reason.code == "permission_denied"))
            }
            false => assert_eq!(children, &Listing::Complete),
        }
    }

    let report = dev.open(config).connector.check(&Cx::default()).await.unwrap();
    assert!(
        report.message.contains(&format!("skipped: {}", closed.name)),
        "{}",
        report.message
    );
    let external = &report.capabilities["external_tables"];
    let told = external.detail.as_ref().unwrap();
    assert!(
        told.contains(&format!("of database {}", sales.name)) && told.ends_with(": federated"),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_identity_is_that_of_the_namespace() {
    let peer = Peer::seeded().await;
    let discovered = peer.read().await.discovery.unwrap();
    assert_eq!(
        discovered.identity.as_deref(),
        Some("b1b2c3d4-0000-4000-8000-000000000001")
    );
}
