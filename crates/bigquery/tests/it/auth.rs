//! Every kind of credentials, against token endpoints that verify what they get.

use crate::{
    fake::{
        Fake, fault,
        tokens::{EMAIL, PEM, REFRESH, SUBJECT},
    },
    run::{config, discover, open},
};
use headwater_core::{Cx, ErrorKind};
use headwater_http::header::AUTHORIZATION;
use serde_json::{Value, json};

async fn shop() -> Fake {
    let fake = Fake::start().await;
    fake.table("sales", "orders", json!({}));
    fake.state().tokens.insert("nobody's".to_owned());
    fake
}

pub(crate) fn service_account(fake: &Fake) -> Value {
    let file = json!({"type": "service_account", "client_email": EMAIL, "private_key": PEM, "private_key_id": "k1",
        "token_uri": format!("{}/token", fake.uri())});
    json!({"service_account_json": file.to_string()})
}

fn external(fake: &Fake, change: Value) -> Value {
    let mut file = json!({"type": "external_account", "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q",
        "token_url": format!("{}/sts", fake.uri())});
    for (key, value) in change.as_object().unwrap() {
        file[key] = value.clone();
    }
    json!({"external_account_json": file.to_string()})
}

async fn reads(fake: &Fake, credentials: Value) {
    let found = discover(fake, credentials.clone()).await;
    assert_eq!(found.unwrap().splits.len(), 1, "{}", fake.state().issued);
    assert!(fake.state().issued > 0);
}

#[tokio::test]
async fn a_service_account_signs_an_assertion() {
    let fake = shop().await;
    reads(&fake, service_account(&fake)).await;
    let text = service_account(&fake)["service_account_json"]
        .as_str()
        .unwrap()
        .to_owned();
    let object: Value = serde_json::from_str(&text).unwrap();
    reads(&fake, json!({"service_account_json": object})).await;
    let visibility = format!(
        "{:?}",
        discover(&fake, service_account(&fake)).await.unwrap().containers
    );
    assert!(
        visibility.contains(EMAIL) && visibility.contains("bigquery.tables.list"),
        "{visibility}"
    );
}

#[tokio::test]
async fn a_user_has_a_refresh_token() {
    let fake = shop().await;
    let user = |token: &str| {
        json!({"authorized_user_json": {"type": "authorized_user", "client_id": "c", "client_secret": "s-hunter2",
            "refresh_token": token, "token_uri": format!("{}/token", fake.uri())}})
    };
    reads(&fake, user(REFRESH)).await;
    let error = discover(&fake, user("hunter2-revoked")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    assert!(
        error.to_string().contains("was revoked") && !format!("{error:?}").contains("hunter2"),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_federation_exchanges_a_token_from_a_text_a_file_or_an_address() {
    let fake = shop().await;
    let mut given = external(&fake, json!({}));
    given["subject_token"] = SUBJECT.into();
    reads(&fake, given).await;

    let file = std::env::temp_dir().join(format!("headwater-subject-{}", std::process::id()));
    std::fs::write(&file, format!("{SUBJECT}\n")).unwrap();
    reads(
        &fake,
        external(&fake, json!({"credential_source": {"file": file}})),
    )
    .await;
    std::fs::remove_file(file).unwrap();

    let address = json!({"credential_source": {"url": format!("{}/subject", fake.uri()),
        "headers": {"x-proof": "proof-hunter2"},
        "format": {"type": "json", "subject_token_field_name": "value"}}});
    reads(&fake, external(&fake, address)).await;
}

#[tokio::test]
async fn acting_as_a_service_account_takes_two_tokens() {
    let fake = shop().await;
    let mut given = service_account(&fake);
    given["impersonate_service_account"] = "other@shop-1.iam.gserviceaccount.com".into();
    // The first token is for the other token alone, so it has the wider scope that this needs.
    let error = discover(&fake, given).await.unwrap_err();
    assert_eq!(
        error.kind(),
        ErrorKind::Unauthenticated,
        "the fake takes assertions for reading only"
    );

    let mut given = json!({"access_token": "nobody's"});
    given["impersonate_service_account"] = "other@shop-1.iam.gserviceaccount.com".into();
    reads(&fake, given.clone()).await;
    let containers = format!("{:?}", discover(&fake, given).await.unwrap().containers);
    assert!(containers.contains("other@shop-1"), "{containers}");

    let url = format!(
        "{}/v1/projects/-/serviceAccounts/third@x.iam.gserviceaccount.com:generateAccessToken",
        fake.uri()
    );
    let mut given = external(&fake, json!({"service_account_impersonation_url": url}));
    given["subject_token"] = SUBJECT.into();
    reads(&fake, given).await;

    let may_not =
        json!({"access_token": "unknown", "impersonate_service_account": "o@x.iam.gserviceaccount.com"});
    let error = discover(&fake, may_not).await.unwrap_err();
    assert!(
        error.to_string().contains("Service Account Token Creator"),
        "{error}"
    );
}

#[tokio::test]
async fn a_token_is_sent_as_it_is_and_a_wrong_one_is_refused() {
    let fake = shop().await;
    fake.state().tokens.insert("given-hunter2".to_owned());
    discover(&fake, json!({"access_token": "given-hunter2"}))
        .await
        .unwrap();
    let error = discover(&fake, json!({"access_token": "wrong-hunter2"}))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
}

#[tokio::test]
async fn a_token_that_ends_early_is_renewed_in_the_run() {
    let fake = shop().await;
    let opened = open(config(&fake, json!({})), service_account(&fake)).unwrap();
    opened
        .connector
        .discover(&opened.scope, &Cx::default())
        .await
        .unwrap();
    // Revoked: the next request is refused once.
    fake.state().tokens.retain(|token| token == "nobody's");
    opened
        .connector
        .discover(&opened.scope, &Cx::default())
        .await
        .unwrap();
    assert_eq!(fake.state().issued, 2);
    let requests = fake.requests().await;
    let asked = requests.iter().filter(|request| request.url.path() == "/token");
    assert!(
        asked
            .clone()
            .all(|request| request.headers.get(AUTHORIZATION).is_none())
    );
    assert_eq!(asked.count(), 2);
}

#[tokio::test]
async fn a_token_endpoint_that_is_down_is_tried_again() {
    let fake = shop().await;
    fake.state()
        .next
        .push_back(("/token", fault(503, "backendError")));
    reads(&fake, service_account(&fake)).await;
}
