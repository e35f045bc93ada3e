//! What is missing is gone only where BigQuery said that all was listed.

use crate::{
    auth::service_account,
    fake::{Fake, PROJECT, fault},
    run::{asset, none, path, read, read_with},
};
use headwater_core::{ErrorKind, Facet, Listing, Options, Path, Visibility, model::Version};
use headwater_testkit::Collected;
use serde_json::json;
use std::collections::BTreeSet;

async fn shop() -> Fake {
    let fake = Fake::start().await;
    for name in ["a", "b", "c", "d", "e"] {
        fake.table("sales", name, json!({}));
    }
    fake.table("audit", "log", json!({}));
    fake
}

fn closed<'a>(run: &'a Collected, dataset: &str) -> &'a Listing {
    &run.closed[&Path::new([PROJECT, dataset])]
}

fn reason(listing: &Listing) -> String {
    match listing {
        Listing::Partial(reasons) => {
            format!("{} {} {:?}", reasons[0].code, reasons[0].detail, reasons[0].grant)
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn all_pages_are_read_empty_ones_with_a_token_too() {
    let fake = shop().await;
    for name in ["x", "y", "z"] {
        fake.dataset(name);
    }
    let run = read(&fake).await;
    assert!(run.is_complete(), "{:?}", run.closed);
    assert_eq!(run.closed.len(), 5, "three pages of datasets");
    let expected: BTreeSet<Path> = ["a", "b", "c", "d", "e"]
        .iter()
        .map(|name| path("sales", name))
        .collect();
    assert_eq!(
        run.paths(),
        expected.into_iter().chain([path("audit", "log")]).collect()
    );
    let pages = fake.requests().await;
    let tokens = pages
        .iter()
        .filter_map(|request| crate::fake::parameter(request, "pageToken"));
    assert!(
        tokens.clone().any(|token| token.starts_with('e')),
        "an empty page stood in between"
    );
}

#[tokio::test]
async fn one_request_for_each_table_and_those_for_pages() {
    let fake = shop().await;
    let run = read(&fake).await;
    let paths = fake.paths().await;
    let tables = paths.iter().filter(|path| path.contains("/tables/")).count();
    assert_eq!(tables, 6);
    let at_sync = paths.len() - paths.iter().filter(|path| path.ends_with("/datasets")).count();
    assert_eq!(run.cost.requests, at_sync as u64);
}

#[tokio::test]
async fn a_project_without_datasets_is_complete_and_empty() {
    let run = read(&Fake::start().await).await;
    assert!(run.is_complete() && run.closed.is_empty());
}

#[tokio::test]
async fn a_location_that_was_not_reached_makes_the_list_of_datasets_partial() {
    let fake = shop().await;
    fake.state().unreachable = vec!["us-east1"];
    let run = read(&fake).await;
    let containers = run.discovery.unwrap().containers;
    let project = containers
        .iter()
        .find(|one| one.path == Path::new([PROJECT]))
        .unwrap();
    let said = reason(&project.children);
    assert!(
        said.starts_with("location_unreachable") && said.contains("us-east1"),
        "{said}"
    );
}

#[tokio::test]
async fn a_token_that_comes_again_ends_the_listing_with_an_error() {
    let fake = shop().await;
    fake.state().repeat_tokens = true;
    let run = read(&fake).await;
    assert!(!closed(&run, "sales").is_complete());
    let error = run
        .ended
        .iter()
        .find_map(|ended| ended.result.as_ref().err())
        .unwrap();
    assert_eq!(
        (error.kind(), error.code()),
        (ErrorKind::DataInvalid, "repeated_page")
    );
    let pages = fake
        .paths()
        .await
        .into_iter()
        .filter(|path| path.ends_with("/sales/tables"));
    assert_eq!(pages.count(), 2);
}

#[tokio::test]
async fn a_dataset_that_may_not_be_listed_is_partial_and_names_the_role() {
    let fake = shop().await;
    fake.state()
        .always
        .insert("/sales/tables".into(), fault(403, "accessDenied"));
    let run = read_with(&fake, json!({}), service_account(&fake)).await;
    let said = reason(closed(&run, "sales"));
    assert!(said.starts_with("permission_denied"), "{said}");
    let grant = "add-iam-policy-binding shop-1 --member=serviceAccount:reader@shop-1.iam.gserviceaccount.com \
                 --role=roles/bigquery.metadataViewer";
    assert!(said.contains(grant), "{said}");
    assert!(closed(&run, "audit").is_complete());
}

#[tokio::test]
async fn a_dataset_dropped_in_mid_run_is_its_own_matter() {
    let fake = shop().await;
    fake.state()
        .always
        .insert("/datasets/sales".into(), fault(404, "notFound"));
    let run = read(&fake).await;
    assert!(reason(closed(&run, "sales")).starts_with("not_found"));
    assert!(closed(&run, "audit").is_complete());
}

#[tokio::test]
async fn a_table_dropped_in_mid_run_is_gone() {
    let fake = shop().await;
    fake.state()
        .always
        .insert("/tables/c".into(), fault(404, "notFound"));
    let run = read(&fake).await;
    assert!(run.is_complete() && !run.assets.contains_key(&path("sales", "c")));
}

#[tokio::test]
async fn a_table_that_cannot_be_read_stays_with_its_parts_unread() {
    let fake = shop().await;
    fake.state()
        .always
        .insert("/tables/a".into(), fault(403, "accessDenied"));
    fake.table("sales", "b", json!({"schema": {"fields": "no list"}}));
    let run = read(&fake).await;
    assert!(run.is_complete(), "{:?}", run.closed);
    for name in ["a", "b"] {
        let table = asset(&run, "sales", name);
        assert!(
            table.fields.is_unread() && table.tags.is_unread() && table.stats.is_unread(),
            "{name}"
        );
        let warned = |warning: &&headwater_core::Warning| warning.path == Some(path("sales", name));
        let warning = run.warnings.iter().find(warned).unwrap();
        assert_eq!(warning.code, "table_unread");
        assert!(!warning.detail.contains("no list") && !warning.detail.contains("text of BigQuery's"));
    }
    assert!(!asset(&run, "sales", "c").fields.is_unread());
}

#[tokio::test]
async fn a_dataset_that_disappears_with_a_grant_changes_the_view() {
    let fake = shop().await;
    let visibility = |run: &Collected| {
        let containers = &run.discovery.as_ref().unwrap().containers;
        containers
            .iter()
            .find(|one| one.path == Path::new([PROJECT]))
            .unwrap()
            .visibility
            .clone()
    };
    let before = read_with(&fake, json!({}), service_account(&fake)).await;
    fake.state().hidden.insert("sales".to_owned());
    fake.state().permissions.clear();
    let after = read_with(&fake, json!({}), service_account(&fake)).await;
    assert!(
        after.is_complete() && after.closed.len() == 1,
        "BigQuery says nothing of the loss"
    );
    assert_ne!(visibility(&before), visibility(&after));
    assert!(matches!(visibility(&after), Visibility::Fingerprint(_)));
}

#[tokio::test]
async fn a_table_that_is_as_it_was_is_not_sent_again() {
    #[derive(Debug)]
    struct Stored;
    #[async_trait::async_trait]
    impl headwater_core::Baseline for Stored {
        async fn versions(&self, keys: &[Path]) -> headwater_core::Result<Vec<Option<Version>>> {
            let version = |key: &Path| Version(format!("\"{}-1\"", key.name().unwrap()).into());
            Ok(keys.iter().map(version).map(Some).collect())
        }
    }
    let fake = shop().await;
    fake.table("sales", "b", json!({"etag": "\"b-2\""}));
    let opened = crate::run::open(crate::run::config(&fake, json!({})), none()).unwrap();
    let mut options: Options = crate::run::options(&opened);
    options.baseline = std::sync::Arc::new(Stored);
    let run = headwater_testkit::collect(opened.connector, options).await;
    assert!(run.is_complete());
    assert_eq!(run.unchanged.len(), 5);
    assert_eq!(run.assets.keys().collect::<Vec<_>>(), [&path("sales", "b")]);
    assert_eq!(asset(&run, "sales", "b").version, Some(Version("\"b-2\"".into())));
}

#[tokio::test]
async fn a_series_of_shards_is_one_table() {
    let fake = Fake::start().await;
    for day in ["20260101", "20260103", "20260102", "20260104"] {
        fake.table("web", &format!("events_{day}"), json!({}));
    }
    fake.table(
        "web",
        "events_20260104",
        json!({"numRows": "9", "schema": {"fields": [{"name": "latest", "type": "JSON"}]}}),
    );
    fake.table(
        "web",
        "view_20260101",
        json!({"type": "VIEW", "view": {"query": "SELECT 1", "useLegacySql": false}}),
    );
    for mode in ["rest", "sql"] {
        let run = read_with(&fake, json!({"mode": mode}), none()).await;
        assert!(run.is_complete(), "{:?}", run.closed);
        assert_eq!(
            run.paths(),
            [path("web", "events_*"), path("web", "view_20260101")].into()
        );
        let events = asset(&run, "web", "events_*");
        assert_eq!(events.fields.as_option().unwrap()[0].name, "latest");
        let stats = &events.stats.as_option().unwrap().properties;
        assert_eq!(
            (&stats["shards"], &stats["first_shard"]),
            (&json!(4), &json!("20260101"))
        );
        assert_eq!(
            (&stats["last_shard"], &stats["last_shard_rows"]),
            (&json!("20260104"), &json!(9))
        );
    }
    let asked = fake
        .paths()
        .await
        .into_iter()
        .filter(|path| path.contains("/tables/events_"))
        .count();
    assert_eq!(asked, 1, "only the latest shard");
    let apart = read_with(&fake, json!({"collapse_sharded_tables": false}), none()).await;
    assert_eq!(apart.assets.len(), 5);
}

#[tokio::test]
async fn ranges_and_tables_without_a_schema_are_read() {
    let fake = Fake::start().await;
    fake.table("d", "bare", json!({"schema": null}));
    fake.table(
        "d",
        "ranges",
        json!({"schema": {"fields": [
        {"name": "r", "type": "RANGE", "rangeElementType": {"type": "DATE"}}]}}),
    );
    fake.table(
        "d",
        "snap",
        json!({"type": "SNAPSHOT", "snapshotDefinition": {"snapshotTime": "2026-01-01T00:00:00Z",
        "baseTableReference": {"projectId": PROJECT, "datasetId": "d", "tableId": "ranges"}}}),
    );
    let run = read(&fake).await;
    assert_eq!(
        asset(&run, "d", "ranges").fields.as_option().unwrap()[0].native_type,
        "RANGE<DATE>"
    );
    assert_eq!(run.lineage[&path("d", "snap")][0].end.path, path("d", "ranges"));
    assert_eq!(asset(&run, "d", "bare").fields, Facet::Read(vec![]));
}
