//! A run that is stopped leaves no query behind it.

use crate::{
    auth::service_account,
    fake::Fake,
    run::{config, none, open, options},
};
use futures_util::{Stream, StreamExt};
use headwater_core::{Cx, SyncEvent};
use serde_json::{Value, json};
use std::time::Duration;

/// Begins to read in mode `sql`. No query of the fake's is done while it lasts.
async fn begun(fake: &Fake, credentials: Value) -> (impl Stream<Item = SyncEvent> + Unpin, Cx) {
    fake.table("sales", "orders", json!({}));
    fake.state().slow_jobs = usize::MAX;
    let opened = open(config(fake, json!({"mode": "sql"})), credentials).unwrap();
    let options = options(&opened);
    let cx = options.cx.clone();
    let mut events = headwater_core::sync(opened.connector, options);
    while !matches!(events.next().await.unwrap(), SyncEvent::Started { .. }) {}
    (events, cx)
}

/// Stops once a request of this path has arrived, and reads on to the end.
async fn stop_at(fake: &Fake, path: &str, (mut events, cx): (impl Stream<Item = SyncEvent> + Unpin, Cx)) {
    let stopping = async {
        while !fake.paths().await.iter().any(|seen| seen.ends_with(path)) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        cx.stop().cancel();
    };
    let ((), ()) = tokio::join!(stopping, async { while events.next().await.is_some() {} });
}

#[tokio::test]
async fn a_stop_ends_the_running_query_at_bigquery() {
    let fake = Fake::start().await;
    let run = begun(&fake, none()).await;
    stop_at(&fake, "/queries/job-0", run).await;
    assert_eq!(fake.state().cancelled, ["job-0"]);
}

#[tokio::test]
async fn a_stop_while_a_query_is_being_sent_ends_it_too() {
    let fake = Fake::start().await;
    fake.state().begin_delay = Duration::from_millis(300);
    let run = begun(&fake, none()).await;
    stop_at(&fake, "/queries", run).await;
    assert_eq!(fake.state().cancelled, ["job-0"]);
}

#[tokio::test]
async fn a_token_that_only_reads_ends_no_query_and_none_for_more_is_asked_for() {
    let fake = Fake::start().await;
    let credentials = service_account(&fake);
    let run = begun(&fake, credentials).await;
    stop_at(&fake, "/queries/job-0", run).await;
    let asked = fake.paths().await;
    assert!(
        asked.iter().any(|path| path.ends_with("/jobs/job-0/cancel")),
        "{asked:?}"
    );
    assert_eq!(fake.state().cancelled, [""; 0]);
    assert!(fake.state().writing.is_empty());
}

#[tokio::test]
async fn a_given_token_that_may_do_more_ends_the_query() {
    let fake = Fake::start().await;
    fake.state().tokens.insert("wide".to_owned());
    fake.state().writing.insert("wide".to_owned());
    let run = begun(&fake, json!({"access_token": "wide"})).await;
    stop_at(&fake, "/queries/job-0", run).await;
    assert_eq!(fake.state().cancelled, ["job-0"]);
}
