//! From a project that was read to what the host takes, a page of products at a time.

use crate::{
    convert, identity, lineage,
    project::{Fault, Faults, Product, Project, Unread, Windows},
};
use headwater_core::{
    Cost, Error, ErrorKind, Listing, Path, Result, Scope, Split, SplitSink,
    model::{Asset, AssetKind, LineageEdge, Namespace},
};
use serde_json::json;
use std::{collections::BTreeSet, ops::Range};

/// A page ends at this many products, or bytes of them.
const PAGE: usize = 64;
const PAGE_BYTES: u64 = 1 << 20;

/// A product as it is reported.
struct Converted {
    asset: Asset,
    /// `None` where they could not be read.
    edges: Option<Vec<LineageEdge>>,
    source_description: Option<String>,
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
    let mut reported = BTreeSet::new();
    let mut windows = Windows::default();
    let mut next = 0;
    while next < project.nodes.len() {
        let scope = scope.clone();
        let places = page(&project, next);
        next = places.end;
        let products;
        (project, windows, products) = blocking(move || {
            let products = converted_page(&project, &scope, places, &mut windows)?;
            Ok((project, windows, products))
        })
        .await?;
        for product in products {
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
            field => format!("{file}: {field} of {unique_id} is not of the expected type: it was left out"),
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
                package.properties.insert(name.to_owned(), json!(value));
            }
        }
        package
            .properties
            .insert("disabled_nodes".to_owned(), json!(project.disabled));
        package.properties.extend(project.origin.properties.clone());
    }
    package
}

/// The places of the products that make a page from this place on.
fn page(project: &Project, from: usize) -> Range<usize> {
    let entries = project.nodes.values().skip(from).take(PAGE);
    let mut sizes = entries.scan(0, |bytes, entry| {
        *bytes += entry.node.size();
        Some(*bytes)
    });
    let whole = sizes
        .position(|bytes| bytes > PAGE_BYTES)
        .map_or(PAGE, |last| last + 1);
    from..project.nodes.len().min(from + whole)
}

fn converted_page(
    project: &Project,
    scope: &Scope,
    places: Range<usize>,
    windows: &mut Windows,
) -> Result<Vec<Converted>> {
    let mut page = Vec::with_capacity(places.len());
    let nodes = project.nodes.iter().enumerate();
    for (place, (id, entry)) in nodes.skip(places.start).take(places.len()) {
        let (Some(path), Some(kind)) = (identity::path(id), identity::kind(id)) else {
            continue;
        };
        if scope.admits(&path) {
            let product = project.product(place, *entry, windows)?;
            page.push(converted(id, path, kind, &product, project));
        }
    }
    Ok(page)
}

fn converted(id: &str, path: Path, kind: AssetKind, product: &Product<'_>, project: &Project) -> Converted {
    let is_source = kind == AssetKind::DBT_SOURCE;
    let adapter = project.header.adapter_type.as_deref();
    let is_product = |id: &str| project.nodes.contains_key(id);
    let described = product.record.node.source_description.as_deref();
    Converted {
        edges: (product.record.unread == Unread::Fields)
            .then(|| lineage::edges(&kind, product, adapter, is_product)),
        asset: convert::asset(id, path, kind, product, &project.groups),
        source_description: described
            .filter(|text| is_source && !text.is_empty())
            .map(str::to_owned),
    }
}

/// Reports a product after its namespace.
async fn emit(product: Converted, reported: &mut BTreeSet<Path>, out: &SplitSink) -> Result<()> {
    let key = product.asset.key.clone();
    if let Some(namespace) = key.parent().filter(|namespace| !reported.contains(namespace)) {
        reported.insert(namespace.clone());
        let kind = match product.asset.kind == AssetKind::DBT_SOURCE {
            true => "source",
            false => "resource_type",
        };
        let mut namespace = Namespace::new(namespace, kind);
        namespace.description = product.source_description.into();
        out.namespace(namespace).await?;
    }
    out.asset(product.asset).await?;
    match product.edges {
        Some(edges) => out.lineage(key, edges).await,
        None => Ok(()),
    }
}
