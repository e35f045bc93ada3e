use futures_util::StreamExt;
use headwater_core::{
    Cost, Discovery, Error, Item, Listing, Options, Path, Result, SourceConnector, SyncEvent, Warning,
    model::{Asset, LineageEdge, Namespace},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

/// Everything that a run reported. Claims of an attempt that was repeated are voided, as a catalog does.
#[derive(Debug, Default)]
pub struct Collected {
    /// What was discovered; `None` when resuming, and when the run failed.
    pub discovery: Option<Discovery>,
    /// Each namespace that was described.
    pub namespaces: BTreeMap<Path, Namespace>,
    /// Each asset.
    pub assets: BTreeMap<Path, Asset>,
    /// Assets reported as unchanged.
    pub unchanged: BTreeSet<Path>,
    /// The edges into each asset of which they were read.
    pub lineage: BTreeMap<Path, Vec<LineageEdge>>,
    /// How far each namespace of each split was listed. One that was not closed, or whose split failed, is
    /// Partial.
    pub closed: BTreeMap<Path, Listing>,
    /// Warnings of all attempts.
    pub warnings: Vec<Warning>,
    /// What all attempts cost.
    pub cost: Cost,
    /// How each attempt ended.
    pub ended: Vec<Ended>,
    /// Assets that one attempt reported more than once.
    pub repeated: Vec<Path>,
    /// Why nothing was listed.
    pub failed: Option<Error>,
}

/// How an attempt at a split ended.
#[derive(Debug)]
pub struct Ended {
    /// The split's id.
    pub split: String,
    /// From 1.
    pub attempt: u32,
    /// How.
    pub result: Result<()>,
    /// Set when another attempt was to follow.
    pub retry_in: Option<Duration>,
}

/// Runs a connector to its end and collects what it reports.
pub async fn collect(connector: Arc<dyn SourceConnector>, options: Options) -> Collected {
    let mut collected = Collected::default();
    let mut events = headwater_core::sync(connector, options);
    while let Some(event) = events.next().await {
        collected.take(event);
    }
    collected
}

impl Collected {
    /// Whether everything in scope was listed to its end.
    pub fn is_complete(&self) -> bool {
        let containers = self.discovery.iter().flat_map(|discovery| &discovery.containers);
        self.failed.is_none()
            && containers
                .map(|container| &container.children)
                .all(|listing| !matches!(listing, Listing::Partial(_)))
            && self.closed.values().all(Listing::is_complete)
    }

    /// The paths of all assets, those reported as unchanged included.
    pub fn paths(&self) -> BTreeSet<Path> {
        self.assets.keys().chain(&self.unchanged).cloned().collect()
    }

    /// Takes one event.
    pub fn take(&mut self, event: SyncEvent) {
        match event {
            SyncEvent::Discovered(discovery) => {
                let namespaces = discovery.splits.iter().flat_map(|split| &split.namespaces);
                self.closed
                    .extend(namespaces.map(|path| (path.clone(), unclosed())));
                self.discovery = Some(discovery);
            }
            SyncEvent::Failed(error) => self.failed = Some(error),
            SyncEvent::Started { split, .. } => self.void(&split.namespaces),
            SyncEvent::Item { item, .. } => self.take_item(item),
            SyncEvent::Ended {
                split,
                attempt,
                result,
                retry_in,
            } => {
                if let Err(error) = &result {
                    let failed = split
                        .namespaces
                        .iter()
                        .map(|path| (path.clone(), Listing::failed(error)));
                    self.closed.extend(failed);
                }
                self.ended.push(Ended {
                    split: split.id.clone(),
                    attempt,
                    result,
                    retry_in,
                });
            }
            _ => {}
        }
    }

    fn take_item(&mut self, item: Item) {
        match item {
            Item::Namespace(namespace) => {
                self.namespaces.insert(namespace.path.clone(), *namespace);
            }
            Item::Asset(asset) => {
                let key = asset.key.clone();
                if self.assets.insert(key.clone(), *asset).is_some() {
                    self.repeated.push(key);
                }
            }
            Item::Unchanged(key) => {
                self.unchanged.insert(key);
            }
            Item::Lineage { owner, edges } => {
                self.lineage.insert(owner, edges);
            }
            Item::Warning(warning) => self.warnings.push(warning),
            Item::Cost(cost) => self.cost += cost,
            Item::Closed(path, listing) => {
                self.closed.insert(path, listing);
            }
        }
    }

    /// Forgets what an earlier attempt claimed of these namespaces.
    fn void(&mut self, namespaces: &[Path]) {
        let own = |key: &Path| namespaces.iter().any(|namespace| namespace.is_parent_of(key));
        self.assets.retain(|key, _| !own(key));
        self.unchanged.retain(|key| !own(key));
        self.lineage.retain(|key, _| !own(key));
        self.closed
            .extend(namespaces.iter().map(|path| (path.clone(), unclosed())));
    }
}

fn unclosed() -> Listing {
    Listing::partial("not_closed", "the connector did not say how far it listed this")
}
