//! Products: what the catalog holds of the sources.

use super::{Answer, AppData};
use crate::{
    extract::{Body, Id, InSpace, Params},
    openapi::PageParams,
    wire::{LineageGraph, Page, Product, ProductDetail, ProductPatch, SchemaChange},
};
use actix_web::web::Json;
use headwater_catalog::{LineageDirection, ProductFilter, ProductId};

/// List products
///
/// By `hosting_location`. The active ones, unless told otherwise.
#[utoipa::path(
    get, path = "/catalog/spaces/{slug}/products", tag = "products",
    params(
        ("slug" = String, Path),
        ("connector_id" = Option<String>, Query, description = "those of one connector"),
        ("search" = Option<String>, Query,
            description = "those with this text in name, path, description or a column's name, whatever its case"),
        ("state" = Option<String>, Query, description = "`active`, `stale`, `out_of_scope` or `disconnected`"),
        ("include_archived" = Option<bool>, Query, description = "those in any state"),
        PageParams
    ),
    responses((status = 200, body = Page<Product>))
)]
pub(crate) async fn list(at: InSpace, app: AppData, params: Params) -> Answer<Page<Product>> {
    let filter = ProductFilter {
        connector_id: params.parse("connector_id", "a connector's id")?,
        search: params
            .text("search")
            .filter(|text| !text.is_empty())
            .map(str::to_owned),
        state: params.name("state")?,
        include_archived: params.flag("include_archived")?,
    };
    let products = app
        .store
        .list_products(at.space.id, filter, params.page()?)
        .await?;
    Ok(Json(products.into()))
}

/// Get a product
///
/// With its columns as a tree, one hop of lineage and the newest 10 changes of its schema.
#[utoipa::path(
    get, path = "/catalog/spaces/{slug}/products/{id}", tag = "products",
    params(("slug" = String, Path), ("id" = String, Path)), responses((status = 200, body = ProductDetail))
)]
pub(crate) async fn get(at: InSpace, app: AppData, id: Id<ProductId>) -> Answer<ProductDetail> {
    let product = app.store.get_product(at.space.id, id.0).await?;
    Ok(Json(product.into()))
}

/// Write about a product
///
/// A sync does not overwrite what is written here. Null gives a part back to the source.
#[utoipa::path(
    patch, path = "/catalog/spaces/{slug}/products/{id}", tag = "products",
    params(("slug" = String, Path), ("id" = String, Path)), request_body = ProductPatch,
    responses((status = 200, body = ProductDetail))
)]
pub(crate) async fn update(
    at: InSpace,
    app: AppData,
    id: Id<ProductId>,
    body: Body<ProductPatch>,
) -> Answer<ProductDetail> {
    let (patch, actor) = (body.0.into(), at.actor());
    let product = app.store.update_product(at.space.id, id.0, patch, &actor).await?;
    Ok(Json(product.into()))
}

/// List the changes of a product's schema
///
/// Newest first.
#[utoipa::path(
    get, path = "/catalog/spaces/{slug}/products/{id}/schema-changes", tag = "products",
    params(("slug" = String, Path), ("id" = String, Path), PageParams),
    responses((status = 200, body = Page<SchemaChange>))
)]
pub(crate) async fn schema_changes(
    at: InSpace,
    app: AppData,
    id: Id<ProductId>,
    params: Params,
) -> Answer<Page<SchemaChange>> {
    let changes = app
        .store
        .schema_changes(at.space.id, id.0, params.page()?)
        .await?;
    Ok(Json(changes.into()))
}

/// Get what a product is made of, and what is made of it
#[utoipa::path(
    get, path = "/catalog/spaces/{slug}/products/{id}/lineage", tag = "products",
    params(
        ("slug" = String, Path), ("id" = String, Path),
        ("depth" = Option<u8>, Query, minimum = 1, maximum = 10, description = "hops; 1 unless told otherwise"),
        ("direction" = Option<String>, Query, description = "`upstream`, `downstream` or `both` (the default)")
    ),
    responses((status = 200, body = LineageGraph))
)]
pub(crate) async fn lineage(
    at: InSpace,
    app: AppData,
    id: Id<ProductId>,
    params: Params,
) -> Answer<LineageGraph> {
    let depth = params.within("depth", 1..=10)?.unwrap_or(1);
    let directions = [
        ("upstream", LineageDirection::Upstream),
        ("downstream", LineageDirection::Downstream),
        ("both", LineageDirection::Both),
    ];
    let direction = params.choice("direction", directions)?.unwrap_or_default();
    let graph = app.store.lineage(at.space.id, id.0, depth, direction).await?;
    Ok(Json(graph.into()))
}
