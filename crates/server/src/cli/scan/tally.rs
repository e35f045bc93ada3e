//! Keeps count of a run, so that its last line can say how much there was and what is missing.

use super::lines::{Completeness, EndLine, ErrorLine, PartialLine};
use headwater_core::{Discovery, Error, ErrorKind, Item, Listing, Path, Result, Split, SyncEvent};
use std::collections::{BTreeMap, HashMap, HashSet};

/// What is known of a run so far. Its size grows with containers, not with assets.
#[derive(Debug, Default)]
pub(super) struct Tally {
    namespaces: HashSet<Path>,
    /// Of splits that have ended.
    ended: Counts,
    /// The current attempt at each split; a new attempt begins to count anew.
    attempts: HashMap<String, Attempt>,
    /// The namespaces of each split that has not ended.
    open: BTreeMap<String, Vec<Path>>,
    splits: usize,
    succeeded: usize,
    partial: Vec<PartialLine>,
    failure: Option<Error>,
    /// The first split's error: the run's, if no split succeeds.
    first_error: Option<Error>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    assets: u64,
    edges: u64,
    warnings: u64,
}

#[derive(Debug, Default)]
struct Attempt {
    counts: Counts,
    closed: HashMap<Path, Listing>,
}

impl Tally {
    /// Takes note of an event.
    pub(super) fn observe(&mut self, event: &SyncEvent) {
        match event {
            SyncEvent::Discovered(discovery) => self.discovered(discovery),
            SyncEvent::Failed(error) => self.failed(error.clone()),
            SyncEvent::Started { split, .. } => {
                self.attempts.insert(split.id.clone(), Attempt::default());
            }
            SyncEvent::Item { split, item } => self.item(split, item),
            SyncEvent::Ended {
                split,
                result,
                retry_in: None,
                ..
            } => self.split_ended(split, result),
            _ => {}
        }
    }

    /// The run ends before it read anything.
    pub(super) fn failed(&mut self, error: Error) {
        self.failure.get_or_insert(error);
    }

    /// How many splits have ended, and how many there are.
    pub(super) fn progress(&self) -> (usize, usize) {
        (self.splits - self.open.len(), self.splits)
    }

    /// How many assets were read so far.
    pub(super) fn assets(&self) -> u64 {
        self.counts().assets
    }

    fn discovered(&mut self, discovery: &Discovery) {
        for container in &discovery.containers {
            self.partial
                .extend(PartialLine::of(&container.path, &container.children));
        }
        self.ended.warnings += discovery.skipped().count() as u64;
        let splits = discovery.splits.iter();
        self.open = splits
            .map(|split| (split.id.clone(), split.namespaces.clone()))
            .collect();
        self.splits = self.open.len();
    }

    fn item(&mut self, split: &Split, item: &Item) {
        let attempt = self.attempts.entry(split.id.clone()).or_default();
        match item {
            Item::Namespace(namespace) => {
                self.namespaces.insert(namespace.path.clone());
            }
            Item::Asset(_) => attempt.counts.assets += 1,
            Item::Lineage { edges, .. } => attempt.counts.edges += edges.len() as u64,
            Item::Warning(_) => attempt.counts.warnings += 1,
            Item::Closed(path, listing) => {
                attempt.closed.insert(path.clone(), listing.clone());
            }
            Item::Unchanged(_) | Item::Cost(_) => {}
        }
    }

    fn split_ended(&mut self, split: &Split, result: &Result<()>) {
        let attempt = self.attempts.remove(&split.id).unwrap_or_default();
        self.ended.add(attempt.counts);
        self.open.remove(&split.id);
        match result {
            Ok(()) => self.succeeded += 1,
            Err(error) => {
                self.first_error.get_or_insert_with(|| error.clone());
            }
        }
        for namespace in &split.namespaces {
            let listing = match (attempt.closed.get(namespace), result) {
                (Some(closed), _) => closed.clone(),
                (None, Err(error)) => Listing::failed(error),
                (None, Ok(())) => Listing::partial("unclosed", "the connector did not say that it read all"),
            };
            self.partial.extend(PartialLine::of(namespace, &listing));
        }
    }

    fn counts(&self) -> Counts {
        let mut counts = self.ended;
        self.attempts
            .values()
            .for_each(|attempt| counts.add(attempt.counts));
        counts
    }

    /// The last line.
    pub(super) fn end(mut self, interrupted: bool) -> EndLine {
        if interrupted {
            self.failed(Error::new(ErrorKind::Stopped, "interrupted"));
        }
        if self.splits > 0
            && self.succeeded == 0
            && let Some(error) = self.first_error.take()
        {
            self.failed(error);
        }
        let counts = self.counts();
        for namespace in self.open.values().flatten() {
            let stopped = Listing::failed(&Error::stopped());
            self.partial.extend(PartialLine::of(namespace, &stopped));
        }
        EndLine {
            completeness: match (&self.failure, self.partial.is_empty()) {
                (Some(_), _) => Completeness::Failed,
                (None, false) => Completeness::Partial,
                (None, true) => Completeness::Complete,
            },
            namespaces: self.namespaces.len(),
            assets: counts.assets,
            edges: counts.edges,
            warnings: counts.warnings,
            partial: self.partial,
            error: self.failure.as_ref().map(ErrorLine::from),
        }
    }
}

impl Counts {
    fn add(&mut self, more: Self) {
        self.assets += more.assets;
        self.edges += more.edges;
        self.warnings += more.warnings;
    }
}

#[cfg(test)]
mod tests;
