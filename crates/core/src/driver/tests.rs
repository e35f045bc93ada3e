mod endings;

use super::*;
use crate::{
    CheckReport, Container, Filters, Item, Listing, Path, Visibility,
    model::{Asset, AssetKind, Definition, Namespace},
};
use async_trait::async_trait;
use futures_util::{StreamExt, future::BoxFuture};
use serde_json::Value;
use std::{
    fmt,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
};
use tokio::time::Instant;

type Script = dyn for<'a> Fn(&'a Split, &'a SplitSink, u32) -> BoxFuture<'a, Result<()>> + Send + Sync;

/// A connector that discovers what it is given and reads each split by a closure, which also gets the
/// number of the call, from 1.
struct Scripted {
    /// What the discoveries to come answer; the last one answers again.
    discoveries: Mutex<Vec<Result<Discovery>>>,
    calls: Mutex<u32>,
    script: Box<Script>,
}

impl fmt::Debug for Scripted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scripted")
    }
}

#[async_trait]
impl SourceConnector for Scripted {
    async fn check(&self, _: &Cx) -> Result<CheckReport> {
        Ok(CheckReport::default())
    }

    async fn discover(&self, _: &Scope, _: &Cx) -> Result<Discovery> {
        let mut answers = self.discoveries.lock().unwrap();
        match answers.len() {
            1 => answers[0].clone(),
            _ => answers.remove(0),
        }
    }

    async fn sync(&self, split: &Split, out: &SplitSink) -> Result<()> {
        let call = {
            let mut calls = self.calls.lock().unwrap();
            *calls += 1;
            *calls
        };
        (self.script)(split, out, call).await
    }
}

fn schema(name: &str) -> Path {
    Path::new(["db", name])
}

fn table(namespace: &Path, name: &str) -> Asset {
    Asset::new(namespace.child(name), AssetKind::TABLE)
}

fn split(name: &str) -> Split {
    Split {
        id: name.into(),
        namespaces: vec![schema(name)],
        payload: Value::Null,
    }
}

/// A discovery with one split for each schema.
fn discovery(schemas: &[&str]) -> Discovery {
    let container = |path: Path| Container {
        path,
        children: Listing::Complete,
        visibility: Visibility::Everyone,
    };
    Discovery {
        identity: None,
        containers: schemas.iter().map(|name| container(schema(name))).collect(),
        splits: schemas.iter().map(|name| split(name)).collect(),
        max_parallel: None,
    }
}

fn scripted(
    discovery: Result<Discovery>,
    script: impl for<'a> Fn(&'a Split, &'a SplitSink, u32) -> BoxFuture<'a, Result<()>> + Send + Sync + 'static,
) -> Arc<Scripted> {
    Arc::new(Scripted {
        discoveries: Mutex::new(vec![discovery]),
        calls: Mutex::new(0),
        script: Box::new(script),
    })
}

/// A connector with one split.
fn one_split(
    script: impl for<'a> Fn(&'a Split, &'a SplitSink, u32) -> BoxFuture<'a, Result<()>> + Send + Sync + 'static,
) -> Arc<Scripted> {
    scripted(Ok(discovery(&["a"])), script)
}

async fn events(connector: Arc<Scripted>, options: Options) -> Vec<SyncEvent> {
    sync(connector, options).collect().await
}

type Ending<'a> = (u32, &'a Result<()>, Option<Duration>);

fn endings(events: &[SyncEvent]) -> Vec<Ending<'_>> {
    let mut endings = Vec::new();
    for event in events {
        if let SyncEvent::Ended {
            attempt,
            result,
            retry_in,
            ..
        } = event
        {
            endings.push((*attempt, result, *retry_in));
        }
    }
    endings
}

/// The only ending's error.
fn error(events: &[SyncEvent]) -> &Error {
    let endings = endings(events);
    assert_eq!(endings.len(), 1, "{events:?}");
    endings[0].1.as_ref().unwrap_err()
}

fn items(events: &[SyncEvent]) -> Vec<&Item> {
    let mut items = Vec::new();
    for event in events {
        if let SyncEvent::Item { item, .. } = event {
            items.push(item);
        }
    }
    items
}

fn unavailable() -> Error {
    Error::new(ErrorKind::Unavailable, "connection reset")
}

#[tokio::test(start_paused = true)]
async fn a_split_is_tried_again_after_what_the_source_asked_or_a_backoff_that_doubles() {
    let connector =
        one_split(|_, _, call| {
            Box::pin(async move {
                match call {
                    1 | 2 => Err(unavailable()),
                    3 => Err(Error::new(ErrorKind::RateLimited, "slow down")
                        .with_retry_after(Duration::from_secs(7))),
                    _ => Ok(()),
                }
            })
        });
    let options = Options {
        attempts: 5,
        ..Options::default()
    };
    let begin = Instant::now();
    let events = events(connector, options).await;
    let waits: Vec<_> = endings(&events)
        .iter()
        .map(|(attempt, _, wait)| (*attempt, *wait))
        .collect();
    let after = |millis| Some(Duration::from_millis(millis));
    assert_eq!(
        waits,
        [(1, after(500)), (2, after(1000)), (3, after(7000)), (4, None)]
    );
    assert_eq!(begin.elapsed(), Duration::from_millis(8500));
    let started = events
        .iter()
        .filter(|event| matches!(event, SyncEvent::Started { .. }));
    assert_eq!(started.count(), 4);
}

