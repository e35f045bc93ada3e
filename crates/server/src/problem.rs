//! Every error answer: `application/problem+json` (RFC 9457), with a stable `code`.
//!
//! [`Problem::from`] is where the catalog's errors get their status. What nobody expected is `internal`: the
//! log has the cause, the answer has the request's id.

use crate::wire::Time;
use actix_web::{HttpResponse, ResponseError, http::StatusCode, http::header};
use headwater_catalog::{self as catalog, RunId};
use headwater_core::ErrorKind;
use serde::Serialize;
use std::{error::Error as StdError, fmt};
use utoipa::ToSchema;

/// The stable names of what can go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    InvalidConfiguration,
    InvalidBody,
    InvalidParameter,
    CredentialsRequired,
    SourceUnauthenticated,
    Unauthorized,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    SyncInProgress,
    ConnectorInactive,
    NothingToSync,
    RemovalsDecided,
    NoRemovalsHeld,
    SlugTaken,
    SpaceNotEmpty,
    Conflict,
    BodyTooLarge,
    UnsupportedMediaType,
    RateLimited,
    Internal,
}

impl Code {
    /// Name, status and title.
    fn parts(self) -> (&'static str, StatusCode, &'static str) {
        match self {
            Self::InvalidConfiguration => (
                "invalid_configuration",
                StatusCode::BAD_REQUEST,
                "Invalid configuration",
            ),
            Self::InvalidBody => ("invalid_body", StatusCode::BAD_REQUEST, "Invalid body"),
            Self::InvalidParameter => ("invalid_parameter", StatusCode::BAD_REQUEST, "Invalid parameter"),
            Self::CredentialsRequired => (
                "credentials_required",
                StatusCode::BAD_REQUEST,
                "Credentials required",
            ),
            Self::SourceUnauthenticated => (
                "source_unauthenticated",
                StatusCode::BAD_REQUEST,
                "Source refused the credentials",
            ),
            Self::Unauthorized => ("unauthorized", StatusCode::UNAUTHORIZED, "Invalid credentials"),
            Self::Forbidden => ("forbidden", StatusCode::FORBIDDEN, "Forbidden"),
            Self::NotFound => ("not_found", StatusCode::NOT_FOUND, "Not found"),
            Self::MethodNotAllowed => (
                "method_not_allowed",
                StatusCode::METHOD_NOT_ALLOWED,
                "Method not allowed",
            ),
            Self::SyncInProgress => ("sync_in_progress", StatusCode::CONFLICT, "Sync in progress"),
            Self::ConnectorInactive => ("connector_inactive", StatusCode::CONFLICT, "Connector inactive"),
            Self::NothingToSync => ("nothing_to_sync", StatusCode::BAD_REQUEST, "Nothing to sync"),
            Self::RemovalsDecided => (
                "removals_decided",
                StatusCode::CONFLICT,
                "Removals already decided",
            ),
            Self::NoRemovalsHeld => ("no_removals_held", StatusCode::CONFLICT, "No removals held"),
            Self::SlugTaken => ("slug_taken", StatusCode::CONFLICT, "Slug taken"),
            Self::SpaceNotEmpty => ("space_not_empty", StatusCode::CONFLICT, "Space not empty"),
            Self::Conflict => ("conflict", StatusCode::CONFLICT, "Conflict"),
            Self::BodyTooLarge => ("body_too_large", StatusCode::PAYLOAD_TOO_LARGE, "Body too large"),
            Self::UnsupportedMediaType => (
                "unsupported_media_type",
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "Unsupported media type",
            ),
            Self::RateLimited => ("rate_limited", StatusCode::TOO_MANY_REQUESTS, "Rate limited"),
            Self::Internal => (
                "internal",
                StatusCode::INTERNAL_SERVER_ERROR,
                "Internal server error",
            ),
        }
    }
}

