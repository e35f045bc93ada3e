//! Uploads of dbt artifacts, as `curl -F` sends them.

use crate::test_app::{Client, Reply, TestApp, counts};
use headwater_testkit::ToySource;
use reqwest::{Method, header::CONTENT_TYPE};
use serde_json::{Value, json};
use std::{fs, path::Path};

const BOUNDARY: &str = "----------------------------7f3a";

/// One of the artifacts that dbt made of the project beside the connector.
pub(crate) fn artifact(name: &str) -> Vec<u8> {
    let artifacts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../dbt/tests/artifacts");
    fs::read(artifacts.join(name)).unwrap()
}

/// The body of a form with these files.
fn form(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, content) in parts {
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{name}.json\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    body
}

async fn upload(client: &Client, connector: &str, parts: &[(&str, &[u8])]) -> Reply {
    let request = client.request(Method::POST, &format!("{connector}/dbt-manifest"));
    let form_data = format!("multipart/form-data; boundary={BOUNDARY}");
    Reply::of(request.header(CONTENT_TYPE, form_data).body(form(parts))).await
}

pub(crate) async fn create_dbt(app: &TestApp) -> String {
    app.create_connector(&json!({"name": "corner shop", "connector_type": "dbt_manifest"}))
        .await
}

/// Uploads and waits for the end of the run.
pub(crate) async fn import(app: &TestApp, connector: &str, parts: &[(&str, &[u8])]) -> Value {
    let started = upload(app, connector, parts).await.expect(202);
    app.job_ended(started["job_id"].as_str().unwrap()).await
}

/// The manifest without a node and all that is said of it.
fn without(manifest: &[u8], node: &str) -> Vec<u8> {
    let mut manifest: Value = serde_json::from_slice(manifest).unwrap();
    manifest["nodes"].as_object_mut().unwrap().remove(node).unwrap();
    serde_json::to_vec(&manifest).unwrap()
}

#[tokio::test]
async fn an_upload_is_a_sync_like_any_other() {
    let app = TestApp::start().await;
    let connector = create_dbt(&app).await;
    let (manifest, catalog) = (artifact("manifest.json"), artifact("catalog.json"));
    let started = upload(
        &app,
        &connector,
        &[("catalog_file", &catalog), ("manifest_file", &manifest)],
    )
    .await
    .expect(202);
    assert_eq!(started["status"], "running");
    assert_eq!(started["id"], started["job_id"]);
    let job = app.job_ended(started["job_id"].as_str().unwrap()).await;
    assert_eq!(
        (&job["status"], &job["completeness"], &job["trigger"]),
        (&json!("completed"), &json!("complete"), &json!("upload")),
        "{job}"
    );
    let [created, ..] = counts(&job);
    assert!(created > 5, "{job}");
    let orders = app.product("corner_shop.model.orders").await;
    assert_eq!(orders["product_type"], "dbt_model");
    assert!(!orders["fields"].as_array().unwrap().is_empty());
    assert!(!orders["lineage"]["upstream"].as_array().unwrap().is_empty());

    let again = import(
        &app,
        &connector,
        &[("manifest_file", &manifest), ("catalog_file", &catalog)],
    )
    .await;
    assert_eq!(counts(&again), [0, 0, created, 0], "{again}");
    let smaller = without(&manifest, "model.corner_shop.days");
    let smaller = import(
        &app,
        &connector,
        &[("manifest_file", &smaller), ("catalog_file", &catalog)],
    )
    .await;
    assert_eq!(counts(&smaller)[3], 1, "{smaller}");
    assert_eq!(app.product("corner_shop.model.days").await["state"], "stale");
    let history = app.get("/catalog/spaces/default/sync-history").await.expect(200);
    assert_eq!(history["total"], 3);
}

#[tokio::test]
async fn a_broken_manifest_fails_and_leaves_everything_as_it_was() {
    let app = TestApp::start().await;
    let connector = create_dbt(&app).await;
    let manifest = artifact("manifest.json");
    let before = import(&app, &connector, &[("manifest_file", &manifest)]).await;
    let active = counts(&before)[0];
    for (content, says) in [
        (&manifest[..manifest.len() / 2], "cut off"),
        (&artifact("catalog.json"), "this is a catalog.json"),
        (b"[]", "expected"),
    ] {
        let job = import(&app, &connector, &[("manifest_file", content)]).await;
        assert_eq!(
            (&job["status"], &job["error"]["code"]),
            (&json!("failed"), &json!("invalid_manifest")),
            "{job}"
        );
        let detail = job["error"]["detail"].as_str().unwrap();
        assert!(
            detail.contains(says) && detail.contains("manifest.json"),
            "{detail}"
        );
    }
    let products = app.get("/catalog/spaces/default/products").await.expect(200);
    assert_eq!(products["total"], active);
}

