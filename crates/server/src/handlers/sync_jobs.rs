//! Syncs: starting them, their history, cancelling them, deciding on what they hold back.

use super::{Answer, AppData, Status, with};
use crate::{
    app::App,
    extract::{Body, Id, InSpace, OptionalBody, Params},
    openapi::PageParams,
    problem::Problem,
    wire::{Decision, Page, StartedSync, SyncJob, SyncJobDetail, SyncRequest},
};
use actix_web::{http::StatusCode, web::Json};
use headwater_catalog::{ConnectorId, PageRequest, Run, RunFilter, RunId, RunStatus, Trigger};

/// Start a sync
///
/// The body may be left out.
#[utoipa::path(
    post, path = "/catalog/spaces/{slug}/connectors/{id}/sync", tag = "syncs",
    params(("slug" = String, Path), ("id" = String, Path)), request_body = Option<SyncRequest>,
    responses(
        (status = 202, body = StartedSync),
        (status = 400, description = "`nothing_to_sync`: the connector is fed by uploads"),
        (status = 409, description = "`sync_in_progress` or `connector_inactive`")
    )
)]
pub(crate) async fn start(
    at: InSpace,
    app: AppData,
    id: Id<ConnectorId>,
    body: OptionalBody<SyncRequest>,
) -> Status<StartedSync> {
    let (request, actor) = (body.0.into(), at.actor());
    app.check_fetches(&app.store.get_connector(at.space.id, id.0).await?)?;
    let run = app
        .store
        .start_run(at.space.id, id.0, request, Trigger::Api, &actor)
        .await?;
    app.engine.wake();
    Ok(with(StatusCode::ACCEPTED, run.into()))
}

/// List syncs
///
/// Newest first.
#[utoipa::path(
    get, path = "/catalog/spaces/{slug}/sync-history", tag = "syncs",
    params(
        ("slug" = String, Path),
        ("connector_id" = Option<String>, Query, description = "those of one connector"),
        ("status" = Option<String>, Query, description = "`running`, `completed`, `failed` or `cancelled`"),
        PageParams
    ),
    responses((status = 200, body = Page<SyncJob>))
)]
pub(crate) async fn history(at: InSpace, app: AppData, params: Params) -> Answer<Page<SyncJob>> {
    let filter = RunFilter {
        connector_id: params.parse("connector_id", "a connector's id")?,
        status: params.name::<RunStatus>("status")?,
    };
    let runs = app.store.list_runs(at.space.id, filter, params.page()?).await?;
    Ok(Json(runs.into()))
}

/// Get a sync
///
/// `page` and `size` are those of its warnings.
#[utoipa::path(
    get, path = "/catalog/spaces/{slug}/sync-jobs/{job_id}", tag = "syncs",
    params(("slug" = String, Path), ("job_id" = String, Path), PageParams),
    responses((status = 200, body = SyncJobDetail))
)]
pub(crate) async fn get(at: InSpace, app: AppData, id: Id<RunId>, params: Params) -> Answer<SyncJobDetail> {
    let page = params.page()?;
    let run = app.store.get_run(at.space.id, id.0).await?;
    Ok(Json(detail(&app, run, page).await?))
}

/// Cancel a sync
///
/// 202 while it runs: it ends soon. 200 when it has ended: it stays as it is.
#[utoipa::path(
    post, path = "/catalog/spaces/{slug}/sync-jobs/{job_id}/cancel", tag = "syncs",
    params(("slug" = String, Path), ("job_id" = String, Path)),
    responses((status = 200, body = SyncJobDetail), (status = 202, body = SyncJobDetail))
)]
pub(crate) async fn cancel(at: InSpace, app: AppData, id: Id<RunId>) -> Status<SyncJobDetail> {
    let before = app.store.get_run(at.space.id, id.0).await?;
    let run = app.store.cancel_run(at.space.id, id.0, &at.actor()).await?;
    app.engine.wake();
    let status = match before.status {
        RunStatus::Running => StatusCode::ACCEPTED,
        _ => StatusCode::OK,
    };
    Ok(with(status, detail(&app, run, PageRequest::default()).await?))
}

/// Decide on held removals
///
/// Once: after that, and when a newer sync has come, it is too late.
#[utoipa::path(
    post, path = "/catalog/spaces/{slug}/sync-jobs/{job_id}/removals", tag = "syncs",
    params(("slug" = String, Path), ("job_id" = String, Path)), request_body = Decision,
    responses(
        (status = 200, body = SyncJobDetail),
        (status = 409, description = "`removals_decided` or `no_removals_held`")
    )
)]
pub(crate) async fn decide_removals(
    at: InSpace,
    app: AppData,
    id: Id<RunId>,
    body: Body<Decision>,
) -> Answer<SyncJobDetail> {
    let run = app
        .store
        .decide_removals(at.space.id, id.0, body.0.into(), &at.actor())
        .await?;
    Ok(Json(detail(&app, run, PageRequest::default()).await?))
}

async fn detail(app: &App, run: Run, page: PageRequest) -> Result<SyncJobDetail, Problem> {
    let candidates = app.store.removal_candidates(run.id).await?;
    let warnings = app.store.run_warnings(run.id, page).await?;
    Ok(SyncJobDetail::new(run, candidates, warnings))
}
