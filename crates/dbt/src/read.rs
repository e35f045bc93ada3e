//! Reads the artifacts of a project into a spool. What stands beside the manifest is read first, so that each
//! node meets what is known of it and one pass is enough.

use crate::{
    artifact::{
        Args, Artifact, CatalogEntry, FreshnessResult, Group, Header, Node, Owner, RunResult, Scanner,
        Source, Test, open,
    },
    error,
    files::{Files, Input, Origin},
    identity,
    index::Index,
    project::{Faults, NodeRecord, Project, TestRecord, Unread},
    spool::SpoolWriter,
};
use headwater_core::{Error, Result};
use std::{
    cell::Cell,
    collections::{BTreeMap, HashMap},
    mem,
};
use tokio_util::sync::CancellationToken;

type File = Scanner<Source>;

/// Reads all files to their ends.
///
/// # Errors
/// `DataInvalid` with the place for a file that is broken, cut off or of another kind.
pub(crate) fn read(files: &Files, stop: &CancellationToken) -> Result<Project> {
    let mut reading = Reading::new(SpoolWriter::new(files.spool.as_deref())?, stop);
    if let Some(input) = &files.catalog {
        reading.read(input, Artifact::Catalog)?;
    }
    for input in &files.run_results {
        reading.results(input)?;
    }
    if let Some(input) = &files.sources {
        reading.read(input, Artifact::Sources)?;
    }
    reading.header = Header::default();
    reading.read(&files.manifest, Artifact::Manifest)?;
    reading.finish(files.origin.clone())
}

struct Reading<'a> {
    stop: &'a CancellationToken,
    spool: SpoolWriter,
    header: Header,
    groups: BTreeMap<String, String>,
    index: Index,
    results: HashMap<Box<str>, RunResult>,
    freshness: HashMap<Box<str>, FreshnessResult>,
    faults: Faults,
    disabled: u64,
    /// The command that left the results.
    command: Option<String>,
}

impl<'a> Reading<'a> {
    fn new(spool: SpoolWriter, stop: &'a CancellationToken) -> Self {
        Self {
            stop,
            spool,
            header: Header::default(),
            groups: BTreeMap::new(),
            index: Index::default(),
            results: HashMap::new(),
            freshness: HashMap::new(),
            faults: Faults::default(),
            disabled: 0,
            command: None,
        }
    }

    fn finish(mut self, origin: Origin) -> Result<Project> {
        self.index.finish();
        Ok(Project {
            header: self.header,
            groups: self.groups,
            index: self.index,
            faults: self.faults,
            disabled: self.disabled,
            origin,
            spool: self.spool.finish()?,
        })
    }

    /// Reads the results of one command. Those of `docs generate` say that a node compiles, not how it fared: they are
    /// left out.
    fn results(&mut self, input: &Input) -> Result<()> {
        let before = mem::take(&mut self.results);
        self.read(input, Artifact::RunResults)?;
        let told = mem::replace(&mut self.results, before);
        if self.command.take().as_deref() != Some("generate") {
            self.results.extend(told);
        }
        Ok(())
    }

    fn read(&mut self, input: &Input, artifact: Artifact) -> Result<()> {
        let read = open(input).and_then(|mut file| self.walk(&mut file, artifact));
        read.map_err(|error| error.with_context("file", artifact.file_name()))
    }

    fn walk(&mut self, file: &mut File, artifact: Artifact) -> Result<()> {
        let mut seen = Vec::new();
        file.members(|file, key| {
            seen.push(key.to_owned());
            match (artifact, key) {
                (_, "metadata") => self.metadata(file, artifact),
                (Artifact::Manifest, key) => self.manifest_section(file, key),
                (Artifact::Catalog, "nodes") => file.members(|file, id| self.catalog_entry(file, id)),
                (Artifact::Catalog, "sources") => object(file, |file, id| self.catalog_entry(file, id)),
                (Artifact::RunResults | Artifact::Sources, "results") => {
                    file.elements(|file| self.result(file, artifact))
                }
                (Artifact::RunResults, "args") => self.args(file),
                _ => pass_over(file),
            }
        })?;
        file.end()?;
        recognise(artifact, &seen, self.header.artifact().is_some())
    }

