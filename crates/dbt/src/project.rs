//! A project as its artifacts tell it: an index in memory, the nodes themselves in a spool.

use crate::{
    artifact::{Artifact, CatalogEntry, FreshnessResult, Header, Node, RunResult, Str},
    files::Origin,
    index::Index,
    spool::{self, Records, Slot, Spool},
};
use headwater_core::Result;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Everything that was read, when all of it proved good.
#[derive(Debug)]
pub(crate) struct Project {
    pub(crate) header: Header,
    /// Owners of groups, by the group's name.
    pub(crate) groups: BTreeMap<String, String>,
    pub(crate) index: Index,
    pub(crate) faults: Faults,
    /// How many nodes are disabled.
    pub(crate) disabled: u64,
    pub(crate) spool: Spool,
    pub(crate) origin: Origin,
}

/// A node of the manifest, and how it fared.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(bound(deserialize = "'de: 'a"))]
pub(crate) struct NodeRecord<'a> {
    pub(crate) node: Node<'a>,
    pub(crate) result: Option<RunResult>,
    pub(crate) freshness: Option<FreshnessResult>,
    pub(crate) unread: Unread,
}

/// What of a node could not be read, beyond fields whose absence says nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
pub(crate) struct Unread {
    pub(crate) all: bool,
    /// What it is made of.
    pub(crate) edges: bool,
    pub(crate) description: bool,
    pub(crate) columns: bool,
    pub(crate) constraints: bool,
    pub(crate) code: bool,
    pub(crate) tags: bool,
    pub(crate) owners: bool,
}

impl Unread {
    /// What could not be read where this field was left out, too: its place within the node.
    pub(crate) fn with(mut self, field: &str) -> Self {
        match field {
            "" => self.all = true,
            "/description" => self.description = true,
            "/columns" => self.columns = true,
            "/constraints" => self.constraints = true,
            "/raw_code" | "/raw_sql" => self.code = true,
            "/tags" | "/config/tags" => self.tags = true,
            "/meta" | "/config/meta" | "/group" | "/config/group" => self.owners = true,
            "/config" => (self.constraints, self.tags, self.owners) = (true, true, true),
            _ if field.starts_with("/owner") => self.owners = true,
            _ if field.starts_with("/depends_on") => self.edges = true,
            _ => {}
        }
        self
    }
}

/// A test of a product.
#[derive(Debug, Deserialize, Serialize)]
#[serde(bound(deserialize = "'de: 'a"))]
pub(crate) struct TestRecord<'a> {
    pub(crate) name: Str<'a>,
    /// `unique`, `dbt_utils.at_least_one`, `singular`, `unit`.
    pub(crate) test: Str<'a>,
    pub(crate) column: Option<Str<'a>>,
    pub(crate) severity: Option<Str<'a>>,
    pub(crate) condition: Option<Str<'a>>,
    pub(crate) result: Option<RunResult>,
}

/// All records of one product.
#[derive(Debug)]
pub(crate) struct Product<'a> {
    pub(crate) record: NodeRecord<'a>,
    pub(crate) catalog: Option<CatalogEntry<'a>>,
    pub(crate) tests: Vec<TestRecord<'a>>,
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
    /// Where all records of the product at this place stand: the node, the catalog's entry, the tests.
    pub(crate) fn slots(&self, place: usize) -> impl Iterator<Item = Slot> {
        let entry = self.index.entry(place);
        let own = entry.node.into_iter().chain(entry.catalog);
        own.chain(self.index.tests(place))
    }

    /// Reads the records of the products at these places, in place of others. May wait for the disk.
    pub(crate) fn read(&self, places: &[usize], records: &mut Records) -> Result<()> {
        self.spool.read(&self.all_slots(places), records)
    }

    /// Reads the same without waiting, and says whether it could.
    pub(crate) fn read_cached(&self, places: &[usize], records: &mut Records) -> bool {
        self.spool.read_cached(&self.all_slots(places), records)
    }

    fn all_slots(&self, places: &[usize]) -> Vec<Slot> {
        places.iter().flat_map(|place| self.slots(*place)).collect()
    }

    /// The product at this place, whose records are the next of these.
    pub(crate) fn product<'a>(
        &self,
        place: usize,
        records: &mut impl Iterator<Item = &'a [u8]>,
    ) -> Result<Product<'a>> {
        let entry = self.index.entry(place);
        let record = spool::record(records.next().unwrap_or_default())?;
        let catalog = entry.catalog.and_then(|_| records.next());
        let catalog = catalog.map(spool::record).transpose()?;
        let tests = records.take(self.index.tests(place).count());
        let mut tests: Vec<TestRecord<'_>> = tests.map(spool::record).collect::<Result<_>>()?;
        tests.sort_by(|a, b| (a.column.as_deref(), &*a.name).cmp(&(b.column.as_deref(), &*b.name)));
        Ok(Product {
            record,
            catalog,
            tests,
        })
    }
}
