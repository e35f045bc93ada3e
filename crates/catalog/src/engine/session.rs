//! Takes the events of one run: remembers what the attempts claim, writes what they read.

use super::heartbeat::Stop;
use crate::{
    Outcome, Result, RunError, SplitEnd, SplitState, Store, Trigger,
    reconcile::{Batch, Digest, Edges, Target, digest_path},
};
use futures_util::{Stream, StreamExt};
use headwater_core::{Discovery, Error, Item, Listing, Path, Scope, Split, SyncEvent, Warning};
use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};
use tokio::time::{Instant, timeout_at};

/// How long something that was read waits for a batch to fill: a slow source shows progress, too.
const PATIENCE: Duration = Duration::from_secs(2);

/// What the newest attempt at a split claims. Sixteen bytes for each asset.
#[derive(Debug, Default)]
struct Attempt {
    seen: HashSet<Digest>,
    closed: Vec<(Path, Listing)>,
}

/// One run on its way.
pub(super) struct Session<'a> {
    store: &'a Store,
    target: &'a Target,
    scope: &'a Scope,
    discovery: Option<Discovery>,
    ordinals: HashMap<String, i64>,
    attempts: HashMap<String, Attempt>,
    batch: Batch,
    orphans: Vec<Edges>,
    write_at: Instant,
}

/// How the events of a run ended.
#[derive(Debug)]
pub(super) enum Ending {
    /// All splits have ended.
    Read(Discovery),
    /// The run fails.
    Failed(Outcome),
    /// The worker was told to stop.
    Stopped,
}

impl<'a> Session<'a> {
    /// A session that begins, or goes on where an earlier worker has left off.
    pub(super) fn new(
        store: &'a Store,
        target: &'a Target,
        scope: &'a Scope,
        resumed: Option<(Discovery, HashMap<String, i64>)>,
    ) -> Self {
        let (discovery, ordinals) = resumed.unzip();
        Self {
            store,
            target,
            scope,
            discovery,
            ordinals: ordinals.unwrap_or_default(),
            attempts: HashMap::new(),
            batch: Batch::default(),
            orphans: Vec::new(),
            write_at: Instant::now() + PATIENCE,
        }
    }

    /// Takes events until there are no more, or until told to stop.
    pub(super) async fn take_all(
        mut self,
        events: &mut (impl Stream<Item = SyncEvent> + Unpin),
        stop: &Stop,
    ) -> Result<Ending> {
        loop {
            let next = tokio::select! {
                biased;
                () = stop.signal().cancelled() => return Ok(Ending::Stopped),
                next = timeout_at(self.write_at, events.next()) => next,
            };
            match next {
                Err(_elapsed) => self.write().await?,
                Ok(None) => break,
                Ok(Some(event)) => {
                    if let Some(failed) = self.take(event, stop).await? {
                        return Ok(Ending::Failed(failed));
                    }
                }
            }
        }
        self.write().await?;
        Ok(match self.discovery {
            Some(discovery) => Ending::Read(discovery),
            None => Ending::Stopped,
        })
    }

    /// Takes one event. Returns how the run fails, where it does.
    async fn take(&mut self, event: SyncEvent, stop: &Stop) -> Result<Option<Outcome>> {
        match event {
            SyncEvent::Discovered(discovery) => return self.discovered(discovery).await,
            SyncEvent::Failed(error) if stop.why().is_none() => return Ok(Some(failed(&error))),
            SyncEvent::Started { split, .. } => self.begin(&split),
            SyncEvent::Item { split, item } => self.item(&split, item).await?,
            SyncEvent::Ended {
                split,
                result,
                retry_in: None,
                ..
            } if stop.why().is_none() => self.conclude(&split, result).await?,
            _ => {}
        }
        Ok(None)
    }

