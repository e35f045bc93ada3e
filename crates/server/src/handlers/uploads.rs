//! Uploads: files that a connector reads in place of a source.

use super::{AppData, Status, with};
use crate::{
    app::App,
    extract::{Id, InSpace, Params},
    problem::{Code, Problem},
    wire::StartedSync,
};
use actix_multipart::{Field, Multipart, MultipartError};
use actix_web::http::StatusCode;
use futures_util::TryStreamExt;
use headwater_catalog::{Connector, ConnectorId, RunRequest, engine::Upload};
use tokio::{
    fs::File,
    io::{AsyncWriteExt, BufWriter},
};
use utoipa::ToSchema;

/// How much is written at one go.
const CHUNK: usize = 256 * 1024;

/// The artifacts of a dbt project, plain or gzip.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the parts of an upload")]
pub(crate) struct DbtArtifacts {
    /// `target/manifest.json`.
    #[schema(value_type = String, format = Binary)]
    manifest_file: Vec<u8>,
    /// `target/catalog.json`: types and sizes.
    #[schema(value_type = Option<String>, format = Binary)]
    catalog_file: Option<Vec<u8>>,
    /// `target/run_results.json`: results of tests and runs.
    #[schema(value_type = Option<String>, format = Binary)]
    run_results_file: Option<Vec<u8>>,
    /// `target/sources.json`: freshness of sources.
    #[schema(value_type = Option<String>, format = Binary)]
    sources_file: Option<Vec<u8>>,
}

/// Upload dbt artifacts
///
/// The sync that reads them begins at once. What is missing from the manifest is gone.
#[utoipa::path(
    post, operation_id = "upload", path = "/catalog/spaces/{slug}/connectors/{id}/dbt-manifest", tag = "syncs",
    params(
        ("slug" = String, Path), ("id" = String, Path),
        ("accept_source" = Option<bool>, Query, description = "accepts the artifacts of another project")
    ),
    request_body(content = DbtArtifacts, content_type = "multipart/form-data"),
    responses(
        (status = 202, body = StartedSync),
        (status = 400, description = "`invalid_body`"),
        (status = 409, description = "`sync_in_progress` or `connector_inactive`"),
        (status = 413, description = "`body_too_large`"),
        (status = 415, description = "`unsupported_media_type`")
    )
)]
pub(crate) async fn start(
    at: InSpace,
    app: AppData,
    id: Id<ConnectorId>,
    params: Params,
    parts: Multipart,
) -> Status<StartedSync> {
    let request = RunRequest {
        accept_source: params.flag("accept_source")?,
        ..RunRequest::default()
    };
    let connector = app.store.get_connector(at.space.id, id.0).await?;
    let inputs = inputs(&app, &connector)?;
    app.store.check_free(at.space.id, id.0).await?;
    let upload = receive(&app, inputs, parts).await?;
    let (to, actor) = ((at.space.id, id.0), at.actor());
    let run = app.engine.submit(to, upload, request, &actor).await?;
    Ok(with(StatusCode::ACCEPTED, run.into()))
}

/// The names of the parts that the connector takes.
fn inputs(app: &App, connector: &Connector) -> Result<&'static [&'static str], Problem> {
    let kind = app.registry.get(&connector.kind)?;
    match kind.inputs {
        [] => {
            let detail = format!("connectors of type {} take no uploads", kind.kind);
            Err(Problem::new(Code::InvalidBody, detail))
        }
        inputs => Ok(inputs),
    }
}

/// Writes the parts to files, in whatever order they come.
async fn receive(app: &App, inputs: &[&'static str], mut parts: Multipart) -> Result<Upload, Problem> {
    let mut upload = app.engine.new_upload().map_err(Problem::internal)?;
    let mut room = app.max_upload;
    while let Some(part) = parts.try_next().await.map_err(unreadable)? {
        let name = part.name().unwrap_or_default();
        let Some(input) = inputs.iter().find(|input| **input == name) else {
            let detail = format!("unknown part; expected {}", inputs.join(", "));
            return Err(Problem::invalid_body("", detail));
        };
        if upload.has(input) {
            return Err(Problem::invalid_body(format!("/{input}"), "is given twice"));
        }
        let written = write(part, upload.file(input), &mut room, app.max_upload).await?;
        if written == 0 {
            return Err(Problem::invalid_body(format!("/{input}"), "is empty"));
        }
    }
    match inputs.first() {
        Some(first) if !upload.has(first) => Err(Problem::invalid_body(format!("/{first}"), "is missing")),
        _ => Ok(upload),
    }
}

async fn write(mut part: Field, file: std::path::PathBuf, room: &mut u64, most: u64) -> Result<u64, Problem> {
    let file = File::create_new(file).await.map_err(Problem::internal)?;
    let mut file = BufWriter::with_capacity(CHUNK, file);
    let before = *room;
    while let Some(chunk) = part.try_next().await.map_err(unreadable)? {
        let left = room.checked_sub(chunk.len() as u64);
        *room = left.ok_or_else(|| {
            Problem::new(
                Code::BodyTooLarge,
                format!("an upload may have {most} bytes at most"),
            )
        })?;
        file.write_all(&chunk).await.map_err(Problem::internal)?;
    }
    file.flush().await.map_err(Problem::internal)?;
    Ok(before - *room)
}

fn unreadable(error: MultipartError) -> Problem {
    match error {
        MultipartError::ContentTypeMissing
        | MultipartError::ContentTypeParse
        | MultipartError::ContentTypeIncompatible => {
            let detail = "send the files as multipart/form-data, as curl -F does";
            Problem::new(Code::UnsupportedMediaType, detail)
        }
        // Its text tells of the form, not of the content.
        malformed => Problem::new(Code::InvalidBody, format!("invalid multipart body: {malformed}")),
    }
}
