//! A run that is stopped leaves no query behind it.

use crate::{
    auth::service_account,
    fake::{Fake, bearer},
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

/// Stops a run, and tells which requests came with a token that may do more than read.
async fn written_with(credentials: impl FnOnce(&Fake) -> Value) -> Vec<String> {
    let fake = Fake::start().await;
    fake.state().tokens.insert("nobody's".to_owned());
    let run = begun(&fake, credentials(&fake)).await;
    assert!(
        fake.state().writing.is_empty(),
        "no such token is asked for before it is needed"
    );
    stop_at(&fake, "/queries/job-0", run).await;
    assert_eq!(fake.state().cancelled, ["job-0"]);
    let writing = fake.state().writing.clone();
    let requests = fake.requests().await;
    let with_it = requests
        .iter()
        .filter(|request| bearer(request).is_some_and(|token| writing.contains(token)));
    with_it.map(|request| request.url.path().to_owned()).collect()
}

#[tokio::test]
async fn only_ending_a_query_takes_a_token_that_may_do_more_than_read() {
    let cancel = ["/bigquery/v2/projects/shop-1/jobs/job-0/cancel"];
    assert_eq!(written_with(service_account).await, cancel);
    let acting = |_: &Fake| {
        json!({"access_token": "nobody's",
            "impersonate_service_account": "other@shop-1.iam.gserviceaccount.com"})
    };
    assert_eq!(written_with(acting).await, cancel);
}
