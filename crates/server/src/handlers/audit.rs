//! Who changed what.

use super::{Answer, AppData};
use crate::{
    extract::{InSpace, Params},
    openapi::PageParams,
    wire::{AuditEvent, Page},
};
use actix_web::web::Json;

/// List what was changed in a space
///
/// Newest first. Events name fields, never values.
#[utoipa::path(
    get, path = "/catalog/spaces/{slug}/audit", tag = "audit",
    params(("slug" = String, Path), PageParams), responses((status = 200, body = Page<AuditEvent>))
)]
pub(crate) async fn list(at: InSpace, app: AppData, params: Params) -> Answer<Page<AuditEvent>> {
    let page = app.store.list_audit(at.space.id, params.page()?).await?;
    Ok(Json(page.into()))
}