#[tokio::test(start_paused = true)]
async fn attempts_end_and_the_last_says_that_none_follows() {
    let connector = one_split(|_, _, _| Box::pin(async { Err(unavailable()) }));
    let events = events(connector, Options::default()).await;
    let endings = endings(&events);
    assert_eq!(endings.len(), 3);
    assert!(endings.iter().all(|(_, result, _)| result.is_err()));
    assert_eq!(endings[2].2, None);
}

#[tokio::test]
async fn what_will_not_pass_by_itself_is_not_tried_again() {
    let denied = || Error::new(ErrorKind::PermissionDenied, "no");
    let connector = one_split(move |_, _, _| Box::pin(async move { Err(denied()) }));
    let events = events(connector, Options::default()).await;
    assert_eq!(error(&events).kind(), ErrorKind::PermissionDenied);
}

#[tokio::test]
async fn a_panic_fails_its_split_without_showing_its_text() {
    let connector = scripted(Ok(discovery(&["a", "b"])), |split, _, _| {
        Box::pin(async move {
            assert!(split.id != "a", "hunter2");
            Ok(())
        })
    });
    let events = events(connector, Options::default()).await;
    let failed: Vec<&Error> = endings(&events)
        .iter()
        .filter_map(|(_, result, _)| result.as_ref().err())
        .collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0].kind(), ErrorKind::Unexpected);
    assert!(!format!("{failed:?}").contains("hunter2"));
    assert_eq!(endings(&events).len(), 2, "the other split is read");
}

#[tokio::test]
async fn a_failed_discovery_is_the_only_event() {
    let denied = Error::new(ErrorKind::Unauthenticated, "refused");
    let connector = scripted(Err(denied), |_, _, _| Box::pin(async { Ok(()) }));
    let events = events(connector, Options::default()).await;
    assert!(matches!(&events[..], [SyncEvent::Failed(error)] if error.kind() == ErrorKind::Unauthenticated));
}

#[tokio::test(start_paused = true)]
async fn a_discovery_that_breaks_off_is_tried_again() {
    let connector = scripted(Err(unavailable()), |_, _, _| Box::pin(async { Ok(()) }));
    connector.discoveries.lock().unwrap().push(Ok(discovery(&["a"])));
    let events = events(connector, Options::default()).await;
    assert!(matches!(&events[0], SyncEvent::Discovered(_)), "{events:?}");
    assert_eq!(endings(&events).len(), 1);

    let connector = scripted(Err(unavailable()), |_, _, _| Box::pin(async { Ok(()) }));
    let start = Instant::now();
    let events = self::events(connector, Options::default()).await;
    assert!(matches!(&events[..], [SyncEvent::Failed(_)]), "{events:?}");
    assert_eq!(
        start.elapsed(),
        Options::default().backoff * 3,
        "three attempts, two waits"
    );
}

#[tokio::test]
async fn what_is_out_of_scope_is_dropped_wherever_it_comes_from() {
    let connector = scripted(
        Ok(Discovery {
            splits: vec![
                Split {
                    namespaces: vec![schema("a"), schema("b")],
                    ..split("both")
                },
                split("c"),
            ],
            ..discovery(&["a", "b", "c"])
        }),
        |_, out, _| {
            Box::pin(async move {
                // It reads by its own payload and filters nothing.
                for name in ["a", "b"] {
                    out.namespace(Namespace::new(schema(name), "schema")).await?;
                    out.asset(table(&schema(name), "kept")).await?;
                    out.asset(table(&schema(name), "tmp_1")).await?;
                    out.lineage(schema(name).child("tmp_1"), vec![]).await?;
                    out.unchanged(schema(name).child("tmp_1")).await?;
                    out.close(&schema(name), Listing::Complete).await?;
                }
                Ok(())
            })
        },
    );
    let filters = Filters {
        include_schemas: vec!["a".into()],
        exclude_tables: vec!["tmp_.*".into()],
        ..Filters::default()
    };
    let options = Options {
        scope: Scope::new(&filters, crate::Case::Sensitive).unwrap(),
        ..Options::default()
    };
    let events = events(connector, options).await;
    let SyncEvent::Discovered(discovery) = &events[0] else {
        panic!("{events:?}")
    };
    assert_eq!(discovery.containers.len(), 1);
    assert_eq!(discovery.splits.len(), 1);
    assert_eq!(discovery.splits[0].namespaces, [schema("a")]);
    let kept = [
        Item::Namespace(Box::new(Namespace::new(schema("a"), "schema"))),
        Item::Asset(Box::new(table(&schema("a"), "kept"))),
        Item::Closed(schema("a"), Listing::Complete),
    ];
    assert_eq!(items(&events), kept.iter().collect::<Vec<_>>());
    assert!(endings(&events)[0].1.is_ok(), "{events:?}");
}

