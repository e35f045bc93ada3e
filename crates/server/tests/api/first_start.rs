//! The first start of the program, its files, and its end.

use crate::{
    program::{Program, serve},
    test_app::ADMIN_KEY,
};
use serde_json::json;
use std::{fs, os::unix::fs::PermissionsExt, path::Path, time::Duration};
use tempfile::TempDir;

fn mode(file: &Path) -> u32 {
    fs::metadata(file).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn the_first_start_makes_keys_and_a_space_and_the_second_keeps_them() {
    let dir = TempDir::new().unwrap();
    let program = Program::start(&mut serve(dir.path()));
    assert_eq!(program.printed, format!("listening on {}\n", program.base));
    assert!(program.base.starts_with("http://127.0.0.1:"), "{}", program.base);

    let admin_file = dir.path().join("headwater.db.admin-key");
    let secret_file = dir.path().join("headwater.db.secret-key");
    assert_eq!((mode(&admin_file), mode(&secret_file)), (0o600, 0o600));
    let (admin, secret) = (
        fs::read_to_string(&admin_file).unwrap(),
        fs::read_to_string(&secret_file).unwrap(),
    );
    let key = admin.strip_suffix('\n').unwrap();
    assert!(key.starts_with("hw_") && key.len() == 46, "{key}");
    assert_eq!(secret.trim_end().len(), 64);
    let made = json!({
        "name": "pg", "connector_type": "postgres", "config": {"host": "localhost", "database": "shop"},
        "credentials": {"username": "u", "password": "p"},
    });
    program
        .client(key)
        .post("/catalog/spaces/default/connectors", &made)
        .await
        .expect(201);
    let connectors = program
        .client(key)
        .get("/catalog/spaces/default/connectors")
        .await
        .expect(200);
    let spaces = program.client(key).get("/catalog/spaces").await.expect(200);
    assert_eq!(spaces[0]["slug"], "default");

    let (status, took, log) = program.signal("TERM");
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(took < Duration::from_secs(10), "took {took:?}");
    assert!(!log.contains(key) && !log.contains(secret.trim_end()), "{log}");

    fs::remove_file(&admin_file).unwrap();
    let program = Program::start(&mut serve(dir.path()));
    assert_eq!(
        program.client(key).get("/catalog/spaces").await.expect(200),
        spaces
    );
    let kept = program
        .client(key)
        .get("/catalog/spaces/default/connectors")
        .await
        .expect(200);
    assert_eq!(kept, connectors);
    assert!(!admin_file.exists(), "no second key is made");
    assert_eq!(fs::read_to_string(&secret_file).unwrap(), secret);
    assert_eq!(program.signal("INT").0.code(), Some(0));
}

#[tokio::test]
async fn a_key_from_the_environment_replaces_the_one_of_the_first_start() {
    let dir = TempDir::new().unwrap();
    let program = Program::start(serve(dir.path()).env("HEADWATER_ADMIN_KEY", ADMIN_KEY));
    assert!(!dir.path().join("headwater.db.admin-key").exists());
    let client = program.client(ADMIN_KEY);
    assert_eq!(
        client.get("/catalog/spaces").await.expect(200)[0]["slug"],
        "default"
    );
    assert_eq!(
        client.get("/catalog/api-keys").await.expect(200),
        json!([]),
        "it is not stored"
    );
    client
        .post("/catalog/api-keys", &json!({"name": "second"}))
        .await
        .expect(201);
    let audit = client.get("/catalog/spaces/default/audit").await.expect(200);
    assert!(!audit.to_string().contains(ADMIN_KEY));
}

#[tokio::test]
async fn the_admin_key_goes_where_it_is_told() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("keys").join("admin");
    fs::create_dir(file.parent().unwrap()).unwrap();
    fs::write(&file, "an older key, readable for all").unwrap();
    let database = format!("sqlite://{}", dir.path().join("other.db").display());
    let mut command = serve(dir.path());
    command.args([
        "--database-url",
        &database,
        "--admin-key-file",
        file.to_str().unwrap(),
    ]);
    let program = Program::start(&mut command);
    assert_eq!(mode(&file), 0o600);
    let key = fs::read_to_string(&file).unwrap();
    program
        .client(key.trim_end())
        .get("/catalog/api-keys")
        .await
        .expect(200);
    assert!(dir.path().join("other.db.secret-key").exists());
    assert!(!dir.path().join("other.db.admin-key").exists());
}

#[tokio::test]
async fn an_admin_key_that_cannot_be_kept_is_not_made() {
    let dir = TempDir::new().unwrap();
    let mut command = serve(dir.path());
    let output = command
        .args(["--admin-key-file", "/nowhere/admin"])
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && errors.contains("cannot write /nowhere/admin"),
        "{errors}"
    );
    let program = Program::start(&mut serve(dir.path()));
    let key = fs::read_to_string(dir.path().join("headwater.db.admin-key")).unwrap();
    let keys = program
        .client(key.trim_end())
        .get("/catalog/api-keys")
        .await
        .expect(200);
    assert_eq!(keys.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_database_without_its_key_file_is_refused() {
    let dir = TempDir::new().unwrap();
    Program::start(&mut serve(dir.path())).signal("TERM");
    fs::remove_file(dir.path().join("headwater.db.secret-key")).unwrap();
    let output = serve(dir.path()).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && errors.contains("headwater.db.secret-key"),
        "{errors}"
    );
}

#[tokio::test]
async fn a_catalog_in_postgresql_needs_a_key_that_is_given() {
    let dir = TempDir::new().unwrap();
    let mut command = serve(dir.path());
    let output = command
        .args(["--database-url", "postgres://u:hunter2@127.0.0.1:1/x"])
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(
        errors.contains("HEADWATER_SECRET_KEY") && !errors.contains("hunter2"),
        "{errors}"
    );
}
