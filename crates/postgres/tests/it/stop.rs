//! A stop ends the statement at the server, not only here.

use crate::database::{Database, on_each_server, open, waiting};
use futures_util::StreamExt;
use headwater_core::{Options, SyncEvent};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::time::sleep;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_cancels_the_running_statement() {
    on_each_server(|database| async move {
        ends_the_running_statement(&database, database.config(json!({}))).await;
    })
    .await;
}

/// Stops a run while its statement waits for a lock, and looks in `pg_stat_activity` that it ends there.
pub(crate) async fn ends_the_running_statement(database: &Database, mut config: Value) {
    database
        .sql("CREATE TABLE public.t (id int CHECK (id > 0))")
        .await;
    let held = database.server.client(&database.name).await;
    held.batch_execute("BEGIN; LOCK TABLE public.t IN ACCESS EXCLUSIVE MODE")
        .await
        .unwrap();
    config["lock_timeout"] = json!(60000);
    let opened = open(config, database.server.credentials()).unwrap();
    let mut options = Options::default();
    options.scope = opened.scope;
    let stop = options.cx.stop().clone();
    let events = headwater_core::sync(opened.connector, options);
    let run = tokio::spawn(events.collect::<Vec<SyncEvent>>());

    let deadline = Instant::now() + Duration::from_secs(10);
    while waiting(database).await.is_empty() {
        assert!(Instant::now() < deadline, "nothing waits for the lock");
        sleep(Duration::from_millis(20)).await;
    }
    stop.cancel();
    let stopped = Instant::now();
    while !waiting(database).await.is_empty() {
        assert!(
            stopped.elapsed() < Duration::from_secs(3),
            "{:?}",
            waiting(database).await
        );
        sleep(Duration::from_millis(20)).await;
    }
    let events = run.await.unwrap();
    assert!(stopped.elapsed() < Duration::from_secs(5));
    let Some(SyncEvent::Ended {
        result: Err(error), ..
    }) = events.last()
    else {
        panic!("{events:?}")
    };
    assert_eq!(error.kind(), headwater_core::ErrorKind::Stopped);
}
