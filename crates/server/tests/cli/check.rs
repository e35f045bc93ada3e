use crate::{database::Database, headwater, stderr, stdout};

#[test]
fn a_role_that_may_read_all_is_told_so() {
    let database = Database::create();
    let output = headwater(["check", "postgres", "--url", &database.url()])
        .output()
        .unwrap();
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}{}",
        stdout(&output),
        stderr(&output)
    );
    let said = stdout(&output);
    assert!(
        said.starts_with("PostgreSQL ") && said.contains("readable"),
        "{said}"
    );
    assert!(!said.contains("not readable"), "{said}");
}

#[test]
fn a_missing_capability_is_named_with_its_grant() {
    let database = Database::create();
    let role = format!("reader_of_{}", database.name());
    database.execute(&format!(
        "CREATE ROLE {role} LOGIN PASSWORD 'pw'; REVOKE SELECT ON pg_catalog.pg_attrdef FROM PUBLIC"
    ));
    let url = database
        .url_and_password()
        .0
        .replacen("postgres@", &format!("{role}@"), 1);
    let output = headwater(["check", "postgres", "--url", &url])
        .env("PGPASSWORD", "pw")
        .output()
        .unwrap();
    database.execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
    let said = stdout(&output);
    assert_eq!(output.status.code(), Some(2), "{said}{}", stderr(&output));
    assert!(
        said.contains("not readable") && said.contains("run: GRANT "),
        "{said}"
    );
}

#[test]
fn a_source_that_cannot_be_reached_fails() {
    let output = headwater(["check", "postgres", "--url", "postgres://u:hunter2@127.0.0.1:1/d"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    assert!(
        said.starts_with("headwater: ") && !said.contains("hunter2"),
        "{said}"
    );
}
