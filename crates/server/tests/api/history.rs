//! The history of syncs.

use crate::{shape::assert_shape, test_app::TestApp};
use headwater_testkit::ToySource;
use serde_json::{Value, json};

const HISTORY: &str = "/catalog/spaces/default/sync-history";

fn ids(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().unwrap().iter();
    items.map(|item| item["id"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn newest_first_and_in_pages() {
    let app = TestApp::start().await;
    let connector = app.create_toy(&ToySource::shop()).await;
    let mut jobs = Vec::new();
    for _ in 0..3 {
        jobs.insert(0, app.sync(&connector).await["id"].as_str().unwrap().to_owned());
    }
    let page = app.get(HISTORY).await.expect(200);
    let item = json!({
        "id": "uuid", "connector_id": "uuid", "connector_name": "string", "status": "completed", "products_created": "integer",
        "products_updated": "integer", "started_at": "time", "completed_at": "time", "products_archived": "integer",
        "products_unchanged": "integer", "completeness": "complete", "removals": "none", "trigger": "api",
        "warnings_count": "integer", "error": "any",
    });
    assert_shape(
        &page,
        &json!({"items": [item], "total": "integer", "page": "integer", "size": "integer"}),
    );
    assert_eq!(ids(&page), jobs);
    assert_eq!(
        (&page["total"], &page["page"], &page["size"]),
        (&json!(3), &json!(1), &json!(20))
    );
    let second = app.get(&format!("{HISTORY}?page=2&size=2")).await.expect(200);
    assert_eq!(ids(&second), jobs[2..]);
    assert_eq!(
        (&second["total"], &second["page"], &second["size"]),
        (&json!(3), &json!(2), &json!(2))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn by_connector_and_status() {
    let app = TestApp::start().await;
    let (good, bad) = (ToySource::shop(), ToySource::shop());
    let (one, other) = (app.create_toy(&good).await, app.create_toy(&bad).await);
    bad.set_token("another-token");
    let completed = app.sync(&one).await;
    let failed = app.sync(&other).await;
    let id = |path: &str| path.rsplit_once('/').unwrap().1.to_owned();
    for (query, expected) in [
        (format!("connector_id={}", id(&one)), vec![&completed]),
        (format!("connector_id={}", id(&other)), vec![&failed]),
        ("status=failed".to_owned(), vec![&failed]),
        ("status=completed".to_owned(), vec![&completed]),
        ("status=running".to_owned(), vec![]),
        (format!("status=failed&connector_id={}", id(&one)), vec![]),
        (
            "connector_id=019a0000-0000-7000-8000-000000000000".to_owned(),
            vec![],
        ),
    ] {
        let page = app.get(&format!("{HISTORY}?{query}")).await.expect(200);
        let expected: Vec<&str> = expected.iter().map(|job| job["id"].as_str().unwrap()).collect();
        assert_eq!(ids(&page), expected, "{query}");
        assert_eq!(page["total"], expected.len());
    }
}
