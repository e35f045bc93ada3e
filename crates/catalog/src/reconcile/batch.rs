//! What arrived and is not written yet.

use super::{
    doc::Doc,
    hash::{Digest, digest, digest_edges},
    target::Target,
};
use crate::path;
use headwater_core::{
    Cost, Facet, Item, Path, Warning,
    model::{Asset, LineageEdge, Namespace, Stats},
};
use std::collections::HashMap;

/// Most assets of a batch.
const MAX_ASSETS: usize = 500;
/// Most other things of a batch.
const MAX_ITEMS: usize = 2_000;
/// Most bytes of a batch, about.
const MAX_WEIGHT: usize = 1 << 20;

/// All edges of one asset.
pub(crate) type Edges = (Path, Vec<LineageEdge>);

/// A batch that grows: bounded by count and by weight.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    namespaces: Vec<Namespace>,
    assets: Vec<Asset>,
    unchanged: Vec<Path>,
    edges: Vec<Edges>,
    warnings: Vec<Warning>,
    cost: Cost,
    weight: usize,
}

impl Batch {
    /// Adds what was read. How far a listing went is no content, and ignored.
    pub(crate) fn push(&mut self, item: Item) {
        match item {
            Item::Namespace(namespace) => self.namespaces.push(*namespace),
            Item::Asset(asset) => {
                self.weight += asset.weight();
                self.assets.push(*asset);
            }
            Item::Unchanged(key) => self.unchanged.push(key),
            Item::Lineage { owner, edges } => self.push_edges((owner, edges)),
            Item::Warning(warning) => self.warnings.push(warning),
            Item::Cost(cost) => self.cost += cost,
            Item::Closed(..) => {}
        }
    }

    /// Adds all edges of one asset.
    pub(crate) fn push_edges(&mut self, edges: Edges) {
        let pairs: usize = edges.1.iter().map(|edge| edge.field_pairs.len()).sum();
        self.weight += edges.1.len() * 160 + pairs * 128;
        self.edges.push(edges);
    }

    /// Whether it is time to write.
    pub(crate) fn is_full(&self) -> bool {
        let items = self.namespaces.len() + self.unchanged.len() + self.edges.len() + self.warnings.len();
        self.assets.len() >= MAX_ASSETS || items >= MAX_ITEMS || self.weight >= MAX_WEIGHT
    }

    /// Whether there is nothing to write.
    pub(crate) fn is_empty(&self) -> bool {
        self.namespaces.is_empty()
            && self.assets.is_empty()
            && self.unchanged.is_empty()
            && self.edges.is_empty()
            && self.warnings.is_empty()
            && self.cost == Cost::default()
    }

    /// Makes everything ready that needs no database.
    pub(crate) fn prepare(self, target: &Target) -> Prepared {
        let arrived = (self.assets.len() + self.unchanged.len()) as u64;
        let mut assets: Vec<Read> = Vec::with_capacity(self.assets.len());
        let mut places: HashMap<String, usize> = HashMap::with_capacity(self.assets.len());
        for asset in self.assets {
            let read = Read::new(asset, target);
            match places.get(&read.key).and_then(|place| assets.get_mut(*place)) {
                Some(earlier) => *earlier = read,
                None => {
                    places.insert(read.key.clone(), assets.len());
                    assets.push(read);
                }
            }
        }
        Prepared {
            namespaces: last_of_each(self.namespaces, |namespace| path::key(&namespace.path)),
            assets,
            unchanged: self.unchanged.iter().map(path::key).collect(),
            edges: last_of_each(self.edges, |(owner, _)| path::key(owner))
                .into_iter()
                .map(|(key, (owner, edges))| ReadEdges::new(key, owner, edges, target))
                .collect(),
            warnings: self.warnings,
            cost: self.cost,
            arrived,
        }
    }
}

/// The last item of each key.
fn last_of_each<T>(items: Vec<T>, key: impl Fn(&T) -> String) -> HashMap<String, T> {
    items.into_iter().map(|item| (key(&item), item)).collect()
}

/// A batch that is ready to be written: each key once.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(super) namespaces: HashMap<String, Namespace>,
    pub(super) assets: Vec<Read>,
    pub(super) unchanged: Vec<String>,
    pub(super) edges: Vec<ReadEdges>,
    pub(super) warnings: Vec<Warning>,
    pub(super) cost: Cost,
    /// How many assets arrived, for the live progress.
    pub(super) arrived: u64,
}

/// An asset that was read.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) key: String,
    pub(super) path: Path,
    pub(super) native_id: Option<String>,
    pub(super) version: Option<String>,
    pub(super) stats: Facet<Stats>,
    pub(super) hash: Digest,
    pub(super) doc: Doc,
}

impl Read {
    fn new(mut asset: Asset, target: &Target) -> Self {
        // A version vouches for the fields: without them it vouches for nothing.
        let version = asset.version.take().filter(|_| !asset.fields.is_unread());
        let path = asset.key.clone();
        let (native_id, stats) = (asset.native_id.take(), std::mem::take(&mut asset.stats));
        let doc = Doc::of(asset);
        Self {
            key: path::key(&path),
            path,
            native_id: native_id.map(String::from),
            version: version.map(|version| target.salted(&version)),
            stats,
            hash: digest(&doc),
            doc,
        }
    }
}

/// All edges of one asset, as they were read.
#[derive(Debug)]
pub(super) struct ReadEdges {
    pub(super) key: String,
    pub(super) owner: Path,
    /// Each with the folded path of its end.
    pub(super) edges: Vec<(LineageEdge, Path)>,
    /// `None` where there are none.
    pub(super) hash: Option<Digest>,
}

impl ReadEdges {
    /// The order in which a source lists edges says nothing.
    fn new(key: String, owner: Path, mut edges: Vec<LineageEdge>, target: &Target) -> Self {
        edges.sort_by(|a, b| {
            let of = |edge: &LineageEdge| (edge.flow, edge.end.family.clone(), edge.end.path.clone());
            of(a).cmp(&of(b)).then_with(|| a.kind.cmp(&b.kind))
        });
        let folded = |mut edge: LineageEdge| {
            edge.field_pairs.sort_unstable();
            let folded = target.fold(&edge.end);
            (edge, folded)
        };
        let edges: Vec<(LineageEdge, Path)> = edges.into_iter().map(folded).collect();
        Self {
            key,
            owner,
            hash: (!edges.is_empty()).then(|| digest_edges(&edges)),
            edges,
        }
    }
}