    fn metadata(&mut self, file: &mut File, artifact: Artifact) -> Result<()> {
        let header: Header = file.entry::<Header, _>(&mut |_| {}, |header| header)?;
        match header.artifact() {
            Some(other) if other != artifact => {
                let message = format!("this is a {}", other.file_name());
                Err(error::invalid_manifest(message))
            }
            _ => {
                self.header = header;
                Ok(())
            }
        }
    }

    fn args(&mut self, file: &mut File) -> Result<()> {
        self.command = file.entry::<Args, _>(&mut |_| {}, |args| args.which)?;
        Ok(())
    }

    fn manifest_section(&mut self, file: &mut File, key: &str) -> Result<()> {
        match key {
            "nodes" | "sources" => {
                let walked = file.members(|file, id| self.node(file, id));
                walked.map_err(|error| error.with_context("section", key))
            }
            "exposures" | "metrics" | "semantic_models" | "unit_tests" => {
                object(file, |file, id| self.node(file, id))
            }
            "groups" => object(file, |file, _| self.group(file)),
            // A list of nodes before dbt 1.0, then lists by the nodes' names.
            "disabled" if file.peek()? == Some(b'[') => self.disabled(file),
            "disabled" => object(file, |file, _| self.disabled(file)),
            _ => pass_over(file),
        }
    }

    fn node(&mut self, file: &mut File, id: &str) -> Result<()> {
        if self.stop.is_cancelled() {
            return Err(Error::stopped());
        }
        if id.starts_with("test.") || id.starts_with("unit_test.") {
            return self.test(file, id);
        }
        if !identity::is_product(id) {
            return file.valid().map(drop);
        }
        let result = taken(&mut self.results, id);
        let freshness = taken(&mut self.freshness, id);
        let unread = Cell::new(Unread::default());
        let mut fault = |field: &str| {
            unread.set(unread.get().with(field));
            self.faults.push(Artifact::Manifest, id, field);
        };
        let node = file.entry::<Node<'_>, _>(&mut fault, |mut node| {
            node.forget_known_names();
            self.spool.append(&NodeRecord {
                node,
                result,
                freshness,
                unread: unread.get(),
            })
        })??;
        self.index.set_node(id, node);
        Ok(())
    }

    fn test(&mut self, file: &mut File, id: &str) -> Result<()> {
        let result = taken(&mut self.results, id);
        let mut fault = |field: &str| self.faults.push(Artifact::Manifest, id, field);
        file.entry::<Test<'_>, _>(&mut fault, |node| {
            let tested = tested(&node, &mut self.index);
            let slot = self.spool.append(&test_record(node, id, &tested, result))?;
            tested.iter().for_each(|place| self.index.add_test(*place, slot));
            Ok(())
        })?
    }

    fn group(&mut self, file: &mut File) -> Result<()> {
        let groups = &mut self.groups;
        file.entry::<Group<'_>, _>(&mut |_| {}, |group| {
            let owner = group.owner.as_ref().and_then(Owner::called);
            if let (Some(name), Some(owner)) = (group.name, owner) {
                groups.insert(name.into_owned(), owner);
            }
        })
    }

    fn disabled(&mut self, file: &mut File) -> Result<()> {
        if file.peek()? != Some(b'[') {
            return file.valid().map(drop);
        }
        file.elements(|file| {
            self.disabled += 1;
            file.valid().map(drop)
        })
    }

    fn catalog_entry(&mut self, file: &mut File, id: &str) -> Result<()> {
        let mut fault = |field: &str| self.faults.push(Artifact::Catalog, id, field);
        let slot = file.entry::<CatalogEntry<'_>, _>(&mut fault, |entry| self.spool.append(&entry))??;
        self.index.set_catalog(id, slot);
        Ok(())
    }

    fn result(&mut self, file: &mut File, artifact: Artifact) -> Result<()> {
        let mut fault = |field: &str| self.faults.push(artifact, "results", field);
        if artifact == Artifact::Sources {
            let mut result = file.entry::<FreshnessResult, _>(&mut fault, |result| result)?;
            if let Some(id) = result.unique_id.take() {
                self.freshness.insert(id.into(), result);
            }
        } else {
            let mut result = file.entry::<RunResult, _>(&mut fault, |result| result)?;
            if let Some(id) = result.unique_id.take() {
                self.results.insert(id.into(), result);
            }
        }
        Ok(())
    }
}

