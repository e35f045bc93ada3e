//! The whole road from a peer that looks like Redshift: through the REST API, and through `headwater scan`.

use crate::{
    redshift_peer::Peer,
    test_app::{TestApp, counts},
};
use serde_json::{Value, json};
use std::process::Command;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

async fn shop() -> Peer {
    let peer = Peer::seeded().await;
    peer.grant("SELECT ON redshift_catalog.svv_table_info").await;
    peer
}

#[tokio::test(flavor = "multi_thread")]
async fn from_a_cluster_to_exactly_the_change_that_was_made() {
    let peer = shop().await;
    let app = TestApp::start().await;
    let body = json!({
        "name": "warehouse", "connector_type": "redshift", "config": peer.config(json!({})),
        "credentials": peer.credentials(),
    });
    let connector = app.create_connector(&body).await;
    let tested = app
        .post(&format!("{connector}/test"), &json!({}))
        .await
        .expect(200);
    assert_eq!(tested["success"], true, "{tested:#}");
    assert_eq!(
        tested["capabilities"]["row_counts"]["readable"], true,
        "{tested:#}"
    );

    let first = app.sync(&connector).await;
    assert_eq!(
        (
            &first["status"],
            &first["completeness"],
            &first["products_created"]
        ),
        (&json!("completed"), &json!("complete"), &json!(12)),
        "{first:#}"
    );
    let orders = app.product(&format!("{}.public.orders", peer.name)).await;
    assert_eq!(orders["description"], "What was bought");
    assert_eq!(orders["properties"]["dist_key"], "customer");
    assert_eq!(
        orders["stats"]["row_count"],
        json!({"value": 1000, "origin": "estimate"})
    );
    let events = app.product(&format!("{}.spectrum.events", peer.name)).await;
    assert_eq!(events["product_type"], "external_table");
    let late = app.product(&format!("{}.public.late", peer.name)).await;
    let mut upstream: Vec<&Value> = late["lineage"]["upstream"]
        .as_array()
        .unwrap()
        .iter()
        .map(|edge| &edge["product_id"])
        .collect();
    upstream.sort_by_key(|id| id.as_str());
    let mut expected = vec![&orders["id"], &events["id"]];
    expected.sort_by_key(|id| id.as_str());
    assert_eq!(upstream, expected, "lineage from the text meets the products");

    let second = app.sync(&connector).await;
    assert_eq!(counts(&second), [0, 0, 12, 0]);
    peer.sql("ALTER TABLE public.customers ADD COLUMN phone varchar(20)")
        .await;
    let third = app.sync(&connector).await;
    assert_eq!(counts(&third), [0, 1, 11, 0]);
    let customers = app.product(&format!("{}.public.customers", peer.name)).await;
    let told = &customers["schema_changes"][0]["changes"];
    assert_eq!(
        (&told[0]["op"], &told[0]["path"], told.as_array().unwrap().len()),
        (&json!("added"), &json!(["phone"]), 2),
        "the column, and its encoding: {told:#}"
    );

    peer.sql(&format!("REVOKE USAGE ON SCHEMA spectrum FROM {}", peer.user))
        .await;
    let fourth = app.sync(&connector).await;
    assert_eq!(
        (
            &fourth["completeness"],
            &fourth["removals"],
            &fourth["products_archived"]
        ),
        (&json!("partial"), &json!("none"), &json!(0)),
        "a lost grant shortens the list without an error: {fourth:#}"
    );
    let events = app.product(&format!("{}.spectrum.events", peer.name)).await;
    assert_eq!(events["is_archived"], false);
    let grant = format!("GRANT USAGE ON SCHEMA \"spectrum\" TO \"{}\"", peer.user);
    let warned = fourth["warnings"]["items"].as_array().unwrap().iter();
    let mut details = warned.map(|warning| warning["detail"].as_str().unwrap());
    assert!(details.any(|detail| detail.ends_with(&grant)), "{fourth:#}");
    assert_eq!(*peer.wire.violations.lock().unwrap(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_aws_is_asked_is_its_own_and_changes_with_the_credentials_only() {
    let app = TestApp::start().await;
    let body = json!({
        "name": "warehouse", "connector_type": "redshift",
        "config": {"host": "c.abc.eu-west-1.redshift.amazonaws.com", "database": "dev"},
        "credentials": {"access_key_id": "AKIAEXAMPLE", "secret_access_key": "hunter2"},
    });
    let connector = app.create_connector(&body).await;
    let endpoint = |address: &str| json!({"config": {"aws_endpoint": address}});
    let elsewhere = endpoint("https://elsewhere.example.com");
    let pointers = app
        .patch(&connector, &elsewhere)
        .await
        .pointers(400, "invalid_configuration");
    assert_eq!(pointers, ["/config/aws_endpoint"]);
    let vpc = endpoint("https://vpce-1.redshift.eu-west-1.vpce.amazonaws.com");
    app.patch(&connector, &vpc)
        .await
        .problem(400, "credentials_required");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_machines_own_credentials_are_lent_by_its_operator_only() {
    let body = json!({
        "name": "warehouse", "connector_type": "redshift",
        "config": {"host": "c.abc.eu-west-1.redshift.amazonaws.com", "database": "dev"},
        "credentials": {"auth_type": "iam"},
    });
    let app = TestApp::start().await;
    let refused = app.post("/catalog/spaces/default/connectors", &body).await;
    assert_eq!(
        refused.pointers(400, "invalid_configuration"),
        ["/credentials/access_key_id"]
    );
    let lending = TestApp::start_with(|config| config.allow_ambient_credentials = true).await;
    lending.create_connector(&body).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_signs_with_what_the_machine_has() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = json!({
        "host": "c.abc.eu-west-1.redshift.amazonaws.com", "database": "dev",
        "aws_endpoint": format!("http://{}", listener.local_addr().unwrap()),
    })
    .to_string();
    let mut check = Command::new(env!("CARGO_BIN_EXE_headwater"));
    check
        .args(["check", "redshift", "--config", &config])
        .args(["--credentials", r#"{"auth_type": "iam"}"#])
        .env("AWS_ACCESS_KEY_ID", "AKIAMACHINE")
        .env("AWS_SECRET_ACCESS_KEY", "hunter2")
        .env_remove("AWS_SESSION_TOKEN")
        .env_remove("RUST_LOG");
    let refuse = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 8192];
        let length = stream.read(&mut request).await.unwrap();
        let body = "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>";
        let length_of_body = body.len();
        let head = format!("HTTP/1.1 403 X\r\nconnection: close\r\ncontent-length: {length_of_body}\r\n\r\n");
        stream
            .write_all(format!("{head}{body}").as_bytes())
            .await
            .unwrap();
        String::from_utf8_lossy(&request[..length]).into_owned()
    };
    let checked = tokio::task::spawn_blocking(move || check.output().unwrap());
    let (output, request) = tokio::join!(checked, refuse);
    let output = output.unwrap();
    assert!(request.contains("Credential=AKIAMACHINE/"), "{request}");
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(
        told.contains("allow redshift:GetClusterCredentialsWithIAM on dbname:c/*")
            && !told.contains("hunter2"),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_prints_what_a_sync_reads() {
    let peer = shop().await;
    let config = peer.config(json!({})).to_string();
    let credentials = peer.credentials().to_string();
    let scan = move || {
        Command::new(env!("CARGO_BIN_EXE_headwater"))
            .args([
                "scan",
                "redshift",
                "--config",
                &config,
                "--credentials",
                "env:WAREHOUSE",
            ])
            .env("WAREHOUSE", credentials)
            .env_remove("RUST_LOG")
            .output()
            .unwrap()
    };
    let output = tokio::task::spawn_blocking(scan).await.unwrap();
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let end = lines.last().unwrap();
    assert_eq!(
        (&end["completeness"], &end["assets"]),
        (&json!("complete"), &json!(12)),
        "{end:#}"
    );
    let late = json!({"family": "redshift", "path": [peer.name, "public", "late"]});
    let edges = lines
        .iter()
        .filter(|line| line["type"] == "edge" && line["downstream"] == late);
    assert_eq!(edges.count(), 2);
}
