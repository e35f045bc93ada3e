use super::{fields, properties, stats};
use crate::{
    artifact::{Literal, Node, Owner},
    project::Product,
};
use headwater_core::{
    Facet, Path,
    model::{Asset, AssetKind, Definition},
};
use serde_json::Value;
use std::collections::BTreeMap;

/// A product as the catalog takes it. Of one whose entry could not be read only the name is told, and of parts that could
/// not be read nothing.
pub(crate) fn asset(
    unique_id: &str,
    key: Path,
    kind: AssetKind,
    product: &Product<'_>,
    groups: &BTreeMap<String, String>,
) -> Asset {
    let mut asset = Asset::new(key, kind);
    asset.native_id = Some(unique_id.into());
    let unread = product.record.unread;
    if unread.all {
        return asset;
    }
    let node = &product.record.node;
    asset.description = read(unread.description, || prose(node.description));
    asset.definition = read(unread.code, || definition(node));
    asset.tags = read(unread.tags, || tags(node));
    let meta = properties::meta(node);
    asset.owners = read(unread.owners, || owners(node, meta.as_ref(), groups));
    if is_relation(&asset.kind) {
        if !unread.columns {
            asset.fields = fields::fields(node, product.catalog.as_ref());
        }
        asset.constraints = read(unread.columns || unread.constraints, || fields::constraints(node));
        asset.stats = stats::stats(product);
    } else {
        asset.fields = Facet::Read(Vec::new());
        asset.constraints = Facet::Read(Vec::new());
    }
    asset.properties = properties::properties(product, meta);
    asset
}

fn read<T>(is_unread: bool, part: impl FnOnce() -> T) -> Facet<T> {
    match is_unread {
        true => Facet::Unread,
        false => Facet::Read(part()),
    }
}

/// Whether the product has columns and rows.
fn is_relation(kind: &AssetKind) -> bool {
    !matches!(
        kind.as_str(),
        "dbt_exposure" | "dbt_metric" | "dbt_semantic_model"
    )
}

/// A text, unless it is empty: dbt writes an empty one for none.
pub(super) fn text(text: Option<&str>) -> Option<String> {
    text.map(str::trim)
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

/// A long text, unless it is empty.
pub(crate) fn prose(literal: Option<Literal<'_>>) -> Option<String> {
    let whole = literal?.text()?;
    match whole.trim() {
        "" => None,
        trimmed if trimmed.len() == whole.len() => Some(whole),
        trimmed => Some(trimmed.to_owned()),
    }
}

fn definition(node: &Node<'_>) -> Option<Definition> {
    Some(Definition {
        text: code(node.raw_code)?,
        language: node.language.as_deref().unwrap_or("sql").to_owned(),
    })
}

/// Code as it stands, unless there is none.
pub(super) fn code(literal: Option<Literal<'_>>) -> Option<String> {
    literal?.text().filter(|code| !code.trim().is_empty())
}

fn tags(node: &Node<'_>) -> Vec<String> {
    let configured = node.config.iter().flat_map(|config| &config.tags.0);
    let mut tags: Vec<String> = Vec::new();
    for tag in node.tags.0.iter().chain(configured) {
        if !tags.iter().any(|known| **known == **tag) {
            tags.push(tag.to_string());
        }
    }
    tags
}

/// Who is named as owner: in `meta.owner`, by the exposure itself, or for the group.
fn owners(node: &Node<'_>, meta: Option<&Value>, groups: &BTreeMap<String, String>) -> Vec<String> {
    let named = names(meta.and_then(|meta| meta.get("owner")));
    if !named.is_empty() {
        return named;
    }
    let group = || {
        properties::group(node)
            .and_then(|group| groups.get(group))
            .cloned()
    };
    let owner = node.owner.as_ref().and_then(Owner::called).or_else(group);
    owner.into_iter().collect()
}

fn names(value: Option<&Value>) -> Vec<String> {
    let one = |value: &Value| value.as_str().and_then(|name| text(Some(name)));
    match value {
        Some(Value::Array(all)) => all.iter().filter_map(one).collect(),
        other => other.and_then(one).into_iter().collect(),
    }
}
