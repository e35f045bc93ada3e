//! A project as its artifacts tell it: an index in memory, the nodes themselves in a spool.

use crate::{
    artifact::{Artifact, CatalogEntry, FreshnessResult, Header, Node, Owner, RunResult, Text, parse},
    files::Origin,
    identity,
    spool::{Slot, Spool},
};
use headwater_core::{Path, Result};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::collections::{BTreeMap, BTreeSet};

/// Everything that was read, when all of it proved good.
#[derive(Debug)]
pub(crate) struct Project {
    pub(crate) header: Header,
    /// Owners of groups, by the group's name.
    pub(crate) groups: BTreeMap<String, Owner>,
    /// The products, by `unique_id`.
    pub(crate) nodes: BTreeMap<Box<str>, Entry>,
    /// Tests by the `unique_id` of what they test, sorted.
    pub(crate) tests: Vec<(Box<str>, Slot)>,
    pub(crate) faults: Faults,
    /// How many nodes are disabled.
    pub(crate) disabled: u64,
    pub(crate) spool: Spool,
    pub(crate) origin: Origin,
}

/// Where all that is told of a product stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) node: Slot,
    pub(crate) catalog: Option<Slot>,
    pub(crate) result: Option<Slot>,
    pub(crate) freshness: Option<Slot>,
}

/// A node of the manifest, and how it fared.
#[derive(Debug, Default)]
pub(crate) struct NodeRecord {
    pub(crate) node: Node,
    pub(crate) result: Option<RunResult>,
    pub(crate) freshness: Option<FreshnessResult>,
    /// Whether nothing of the node could be read.
    pub(crate) unread: bool,
}

/// A test of a product.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct TestRecord {
    pub(crate) name: String,
    /// `unique`, `dbt_utils.at_least_one`, `singular`, `unit`.
    pub(crate) test: String,
    pub(crate) column: Option<String>,
    pub(crate) severity: Option<String>,
    pub(crate) condition: Option<String>,
    pub(crate) result: Option<RunResult>,
}

/// All records of one product.
#[derive(Debug)]
pub(crate) struct Product {
    pub(crate) record: NodeRecord,
    pub(crate) catalog: Option<CatalogEntry>,
    pub(crate) tests: Vec<TestRecord>,
}

/// What was left out of the artifacts because it could not be understood: the first of it, then a count.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    /// What is still to be told.
    pub(crate) told: Vec<Fault>,
    count: usize,
}

/// One thing that was left out.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    pub(crate) file: &'static str,
    pub(crate) unique_id: String,
    /// The place within the entry; empty for all of it.
    pub(crate) field: String,
}

impl Faults {
    const MOST: usize = 100;

    pub(crate) fn push(&mut self, artifact: Artifact, unique_id: &str, field: &str) {
        self.count += 1;
        if self.count <= Self::MOST {
            self.told.push(Fault {
                file: artifact.file_name(),
                unique_id: unique_id.to_owned(),
                field: field.to_owned(),
            });
        }
    }

    /// How many are not told one by one.
    pub(crate) fn untold(&self) -> usize {
        self.count.saturating_sub(Self::MOST)
    }
}

impl Project {
    /// The namespaces that hold products, and the packages around them.
    pub(crate) fn namespaces(&self) -> BTreeSet<Path> {
        let paths = self.nodes.keys().filter_map(|id| identity::path(id));
        paths.filter_map(|path| path.parent()).collect()
    }

    /// Reads the records of a product.
    pub(crate) fn product(&mut self, unique_id: &str, entry: Entry) -> Result<Product> {
        let first = self.tests.partition_point(|(target, _)| **target < *unique_id);
        let own = self
            .tests
            .iter()
            .skip(first)
            .take_while(|(target, _)| **target == *unique_id);
        let mut tests = Vec::new();
        for (_, slot) in own {
            tests.push(self.spool.read::<TestRecord>(*slot)?);
        }
        tests.sort_by(|a, b| (&a.column, &a.name).cmp(&(&b.column, &b.name)));
        let (node, unread) = self.entry::<Node>(Artifact::Manifest, unique_id, entry.node)?;
        let catalog = entry
            .catalog
            .map(|slot| self.entry(Artifact::Catalog, unique_id, slot));
        Ok(Product {
            record: NodeRecord {
                node,
                unread,
                result: entry.result.map(|slot| self.spool.read(slot)).transpose()?,
                freshness: entry.freshness.map(|slot| self.spool.read(slot)).transpose()?,
            },
            catalog: catalog.transpose()?.map(|(entry, _)| entry),
            tests,
        })
    }

    /// Reads an entry of an artifact, as far as it is of the expected shape, and whether nothing of it is.
    fn entry<T: DeserializeOwned + Default>(
        &mut self,
        artifact: Artifact,
        unique_id: &str,
        slot: Slot,
    ) -> Result<(T, bool)> {
        let mut unread = false;
        let text = Text {
            text: self.spool.text(slot)?,
            offset: 0,
        };
        let faults = &mut self.faults;
        let parsed = parse(text, |field| {
            unread |= field.is_empty();
            faults.push(artifact, unique_id, field);
        })?;
        Ok((parsed, unread))
    }
}