#[tokio::test]
async fn what_is_no_upload_is_refused_with_the_remedy() {
    let app = TestApp::start_with(|config| config.max_upload = 20_000).await;
    let connector = create_dbt(&app).await;
    let detail = |problem: Value| problem["detail"].as_str().unwrap().to_owned();

    let json = app.post(&format!("{connector}/dbt-manifest"), &json!({})).await;
    assert!(detail(json.problem(415, "unsupported_media_type")).contains("multipart/form-data"));
    let none = upload(&app, &connector, &[("catalog_file", b"{}")]).await;
    assert!(detail(none.problem(400, "invalid_body")).contains("/manifest_file: is missing"));
    let other = upload(&app, &connector, &[("manifest", b"{}")]).await;
    assert!(detail(other.problem(400, "invalid_body")).contains("expected manifest_file, catalog_file"));
    let twice = upload(
        &app,
        &connector,
        &[("manifest_file", b"{}"), ("manifest_file", b"{}")],
    )
    .await;
    assert!(detail(twice.problem(400, "invalid_body")).contains("given twice"));
    let empty = upload(&app, &connector, &[("manifest_file", b"")]).await;
    assert!(detail(empty.problem(400, "invalid_body")).contains("is empty"));
    let large = upload(&app, &connector, &[("manifest_file", &[b' '; 20_001])]).await;
    assert!(detail(large.problem(413, "body_too_large")).contains("20000 bytes"));

    let toy = app.create_toy(&ToySource::new()).await;
    let toy = upload(&app, &toy, &[("manifest_file", b"{}")]).await;
    assert!(detail(toy.problem(400, "invalid_body")).contains("take no uploads"));
    let sync = app.post(&format!("{connector}/sync"), &json!({})).await;
    assert!(detail(sync.problem(400, "nothing_to_sync")).contains("upload manifest_file to .../connectors/"));
    let history = app.get("/catalog/spaces/default/sync-history").await.expect(200);
    assert_eq!(history["total"], 0, "nothing of it became a run");
}

#[tokio::test]
async fn an_upload_needs_an_editor_and_a_connector_at_rest() {
    let app = TestApp::start().await;
    let connector = create_dbt(&app).await;
    let viewer = app.create_key("default", "viewer").await;
    let viewer = app.with_key(Some(&viewer));
    let refused = upload(&viewer, &connector, &[("manifest_file", b"{}")]).await;
    refused.problem(403, "forbidden");
    let editor = app.create_key("default", "editor").await;
    let manifest = artifact("manifest.json");
    let started = upload(
        &app.with_key(Some(&editor)),
        &connector,
        &[("manifest_file", &manifest)],
    )
    .await;
    let job = app
        .job_ended(started.expect(202)["job_id"].as_str().unwrap())
        .await;
    assert_eq!(job["status"], "completed", "{job}");
    app.patch(&connector, &json!({"is_active": false}))
        .await
        .expect(200);
    let inactive = upload(&app, &connector, &[("manifest_file", &manifest)]).await;
    inactive.problem(409, "connector_inactive");
}

#[tokio::test]
async fn another_project_is_refused_until_it_is_accepted() {
    let app = TestApp::start().await;
    let connector = create_dbt(&app).await;
    let manifest = artifact("manifest.json");
    import(&app, &connector, &[("manifest_file", &manifest)]).await;
    let text = String::from_utf8(manifest).unwrap();
    let renamed = text.replace("corner_shop", "market");
    let refused = import(&app, &connector, &[("manifest_file", renamed.as_bytes())]).await;
    assert_eq!(refused["error"]["code"], "source_changed", "{refused}");
    let told = refused["error"]["detail"].as_str().unwrap();
    assert!(told.ends_with("upload with ?accept_source=true"), "{told}");
    assert_eq!(app.product("corner_shop.model.orders").await["state"], "active");

    let path = format!("{connector}/dbt-manifest?accept_source=true");
    let form_data = format!("multipart/form-data; boundary={BOUNDARY}");
    let request = app.request(Method::POST, &path).header(CONTENT_TYPE, form_data);
    let body = form(&[("manifest_file", renamed.as_bytes())]);
    let accepted = Reply::of(request.body(body)).await.expect(202);
    let job = app.job_ended(accepted["job_id"].as_str().unwrap()).await;
    assert_eq!(job["status"], "completed", "{job}");
    assert_eq!(app.product("market.model.orders").await["state"], "active");
}

#[tokio::test]
async fn uploaded_files_lie_beside_the_catalog_and_do_not_stay() {
    let app = TestApp::start().await;
    let connector = create_dbt(&app).await;
    import(&app, &connector, &[("manifest_file", &artifact("manifest.json"))]).await;
    app.stop();
    let (_config, dir) = app.ended().await;
    let uploads = dir.path().join("catalog.db.uploads");
    assert_eq!(fs::read_dir(&uploads).unwrap().count(), 0);
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&uploads).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o700);
}
