//! API keys: of a space, and of the instance.

use super::{Answer, AppData, Status, no_content, with};
use crate::{
    extract::{Body, Caller, Id, InSpace},
    problem::Problem,
    wire::{ApiKey, NewApiKey, NewInstanceKey, NewKeyAnswer},
};
use actix_web::{HttpResponse, http::StatusCode, web::Json};
use headwater_catalog::KeyId;
use jiff::Timestamp;

/// List the keys of a space
///
/// Revoked ones too.
#[utoipa::path(
    get, path = "/catalog/spaces/{slug}/api-keys", tag = "api keys", params(("slug" = String, Path)),
    responses((status = 200, body = Vec<ApiKey>))
)]
pub(crate) async fn list(at: InSpace, app: AppData) -> Answer<Vec<ApiKey>> {
    let keys = app.store.list_api_keys(Some(at.space.id)).await?;
    Ok(Json(keys.into_iter().map(ApiKey::from).collect()))
}

/// Make a key of a space
///
/// The answer shows the key, once.
#[utoipa::path(
    post, path = "/catalog/spaces/{slug}/api-keys", tag = "api keys", params(("slug" = String, Path)),
    request_body = NewApiKey, responses((status = 201, body = NewKeyAnswer))
)]
pub(crate) async fn create(at: InSpace, app: AppData, body: Body<NewApiKey>) -> Status<NewKeyAnswer> {
    let new = body.0.check(Timestamp::now())?;
    let made = app
        .store
        .create_api_key(Some(at.space.id), new, &at.actor())
        .await?;
    Ok(with(StatusCode::CREATED, made.into()))
}

/// Revoke a key of a space
#[utoipa::path(
    delete, path = "/catalog/spaces/{slug}/api-keys/{key_id}", tag = "api keys",
    params(("slug" = String, Path), ("key_id" = String, Path)), responses((status = 204))
)]
pub(crate) async fn revoke(at: InSpace, app: AppData, id: Id<KeyId>) -> Result<HttpResponse, Problem> {
    app.store
        .revoke_api_key(Some(at.space.id), id.0, &at.actor())
        .await?;
    Ok(no_content())
}

/// List the keys of the instance
///
/// Revoked ones too.
#[utoipa::path(
    get, path = "/catalog/api-keys", tag = "api keys", responses((status = 200, body = Vec<ApiKey>))
)]
pub(crate) async fn list_of_instance(app: AppData) -> Answer<Vec<ApiKey>> {
    let keys = app.store.list_api_keys(None).await?;
    Ok(Json(keys.into_iter().map(ApiKey::from).collect()))
}

/// Make a key of the instance
///
/// It is an admin of every space, and may make spaces and keys of the instance. The answer shows the key,
/// once.
#[utoipa::path(
    post, path = "/catalog/api-keys", tag = "api keys", request_body = NewInstanceKey,
    responses((status = 201, body = NewKeyAnswer))
)]
pub(crate) async fn create_of_instance(
    caller: Caller,
    app: AppData,
    body: Body<NewInstanceKey>,
) -> Status<NewKeyAnswer> {
    let new = body.0.check(Timestamp::now())?;
    let made = app.store.create_api_key(None, new, &caller.actor()).await?;
    Ok(with(StatusCode::CREATED, made.into()))
}

/// Revoke a key of the instance
#[utoipa::path(
    delete, path = "/catalog/api-keys/{key_id}", tag = "api keys", params(("key_id" = String, Path)),
    responses((status = 204))
)]
pub(crate) async fn revoke_of_instance(
    caller: Caller,
    app: AppData,
    id: Id<KeyId>,
) -> Result<HttpResponse, Problem> {
    app.store.revoke_api_key(None, id.0, &caller.actor()).await?;
    Ok(no_content())
}
