//! What a `unique_id` says: the kind of a node, and its path.

use headwater_core::{Path, model::AssetKind};
use std::{borrow::Cow, collections::BTreeSet};

/// The kind of the product that a node is; `None` for tests, analyses, hooks and what else dbt knows.
pub(crate) fn kind(unique_id: &str) -> Option<AssetKind> {
    kind_of(unique_id.split_once('.')?.0)
}

fn kind_of(resource: &str) -> Option<AssetKind> {
    match resource {
        "model" => Some(AssetKind::DBT_MODEL),
        "seed" => Some(AssetKind::DBT_SEED),
        "snapshot" => Some(AssetKind::DBT_SNAPSHOT),
        "source" => Some(AssetKind::DBT_SOURCE),
        "exposure" => Some(AssetKind::DBT_EXPOSURE),
        "semantic_model" => Some(AssetKind::DBT_SEMANTIC_MODEL),
        "metric" => Some(AssetKind::DBT_METRIC),
        _ => None,
    }
}

/// What the path of a product is made of: its package, what it stands in there, and its name.
fn segments(unique_id: &str) -> Option<[Cow<'_, str>; 3]> {
    let (resource, rest) = unique_id.split_once('.')?;
    kind_of(resource)?;
    let (package, name) = rest.split_once('.')?;
    let whole = match resource {
        "source" => {
            let (source, table) = name.split_once('.')?;
            [package.into(), ["source.", source].concat().into(), table.into()]
        }
        _ => [package, resource, name].map(Cow::from),
    };
    whole.iter().all(|segment| !segment.is_empty()).then_some(whole)
}

/// The path of a product: its `unique_id` with the package in front, `model.shop.orders.v2` as
/// `shop, model, orders.v2`; the tables of a source stand below it, `source.shop.till.sales` as
/// `shop, source.till, sales`. `None` for an id that is no product's.
pub(crate) fn path(unique_id: &str) -> Option<Path> {
    segments(unique_id).map(Path::new)
}

pub(crate) fn is_product(unique_id: &str) -> bool {
    segments(unique_id).is_some()
}

/// The namespaces of products.
pub(crate) fn namespaces<'a>(unique_ids: impl Iterator<Item = &'a str>) -> BTreeSet<Path> {
    let found = unique_ids.filter_map(segments);
    let found: BTreeSet<_> = found.map(|[package, inner, _]| [package, inner]).collect();
    let paths = found.into_iter();
    paths.map(Path::new).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_the_unique_id_with_the_package_in_front() {
        for (id, segments) in [
            ("model.shop.orders", &["shop", "model", "orders"][..]),
            ("model.shop.orders.v2", &["shop", "model", "orders.v2"]),
            ("source.shop.till.sales.eu", &["shop", "source.till", "sales.eu"]),
            ("metric.shop.Umsatz \"€\"", &["shop", "metric", "Umsatz \"€\""]),
        ] {
            assert_eq!(path(id), Some(Path::new(segments.iter().copied())), "{id}");
        }
        for id in [
            "test.shop.unique_x.c5",
            "analysis.shop.a",
            "model.shop",
            "model..x",
            "source.shop.x",
            "",
        ] {
            assert_eq!(path(id), None, "{id}");
        }
    }
}
