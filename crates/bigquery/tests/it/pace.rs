//! Refusals that pass, and the pace.

use crate::{
    fake::{Fake, fault},
    run::{config, none, open, read, read_with},
};
use headwater_bigquery::BigQuery;
use headwater_core::{Connect, Cx, ErrorKind, Host};
use serde_json::{Value, from_value, json};
use std::{sync::Arc, time::Duration};
use wiremock::ResponseTemplate;

async fn shop() -> Fake {
    let fake = Fake::start().await;
    for name in ["a", "b", "c"] {
        fake.table("sales", name, json!({}));
    }
    fake
}

#[tokio::test]
async fn a_403_for_the_pace_is_tried_again() {
    for reason in ["quotaExceeded", "rateLimitExceeded"] {
        let fake = shop().await;
        fake.state()
            .next
            .push_back(("/tables/b", fault(403, reason).insert_header("retry-after", "0")));
        let run = read(&fake).await;
        assert!(
            run.is_complete() && run.assets.len() == 3,
            "{reason}: {:?}",
            run.closed
        );
        assert_eq!(run.ended.len(), 1, "the split was not read again");
    }
}

#[tokio::test]
async fn connectors_of_one_principal_share_its_pace() {
    let fake = shop().await;
    let host = Host::default();
    let open = |change: Value, email: &str| {
        let text = crate::auth::service_account(&fake)["service_account_json"].clone();
        let text = text.as_str().unwrap().replace(crate::fake::tokens::EMAIL, email);
        let credentials = from_value(json!({"service_account_json": text})).unwrap();
        BigQuery::open(from_value(config(&fake, change)).unwrap(), credentials, &host).unwrap()
    };
    let pace = host
        .limiters
        .get("bigquery:reader@shop-1", Duration::from_millis(20));
    let _rest = open(json!({}), "reader@shop-1");
    let _sql = open(json!({"mode": "sql"}), "reader@shop-1");
    assert_eq!(
        Arc::strong_count(&pace),
        3,
        "of both connectors, and of this test"
    );
    let _other = open(json!({}), "other@shop-1");
    assert_eq!(Arc::strong_count(&pace), 3);
}

#[tokio::test]
async fn a_server_in_trouble_is_tried_again() {
    let fake = shop().await;
    let page = ResponseTemplate::new(503).set_body_string("<html>a proxy's page</html>");
    for answer in [fault(500, "internalError"), page] {
        fake.state()
            .next
            .push_back(("/sales/tables", answer.insert_header("retry-after", "0")));
    }
    let run = read(&fake).await;
    assert!(run.is_complete() && run.assets.len() == 3 && run.ended.len() == 1);
}

#[tokio::test]
async fn a_pace_that_is_asked_for_again_and_again_is_the_drivers_matter() {
    let fake = shop().await;
    let slow = fault(403, "quotaExceeded").insert_header("retry-after", "0");
    fake.state().always.insert("/tables/b".into(), slow);
    let run = read(&fake).await;
    let errors: Vec<ErrorKind> = run
        .ended
        .iter()
        .filter_map(|one| one.result.as_ref().err())
        .map(|e| e.kind())
        .collect();
    assert!(
        !errors.is_empty() && errors.iter().all(|kind| *kind == ErrorKind::RateLimited),
        "{errors:?}"
    );
    assert!(!run.is_complete());
}

#[tokio::test]
async fn check_tells_how_long_a_sync_takes_and_what_is_missing() {
    let fake = shop().await;
    let check = |change: serde_json::Value, credentials: serde_json::Value| {
        let opened = open(config(&fake, change), credentials).unwrap();
        async move { opened.connector.check(&Cx::default()).await }
    };
    let report = check(json!({"requests_per_second": 50}), none()).await.unwrap();
    assert!(
        report
            .message
            .contains("1 dataset, about 3 tables; a sync takes less than a second at 50"),
        "{}",
        report.message
    );
    assert!(report.capabilities.values().all(|one| one.readable));

    let report = check(json!({"dataset": "misspelt"}), none()).await.unwrap();
    assert!(
        report.message.contains("no dataset in scope"),
        "{}",
        report.message
    );
    assert!(report.capabilities["columns"].detail.is_some());

    let listed = json!({"kind": "bigquery#tableList", "totalItems": 100_000});
    fake.state()
        .always
        .insert("/sales/tables".into(), crate::fake::ok(&listed));
    let report = check(json!({"requests_per_second": 50}), none()).await.unwrap();
    assert!(
        report.message.contains("about 34 min") && report.message.contains("mode sql"),
        "{}",
        report.message
    );

    fake.state()
        .always
        .insert("/sales/tables".into(), fault(403, "accessDenied"));
    fake.state().permissions = vec!["bigquery.datasets.get"];
    let report = check(json!({}), crate::auth::service_account(&fake))
        .await
        .unwrap();
    let columns = &report.capabilities["columns"];
    assert!(
        !columns.readable && columns.grant.as_ref().unwrap().contains("metadataViewer"),
        "{columns:?}"
    );
    assert!(
        report.message.contains("without bigquery.tables.list"),
        "{}",
        report.message
    );

    let report = check(json!({"mode": "sql"}), crate::auth::service_account(&fake)).await;
    let message = report.unwrap().message;
    assert!(message.contains("7 queries for each dataset"), "{message}");

    let denied = ResponseTemplate::new(403)
        .set_body_json(json!({"error": {"errors": [{"reason": "accessDenied",
        "message": "User does not have bigquery.jobs.create permission in project shop-1."}]}}));
    fake.state().always = [("/queries".to_owned(), denied)].into();
    let report = check(json!({"mode": "sql"}), crate::auth::service_account(&fake))
        .await
        .unwrap();
    assert!(
        report.capabilities["columns"]
            .grant
            .as_ref()
            .unwrap()
            .contains("roles/bigquery.jobUser")
    );
    let run = read_with(&fake, json!({"mode": "sql"}), crate::auth::service_account(&fake)).await;
    assert!(
        format!("{:?}", run.closed).contains("roles/bigquery.jobUser"),
        "{:?}",
        run.closed
    );
}
