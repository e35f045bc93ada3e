//! One file per resource. A handler parses, makes one call to the catalog, converts and returns.

pub(crate) mod api_keys;
pub(crate) mod audit;
pub(crate) mod connector_types;
pub(crate) mod connectors;
pub(crate) mod operations;
pub(crate) mod products;
pub(crate) mod spaces;
pub(crate) mod sync_jobs;
pub(crate) mod uploads;

use crate::{app::App, problem::Problem};
use actix_web::{
    CustomizeResponder, HttpResponse, Responder,
    http::StatusCode,
    web::{Data, Json},
};

type AppData = Data<App>;
type Answer<T> = Result<Json<T>, Problem>;
type Status<T> = Result<CustomizeResponder<Json<T>>, Problem>;

fn with<T: serde::Serialize + 'static>(status: StatusCode, body: T) -> CustomizeResponder<Json<T>> {
    Json(body).customize().with_status(status)
}

fn no_content() -> HttpResponse {
    HttpResponse::NoContent().finish()
}
