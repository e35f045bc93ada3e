use super::{AT_ONCE, lacks, open, options};
use crate::Fixture;
use async_trait::async_trait;
use futures_util::{Stream, StreamExt};
use headwater_core::{
    CheckReport, Cx, Discovery, Error, Item, Options, Result, Scope, SourceConnector, Split, SplitSink,
    SyncEvent,
};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, timeout};

/// Enough assets in one split that the sink is full before the split ends.
const ENOUGH: usize = 4;

/// An error of the sink ends the split: it comes back unchanged and at once.
pub async fn sink_error<F: Fixture>(fixture: &F) {
    let opened = open("sink_error", fixture);
    let split = match opened.connector.discover(&opened.scope, &Cx::default()).await {
        Ok(discovery) => large_split(fixture, discovery),
        Err(error) => panic!("sink_error: discovery fails on a source that works: {error}"),
    };
    let (spy, returned) = Spy::on(opened.connector);
    let mut options = narrow(opened.scope);
    options.resume = Some(vec![split]);
    let stop = options.cx.stop().clone();
    let mut events = headwater_core::sync(spy, options);
    let is_asset = |event: &SyncEvent| {
        matches!(
            event,
            SyncEvent::Item {
                item: Item::Asset(_),
                ..
            }
        )
    };
    while let Some(event) = events.next().await {
        if is_asset(&event) {
            break;
        }
    }
    // The connector is at work on the next assets, for which there is no room.
    stop.cancel();
    let stopped = Instant::now();
    drain(&mut events).await;
    match returned.take() {
        None => panic!(
            "sink_error: sync did not return within {AT_ONCE:?} of the sink's error: return it at once, by `?`"
        ),
        Some((Ok(()), _)) => panic!("sink_error: the sink's error was swallowed: sync returned Ok"),
        Some((Err(error), at)) => {
            assert!(
                at.duration_since(stopped) < AT_ONCE,
                "sink_error: the sink's error came back only after {:?}",
                at.duration_since(stopped)
            );
            let same =
                error.kind() == Error::stopped().kind() && error.to_string() == Error::stopped().to_string();
            assert!(
                same,
                "sink_error: the sink's error was replaced by {}: {error}",
                error.kind()
            );
        }
    }
}

fn large_split<F: Fixture>(fixture: &F, discovery: Discovery) -> Split {
    let expected = fixture.expected();
    let assets = |split: &Split| {
        let own = |key: &&_| {
            split
                .namespaces
                .iter()
                .any(|namespace| namespace.is_parent_of(key))
        };
        expected.iter().filter(own).count()
    };
    match discovery.splits.into_iter().max_by_key(assets) {
        Some(split) if assets(&split) >= ENOUGH => split,
        _ => panic!("sink_error: the fixture needs a namespace with {ENOUGH} assets or more"),
    }
}

/// A run that is stopped ends at once, wherever the stop meets it.
pub async fn stop<F: Fixture>(fixture: &F) {
    for events_before in 0..8 {
        let opened = open("stop", fixture);
        let (spy, returned) = Spy::on(opened.connector);
        let options = narrow(opened.scope);
        let stop = options.cx.stop().clone();
        let mut events = headwater_core::sync(spy, options);
        for _ in 0..events_before {
            events.next().await;
        }
        stop.cancel();
        assert_ends("stop", &mut events, &returned).await;
    }
}

/// A run that is stopped while the source is silent ends at once.
pub async fn stop_while_stalled<F: Fixture>(fixture: &F) {
    if !fixture.stall().await {
        lacks("stop_while_stalled", "stall");
    }
    let opened = open("stop_while_stalled", fixture);
    let (spy, returned) = Spy::on(opened.connector);
    let options = options(opened.scope);
    let stop = options.cx.stop().clone();
    let mut events = headwater_core::sync(spy, options);
    let silence = Duration::from_millis(500);
    while let Ok(event) = timeout(silence, events.next()).await {
        assert!(
            event.is_some(),
            "stop_while_stalled: the run ended although Fixture::stall was to make it hang"
        );
    }
    stop.cancel();
    assert_ends("stop_while_stalled", &mut events, &returned).await;
}

async fn assert_ends(rule: &str, events: &mut (impl Stream<Item = SyncEvent> + Unpin), returned: &Returned) {
    let stopped = Instant::now();
    drain(events).await;
    assert!(
        stopped.elapsed() < AT_ONCE,
        "{rule}: the run went on for {:?} after the stop signal: await calls to the source with Cx::or_stop",
        stopped.elapsed()
    );
    assert!(
        !returned.was_dropped(),
        "{rule}: sync did not return after the stop signal and was dropped"
    );
}

async fn drain(events: &mut (impl Stream<Item = SyncEvent> + Unpin)) {
    while events.next().await.is_some() {}
}

/// Room for one event, so that the connector soon waits for the consumer.
fn narrow(scope: Scope) -> Options {
    let mut options = options(scope);
    options.buffer = 1;
    options.buffer_bytes = 1;
    options
}

/// Stands between the driver and a connector and notes what `sync` returns, which the driver would replace
/// by `Stopped`.
#[derive(Debug)]
struct Spy {
    inner: Arc<dyn SourceConnector>,
    returned: Returned,
}

#[derive(Debug, Clone, Default)]
struct Returned(Arc<Mutex<Notes>>);

#[derive(Debug, Default)]
struct Notes {
    begun: usize,
    ended: usize,
    last: Option<(Result<()>, Instant)>,
}

impl Returned {
    fn note(&self, change: impl FnOnce(&mut Notes)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn take(&self) -> Option<(Result<()>, Instant)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).last.take()
    }

    fn was_dropped(&self) -> bool {
        let notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        notes.ended < notes.begun
    }
}

impl Spy {
    fn on(inner: Arc<dyn SourceConnector>) -> (Arc<Self>, Returned) {
        let returned = Returned::default();
        let spy = Self {
            inner,
            returned: returned.clone(),
        };
        (Arc::new(spy), returned)
    }
}

#[async_trait]
impl SourceConnector for Spy {
    async fn check(&self, cx: &Cx) -> Result<CheckReport> {
        self.inner.check(cx).await
    }

    async fn discover(&self, scope: &Scope, cx: &Cx) -> Result<Discovery> {
        self.inner.discover(scope, cx).await
    }

    async fn sync(&self, split: &Split, out: &SplitSink) -> Result<()> {
        self.returned.note(|notes| notes.begun += 1);
        let result = self.inner.sync(split, out).await;
        self.returned.note(|notes| {
            notes.ended += 1;
            notes.last = Some((result.clone(), Instant::now()));
        });
        result
    }
}
