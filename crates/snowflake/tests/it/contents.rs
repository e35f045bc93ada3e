//! What is read of the objects, beyond what fakesnow has.

use crate::{
    fake::{Catalog, Fake, credentials},
    support::{open, run},
};
use headwater_core::{
    Baseline, Options, Path, Result, Visibility,
    model::{AssetKind, ConstraintKind, DataType, Version},
};
use headwater_testkit::{Collected, collect};
use std::{collections::HashMap, sync::Arc};

fn path(name: &str) -> Path {
    Path::new(["SHOP", "PUBLIC", name])
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_sizes_comments_and_owners() {
    let fake = Fake::start(Catalog::shop()).await;
    let run = run(fake.config(), credentials()).await;
    let orders = &run.assets[&path("ORDERS")];
    assert_eq!(orders.description.value().unwrap(), "a comment");
    assert_eq!(orders.owners.as_option().unwrap(), &["SYSADMIN"]);
    let stats = orders.stats.as_option().unwrap();
    assert_eq!(stats.row_count.unwrap().value, 12);
    assert_eq!(stats.size_bytes.unwrap().value, 3400);
    let constraints = run.assets[&path("LINES")].constraints.as_option().unwrap();
    let primary = constraints
        .iter()
        .find(|one| one.kind == ConstraintKind::PRIMARY_KEY)
        .unwrap();
    assert_eq!(primary.fields, ["ORDER_ID", "LINE"]);
    let foreign = constraints
        .iter()
        .find(|one| one.kind == ConstraintKind::FOREIGN_KEY)
        .unwrap();
    let other = foreign.references.as_ref().unwrap();
    assert_eq!(
        (other.path.clone(), other.fields.clone()),
        (path("ORDERS"), vec!["ID".to_owned()])
    );
    let clustering = orders.constraints.as_option().unwrap();
    let clustering = clustering
        .iter()
        .find(|one| one.kind == ConstraintKind::CLUSTERING_KEY)
        .unwrap();
    assert_eq!(clustering.fields, ["ID"]);
    let shop = &run.namespaces[&Path::new(["SHOP"])];
    assert_eq!(shop.description.value().unwrap(), "the shop");
}

#[tokio::test(flavor = "multi_thread")]
async fn views_have_their_text_and_what_they_read() {
    let mut catalog = Catalog::shop();
    catalog.table("OLD").dynamic = true;
    catalog.table("OLD").text = Some("SELECT * FROM SHOP.PUBLIC.ORDERS".into());
    let fake = Fake::start(catalog).await;
    let run = run(fake.config(), credentials()).await;
    let recent = &run.assets[&path("RECENT")];
    assert_eq!(recent.kind, AssetKind::VIEW);
    assert!(
        recent
            .definition
            .value()
            .unwrap()
            .text
            .starts_with("CREATE VIEW RECENT")
    );
    let upstreams = |owner: &Path| -> Vec<Path> {
        run.lineage[owner]
            .iter()
            .map(|edge| edge.end.path.clone())
            .collect()
    };
    assert_eq!(
        upstreams(&path("RECENT")),
        [Path::new(["SHOP", "AUDIT", "LOG"]), path("ORDERS")]
    );
    let old = Path::new(["SHOP", "AUDIT", "OLD"]);
    assert_eq!(run.assets[&old].kind, AssetKind::DYNAMIC_TABLE);
    assert_eq!(upstreams(&old), [path("ORDERS")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_structured_array_has_its_element() {
    let mut catalog = Catalog::shop();
    catalog.table("CUSTOMERS").columns[1].1 = "ARRAY".into();
    let fake = Fake::start(catalog).await;
    let run = run(fake.config(), credentials()).await;
    let field = &run.assets[&path("CUSTOMERS")].fields.as_option().unwrap()[1];
    assert_eq!(field.native_type, "ARRAY(NUMBER(38,0))");
    let element = DataType::Decimal {
        precision: Some(38),
        scale: Some(0),
    };
    assert_eq!(
        field.data_type,
        DataType::Array {
            element: Box::new(element)
        }
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn inner_types_that_are_refused_leave_the_columns_as_they_are_known() {
    let mut catalog = Catalog::shop();
    catalog.table("CUSTOMERS").columns[1].1 = "ARRAY".into();
    let fake = Fake::with(catalog, |knobs| {
        knobs.refused = vec![("INFORMATION_SCHEMA.FIELDS", "003001")]
    })
    .await;
    let run = run(fake.config(), credentials()).await;
    assert!(run.is_complete());
    assert!(run.assets[&path("CUSTOMERS")].fields.is_unread());
    assert!(!run.assets[&path("ORDERS")].fields.is_unread());
    assert!(
        run.warnings
            .iter()
            .any(|warning| warning.code == "nested_types_unread")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn account_usage_has_tags_policies_and_the_texts_of_secure_views() {
    let mut catalog = Catalog::shop();
    catalog.table("RECENT").text = None;
    let fake = Fake::start(catalog).await;
    let without = run(fake.config(), credentials()).await;
    assert!(without.assets[&path("ORDERS")].tags.is_unread());
    assert!(without.assets[&path("RECENT")].definition.is_unread());
    let hidden = without
        .warnings
        .iter()
        .find(|warning| warning.code == "definition_unread");
    assert_eq!(hidden.unwrap().path, Some(path("RECENT")));
    let mut config = fake.config();
    config["account_usage"] = true.into();
    let with = run(config.clone(), credentials()).await;
    let orders = &with.assets[&path("ORDERS")];
    assert_eq!(orders.tags.as_option().unwrap(), &["COST_CENTER=sales"]);
    assert_eq!(orders.properties["masking_policies"]["CUSTOMER"], "MASK_NAMES");
    assert_eq!(orders.properties["row_access_policies"][0], "BY_REGION");
    let customer = &orders.fields.as_option().unwrap()[1];
    assert_eq!(customer.tags.as_option().unwrap(), &["PII=yes"]);
    assert!(with.assets[&path("RECENT")].definition.value().is_some());
    fake.lock().knobs.refused = vec![("ACCOUNT_USAGE", "002003")];
    let refused = run(config.clone(), credentials()).await;
    assert!(refused.is_complete(), "{:?}", refused.ended);
    assert!(refused.assets[&path("ORDERS")].tags.is_unread());
    assert!(
        refused
            .warnings
            .iter()
            .any(|warning| warning.code == "account_usage_unread")
    );
    let report = open(config, credentials())
        .unwrap()
        .connector
        .check(&headwater_core::Cx::default())
        .await;
    let tags = &report.unwrap().capabilities["tags"];
    assert_eq!(
        tags.grant.as_deref(),
        Some("GRANT IMPORTED PRIVILEGES ON DATABASE SNOWFLAKE TO ROLE READER")
    );
}

/// What a catalog stored of an earlier run.
#[derive(Debug)]
struct Stored(HashMap<Path, Version>);

#[async_trait::async_trait]
impl Baseline for Stored {
    async fn versions(&self, keys: &[Path]) -> Result<Vec<Option<Version>>> {
        Ok(keys.iter().map(|key| self.0.get(key).cloned()).collect())
    }
}

async fn run_after(fake: &Fake, before: &Collected) -> Collected {
    let versions = before
        .assets
        .iter()
        .filter_map(|(path, asset)| Some((path.clone(), asset.version.clone()?)));
    let opened = open(fake.config(), credentials()).unwrap();
    let mut options = Options::default();
    options.scope = opened.scope;
    options.baseline = Arc::new(Stored(versions.collect()));
    collect(opened.connector, options).await
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_are_read_only_of_what_changed() {
    let fake = Fake::start(Catalog::shop()).await;
    let first = run(fake.config(), credentials()).await;
    fake.lock().statements.clear();
    let same = run_after(&fake, &first).await;
    assert!(same.is_complete());
    assert_eq!(same.assets.len(), 9);
    assert!(
        same.assets
            .values()
            .all(|asset| asset.fields.is_unread() && asset.version.is_some())
    );
    assert!(
        !fake
            .lock()
            .statements
            .iter()
            .any(|sql| sql.contains("INFORMATION_SCHEMA.COLUMNS"))
    );
    {
        let mut state = fake.lock();
        let orders = state.catalog.table("ORDERS");
        orders.last_ddl += 60;
        orders.columns.push(("NEW".into(), "DATE".into()));
    }
    let changed = run_after(&fake, &first).await;
    let read: Vec<&Path> = changed
        .assets
        .iter()
        .filter(|(_, asset)| !asset.fields.is_unread())
        .map(|(path, _)| path)
        .collect();
    assert_eq!(read, [&path("ORDERS")]);
    let orders = &changed.assets[&path("ORDERS")];
    assert_eq!(orders.fields.as_option().unwrap().len(), 3);
    assert_ne!(orders.version, first.assets[&path("ORDERS")].version);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_grant_changes_what_is_seen() {
    let fake = Fake::start(Catalog::shop()).await;
    let visibility = |run: &Collected, path: &Path| -> Visibility {
        let containers = &run.discovery.as_ref().unwrap().containers;
        let found = containers.iter().find(|container| container.path == *path);
        found.unwrap().visibility.clone()
    };
    let (shop, public) = (Path::new(["SHOP"]), Path::new(["SHOP", "PUBLIC"]));
    let before = run(fake.config(), credentials()).await;
    // A dropped table takes its grant with it, and is no lost grant.
    fake.lock().catalog.tables.retain(|table| table.name != "OLD");
    let dropped = run(fake.config(), credentials()).await;
    assert_eq!(visibility(&before, &public), visibility(&dropped, &public));
    fake.lock().catalog.revoke("AUDIT");
    let revoked = run(fake.config(), credentials()).await;
    assert_eq!(visibility(&before, &public), visibility(&revoked, &public));
    assert_ne!(visibility(&before, &shop), visibility(&revoked, &shop));
    let identity = revoked.discovery.unwrap().identity;
    assert_eq!(identity.as_deref(), Some("MYORG/XY12345"));
}

#[tokio::test(flavor = "multi_thread")]
async fn all_databases_are_those_that_are_not_shared() {
    let fake = Fake::start(Catalog::shop()).await;
    let mut config = fake.config();
    config["database"] = serde_json::Value::Null;
    config["databases"] = "*".into();
    let run = run(config, credentials()).await;
    assert!(run.is_complete(), "{:?}", run.failed);
    let containers = run.discovery.unwrap().containers;
    let databases = containers.iter().filter(|container| container.path.depth() == 1);
    let names: Vec<String> = databases.map(|container| container.path.to_string()).collect();
    assert_eq!(names, ["SHOP"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_out_of_sight_says_what_to_grant() {
    let fake = Fake::with(Catalog::shop(), |knobs| {
        knobs.refused = vec![("SCHEMATA", "002003")]
    })
    .await;
    let run = run(fake.config(), credentials()).await;
    let error = run.failed.unwrap();
    let grant = error.grant().unwrap();
    assert!(
        grant.starts_with("GRANT USAGE ON DATABASE SHOP TO ROLE READER; "),
        "{grant}"
    );
    let mut config = fake.config();
    config["database"] = "shop".into();
    let error = self::run(config, credentials()).await.failed.unwrap();
    assert!(
        error.to_string().contains("without quotes its name is SHOP"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_warehouse_says_what_to_grant() {
    let fake = Fake::with(Catalog::shop(), |knobs| {
        knobs.refused = vec![("SCHEMATA", "000606")]
    })
    .await;
    let opened = open(fake.config(), credentials()).unwrap();
    let error = opened
        .connector
        .check(&headwater_core::Cx::default())
        .await
        .unwrap_err();
    assert_eq!(error.grant(), Some("GRANT USAGE ON WAREHOUSE WH TO ROLE READER"));
}
