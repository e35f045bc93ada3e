//! Connectors: configured sources.

use super::{Answer, AppData, Status, no_content, with};
use crate::{
    extract::{Body, Id, InSpace, Params},
    openapi::VerifyParam,
    problem::Problem,
    settings,
    wire::{Connector, ConnectorAnswer, ConnectorPatch, NewConnector, TestAnswer},
};
use actix_web::{HttpResponse, http::StatusCode, web::Json};
use headwater_catalog::ConnectorId;

/// List connectors
#[utoipa::path(
    get, path = "/catalog/spaces/{slug}/connectors", tag = "connectors", params(("slug" = String, Path)),
    responses((status = 200, body = Vec<Connector>))
)]
pub(crate) async fn list(at: InSpace, app: AppData) -> Answer<Vec<Connector>> {
    let connectors = app.store.list_connectors(at.space.id).await?;
    Ok(Json(connectors.into_iter().map(Connector::from).collect()))
}

/// Make a connector
///
/// The settings are checked without a call to the source, unless `verify` is true.
#[utoipa::path(
    post, path = "/catalog/spaces/{slug}/connectors", tag = "connectors",
    params(("slug" = String, Path), VerifyParam), request_body = NewConnector,
    responses(
        (status = 201, body = ConnectorAnswer),
        (status = 400, description = "`invalid_configuration`; with `verify` also `source_unauthenticated`")
    )
)]
pub(crate) async fn create(
    at: InSpace,
    app: AppData,
    params: Params,
    body: Body<NewConnector>,
) -> Status<ConnectorAnswer> {
    let (new, warnings) = settings::check_new(&app, at.space.id, body.0, params.flag("verify")?).await?;
    let connector = app.store.create_connector(at.space.id, new, &at.actor()).await?;
    Ok(with(
        StatusCode::CREATED,
        ConnectorAnswer::new(connector, warnings),
    ))
}

/// Get a connector
#[utoipa::path(
    get, path = "/catalog/spaces/{slug}/connectors/{id}", tag = "connectors",
    params(("slug" = String, Path), ("id" = String, Path)), responses((status = 200, body = Connector))
)]
pub(crate) async fn get(at: InSpace, app: AppData, id: Id<ConnectorId>) -> Answer<Connector> {
    let connector = app.store.get_connector(at.space.id, id.0).await?;
    Ok(Json(connector.into()))
}

/// Change a connector
///
/// `config` is merged by RFC 7396, `credentials` are replaced whole. Where the change says that a secret is
/// sent elsewhere, the credentials must come with it. Takes effect at the next sync.
#[utoipa::path(
    patch, path = "/catalog/spaces/{slug}/connectors/{id}", tag = "connectors",
    params(("slug" = String, Path), ("id" = String, Path), VerifyParam), request_body = ConnectorPatch,
    responses(
        (status = 200, body = ConnectorAnswer),
        (
            status = 400,
            description = "`invalid_configuration` or `credentials_required`; with `verify` also `source_unauthenticated`"
        ),
        (status = 409, description = "`conflict`: changed by someone else at the same time")
    )
)]
pub(crate) async fn update(
    at: InSpace,
    app: AppData,
    id: Id<ConnectorId>,
    params: Params,
    body: Body<ConnectorPatch>,
) -> Answer<ConnectorAnswer> {
    let verify = params.flag("verify")?;
    let before = app.store.get_connector(at.space.id, id.0).await?;
    let (patch, warnings) = settings::check_patch(&app, &before, body.0, verify).await?;
    let connector = app
        .store
        .update_connector(at.space.id, id.0, patch, &at.actor())
        .await?;
    Ok(Json(ConnectorAnswer::new(connector, warnings)))
}

/// Delete a connector
///
/// Ends its sync, disconnects its products and keeps its history.
#[utoipa::path(
    delete, path = "/catalog/spaces/{slug}/connectors/{id}", tag = "connectors",
    params(("slug" = String, Path), ("id" = String, Path)), responses((status = 204))
)]
pub(crate) async fn delete(at: InSpace, app: AppData, id: Id<ConnectorId>) -> Result<HttpResponse, Problem> {
    app.store.delete_connector(at.space.id, id.0, &at.actor()).await?;
    app.engine.wake();
    Ok(no_content())
}

/// Test a connector
///
/// Calls the source. The answer is 200 whatever the source says: `success` tells.
#[utoipa::path(
    post, path = "/catalog/spaces/{slug}/connectors/{id}/test", tag = "connectors",
    params(("slug" = String, Path), ("id" = String, Path)), responses((status = 200, body = TestAnswer))
)]
pub(crate) async fn test(at: InSpace, app: AppData, id: Id<ConnectorId>) -> Answer<TestAnswer> {
    let connector = app.store.get_connector(at.space.id, id.0).await?;
    let found = app.check(&connector).await?;
    Ok(Json(found.into()))
}
