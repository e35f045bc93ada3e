//! Logins and connections that fail, and what is told of them.

use crate::database::{Database, on_each_server, open, read};
use headwater_core::{Cx, Error, ErrorKind};
use serde_json::{Value, json};

async fn failure(database: &Database, change: Value, credentials: Value) -> Error {
    let failed = read(database.config(change), credentials).await.failed;
    failed.expect("a failed run")
}

#[tokio::test]
async fn a_wrong_login_is_told_without_its_password() {
    on_each_server(|database| async move {
        let user = &database.server.user;
        for credentials in [
            json!({"username": user, "password": "hunter2"}),
            json!({"username": "nobody_here", "password": "hunter2"}),
            json!({"username": user}),
        ] {
            let error = failure(&database, json!({}), credentials.clone()).await;
            assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error:?}");
            assert!(!format!("{error:?}").contains("hunter2"));
        }
    })
    .await;
}

#[tokio::test]
async fn a_missing_database_is_not_found() {
    on_each_server(|database| async move {
        let credentials = database.server.credentials();
        let error = failure(&database, json!({"database": "hw_no_such_database"}), credentials).await;
        assert_eq!(error.kind(), ErrorKind::NotFound);
    })
    .await;
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_unavailable() {
    on_each_server(|database| async move {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        // It accepts and says nothing.
        let silent = json!({"port": port, "connect_timeout": 1});
        let error = failure(&database, silent.clone(), database.server.credentials()).await;
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.to_string().contains("connect_timeout"), "{error}");
        drop(listener);
        let error = failure(&database, silent, database.server.credentials()).await;
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    })
    .await;
}

#[tokio::test]
async fn a_role_without_free_connections_is_unavailable() {
    on_each_server(|mut database| async move {
        let role = database.create_role().await;
        database
            .sql(&format!("ALTER ROLE {role} CONNECTION LIMIT 0"))
            .await;
        let credentials = json!({"username": role, "password": "reader-pw"});
        let opened = open(database.config(json!({})), credentials).unwrap();
        let error = opened.connector.check(&Cx::default()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
        assert!(error.to_string().contains("53300"));
    })
    .await;
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_unavailable() {
    on_each_server(|database| async move {
        // The statement waits for the lock longer than it may run.
        database
            .sql("CREATE TABLE public.t (id int CHECK (id > 0))")
            .await;
        let held = database.server.client(&database.name).await;
        held.batch_execute("BEGIN; LOCK TABLE public.t IN ACCESS EXCLUSIVE MODE")
            .await
            .unwrap();
        let run = database
            .read_with(json!({"statement_timeout": 1, "lock_timeout": 60000}))
            .await;
        let errors: Vec<_> = run
            .ended
            .iter()
            .filter_map(|ended| ended.result.as_ref().err())
            .collect();
        assert_eq!(errors.len(), 3, "it is tried again");
        assert!(errors.iter().all(|error| error.kind() == ErrorKind::Unavailable));
        assert!(
            errors[0].to_string().contains("statement_timeout"),
            "{}",
            errors[0]
        );
    })
    .await;
}
