//! A project as its artifacts tell it: an index in memory, the nodes themselves in a spool.

use crate::{
    artifact::{CatalogEntry, FreshnessResult, Header, Node, Owner, RunResult},
    files::Origin,
    identity,
    spool::{Slot, Spool},
};
use headwater_core::{Path, Result};
use serde::{Deserialize, Serialize};
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

/// Where the records of a product stand.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) node: Slot,
    pub(crate) catalog: Option<Slot>,
}

/// A node of the manifest, and how it fared.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
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

/// What was left out of the artifacts because it could not be understood: the first of each, then a count.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    pub(crate) told: Vec<Fault>,
    pub(crate) untold: u64,
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

    pub(crate) fn push(&mut self, fault: Fault) {
        if self.told.len() < Self::MOST {
            self.told.push(fault);
        } else {
            self.untold += 1;
        }
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
        Ok(Product {
            record: self.spool.read(entry.node)?,
            catalog: entry.catalog.map(|slot| self.spool.read(slot)).transpose()?,
            tests,
        })
    }
}
