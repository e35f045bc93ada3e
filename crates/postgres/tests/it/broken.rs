//! Connections that are cut in mid-stream, and servers that go away: an attempt fails, the next one is whole.

use crate::{
    cluster::{Cluster, bins},
    database::{Server, assert_complete, open},
    proxy::{self, Cut},
};
use futures_util::{Stream, StreamExt};
use headwater_core::{Error, ErrorKind, Item, Options, SyncEvent};
use headwater_testkit::Collected;
use serde_json::{Value, json};
use std::{path::Path, time::Duration};

const TRUST: &str = "host all all all trust\nhost replication all all trust\n";
const TABLES: usize = 400;

/// A server whose database `postgres` has tables enough not to fit into the run's buffers, and that cleans up
/// only when it is told to.
pub(crate) async fn with_tables(bin: &Path) -> Cluster {
    let cluster = Cluster::start(bin, TRUST, "-c autovacuum=off");
    create_tables(&cluster.server).await;
    cluster
}

pub(crate) async fn create_tables(server: &Server) {
    let sql = format!(
        "DO $$ BEGIN FOR n IN 1..{TABLES} LOOP
           EXECUTE format('CREATE TABLE public.t%s (id int PRIMARY KEY, name text DEFAULT ''x'')', n);
         END LOOP; END $$"
    );
    let admin = server.client("postgres").await;
    admin.batch_execute(&sql).await.unwrap();
}

pub(crate) fn config(port: u16) -> Value {
    json!({"host": "127.0.0.1", "port": port, "database": "postgres", "sslmode": "disable"})
}

/// A run that goes on when it is told to, with little read ahead.
pub(crate) struct Held {
    events: Box<dyn Stream<Item = SyncEvent> + Unpin + Send>,
    collected: Collected,
}

impl Held {
    fn start(config: Value, attempts: u32) -> Self {
        let opened = open(config, json!({"username": "postgres", "password": "pw"})).unwrap();
        let mut options = Options::default();
        options.scope = opened.scope;
        options.buffer = 1;
        options.attempts = attempts;
        options.backoff = Duration::from_millis(100);
        Self {
            events: Box::new(headwater_core::sync(opened.connector, options)),
            collected: Collected::default(),
        }
    }

    pub(crate) async fn at_the_first_asset(config: Value, attempts: u32) -> Self {
        let mut held = Self::start(config, attempts);
        while held.collected.assets.is_empty() {
            let event = held.events.next().await.expect("an asset");
            held.collected.take(event);
        }
        held
    }

    /// Takes what was sent on the way, until the attempt ends.
    pub(crate) async fn end_of_attempt(&mut self) {
        let attempts = self.collected.ended.len();
        while self.collected.ended.len() == attempts {
            let event = self.events.next().await.expect("the end of the attempt");
            self.collected.take(event);
        }
    }

    pub(crate) async fn rest(mut self) -> Collected {
        while let Some(event) = self.events.next().await {
            self.collected.take(event);
        }
        self.collected
    }
}

/// What the first attempt failed with. It must be tried again.
pub(crate) fn first_failure(run: &Collected) -> &Error {
    let first = run.ended.first().expect("an attempt");
    let error = first.result.as_ref().expect_err("a failed attempt");
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    error
}

/// Reads a server with tables, and cuts the connection of the split, which is the second: one discovers
/// before it.
pub(crate) async fn cut_after(backend: u16, after: usize, change: Value) {
    let cut = Cut { connection: 2, after };
    let mut through = config(proxy::start(backend, cut).await);
    for (key, value) in change.as_object().unwrap() {
        through[key] = value.clone();
    }
    let run = Held::start(through, 3).rest().await;
    first_failure(&run);
    assert!(run.ended[0].retry_in.is_some(), "after {after}");
    assert!(run.ended[1].result.is_ok(), "after {after}: {:?}", run.ended);
    assert_complete(&run);
    assert_eq!(run.assets.len(), TABLES);
}

#[tokio::test]
async fn a_connection_cut_in_mid_stream_is_tried_again() {
    for bin in bins() {
        let cluster = with_tables(&bin).await;
        for after in [0, 300, 4000, 40_000] {
            cut_after(cluster.server.port, after, json!({})).await;
        }
    }
}

#[tokio::test]
async fn a_cut_connection_never_closes_a_namespace_as_complete() {
    for bin in bins() {
        let cluster = with_tables(&bin).await;
        let cut = Cut {
            connection: 2,
            after: 20_000,
        };
        let mut run = Held::start(config(proxy::start(cluster.server.port, cut).await), 1);
        while let Some(event) = run.events.next().await {
            if let SyncEvent::Item {
                item: Item::Closed(path, listing),
                ..
            } = &event
            {
                assert!(!listing.is_complete(), "{path}");
            }
            run.collected.take(event);
        }
        let run = run.collected;
        first_failure(&run);
        assert!(!run.closed.is_empty(), "nothing was closed");
        assert!(
            run.assets.len() < TABLES && !run.is_complete(),
            "{:?}",
            run.closed
        );
    }
}

#[tokio::test]
async fn a_server_that_crashes_in_mid_sync_is_read_to_its_end_when_it_is_back() {
    for bin in bins() {
        let cluster = with_tables(&bin).await;
        let mut run = Held::at_the_first_asset(config(cluster.server.port), 20).await;
        cluster.crash();
        run.end_of_attempt().await;
        let lost = run
            .collected
            .closed
            .values()
            .filter(|listing| !listing.is_complete());
        assert_eq!(lost.count(), 1, "{:?}", run.collected.closed);
        cluster.resume();
        let run = run.rest().await;
        first_failure(&run);
        assert_complete(&run);
        assert_eq!(run.assets.len(), TABLES);
    }
}