/// What is told of an id. There are mostly none of some kinds: then the id is not hashed.
fn taken<T>(told: &mut HashMap<Box<str>, T>, id: &str) -> Option<T> {
    if told.is_empty() {
        return None;
    }
    told.remove(id)
}

/// Walks a section that a file may lack, or have null or in a form of its own: then nothing is taken of it.
fn object(file: &mut File, each: impl FnMut(&mut File, &str) -> Result<()>) -> Result<()> {
    match file.peek()? {
        Some(b'{') => file.members(each),
        _ => file.valid().map(drop),
    }
}

/// Checks a member that nothing is taken of, entry by entry.
fn pass_over(file: &mut File) -> Result<()> {
    match file.peek()? {
        Some(b'{') => file.members(|file, _| file.valid().map(drop)),
        _ => file.valid().map(drop),
    }
}

/// Insists that the file has what makes it this artifact. A catalog, too, has nodes and sources: where the file
/// does not say what it is, a manifest must have a member that only manifests have.
fn recognise(artifact: Artifact, seen: &[String], named: bool) -> Result<()> {
    let has = |key: &&str| seen.iter().any(|seen| seen == key);
    let needed: &[&str] = match artifact {
        Artifact::Manifest => &["metadata", "nodes", "sources"],
        Artifact::Catalog => &["nodes"],
        Artifact::RunResults | Artifact::Sources => &["results"],
    };
    let own = ["macros", "docs", "parent_map", "child_map", "disabled"];
    let known = named || artifact != Artifact::Manifest || own.iter().any(has);
    if needed.iter().all(has) && known {
        return Ok(());
    }
    let found: Vec<&str> = seen.iter().take(12).map(String::as_str).collect();
    let missing: Vec<&str> = needed.iter().copied().filter(|key| !has(key)).collect();
    let mut error = error::invalid_manifest(format!("this is no {}", artifact.file_name()));
    for (name, keys) in [("missing", missing), ("found", found)] {
        if !keys.is_empty() {
            error = error.with_context(name, keys.join(", "));
        }
    }
    Err(error)
}

/// What is kept of a test. The column is told where the test is about one node only.
fn test_record<'a>(
    node: Test<'a>,
    id: &'a str,
    tested: &[usize],
    result: Option<RunResult>,
) -> TestRecord<'a> {
    let (severity, condition) = node
        .config
        .map_or((None, None), |config| (config.severity, config.condition));
    TestRecord {
        name: node.name.unwrap_or_else(|| id.into()),
        test: match node.test_metadata {
            _ if id.starts_with("unit_test.") => "unit".into(),
            None => "singular".into(),
            Some(of) => {
                let parts = of.namespace.iter().chain(&of.name);
                let parts: Vec<&str> = parts.map(|part| &**part).collect();
                parts.join(".").into()
            }
        },
        column: node.column_name.filter(|_| tested.len() == 1),
        severity,
        condition,
        result,
    }
}

/// The places of what a test is about: the node that it is attached to, else all that it reads.
fn tested(node: &Test<'_>, index: &mut Index) -> Vec<usize> {
    let attached = node
        .attached_node
        .as_ref()
        .or(node.tested_node_unique_id.as_ref());
    let read = node.depends_on.as_ref().and_then(|on| on.nodes.as_ref());
    let mut places: Vec<usize> = match attached {
        Some(one) => vec![index.place(one)],
        None => read.into_iter().flatten().map(|id| index.place(id)).collect(),
    };
    places.sort_unstable();
    places.dedup();
    places
}
