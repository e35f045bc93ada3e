//! What BigQuery's refusals mean.
//!
//! The reasons are those of <https://cloud.google.com/bigquery/docs/error-messages>. One status may mean many things:
//! a 403 is a missing grant or too quick a pace.

use headwater_core::{Error, ErrorKind};
use headwater_http::Refusal;
use serde::Deserialize;

/// The code of a query that would bill more than it may.
const TOO_EXPENSIVE: &str = "max_bytes_billed";
/// The code of a principal that may not run queries.
pub(crate) const NO_JOBS: &str = "no_jobs";

#[derive(Deserialize)]
struct Envelope {
    error: Refused,
}

#[derive(Deserialize)]
struct Refused {
    #[serde(default)]
    errors: Vec<ErrorProto>,
}

/// One fault, in a refusal or in an answer that looks like a success.
#[derive(Debug, Deserialize)]
pub(crate) struct ErrorProto {
    #[serde(default)]
    pub(crate) reason: String,
    #[serde(default)]
    pub(crate) message: String,
}

/// What a refusal means, where its body says more than its status.
pub(crate) fn explain(refusal: &Refusal) -> Option<Error> {
    let refused = refusal.json::<Envelope>()?.error;
    let fault = refused.errors.first()?;
    let error = of_reason(&fault.reason, &fault.message)?;
    Some(error.with_context("status", refusal.status.as_u16()))
}

/// The error of a query that answered with faults.
pub(crate) fn of_query(faults: &[ErrorProto]) -> Option<Error> {
    let fault = faults.first()?;
    let unknown = || Error::new(ErrorKind::Unexpected, "BigQuery could not run a query");
    Some(of_reason(&fault.reason, &fault.message).unwrap_or_else(unknown))
}

/// The text of the message is only looked at: it may quote the request.
fn of_reason(reason: &str, message: &str) -> Option<Error> {
    use ErrorKind::{
        NotFound, PermissionDenied, RateLimited, Unauthenticated, Unavailable, Unexpected, Unsupported,
    };
    let (name, kind, said) = match reason {
        "quotaExceeded" => ("quotaExceeded", RateLimited, "a quota of BigQuery's is used up"),
        "rateLimitExceeded" => (
            "rateLimitExceeded",
            RateLimited,
            "BigQuery asks for a slower pace",
        ),
        "userRateLimitExceeded" => (
            "userRateLimitExceeded",
            RateLimited,
            "BigQuery asks for a slower pace",
        ),
        "jobRateLimitExceeded" => (
            "jobRateLimitExceeded",
            RateLimited,
            "BigQuery asks for a slower pace",
        ),
        "accessDenied" | "forbidden" if message.contains("bigquery.jobs.create") => {
            let said = "the principal may not run queries";
            return Some(Error::new(PermissionDenied, said).with_code(NO_JOBS));
        }
        "accessDenied" => ("accessDenied", PermissionDenied, "BigQuery refused the read"),
        "forbidden" => ("forbidden", PermissionDenied, "BigQuery refused the read"),
        "insufficientPermissions" => (
            "insufficientPermissions",
            PermissionDenied,
            "the access token lacks the scope to read BigQuery",
        ),
        "accessNotConfigured" => (
            "accessNotConfigured",
            PermissionDenied,
            "the BigQuery API is not enabled in the project",
        ),
        "billingNotEnabled" => (
            "billingNotEnabled",
            PermissionDenied,
            "the project has no billing account",
        ),
        "notFound" => ("notFound", NotFound, "BigQuery knows nothing of that name"),
        "authError" | "required" => ("authError", Unauthenticated, "BigQuery refused the credentials"),
        "backendError" => ("backendError", Unavailable, "BigQuery cannot answer now"),
        "internalError" => ("internalError", Unavailable, "BigQuery cannot answer now"),
        "jobBackendError" => ("jobBackendError", Unavailable, "BigQuery could not run a query"),
        "jobInternalError" => ("jobInternalError", Unavailable, "BigQuery could not run a query"),
        "tableUnavailable" => ("tableUnavailable", Unavailable, "BigQuery cannot answer now"),
        "timeout" => ("timeout", Unavailable, "a query took too long"),
        "stopped" => ("stopped", Unavailable, "a query was stopped at BigQuery"),
        "bytesBilledLimitExceeded" => {
            let said = "a query would bill more than max_bytes_billed: raise it, or use mode rest";
            return Some(Error::new(Unexpected, said).with_code(TOO_EXPENSIVE));
        }
        "notImplemented" => ("notImplemented", Unsupported, "BigQuery does not offer this"),
        "invalidQuery" => ("invalidQuery", Unexpected, "BigQuery cannot read a query"),
        _ => return None,
    };
    Some(Error::new(kind, said).with_context("reason", name))
}

/// Adds the role to grant where a read was refused for want of one.
pub(crate) fn with_role(error: Error, project: &str, member: &str) -> Error {
    if error.kind() != ErrorKind::PermissionDenied || error.grant().is_some() {
        return error;
    }
    let role = match error.code() {
        NO_JOBS => "roles/bigquery.jobUser",
        _ => "roles/bigquery.metadataViewer",
    };
    let grant = grant(project, member, role);
    error.with_grant(grant)
}

/// The command that grants a role in a project.
pub(crate) fn grant(project: &str, member: &str, role: &str) -> String {
    format!("gcloud projects add-iam-policy-binding {project} --member={member} --role={role}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_by_what_a_caller_can_do() {
        for (reason, kind) in [
            ("quotaExceeded", ErrorKind::RateLimited),
            ("rateLimitExceeded", ErrorKind::RateLimited),
            ("accessDenied", ErrorKind::PermissionDenied),
            ("accessNotConfigured", ErrorKind::PermissionDenied),
            ("notFound", ErrorKind::NotFound),
            ("authError", ErrorKind::Unauthenticated),
            ("backendError", ErrorKind::Unavailable),
            ("jobInternalError", ErrorKind::Unavailable),
            ("notImplemented", ErrorKind::Unsupported),
            ("bytesBilledLimitExceeded", ErrorKind::Unexpected),
            ("somethingNew", ErrorKind::Unexpected),
        ] {
            let fault = ErrorProto {
                reason: reason.to_owned(),
                message: "secret-table".to_owned(),
            };
            let error = of_query(&[fault]).unwrap();
            assert_eq!(error.kind(), kind, "{reason}");
            assert!(!format!("{error:?}").contains("secret-table"), "{error:?}");
        }
        assert!(of_query(&[]).is_none());
    }

    #[test]
    fn a_refusal_names_the_role_that_is_missing() {
        let denied = |message: &str| of_reason("accessDenied", message).unwrap();
        let grant = |error: Error| with_role(error, "p", "user:a@b").grant().unwrap().to_owned();
        assert!(grant(denied("no")).ends_with("--role=roles/bigquery.metadataViewer"));
        let jobs = denied("User does not have bigquery.jobs.create permission in project p.");
        assert!(grant(jobs).ends_with("--role=roles/bigquery.jobUser"));
        let slow = of_reason("rateLimitExceeded", "").unwrap();
        assert_eq!(with_role(slow, "p", "m").grant(), None);
    }
}
