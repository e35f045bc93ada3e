use crate::{database::Database, headwater, schema, stderr, stdout};
use serde_json::{Value, json};
use std::{fs, process::Output};

fn lines(output: &Output) -> Vec<Value> {
    parse(&stdout(output))
}

fn parse(text: &str) -> Vec<Value> {
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    lines.iter().for_each(schema::check);
    lines
}

fn asset<'a>(lines: &'a [Value], path: &Value) -> &'a Value {
    let found = lines
        .iter()
        .find(|line| line["type"] == "asset" && line["path"] == *path);
    found.unwrap_or_else(|| panic!("no asset {path}"))
}

#[test]
fn a_database_becomes_lines_that_fit_the_published_schema() {
    let database = Database::create();
    let output = headwater(["scan", "postgres", "--url", &database.url()])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let (lines, shop) = (lines(&output), database.name());

    let sales = lines
        .iter()
        .find(|line| line["path"] == json!([shop, "sales"]))
        .unwrap();
    assert_eq!(
        (&sales["kind"], &sales["description"]),
        (&json!("schema"), &json!("Orders and money"))
    );

    let orders = asset(&lines, &json!([shop, "sales", "orders"]));
    let fields = orders["fields"].as_array().unwrap();
    let names: Vec<_> = fields
        .iter()
        .map(|field| field["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["id", "customer_id", "status", "net", "gross"]);
    let ordinals: Vec<_> = fields
        .iter()
        .map(|field| field["ordinal"].as_u64().unwrap())
        .collect();
    assert_eq!(ordinals, [1, 2, 3, 4, 5]);
    assert_eq!(fields[0]["keys"], json!(["primary"]));
    assert_eq!(fields[1]["keys"], json!(["foreign"]));
    assert_eq!(fields[3]["native_type"], "numeric(12,2)");
    assert_eq!(
        fields[3]["data_type"],
        json!({"type": "decimal", "precision": 12, "scale": 2})
    );
    assert!(fields[4]["generated"].as_str().unwrap().contains("1.19"));
    let constraints = orders["constraints"].as_array().unwrap();
    let foreign = constraints
        .iter()
        .find(|one| one["type"] == "foreign_key")
        .unwrap();
    let customers = json!([shop, "sales", "customers"]);
    assert_eq!(
        foreign["references"],
        json!({"path": customers, "fields": ["id"]})
    );
    assert_eq!(asset(&lines, &customers)["fields"][0]["identity"], "always");
    assert_eq!(
        asset(&lines, &json!([shop, "audit", "log"]))["fields"][1]["path"],
        json!(["what.ever"])
    );

    let edge = lines.iter().find(|line| line["type"] == "edge").unwrap();
    assert_eq!(
        edge["upstream"],
        json!({"family": "postgres", "path": [shop, "sales", "orders"]})
    );
    assert_eq!(
        edge["downstream"],
        json!({"family": "postgres", "path": [shop, "sales", "totals"]})
    );

    let count = |kind: &str| lines.iter().filter(|line| line["type"] == kind).count();
    let end = lines.last().unwrap();
    assert_eq!(
        (&end["type"], &end["completeness"]),
        (&json!("end"), &json!("complete"))
    );
    assert_eq!(
        (&end["assets"], &end["edges"]),
        (&json!(4), &json!(count("edge")))
    );
    assert_eq!((count("asset"), count("end")), (4, 1));
    assert_eq!(end["namespaces"], count("namespace"));
    let summary = stderr(&output);
    assert!(
        summary.lines().last().unwrap().starts_with("complete: "),
        "{summary}"
    );
}

#[test]
fn config_credentials_and_output_may_be_files() {
    let database = Database::create();
    let dir = tempfile::tempdir().unwrap();
    let (url, password) = database.url_and_password();
    let (host, port) = url
        .rsplit_once('@')
        .unwrap()
        .1
        .split_once('/')
        .unwrap()
        .0
        .split_once(':')
        .unwrap();
    let config = json!({"host": host, "port": port.parse::<u16>().unwrap(), "database": database.name(),
                        "filters": {"include_schemas": ["sales"], "exclude_tables": ["orders"]}});
    let (config_file, out) = (dir.path().join("config.json"), dir.path().join("out.ndjson"));
    fs::write(&config_file, config.to_string()).unwrap();
    let credentials = json!({"username": "postgres", "password": password});
    let output = headwater(["scan", "postgres", "--credentials", "env:SHOP_CREDENTIALS"])
        .arg(format!("--config=@{}", config_file.display()))
        .arg("--out")
        .arg(&out)
        .env("SHOP_CREDENTIALS", credentials.to_string())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(stdout(&output), "");
    let lines = parse(&fs::read_to_string(&out).unwrap());
    let names: Vec<_> = lines
        .iter()
        .filter(|line| line["type"] == "asset")
        .map(|line| &line["name"])
        .collect();
    assert_eq!(names.len(), 2, "{names:?}");
    assert!(names.contains(&&json!("customers")) && names.contains(&&json!("totals")));
}

#[test]
fn url_and_config_together_read_what_both_say() {
    let database = Database::create();
    let (url, password) = database.url_and_password();
    let output = headwater([
        "scan",
        "postgres",
        "--url",
        &url,
        "--config",
        r#"{"schema": "audit"}"#,
    ])
    .env("PGPASSWORD", password)
    .output()
    .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(lines(&output).last().unwrap()["assets"], 1);
}

#[test]
fn a_refused_password_fails_without_being_shown() {
    let database = Database::create();
    let (url, _) = database.url_and_password();
    let output = headwater(["scan", "postgres", "--url", &url])
        .env("PGPASSWORD", "hunter2")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let end = lines(&output).pop().unwrap();
    assert_eq!(
        (&end["completeness"], &end["error"]["code"]),
        (&json!("failed"), &json!("unauthenticated"))
    );
    let said = stderr(&output);
    assert!(said.lines().last().unwrap().starts_with("failed: "), "{said}");
    assert!(
        !said.contains("hunter2") && !stdout(&output).contains("hunter2"),
        "{said}"
    );
}

#[test]
fn a_config_that_is_wrong_fails_and_names_the_place() {
    let output = headwater(["scan", "postgres", "--config", r#"{"hots": "hunter2"}"#])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(lines(&output).pop().unwrap()["error"]["code"], "config_invalid");
    let said = stderr(&output);
    assert!(
        said.contains("/config/hots: unknown key; did you mean host?"),
        "{said}"
    );
    assert!(!said.contains("hunter2"), "{said}");
}

#[cfg(unix)]
#[test]
fn an_interrupted_scan_ends_in_order() {
    use std::{
        io::Read,
        net::TcpListener,
        process::{Command, Stdio},
        thread::sleep,
        time::Duration,
    };
    // A server that takes the connection and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgres://u:hunter2@{}/shop", silent.local_addr().unwrap());
    let mut child = headwater(["scan", "postgres", "--url", &url])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    silent.set_nonblocking(true).unwrap();
    let connected = (0..200).find_map(|_| {
        sleep(Duration::from_millis(50));
        silent.accept().ok()
    });
    let (mut connection, _) = connected.expect("the program connects");
    connection.set_nonblocking(false).unwrap();
    connection.read_exact(&mut [0; 4]).unwrap();
    let interrupt = Command::new("sh")
        .args(["-c", "kill -INT $0", &child.id().to_string()])
        .status();
    assert!(interrupt.unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let output = child.wait_with_output().unwrap();
    let end = lines(&output).pop().unwrap();
    assert_eq!(
        (&end["completeness"], &end["error"]["code"]),
        (&json!("failed"), &json!("stopped"))
    );
}
