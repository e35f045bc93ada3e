//! From a project that was read to what the host takes, a page of products at a time.

use crate::{
    artifact::Literal,
    convert, identity, lineage,
    project::{Fault, Faults, Project},
    spool::{Records, Slot},
};
use headwater_core::{
    Cost, Error, ErrorKind, Listing, Path, Result, Scope, Split, SplitSink,
    model::{Asset, AssetKind, LineageEdge, Namespace},
};
use serde_json::json;
use std::{collections::BTreeSet, iter::Peekable, sync::Arc};

/// This many products are read together, or bytes of them.
const PAGE: usize = 128;
const PAGE_BYTES: u64 = 1 << 20;

/// A product that is still to be read.
struct Found<'a> {
    place: usize,
    id: &'a str,
    path: Path,
    kind: AssetKind,
    /// Of all its records, in bytes.
    size: u64,
}

/// A product as it is reported.
struct Converted<'a> {
    asset: Asset,
    /// `None` where they could not be read.
    edges: Option<Vec<LineageEdge>>,
    source_description: Option<Literal<'a>>,
}

/// Reports everything of a project that is in scope, and closes the split's namespaces: a manifest is complete by
/// nature, so what it no longer holds is gone.
pub(crate) async fn project(
    mut project: Project,
    scope: &Scope,
    split: &Split,
    out: &SplitSink,
) -> Result<()> {
    for (code, detail) in &project.origin.warnings {
        out.warn(*code, detail.clone(), None).await?;
    }
    warn_of_version(&project, out).await?;
    warn(&mut project.faults, out).await?;
    out.cost(Cost {
        requests: project.origin.requests,
        ..Cost::default()
    })
    .await?;
    let packages: BTreeSet<Path> = split.namespaces.iter().filter_map(Path::parent).collect();
    for package in packages {
        out.namespace(package_of(package, &project)).await?;
    }
    let project = Arc::new(project);
    let mut products = in_scope(&project, scope).peekable();
    let mut records = Records::default();
    let mut reported = Reported::default();
    while products.peek().is_some() {
        let page = page(&mut products);
        let places: Vec<usize> = page.iter().map(|product| product.place).collect();
        // Read and made here, one by one, where they are taken. What another thread read would have to come from its
        // core's cache, and what it made, and this one frees, would cost both of them waits for the allocator.
        if !project.read_cached(&places, &mut records) {
            let whole = project.clone();
            records = blocking(move || whole.read(&places, &mut records).map(|()| records)).await?;
        }
        let mut rest = records.iter();
        for product in page {
            let product = converted(product, &project, &mut rest)?;
            emit(product, &mut reported, out).await?;
        }
    }
    if project.faults.untold() > 0 {
        let detail = format!("{} more fields were left out", project.faults.untold());
        out.warn("artifact_unread", detail, None).await?;
    }
    for namespace in &split.namespaces {
        out.close(namespace, Listing::Complete).await?;
    }
    Ok(())
}

/// Reads on a thread where that may block.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => {
            Err(Error::new(ErrorKind::Unexpected, "reading artifacts broke off").with_source(error))
        }
    }
}

async fn warn_of_version(project: &Project, out: &SplitSink) -> Result<()> {
    match project.header.newer_version() {
        Some(version) => {
            let detail = format!("the manifest has version {version}, newer than this connector knows");
            out.warn("newer_schema", detail, None).await
        }
        None => Ok(()),
    }
}

/// Tells what was left out so far, once.
async fn warn(faults: &mut Faults, out: &SplitSink) -> Result<()> {
    for Fault {
        file,
        unique_id,
        field,
    } in faults.told.drain(..)
    {
        let detail = match field.as_str() {
            "" => format!("{file}: {unique_id} is not of the expected shape: nothing was read of it"),
            field => {
                format!("{file}: {field} of {unique_id} cannot be read as what it should be: it was left out")
            }
        };
        out.warn("artifact_unread", detail, identity::path(&unique_id))
            .await?;
    }
    Ok(())
}

