//! The kinds of sources that this server can read.

use super::AppData;
use crate::wire::ConnectorType;
use actix_web::web::Json;

/// List the kinds of sources
///
/// With the JSON Schemas of their settings.
#[utoipa::path(
    get, path = "/catalog/connector-types", tag = "connector types", responses((status = 200, body = Vec<ConnectorType>))
)]
pub(crate) async fn list(app: AppData) -> Json<Vec<ConnectorType>> {
    Json(
        app.registry
            .types()
            .map(|kind| ConnectorType::from(&**kind))
            .collect(),
    )
}
