//! Google's own Python client reads the fake: what it would not understand, the fake should not say.

use crate::fake::{Fake, fault};
use serde_json::{Value, json};
use std::{env, process::Command};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn googles_own_client_understands_the_fake() {
    let python = env::var("HEADWATER_TEST_BIGQUERY_PYTHON").expect(
        "HEADWATER_TEST_BIGQUERY_PYTHON is not set: run cargo xtask test, which installs Google's client",
    );
    let fake = Fake::start().await;
    for name in ["a", "b", "c", "d", "e"] {
        fake.table(
            "sales",
            name,
            json!({"tableConstraints": {"primaryKey": {"columns": ["id"]}},
            "labels": {"tier": "gold"}, "schema": {"fields": [
                {"name": "id", "type": "INTEGER", "mode": "REQUIRED"},
                {"name": "during", "type": "RANGE", "rangeElementType": {"type": "DATE"}}]}}),
        );
    }
    fake.table(
        "sales",
        "v",
        json!({"type": "VIEW", "view": {"query": "SELECT 1", "useLegacySql": false}}),
    );
    fake.table("sales", "bare", json!({"schema": null}));
    fake.state()
        .always
        .insert("/tables/secret".into(), fault(403, "accessDenied"));
    for name in ["audit", "empty", "more"] {
        fake.dataset(name);
    }
    fake.state().slow_jobs = 1;
    let uri = fake.uri();
    let script = include_str!("official_client.py");
    let ran = tokio::task::spawn_blocking(move || {
        Command::new(python)
            .args(["-c", script, &uri])
            .env_remove("PYTHONPATH")
            .output()
            .unwrap()
    });
    let output = ran.await.unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    let seen: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{errors}"));
    assert_eq!(
        seen,
        json!({
            "datasets": ["audit", "empty", "more", "sales"],
            "tables": ["a", "b", "bare", "c", "d", "e", "v"],
            "table": {"rows": 3, "primary_key": ["id"], "range": "DATE", "labels": {"tier": "gold"}, "modified": 1_700_000_001},
            "view": "SELECT 1",
            "without_schema": [],
            "missing": "NotFound",
            "refused": "accessDenied",
            "queried": ["a", "b", "bare", "c", "d", "e", "v"],
            "cancelled": ["job-0", "DONE"],
        })
    );
}
