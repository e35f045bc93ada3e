//! From Databricks' codes to the kinds of the contract.

use headwater_core::{Error, ErrorKind};
use headwater_http::Refusal;
use serde::Deserialize;
use serde_json::Value;

/// The name in front of messages.
pub(crate) const NAME: &str = "Databricks";

/// The body of a refusal of the REST API. The message may quote the request, so it is looked at and never shown.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Body {
    error_code: Value,
    message: String,
}

/// The body of a refusal of a token endpoint (RFC 6749, section 5.2).
#[derive(Debug, Deserialize)]
struct OauthBody {
    error: String,
}

/// What a code means, where that is more than its status says.
const CODES: &[(&str, ErrorKind, &str)] = &[
    (
        "METASTORE_DOES_NOT_EXIST",
        ErrorKind::NotFound,
        "has no Unity Catalog metastore assigned to this workspace",
    ),
    (
        "CATALOG_DOES_NOT_EXIST",
        ErrorKind::NotFound,
        "has no such catalog",
    ),
    ("SCHEMA_DOES_NOT_EXIST", ErrorKind::NotFound, "has no such schema"),
    ("TABLE_DOES_NOT_EXIST", ErrorKind::NotFound, "has no such table"),
    (
        "RESOURCE_DOES_NOT_EXIST",
        ErrorKind::NotFound,
        "knows nothing of that name",
    ),
    ("NOT_FOUND", ErrorKind::NotFound, "knows nothing of that name"),
    (
        "ENDPOINT_NOT_FOUND",
        ErrorKind::Unsupported,
        "does not offer this here",
    ),
    (
        "FEATURE_DISABLED",
        ErrorKind::Unsupported,
        "has this switched off here",
    ),
    (
        "NOT_IMPLEMENTED",
        ErrorKind::Unsupported,
        "does not offer this here",
    ),
    (
        "PERMISSION_DENIED",
        ErrorKind::PermissionDenied,
        "refused the read",
    ),
    (
        "UNAUTHENTICATED",
        ErrorKind::Unauthenticated,
        "refused the credentials",
    ),
    (
        "REQUEST_LIMIT_EXCEEDED",
        ErrorKind::RateLimited,
        "asks for a slower pace",
    ),
    (
        "RESOURCE_EXHAUSTED",
        ErrorKind::RateLimited,
        "asks for a slower pace",
    ),
    (
        "TEMPORARILY_UNAVAILABLE",
        ErrorKind::Unavailable,
        "cannot answer now",
    ),
    (
        "WORKSPACE_TEMPORARILY_UNAVAILABLE",
        ErrorKind::Unavailable,
        "cannot answer now",
    ),
    (
        "SERVICE_UNDER_MAINTENANCE",
        ErrorKind::Unavailable,
        "is under maintenance",
    ),
    (
        "DEADLINE_EXCEEDED",
        ErrorKind::Unavailable,
        "did not answer in time",
    ),
    ("ABORTED", ErrorKind::Unavailable, "broke the request off"),
    (
        "IO_ERROR",
        ErrorKind::Unavailable,
        "could not read its own storage",
    ),
];

/// What a refusal of the REST API means; `None` where its status says it all.
pub(crate) fn explain(refusal: &Refusal) -> Option<Error> {
    let body: Body = refusal.json()?;
    let error = |kind, said: &str| {
        Error::new(kind, format!("{NAME} {said}")).with_context("status", refusal.status.as_u16())
    };
    if refusal.status.as_u16() == 403
        && let Some((kind, said)) = forbidden(&body.message)
    {
        return Some(error(kind, said));
    }
    let code = body.error_code.as_str()?;
    let (code, kind, said) = CODES.iter().find(|(known, ..)| *known == code)?;
    Some(error(*kind, said).with_context("code", code))
}

/// 403 also stands for bad tokens, and only the message tells:
/// <https://github.com/databricks/databricks-vscode/issues/583>.
fn forbidden(message: &str) -> Option<(ErrorKind, &'static str)> {
    let message = message.to_ascii_lowercase();
    let says = |text: &str| message.contains(text);
    if says("invalid access token") || says("token expired") || says("token is expir") {
        return Some((ErrorKind::Unauthenticated, "refused the credentials"));
    }
    if says("ip acl") || says("ip access list") {
        let said = "refused this machine's address: add it to the IP access list of the workspace";
        return Some((ErrorKind::PermissionDenied, said));
    }
    None
}

/// What a refusal of a token endpoint means.
pub(crate) fn explain_token(refusal: &Refusal) -> Option<Error> {
    let body: OauthBody = refusal.json()?;
    let said = match body.error.as_str() {
        "invalid_client" => "does not know the client, or its secret is wrong or has ended",
        "invalid_grant" => {
            "refused the token that was to be exchanged: it has ended, or no federation policy takes it"
        }
        "unauthorized_client" | "access_denied" => "does not let this client in",
        "temporarily_unavailable" | "server_error" => {
            return Some(Error::new(
                ErrorKind::Unavailable,
                "the token endpoint cannot answer now",
            ));
        }
        _ if refusal.status.is_client_error() => "refused the credentials",
        _ => return None,
    };
    let error = Error::new(ErrorKind::Unauthenticated, format!("the token endpoint {said}"));
    Some(error.with_context("status", refusal.status.as_u16()))
}