#[tokio::test]
async fn an_object_of_another_split_is_an_error() {
    for what in ["asset", "deeper", "namespace", "close", "lineage", "unchanged"] {
        let connector = one_split(move |_, out, _| {
            let other = schema("b");
            Box::pin(async move {
                match what {
                    "asset" => out.asset(table(&other, "t")).await,
                    "deeper" => out.asset(table(&schema("a").child("x"), "t")).await,
                    "namespace" => out.namespace(Namespace::new(other, "schema")).await,
                    "close" => out.close(&other, Listing::Complete).await,
                    "lineage" => out.lineage(other.child("t"), vec![]).await,
                    _ => out.unchanged(other.child("t")).await,
                }
            })
        });
        let events = events(connector, Options::default()).await;
        assert_eq!(error(&events).kind(), ErrorKind::Unexpected, "{what}");
        assert!(
            error(&events).to_string().contains("[split=a]"),
            "{what}: {events:?}"
        );
        assert!(items(&events).is_empty(), "{what}");
    }
}

/// How many assets of this weight a connector can send while nobody consumes.
async fn sent_unread(weight: usize, options: Options) -> usize {
    let sent = Arc::new(AtomicUsize::new(0));
    let connector = one_split({
        let sent = sent.clone();
        move |split, out, _| {
            let sent = sent.clone();
            Box::pin(async move {
                loop {
                    let mut asset = table(&split.namespaces[0], "t");
                    asset.definition = Some(Definition::sql("x".repeat(weight - asset.weight()))).into();
                    out.asset(asset).await?;
                    sent.fetch_add(1, SeqCst);
                }
            })
        }
    });
    let mut stream = sync(connector, options);
    while !matches!(stream.next().await, Some(SyncEvent::Started { .. })) {}
    sleep(Duration::from_secs(60)).await;
    sent.load(SeqCst)
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_the_consumer_is_bounded_by_weight_and_by_count() {
    let options = Options {
        buffer: 1000,
        buffer_bytes: 64 << 10,
        ..Options::default()
    };
    assert_eq!(sent_unread(16 << 10, options.clone()).await, 4);
    assert_eq!(sent_unread(48 << 10, options.clone()).await, 1);
    assert_eq!(
        sent_unread(10 << 20, options.clone()).await,
        1,
        "heavier than the channel, and yet sent"
    );
    let few = Options { buffer: 7, ..options };
    assert_eq!(sent_unread(1000, few).await, 7);
}

#[tokio::test]
async fn resuming_runs_the_given_splits_and_discovers_nothing() {
    let nothing = Error::new(ErrorKind::Unexpected, "discovered");
    let connector = scripted(Err(nothing), |split, out, _| {
        Box::pin(async move { out.close(&split.namespaces[0], Listing::Complete).await })
    });
    let options = Options {
        resume: Some(vec![split("b"), split("c")]),
        ..Options::default()
    };
    let events = events(connector, options).await;
    assert!(matches!(events[0], SyncEvent::Started { .. }), "{events:?}");
    let mut ran: Vec<&str> = events
        .iter()
        .filter_map(|event| match event {
            SyncEvent::Ended { split, .. } => Some(&*split.id),
            _ => None,
        })
        .collect();
    ran.sort_unstable();
    assert_eq!(ran, ["b", "c"]);
}

#[tokio::test(start_paused = true)]
async fn no_more_splits_run_at_once_than_source_and_host_bear() {
    for (source, host, most) in [(Some(2), 8, 2), (None, 3, 3), (Some(9), 2, 2), (Some(0), 8, 1)] {
        let (now, peak) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let found = Discovery {
            max_parallel: source,
            ..discovery(&["a", "b", "c", "d", "e", "f"])
        };
        let connector = scripted(Ok(found), {
            let peak = peak.clone();
            move |_, _, _| {
                let (now, peak) = (now.clone(), peak.clone());
                Box::pin(async move {
                    peak.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
                    sleep(Duration::from_secs(1)).await;
                    now.fetch_sub(1, SeqCst);
                    Ok(())
                })
            }
        });
        let options = Options {
            parallel: host,
            ..Options::default()
        };
        let events = events(connector, options).await;
        assert_eq!(endings(&events).len(), 6);
        assert_eq!(peak.load(SeqCst), most, "source {source:?}, host {host}");
    }
}
