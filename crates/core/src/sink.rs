//! Where a connector puts what it reads.

use crate::{
    Cx, Error, ErrorKind, Listing, Path, Result, Scope, Split,
    model::{Asset, LineageEdge, Name, Namespace, Version},
};
use async_trait::async_trait;
use std::{
    collections::HashSet,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::Instant,
};

/// One thing that a connector read, as it reaches the host.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// A container.
    Namespace(Box<Namespace>),
    /// An asset.
    Asset(Box<Asset>),
    /// An asset whose fields and edges are as they were.
    Unchanged(Path),
    /// All edges that `owner` owns, in place of those known.
    Lineage {
        /// The asset that the edges are known from.
        owner: Path,
        /// Each other end.
        edges: Vec<LineageEdge>,
    },
    /// Something that a person should know.
    Warning(Warning),
    /// What the attempt cost at the source since it last said so.
    Cost(Cost),
    /// How far the assets of a namespace were listed.
    Closed(Path, Listing),
}

/// Something that went wrong or was left out without ending the split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Stable, snake_case: `definition_unread`.
    pub code: String,
    /// For people; no secrets.
    pub detail: String,
    /// What it is about.
    pub path: Option<Path>,
}

/// What reading cost at the source. Each field adds up over a run.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Cost {
    /// Requests sent.
    pub requests: u64,
    /// Statements run.
    pub statements: u64,
    /// Bytes that the source bills.
    pub bytes_billed: u64,
    /// Seconds that the source worked.
    pub source_seconds: f64,
}

impl std::ops::AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        self.requests += other.requests;
        self.statements += other.statements;
        self.bytes_billed += other.bytes_billed;
        self.source_seconds += other.source_seconds;
    }
}

/// What the host knows already of a source's assets. A host without a catalog lends `()`.
#[async_trait]
pub trait Baseline: fmt::Debug + Send + Sync {
    /// The stored version of each key that still vouches for its fields.
    ///
    /// # Errors
    /// When the host's store cannot be read.
    async fn versions(&self, keys: &[Path]) -> Result<Vec<Option<Version>>>;
}

#[async_trait]
impl Baseline for () {
    async fn versions(&self, keys: &[Path]) -> Result<Vec<Option<Version>>> {
        Ok(vec![None; keys.len()])
    }
}

/// A message on its way to the host, holding its share of the channel's room.
#[derive(Debug)]
pub(crate) struct Parcel {
    pub(crate) event: crate::SyncEvent,
    pub(crate) _room: Option<OwnedSemaphorePermit>,
}

/// The way to the host, bounded by count and by weight.
#[derive(Debug, Clone)]
pub(crate) struct Outbox {
    tx: mpsc::Sender<Parcel>,
    room: Arc<Semaphore>,
    capacity: u32,
}

impl Outbox {
    const UNIT: usize = 1024;

    /// A channel of at most `count` messages that weigh at most `weight` bytes together.
    pub(crate) fn new(count: usize, weight: usize) -> (Self, mpsc::Receiver<Parcel>) {
        let (tx, rx) = mpsc::channel(count.max(1));
        let capacity = u32::try_from(weight / Self::UNIT)
            .unwrap_or(u32::MAX)
            .clamp(1, 1 << 20);
        (
            Self {
                tx,
                room: Arc::new(Semaphore::new(capacity as usize)),
                capacity,
            },
            rx,
        )
    }

    /// Waits for room, then sends. An event heavier than the whole channel waits for it to be empty.
    pub(crate) async fn send(&self, event: crate::SyncEvent, weight: usize) -> Result<()> {
        let units = u32::try_from(weight / Self::UNIT)
            .unwrap_or(u32::MAX)
            .min(self.capacity);
        let room = match units {
            0 => None,
            _ => Some(
                self.room
                    .clone()
                    .acquire_many_owned(units)
                    .await
                    .map_err(|_closed| gone())?,
            ),
        };
        self.tx
            .send(Parcel { event, _room: room })
            .await
            .map_err(|_closed| gone())
    }

    /// Whether the consumer is the one that is waited for.
    pub(crate) fn is_full(&self) -> bool {
        self.tx.capacity() == 0 || self.room.available_permits() == 0
    }
}

/// When an attempt last gave a sign of life.
#[derive(Debug)]
pub(crate) struct Pulse {
    begin: Instant,
    /// Nanoseconds after the beginning.
    last: AtomicU64,
}

impl Pulse {
    /// Begins now.
    pub(crate) fn new() -> Self {
        Self {
            begin: Instant::now(),
            last: AtomicU64::new(0),
        }
    }

    pub(crate) fn beat(&self) {
        let after = u64::try_from(self.begin.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.last.store(after, Ordering::Relaxed);
    }

    /// The time of the last beat, else the beginning.
    pub(crate) fn last(&self) -> Instant {
        self.begin + Duration::from_nanos(self.last.load(Ordering::Relaxed))
    }
}

fn gone() -> Error {
    Error::new(ErrorKind::Stopped, "the receiver of the run is gone")
}

/// Takes what one attempt at a split reads. By shared reference: many futures of a split may use it at once.
///
/// # Contract
/// - Each call waits while the consumer is slow: that is the back-pressure. Hold one page, not a warehouse.
/// - An error of the sink ends the split: return it unchanged and at once.
/// - What is out of scope is dropped here; a connector need not filter, and may, to read less.
/// - An item outside the split's namespaces is a connector's bug and an error.
#[derive(Debug)]
pub struct SplitSink {
    split: Arc<Split>,
    /// The split's namespaces.
    namespaces: HashSet<Arc<[Name]>>,
    scope: Arc<Scope>,
    baseline: Arc<dyn Baseline>,
    cx: Cx,
    outbox: Outbox,
    pulse: Arc<Pulse>,
}

impl SplitSink {
    pub(crate) fn new(
        split: Arc<Split>,
        scope: Arc<Scope>,
        baseline: Arc<dyn Baseline>,
        cx: Cx,
        outbox: Outbox,
        pulse: Arc<Pulse>,
    ) -> Self {
        Self {
            namespaces: split.namespaces.iter().map(Path::shared).collect(),
            split,
            scope,
            baseline,
            cx,
            outbox,
            pulse,
        }
    }

