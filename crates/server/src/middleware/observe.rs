//! Around every request: an id, a log line, metrics, security headers, and the id in an unexpected error.
//!
//! Neither the log nor the metrics see headers, bodies, query strings or the ids in a path: a route is named
//! by its pattern.

use crate::problem::Problem;
use actix_web::{
    Error,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method,
        header::{self, HeaderName, HeaderValue},
    },
    middleware::Next,
};
use std::time::Instant;
use tracing::Instrument;
use uuid::Uuid;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Pages of ours load from this server only; the viewer of `/docs` styles inline.
const SECURITY_HEADERS: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'",
    ),
];

pub(crate) async fn observe(
    req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let started = Instant::now();
    let id = request_id(&req);
    let method = req.method().clone();
    let span = tracing::info_span!("request", id);
    let answer = next
        .call(req)
        .instrument(span.clone())
        .await?
        .map_into_boxed_body();
    let mut answer = span.in_scope(|| with_request_id(answer, &id));
    for (name, value) in SECURITY_HEADERS {
        answer.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    if let Ok(id) = HeaderValue::from_str(&id) {
        answer.headers_mut().insert(REQUEST_ID, id);
    }
    span.in_scope(|| record(&method, &answer, started));
    Ok(answer)
}

/// The caller's own id, where it is short and plain, or a new one.
fn request_id(req: &ServiceRequest) -> String {
    let is_plain = |id: &&str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        (1..=64).contains(&id.len()) && id.bytes().all(plain)
    };
    let sent = req.headers().get(&REQUEST_ID).and_then(|id| id.to_str().ok());
    match sent.filter(is_plain) {
        Some(id) => id.to_owned(),
        None => Uuid::now_v7().to_string(),
    }
}

/// Logs what nobody expected, and answers with the id that the log has.
fn with_request_id(answer: ServiceResponse<BoxBody>, id: &str) -> ServiceResponse<BoxBody> {
    let error = answer.response().error();
    let Some((problem, cause)) = error
        .and_then(|error| error.as_error::<Problem>())
        .and_then(|problem| Some((problem, problem.cause()?)))
    else {
        return answer;
    };
    let mut chain = cause.to_string();
    let mut source = cause.source();
    while let Some(cause) = source {
        chain.push_str(": ");
        chain.push_str(&cause.to_string());
        source = cause.source();
    }
    tracing::error!(error = chain, "unexpected error");
    let response = problem.answer(Some(id));
    ServiceResponse::new(answer.into_parts().0, response)
}

fn record(method: &Method, answer: &ServiceResponse<BoxBody>, started: Instant) {
    let route = answer.request().match_pattern();
    let route = route.unwrap_or_else(|| "unmatched".to_owned());
    let status = answer.status().as_u16();
    let seconds = started.elapsed().as_secs_f64();
    tracing::info!(%method, route, status, seconds, "answered");
    let known = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PATCH,
        Method::PUT,
        Method::DELETE,
    ];
    let method = if known.contains(method) {
        method.as_str()
    } else {
        "other"
    };
    let labels = [
        ("method", method.to_owned()),
        ("route", route),
        ("status", status.to_string()),
    ];
    metrics::counter!("headwater_http_requests_total", &labels).increment(1);
    metrics::histogram!("headwater_http_request_duration_seconds", &labels).record(seconds);
}