/// A package; of the project's own, what made the artifacts.
fn package_of(path: Path, project: &Project) -> Namespace {
    let mut package = Namespace::new(path, "package");
    let header = &project.header;
    if package.path.name() == header.project_name.as_deref() {
        for (name, value) in [
            ("dbt_version", &header.dbt_version),
            ("adapter_type", &header.adapter_type),
        ] {
            if let Some(value) = value {
                package.properties.insert(name.into(), json!(value));
            }
        }
        package
            .properties
            .insert("disabled_nodes".into(), json!(project.disabled));
        package.properties.extend(project.origin.properties.clone());
    }
    package
}

/// The products that are in scope.
fn in_scope<'a>(project: &'a Project, scope: &'a Scope) -> impl Iterator<Item = Found<'a>> {
    let products = project.index.products().filter_map(|(place, id)| {
        Some(Found {
            place,
            id,
            path: identity::path(id)?,
            kind: identity::kind(id)?,
            size: project.slots(place).map(Slot::size).sum(),
        })
    });
    products.filter(|product| scope.admits(&product.path))
}

/// The next products that are read together.
fn page<'a>(products: &mut Peekable<impl Iterator<Item = Found<'a>>>) -> Vec<Found<'a>> {
    let mut page = Vec::with_capacity(PAGE);
    let mut bytes = 0;
    while page.len() < PAGE && bytes < PAGE_BYTES {
        let Some(product) = products.next() else { break };
        bytes += product.size;
        page.push(product);
    }
    page
}

/// Converts a product, whose records are the next of these.
fn converted<'a>(
    found: Found<'_>,
    project: &Project,
    records: &mut impl Iterator<Item = &'a [u8]>,
) -> Result<Converted<'a>> {
    let product = project.product(found.place, records)?;
    let is_source = found.kind == AssetKind::DBT_SOURCE;
    let adapter = project.header.adapter_type.as_deref();
    let is_product = |id: &str| project.index.is_product(id);
    Ok(Converted {
        edges: (!product.record.unread.all && !product.record.unread.edges)
            .then(|| lineage::edges(&found.kind, &product, adapter, is_product)),
        source_description: product.record.node.source_description.filter(|_| is_source),
        asset: convert::asset(found.id, found.path, found.kind, &product, &project.groups),
    })
}

/// The namespaces that were reported.
#[derive(Default)]
struct Reported {
    all: BTreeSet<Path>,
    /// That of the product before: mostly the next one stands there, too.
    last: Option<Path>,
}

impl Reported {
    /// The namespace of a product, if it is new.
    fn new_around(&mut self, product: &Path) -> Option<Path> {
        if self.last.as_ref().is_some_and(|last| last.is_parent_of(product)) {
            return None;
        }
        let namespace = product.parent()?;
        self.last = Some(namespace.clone());
        self.all.insert(namespace.clone()).then_some(namespace)
    }
}

/// Reports a product after its namespace.
async fn emit(product: Converted<'_>, reported: &mut Reported, out: &SplitSink) -> Result<()> {
    let key = product.asset.key.clone();
    if let Some(namespace) = reported.new_around(&key) {
        let kind = match product.asset.kind == AssetKind::DBT_SOURCE {
            true => "source",
            false => "resource_type",
        };
        let mut namespace = Namespace::new(namespace, kind);
        namespace.description = convert::prose(product.source_description).into();
        out.namespace(namespace).await?;
    }
    out.asset(product.asset).await?;
    match product.edges {
        Some(edges) => out.lineage(key, edges).await,
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page_of(sizes: &[u64]) -> usize {
        let found = sizes.iter().map(|size| Found {
            place: 0,
            id: "",
            path: Path::root(),
            kind: AssetKind::DBT_MODEL,
            size: *size,
        });
        page(&mut found.peekable()).len()
    }

    #[test]
    fn a_page_is_bounded_by_products_and_by_bytes() {
        assert_eq!(page_of(&[1; PAGE + 1]), PAGE);
        assert_eq!(page_of(&[PAGE_BYTES / 2 + 1; 5]), 2);
        assert_eq!(page_of(&[PAGE_BYTES * 9, 1]), 1);
    }
}