    async fn discovered(&mut self, discovery: Discovery) -> Result<Option<Outcome>> {
        let connector = &self.target.claim.connector;
        if let (Some(before), Some(now)) = (&connector.source_identity, &discovery.identity)
            && before != now
            && !self.target.claim.request.accept_source
        {
            let accept = match self.target.claim.run.trigger {
                Trigger::Upload => "upload with ?accept_source=true",
                Trigger::Api | Trigger::Schedule => "sync with {\"accept_source\": true}",
            };
            let detail = format!(
                "this is another source than before ({now}, before: {before}); if that is meant, {accept}"
            );
            return Ok(Some(Outcome::failed("source_changed", detail)));
        }
        self.store.begin_reading(self.target, &discovery).await?;
        let ids = discovery.splits.iter().map(|split| split.id.clone());
        self.ordinals = ids.zip(0..).collect();
        let skipped = discovery.skipped().map(Item::Warning);
        skipped.for_each(|warning| self.batch.push(warning));
        self.discovery = Some(discovery);
        Ok(None)
    }

    /// A new attempt voids what the one before it claimed.
    fn begin(&mut self, split: &Split) {
        self.attempts.insert(split.id.clone(), Attempt::default());
        self.orphans.retain(|(owner, _)| !holds(split, owner));
    }

    async fn item(&mut self, split: &Split, item: Item) -> Result<()> {
        let attempt = self.attempts.entry(split.id.clone()).or_default();
        let key = match &item {
            Item::Asset(asset) => Some(&asset.key),
            Item::Unchanged(key) => Some(key),
            _ => None,
        };
        if let Some(key) = key
            && !attempt.seen.insert(digest_path(key))
        {
            let detail = "the source reported this object more than once; the last report counts";
            self.batch.push(warning("duplicate_key", detail, key));
        }
        if let Item::Closed(namespace, listing) = &item {
            attempt.closed.retain(|(closed, _)| closed != namespace);
            attempt.closed.push((namespace.clone(), listing.clone()));
        }
        self.batch.push(item);
        if self.batch.is_full() {
            self.write().await?;
        }
        Ok(())
    }

    /// Ends a split. What a failed one closed counts for nothing.
    async fn conclude(&mut self, split: &Split, result: Result<(), Error>) -> Result<()> {
        for edges in std::mem::take(&mut self.orphans) {
            self.batch.push_edges(edges);
        }
        self.write().await?;
        self.drop_orphans(split);
        let attempt = self.attempts.remove(&split.id).unwrap_or_default();
        let Some(ordinal) = self.ordinals.get(&split.id) else {
            tracing::warn!(split = split.id, "a split ended that was never discovered");
            return Ok(());
        };
        let seen = attempt.seen.len() as u64;
        let end = match result {
            Ok(()) => SplitEnd {
                state: SplitState::Done,
                closed: attempt.closed,
                seen,
                error: None,
            },
            Err(error) => {
                tracing::warn!(split = split.id, error = ?error, "split failed");
                SplitEnd {
                    state: SplitState::Failed,
                    closed: Vec::new(),
                    seen,
                    error: Some(run_error(&error)),
                }
            }
        };
        self.store
            .conclude_split(self.target, *ordinal, &end, &attempt.seen, self.scope)
            .await
    }

    /// Gives up edges whose owner never came.
    fn drop_orphans(&mut self, split: &Split) {
        let (dropped, kept) = std::mem::take(&mut self.orphans)
            .into_iter()
            .partition(|(owner, _)| holds(split, owner));
        self.orphans = kept;
        let dropped: Vec<Edges> = dropped;
        for (owner, _) in dropped {
            let detail = "lineage was reported for an object that was not";
            self.batch.push(warning("lineage_without_owner", detail, &owner));
        }
    }

    async fn write(&mut self) -> Result<()> {
        self.write_at = Instant::now() + PATIENCE;
        let batch = std::mem::take(&mut self.batch);
        if !batch.is_empty() {
            self.orphans.extend(self.store.commit(self.target, batch).await?);
        }
        Ok(())
    }
}

fn warning(code: &str, detail: &str, path: &Path) -> Item {
    Item::Warning(Warning {
        code: code.to_owned(),
        detail: detail.to_owned(),
        path: Some(path.clone()),
    })
}

fn holds(split: &Split, owner: &Path) -> bool {
    split
        .namespaces
        .iter()
        .any(|namespace| namespace.is_parent_of(owner))
}

/// A run that fails with an error of the contract.
pub(super) fn failed(error: &Error) -> Outcome {
    Outcome::failed(error.code(), error.to_string())
}

fn run_error(error: &Error) -> RunError {
    RunError {
        code: error.code().to_owned(),
        detail: error.to_string(),
    }
}
