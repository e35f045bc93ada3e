//! `scan` and `check` of a workspace of minilake, an emulator.

use crate::{headwater, schema, stderr, stdout};
use serde_json::{Value, json};
use std::{
    env,
    io::{Read, Write},
    net::TcpStream,
    process,
};

fn url() -> String {
    env::var("HEADWATER_TEST_DATABRICKS")
        .expect("HEADWATER_TEST_DATABRICKS is not set: run cargo xtask test, which starts minilake")
}

fn make(what: &str, body: &Value) {
    let body = body.to_string();
    let address = url().trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(&address).unwrap();
    write!(
        stream,
        "POST /api/2.1/unity-catalog/{what} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn a_workspace_becomes_lines_that_fit_the_published_schema() {
    let catalog = format!("cli_{}", process::id());
    make("catalogs", &json!({"name": catalog, "comment": "of a test"}));
    make("schemas", &json!({"catalog_name": catalog, "name": "sales"}));
    let columns =
        json!([{"name": "id", "type_text": "bigint"}, {"name": "tags", "type_text": "map<string,int>"}]);
    make(
        "tables",
        &json!({"catalog_name": catalog, "schema_name": "sales", "name": "orders", "columns": columns}),
    );
    let config = json!({"host": url(), "catalog": catalog}).to_string();
    let arguments = [
        "--config",
        &config,
        "--credentials",
        "env:HEADWATER_TEST_CREDENTIALS",
    ];
    let run = |command: &str| {
        let mut headwater = headwater([command, "databricks"]);
        headwater.args(arguments);
        headwater.env("HEADWATER_TEST_CREDENTIALS", r#"{"token": "dapi-0123456789"}"#);
        headwater.output().unwrap()
    };
    let output = run("scan");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = stdout(&output);
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    lines.iter().for_each(schema::check);
    let orders = lines
        .iter()
        .find(|line| line["path"] == json!([catalog, "sales", "orders"]))
        .unwrap();
    assert_eq!(
        (&orders["type"], &orders["kind"]),
        (&json!("asset"), &json!("table"))
    );
    assert_eq!(orders["fields"][1]["native_type"], "map<string,int>");
    let schema = lines
        .iter()
        .find(|line| line["path"] == json!([catalog, "sales"]))
        .unwrap();
    assert_eq!(
        (&schema["type"], &schema["kind"]),
        (&json!("namespace"), &json!("schema"))
    );
    assert_eq!(lines.last().unwrap()["completeness"], "complete");
    assert!(!text.contains("dapi-0123456789") && !stderr(&output).contains("dapi-0123456789"));

    // Without a SQL warehouse, tags cannot be read.
    let output = run("check");
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(
        stdout(&output).contains("minilake-metastore"),
        "{}",
        stdout(&output)
    );
}