/// An answer that says what went wrong.
#[derive(Debug)]
pub(crate) struct Problem {
    code: Code,
    detail: String,
    errors: Vec<FieldError>,
    running: Option<Box<(RunId, Time)>>,
    /// A header that tells more.
    header: Option<(&'static str, String)>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Problem {
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            errors: Vec::new(),
            running: None,
            header: None,
            source: None,
        }
    }

    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(Code::NotFound, format!("{what} not found"))
    }

    pub(crate) fn method_not_allowed(allow: &str) -> Self {
        Self {
            header: Some(("allow", allow.to_owned())),
            ..Self::new(Code::MethodNotAllowed, format!("this path takes {allow}"))
        }
    }

    /// A 429: to be sent again after so many seconds.
    pub(crate) fn rate_limited(retry_after: u64) -> Self {
        let detail = format!("too many requests of this key; send it again in {retry_after} s");
        Self {
            header: Some(("retry-after", retry_after.to_string())),
            ..Self::new(Code::RateLimited, detail)
        }
    }

    /// A 500. `source` is logged and never shown.
    pub(crate) fn internal(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        let detail = "an unexpected error; the server's log has more under this request id";
        Self {
            source: Some(source.into()),
            ..Self::new(Code::Internal, detail)
        }
    }

    /// A body that is wrong at one place.
    pub(crate) fn invalid_body(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(Code::InvalidBody, "invalid body").with_error(pointer, detail)
    }

    /// A body with the malformed places of an error.
    pub(crate) fn invalid(code: Code, error: &headwater_core::Error) -> Self {
        let what = match code {
            Code::InvalidBody => "invalid body",
            _ => error.message(),
        };
        error
            .fields()
            .iter()
            .fold(Self::new(code, what), |problem, field| {
                problem.with_error(&*field.pointer, &*field.detail)
            })
    }

    /// Settings that their source was asked about, and what it answered. Whatever keeps it from being read
    /// is a fault of the settings that were sent, the source being down included: they are not stored.
    pub(crate) fn unverified(error: headwater_core::Error) -> Self {
        match error.kind() {
            ErrorKind::ConfigInvalid | ErrorKind::Unexpected => Self::from(error),
            ErrorKind::Unauthenticated => Self::new(Code::SourceUnauthenticated, error.to_string()),
            _ => Self::new(Code::InvalidConfiguration, error.to_string()),
        }
    }

    /// With a malformed place, which the detail names too: some clients show nothing else.
    #[must_use]
    pub(crate) fn with_error(mut self, pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        let (pointer, detail) = (pointer.into(), detail.into());
        let colon = if pointer.is_empty() { "" } else { ": " };
        self.detail.push_str(&format!("; {pointer}{colon}{detail}"));
        self.errors.push(FieldError { pointer, detail });
        self
    }

    /// What the log must have: the cause of a 500.
    pub(crate) fn cause(&self) -> Option<&(dyn StdError + Send + Sync)> {
        self.source.as_deref()
    }

    /// The answer. A request's id stands in it where the log has more.
    pub(crate) fn answer(&self, request_id: Option<&str>) -> HttpResponse {
        let (code, status, title) = self.code.parts();
        let body = ProblemBody {
            r#type: format!("urn:headwater:problem:{code}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: self.detail.clone(),
            code: code.to_owned(),
            errors: self.errors.clone(),
            job_id: self.running.as_ref().map(|running| running.0.to_string()),
            started_at: self.running.as_ref().map(|running| running.1),
            request_id: request_id.map(str::to_owned),
        };
        let mut answer = HttpResponse::build(status);
        if status == StatusCode::UNAUTHORIZED {
            answer.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        if let Some((name, value)) = &self.header {
            answer.insert_header((*name, value.as_str()));
        }
        answer.content_type("application/problem+json").json(body)
    }
}

/// Where an error of the catalog gets its status.
impl From<catalog::Error> for Problem {
    fn from(error: catalog::Error) -> Self {
        use catalog::Error as E;
        let code = match &error {
            E::NotFound(_) => Code::NotFound,
            E::SlugTaken => Code::SlugTaken,
            E::SpaceNotEmpty => Code::SpaceNotEmpty,
            E::SyncInProgress { .. } => Code::SyncInProgress,
            E::ConnectorInactive => Code::ConnectorInactive,
            E::CredentialsRequired | E::Keys(_) => Code::CredentialsRequired,
            E::RemovalsDecided => Code::RemovalsDecided,
            E::NoRemovalsHeld => Code::NoRemovalsHeld,
            E::Conflict => Code::Conflict,
            E::Invalid(invalid) => return Self::from(invalid.clone()),
            _ => return Self::internal(error),
        };
        let running = match &error {
            E::SyncInProgress { run, started_at } => Some(Box::new((*run, Time(*started_at)))),
            _ => None,
        };
        Self {
            running,
            ..Self::new(code, error.to_string())
        }
    }
}

/// Where an error of the connectors' contract gets its status: it is the settings, or nobody expected it.
impl From<headwater_core::Error> for Problem {
    fn from(error: headwater_core::Error) -> Self {
        match error.kind() {
            ErrorKind::ConfigInvalid => Self::invalid(Code::InvalidConfiguration, &error),
            _ => Self::internal(error),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.code.parts().1
    }

    fn error_response(&self) -> HttpResponse {
        self.answer(None)
    }
}

/// An error answer (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody {
    /// `urn:headwater:problem:` and the code.
    #[schema(example = "urn:headwater:problem:sync_in_progress")]
    r#type: String,
    /// What kind of problem it is, for people.
    #[schema(example = "Sync in progress")]
    title: String,
    /// The status of the answer.
    #[schema(example = 409)]
    status: u16,
    /// What happened, for people.
    #[schema(example = "Sync already in progress")]
    detail: String,
    /// What kind of problem it is, for programs.
    #[schema(example = "sync_in_progress")]
    code: String,
    /// The malformed places of a body.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<FieldError>,
    /// With `sync_in_progress`: the job that runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    job_id: Option<String>,
    /// With `sync_in_progress`: since when it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    started_at: Option<Time>,
    /// With `internal`: the id that the server's log has.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    request_id: Option<String>,
}

/// One malformed place of a body.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct FieldError {
    /// JSON pointer into the body.
    #[schema(example = "/config/prot")]
    pointer: String,
    /// What is wrong and what is allowed.
    #[schema(example = "unknown key; did you mean port?")]
    detail: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use headwater_core::Error;

    #[test]
    fn the_detail_names_the_places_too() {
        let error = Error::invalid_field("/config/prot", "unknown key; did you mean port?");
        let problem = Problem::from(error);
        assert_eq!(
            problem.to_string(),
            "invalid configuration; /config/prot: unknown key; did you mean port?"
        );
        let problem = Problem::invalid_body("", "not valid JSON at line 1 column 2");
        assert_eq!(
            problem.to_string(),
            "invalid body; not valid JSON at line 1 column 2"
        );
    }

    #[test]
    fn what_nobody_expected_keeps_its_cause_for_the_log() {
        let problem = Problem::from(Error::new(ErrorKind::Unexpected, "hunter2"));
        assert!(!problem.to_string().contains("hunter2"));
        assert_eq!(
            problem.cause().map(ToString::to_string).as_deref(),
            Some("hunter2")
        );
        assert_eq!(problem.status_code(), StatusCode::INTERNAL_SERVER_ERROR);
    }
}
