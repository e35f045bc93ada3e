//! For those who run the server: health, readiness, metrics, and the API's own description.

use super::AppData;
use crate::{openapi, problem::Problem};
use actix_web::{
    HttpResponse,
    http::header::{self, ContentType},
    web::{Json, Path},
};
use serde_json::{Value, json};
use std::sync::Arc;

/// Say that the process is alive
#[utoipa::path(get, path = "/health", tag = "operations", responses((status = 200, description = r#"`{"status":"ok"}`"#)))]
pub(crate) async fn health() -> Json<Value> {
    Json(json!({"status": "ok"}))
}

/// Say whether requests should come here
#[utoipa::path(
    get, path = "/ready", tag = "operations",
    responses(
        (status = 200, description = r#"`{"status":"ok"}`"#),
        (status = 503, description = r#"`{"status":"not_ready"}`: the store fails, or shutdown has begun"#)
    )
)]
pub(crate) async fn ready(app: AppData) -> HttpResponse {
    if app.is_ready().await {
        HttpResponse::Ok().json(json!({"status": "ok"}))
    } else {
        HttpResponse::ServiceUnavailable().json(json!({"status": "not_ready"}))
    }
}

/// Show the numbers
#[utoipa::path(
    get, path = "/metrics", tag = "operations",
    responses((status = 200, content_type = "text/plain", description = "Prometheus' text format"))
)]
pub(crate) async fn metrics(app: AppData) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(app.metrics.render())
}

/// Show this document
#[utoipa::path(get, path = "/openapi.json", tag = "operations", responses((status = 200)))]
pub(crate) async fn openapi(app: AppData) -> HttpResponse {
    HttpResponse::Ok().json(openapi::document(&app.base_path))
}

/// Show this document to people
#[utoipa::path(get, path = "/docs", tag = "operations", responses((status = 308, description = "to `docs/`")))]
pub(crate) async fn docs_home() -> HttpResponse {
    HttpResponse::PermanentRedirect()
        .insert_header((header::LOCATION, "docs/"))
        .finish()
}

/// The viewer's files: all of them are in the program.
pub(crate) async fn docs(file: Path<String>) -> Result<HttpResponse, Problem> {
    let config = utoipa_swagger_ui::Config::from("../openapi.json");
    let found = utoipa_swagger_ui::serve(&file, Arc::new(config))
        .map_err(|error| Problem::internal(error.to_string()))?;
    let file = found.ok_or_else(|| Problem::not_found("path"))?;
    let mut answer = HttpResponse::Ok();
    if file.gzpipped {
        answer.insert_header(header::ContentEncoding::Gzip);
    }
    let kind: ContentType = file
        .content_type
        .parse()
        .map(ContentType)
        .unwrap_or_else(|_| ContentType::octet_stream());
    Ok(answer.content_type(kind).body(file.bytes.into_owned()))
}
