use crate::{headwater, stderr, stdout};
use serde_json::Value;

const COMMANDS: [&str; 6] = ["demo", "serve", "scan", "check", "connector-types", "openapi"];

#[test]
fn every_help_has_an_example() {
    let no_command: [&str; 0] = [];
    let all = COMMANDS
        .iter()
        .map(|command| vec![*command])
        .chain([no_command.to_vec()]);
    for command in all {
        let output = headwater(command.iter().copied().chain(["--help"]))
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0));
        let help = stdout(&output);
        let example = help.rsplit("Example").next().unwrap();
        assert!(
            help.contains("Example") && example.contains("\n  headwater "),
            "{command:?}: {help}"
        );
    }
}

#[test]
fn wrong_arguments_are_64_and_say_what_to_do() {
    for (args, says) in [
        (&["scam"][..], "scan"),
        (&["scan"], "TYPE"),
        (&["scan", "postgres"], "--config"),
        (
            &["scan", "oracle", "--config", "{}"],
            "expected one of bigquery, databricks, dbt, postgres, redshift, snowflake",
        ),
        (
            &["scan", "postgres", "--config", "{hunter2"],
            "not JSON at line 1",
        ),
        (
            &["scan", "postgres", "--config", "@/no/such/file"],
            "cannot read /no/such/file",
        ),
        (
            &["scan", "postgres", "--url", "mysql://u:hunter2@h/d"],
            "postgres://USER@HOST",
        ),
        (
            &["scan", "postgres", "--config", "{}", "--out", "/no/such/dir/file"],
            "--out",
        ),
        (
            &[
                "check",
                "postgres",
                "--config",
                "{}",
                "--credentials",
                "env:NO_SUCH_VARIABLE",
            ],
            "is not set",
        ),
        (&["serve", "--workers", "0"], "--workers"),
        (&["serve", "--log-format", "xml"], "json"),
    ] {
        let output = headwater(args).output().unwrap();
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(64), "{args:?}: {said}");
        assert!(
            said.contains(says) && !said.contains("hunter2"),
            "{args:?}: {said}"
        );
        assert_eq!(stdout(&output), "", "{args:?}");
    }
}

#[test]
fn a_postgresql_catalog_without_a_secret_key_is_refused() {
    let url = "postgres://u:hunter2@127.0.0.1:1/headwater";
    let output = headwater(["serve", "--listen", "127.0.0.1:0", "--database-url", url])
        .output()
        .unwrap();
    let said = stderr(&output);
    assert_ne!(output.status.code(), Some(0));
    assert!(
        said.contains("HEADWATER_SECRET_KEY") && !said.contains("hunter2"),
        "{said}"
    );
}

#[test]
fn a_short_admin_key_is_refused_and_not_shown() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = headwater(["serve", "--listen", "127.0.0.1:0"]);
    let output = command
        .env("HEADWATER_ADMIN_KEY", "hunter2")
        .current_dir(&dir)
        .output()
        .unwrap();
    let said = stderr(&output);
    assert_ne!(output.status.code(), Some(0));
    assert!(
        said.contains("32 characters") && !said.contains("hunter2"),
        "{said}"
    );
}

#[test]
fn connector_types_and_openapi_are_json() {
    let output = headwater(["connector-types"]).output().unwrap();
    let types: Value = serde_json::from_str(&stdout(&output)).unwrap();
    let types = types.as_array().unwrap();
    let postgres = types.iter().find(|kind| kind["connector_type"] == "postgres");
    assert!(postgres.unwrap()["config_schema"]["properties"]["host"].is_object());

    let output = headwater(["openapi"]).output().unwrap();
    let description: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert!(description["paths"]["/catalog/spaces/{slug}/connectors"]["post"].is_object());
}
