//! Spaces.

use super::{Answer, AppData, Status, no_content, with};
use crate::{
    extract::{Body, Caller, InSpace},
    problem::Problem,
    wire::{NewSpace, Space},
};
use actix_web::{HttpResponse, http::StatusCode, web::Json};

/// List spaces
///
/// A key of a space sees that space only.
#[utoipa::path(get, path = "/catalog/spaces", tag = "spaces", responses((status = 200, body = Vec<Space>)))]
pub(crate) async fn list(caller: Caller, app: AppData) -> Answer<Vec<Space>> {
    let spaces = match &caller.0.space {
        Some(own) => vec![app.store.get_space(&own.slug).await?],
        None => app.store.list_spaces().await?,
    };
    Ok(Json(spaces.into_iter().map(Space::from).collect()))
}

/// Make a space
#[utoipa::path(
    post, path = "/catalog/spaces", tag = "spaces", request_body = NewSpace,
    responses((status = 201, body = Space), (status = 409, description = "`slug_taken`"))
)]
pub(crate) async fn create(caller: Caller, app: AppData, body: Body<NewSpace>) -> Status<Space> {
    let NewSpace { slug, name } = body.0.check()?;
    let space = app.store.create_space(&slug, &name, &caller.actor()).await?;
    Ok(with(StatusCode::CREATED, Space::from(space)))
}

/// Get a space
#[utoipa::path(
    get, path = "/catalog/spaces/{slug}", tag = "spaces", params(("slug" = String, Path)),
    responses((status = 200, body = Space))
)]
pub(crate) async fn get(at: InSpace, app: AppData) -> Answer<Space> {
    let space = app.store.get_space(&at.space.slug).await?;
    Ok(Json(space.into()))
}

/// Delete a space
///
/// It must have no connectors. Its keys, its history and its products go with it.
#[utoipa::path(
    delete, path = "/catalog/spaces/{slug}", tag = "spaces", params(("slug" = String, Path)),
    responses((status = 204), (status = 409, description = "`space_not_empty`"))
)]
pub(crate) async fn delete(at: InSpace, app: AppData) -> Result<HttpResponse, Problem> {
    app.store.delete_space(at.space.id, &at.actor()).await?;
    Ok(no_content())
}