    /// The run's context: stop signal and inputs.
    pub fn cx(&self) -> &Cx {
        &self.cx
    }

    /// Reports a container: one of the split's namespaces, or one around them.
    ///
    /// # Errors
    /// `Stopped`, or `Unexpected` for a path outside the split.
    pub async fn namespace(&self, namespace: Namespace) -> Result<()> {
        if !self.scope.admits_namespace(&namespace.path) {
            return Ok(());
        }
        if !self
            .split
            .namespaces
            .iter()
            .any(|own| namespace.path.contains(own))
        {
            return Err(self.outside(&namespace.path));
        }
        self.send(Item::Namespace(Box::new(namespace)), 0).await
    }

    /// Reports an asset.
    ///
    /// # Errors
    /// `Stopped`, or `Unexpected` for a key outside the split.
    pub async fn asset(&self, asset: Asset) -> Result<()> {
        if !self.admits(&asset.key)? {
            return Ok(());
        }
        let weight = asset.weight();
        self.send(Item::Asset(Box::new(asset)), weight).await
    }

    /// Reports an asset as unchanged since the version that [`versions`](Self::versions) returned: it is
    /// there, and its fields and edges are as they were.
    ///
    /// # Errors
    /// `Stopped`, or `Unexpected` for a key outside the split.
    pub async fn unchanged(&self, key: Path) -> Result<()> {
        if !self.admits(&key)? {
            return Ok(());
        }
        self.send(Item::Unchanged(key), 0).await
    }

    /// Reports all edges that `owner` owns, whichever way the data flows, in place of those known. Not called
    /// for an asset, its edges stay. Edges between it and others that those own are theirs to report.
    ///
    /// # Errors
    /// `Stopped`, or `Unexpected` for an owner outside the split.
    pub async fn lineage(&self, owner: Path, edges: Vec<LineageEdge>) -> Result<()> {
        if !self.admits(&owner)? {
            return Ok(());
        }
        let weight = edges.iter().map(|edge| 160 + edge.field_pairs.len() * 128).sum();
        self.send(Item::Lineage { owner, edges }, weight).await
    }

    /// Tells something that a person should know.
    ///
    /// # Errors
    /// `Stopped`.
    pub async fn warn(
        &self,
        code: impl Into<String> + Send,
        detail: impl Into<String> + Send,
        path: Option<Path>,
    ) -> Result<()> {
        let warning = Warning {
            code: code.into(),
            detail: detail.into(),
            path,
        };
        self.send(Item::Warning(warning), 0).await
    }

    /// Tells what reading has cost since the last call.
    ///
    /// # Errors
    /// `Stopped`.
    pub async fn cost(&self, cost: Cost) -> Result<()> {
        self.send(Item::Cost(cost), 0).await
    }

    /// Says how far the assets of a namespace were listed. Complete means: everything in scope that this
    /// principal may see was reported in this attempt, and what was not is gone. What stands in a split is
    /// not skipped: here that is Partial.
    ///
    /// # Errors
    /// `Stopped`, or `Unexpected` for a namespace of another split.
    pub async fn close(&self, namespace: &Path, listing: Listing) -> Result<()> {
        if !self.scope.admits_namespace(namespace) {
            return Ok(());
        }
        if !self.namespaces.contains(namespace.segments()) {
            return Err(self.outside(namespace));
        }
        let listing = match listing {
            Listing::Skipped(reason) => Listing::Partial(vec![reason]),
            listing => listing,
        };
        self.send(Item::Closed(namespace.clone(), listing), 0).await
    }

    /// The stored versions of a page of keys: those whose marker is the same may be reported `unchanged`.
    ///
    /// # Errors
    /// `Stopped`, or the host's.
    pub async fn versions(&self, keys: &[Path]) -> Result<Vec<Option<Version>>> {
        self.cx.or_stop(self.baseline.versions(keys)).await
    }

    /// Says that the source is alive although no item has come of it yet: a page arrived, a job is still
    /// running. Without items or beats for the host's `idle` time an attempt counts as hung.
    pub fn beat(&self) {
        self.pulse.beat();
    }

    /// Scope comes first: the driver takes namespaces that are out of scope out of the split.
    fn admits(&self, key: &Path) -> Result<bool> {
        if !self.scope.admits(key) {
            return Ok(false);
        }
        if key.container().is_some_and(|own| self.namespaces.contains(own)) {
            Ok(true)
        } else {
            Err(self.outside(key))
        }
    }

    fn outside(&self, path: &Path) -> Error {
        Error::new(
            ErrorKind::Unexpected,
            "connector reported an object outside its split",
        )
        .with_context("path", path)
        .with_context("split", &self.split.id)
    }

    async fn send(&self, item: Item, weight: usize) -> Result<()> {
        self.beat();
        let event = crate::SyncEvent::Item {
            split: self.split.clone(),
            item,
        };
        self.cx.or_stop(self.outbox.send(event, weight)).await?;
        // The wait for the consumer is no silence of the source: it is counted from here.
        self.beat();
        Ok(())
    }
}