/// Why a statement failed. Conditions stand in brackets at the beginning of the message:
/// <https://docs.databricks.com/error-messages/error-classes.html>.
pub(crate) fn of_statement(code: Option<&str>, sql_state: Option<&str>, message: &str) -> Error {
    let condition = message
        .split_once('[')
        .and_then(|(_, rest)| rest.split_once(']'))
        .map(|(condition, _)| condition)
        .filter(|condition| is_name(condition));
    let by_code = CODES.iter().find(|(known, ..)| Some(*known) == code);
    let kind = match (sql_state, condition) {
        (Some("42501"), _) => ErrorKind::PermissionDenied,
        (_, Some(condition)) if condition.starts_with("INSUFFICIENT_PERMISSIONS") => {
            ErrorKind::PermissionDenied
        }
        _ if message.contains("PERMISSION_DENIED") => ErrorKind::PermissionDenied,
        (Some("42P01" | "42704"), _) => ErrorKind::NotFound,
        (_, Some(condition)) if condition.contains("NOT_FOUND") => ErrorKind::NotFound,
        _ => by_code.map_or(ErrorKind::Unexpected, |(_, kind, _)| *kind),
    };
    let said = match kind {
        ErrorKind::PermissionDenied => "refused the statement",
        ErrorKind::NotFound => "has not what the statement reads",
        ErrorKind::RateLimited | ErrorKind::Unavailable => "could not run the statement now",
        _ => "could not run the statement",
    };
    let error = Error::new(kind, format!("{NAME} {said}"));
    match condition.or(code.filter(|code| is_name(code))) {
        Some(known) => error.with_context("code", known),
        None => error,
    }
}

/// Whether a text is a code, and nothing that could quote a name or a value.
fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|one| one.is_ascii_uppercase() || one.is_ascii_digit() || "_.".contains(one))
}

#[cfg(test)]
mod tests {
    use super::*;
    use headwater_http::StatusCode;
    use serde_json::json;

    fn refusal(status: u16, body: Value) -> Refusal {
        Refusal {
            status: StatusCode::from_u16(status).unwrap(),
            headers: Default::default(),
            body: body.to_string().into(),
        }
    }

    #[test]
    fn codes_by_what_a_caller_can_do() {
        for (status, code, kind) in [
            (404, json!("CATALOG_DOES_NOT_EXIST"), Some(ErrorKind::NotFound)),
            (404, json!("ENDPOINT_NOT_FOUND"), Some(ErrorKind::Unsupported)),
            (403, json!("PERMISSION_DENIED"), Some(ErrorKind::PermissionDenied)),
            (400, json!("METASTORE_DOES_NOT_EXIST"), Some(ErrorKind::NotFound)),
            (429, json!("REQUEST_LIMIT_EXCEEDED"), Some(ErrorKind::RateLimited)),
            (400, json!("RESOURCE_EXHAUSTED"), Some(ErrorKind::RateLimited)),
            (
                503,
                json!("TEMPORARILY_UNAVAILABLE"),
                Some(ErrorKind::Unavailable),
            ),
            // Older endpoints send a number, and the status says it all.
            (403, json!(403), None),
            (400, json!("INVALID_PARAMETER_VALUE"), None),
        ] {
            let error = explain(&refusal(status, json!({"error_code": code, "message": "on `x`"})));
            assert_eq!(error.as_ref().map(Error::kind), kind, "{code}");
            assert!(
                !format!("{error:?}").contains("`x`"),
                "the vendor's text is not shown"
            );
        }
        assert!(explain(&refusal(502, json!("<html>"))).is_none());
    }

    #[test]
    fn a_bad_token_that_is_answered_with_403_is_no_missing_grant() {
        for message in [
            "Invalid access token.",
            "Token is expiring within 30 seconds. (token expired)",
        ] {
            let refused = refusal(403, json!({"error_code": "403", "message": message}));
            assert_eq!(
                explain(&refused).unwrap().kind(),
                ErrorKind::Unauthenticated,
                "{message}"
            );
        }
        let blocked = refusal(
            403,
            json!({"message": "Source IP address: 1.2.3.4 is blocked by Databricks IP ACL"}),
        );
        let error = explain(&blocked).unwrap();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        assert!(error.to_string().contains("IP access list"), "{error}");
    }

    #[test]
    fn token_endpoints() {
        for (status, code, kind) in [
            (401, "invalid_client", ErrorKind::Unauthenticated),
            (400, "invalid_grant", ErrorKind::Unauthenticated),
            (400, "something_new", ErrorKind::Unauthenticated),
            (500, "server_error", ErrorKind::Unavailable),
        ] {
            let refused = refusal(status, json!({"error": code, "error_description": "hunter2"}));
            let error = explain_token(&refused).unwrap();
            assert_eq!(error.kind(), kind, "{code}");
            assert!(!format!("{error:?}").contains("hunter2"));
        }
    }

    #[test]
    fn statements_by_state_condition_or_code() {
        for (code, state, message, kind) in [
            (
                "BAD_REQUEST",
                Some("42501"),
                "[INSUFFICIENT_PERMISSIONS] User does not ..",
                ErrorKind::PermissionDenied,
            ),
            (
                "BAD_REQUEST",
                None,
                "[INSUFFICIENT_PERMISSIONS] User does not ..",
                ErrorKind::PermissionDenied,
            ),
            (
                "BAD_REQUEST",
                None,
                "[TABLE_OR_VIEW_NOT_FOUND] The table `a` ..",
                ErrorKind::NotFound,
            ),
            ("RESOURCE_EXHAUSTED", None, "too many", ErrorKind::RateLimited),
            ("TEMPORARILY_UNAVAILABLE", None, "", ErrorKind::Unavailable),
            (
                "BAD_REQUEST",
                None,
                "[PARSE_SYNTAX_ERROR] near 'secret'",
                ErrorKind::Unexpected,
            ),
        ] {
            let error = of_statement(Some(code), state, message);
            assert_eq!(error.kind(), kind, "{message}");
            assert!(!format!("{error:?}").contains("secret"), "{error:?}");
        }
        let error = of_statement(None, None, "[it's `x`] y");
        assert_eq!(error.to_string(), "Databricks could not run the statement");
    }
}
