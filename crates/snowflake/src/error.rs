//! From Snowflake's codes to errors of the contract.

use headwater_core::{Error, ErrorKind};
use headwater_http::Refusal;
use serde::Deserialize;
use std::{error::Error as StdError, fmt};

/// How much of the server's own text an error shows.
const SHOWN: usize = 300;

/// A refusal by Snowflake: the cause of the errors made here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Failure {
    /// Six digits.
    pub(crate) code: String,
    /// The server's own text. Those of statements name objects; those of logins are never shown.
    pub(crate) message: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "code {}", self.code)
    }
}

impl StdError for Failure {}

/// Snowflake's code of an error, where it came with one.
pub(crate) fn code(error: &Error) -> &str {
    let failure: Option<&Failure> = error.source().and_then(|cause| cause.downcast_ref());
    failure.map_or("", |failure| &failure.code)
}

/// Whether the session is gone, and only a new login helps.
pub(crate) fn is_gone(error: &Error) -> bool {
    matches!(
        code(error),
        "390104" | "390110" | "390111" | "390112" | "390113" | "390114" | "390115" | "390195"
    )
}

/// Whether the same question may be answered when it asks for less at once.
pub(crate) fn asks_for_less(error: &Error) -> bool {
    matches!(code(error), "090030" | "090153" | "000603" | "000630" | "370001")
}

/// Whether the statement names a column that this server's view does not have.
pub(crate) fn is_of_a_column(error: &Error) -> bool {
    matches!(code(error), "000904" | "002043")
}

/// Whether the statement names something that this server does not have: a view, a column, a command.
pub(crate) fn is_unknown(error: &Error) -> bool {
    error.kind() == ErrorKind::Unsupported
}

/// Whether an error ends only the read of a part or of one object.
pub(crate) fn is_of_one_read(error: &Error) -> bool {
    asks_for_less(error)
        || matches!(
            error.kind(),
            ErrorKind::Unsupported | ErrorKind::PermissionDenied | ErrorKind::NotFound
        )
}

/// The error of a statement.
pub(crate) fn of_statement(failure: Failure) -> Error {
    let (kind, message) = statement(&failure.code);
    let mut error = Error::new(kind, message).with_context("code", &failure.code);
    if shows_server_text(kind) && !failure.message.is_empty() {
        let text: String = failure.message.chars().take(SHOWN).collect();
        error = error.with_context("server", text.trim());
    }
    error.with_source(failure)
}

/// The error of a login. Its text is never the server's, which may quote what was sent.
pub(crate) fn of_login(failure: Failure) -> Error {
    let (kind, message) = login(&failure.code);
    Error::new(kind, message)
        .with_context("code", &failure.code)
        .with_source(failure)
}

/// What a refusal by status means, where its body is Snowflake's.
pub(crate) fn explain(refusal: &Refusal) -> Option<Error> {
    #[derive(Deserialize)]
    struct Body {
        code: Option<String>,
    }
    if refusal.status.is_server_error() || refusal.status.as_u16() == 429 {
        return None;
    }
    let code = refusal.json::<Body>()?.code?;
    let message = String::new();
    Some(of_login(Failure { code, message }))
}

/// Server texts help where our own words say little.
fn shows_server_text(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Unexpected | ErrorKind::Unsupported | ErrorKind::PermissionDenied
    )
}

/// The kind of a statement's code, and what to tell.
fn statement(code: &str) -> (ErrorKind, &'static str) {
    use ErrorKind::{NotFound, PermissionDenied, Unavailable, Unexpected, Unsupported};
    match code {
        "002003" | "002043" => (NotFound, "does not exist, or the role may not see it"),
        "003001" | "003007" | "003540" => (PermissionDenied, "the role may not read this"),
        "000606" | "090232" => (
            PermissionDenied,
            "no warehouse runs for this session: name one as warehouse that the role may use",
        ),
        "090073" | "090109" => (
            PermissionDenied,
            "the warehouse is suspended and the role may not resume it",
        ),
        "090030" => (
            Unexpected,
            "the information schema has too much to answer at once",
        ),
        "090153" => (Unexpected, "the list has more rows than SHOW answers with"),
        "000603" | "370001" | "300002" => (Unavailable, "Snowflake could not go on with the statement"),
        "000604" => (Unavailable, "the statement was cancelled at Snowflake"),
        "000630" => (Unavailable, "the statement took longer than statement_timeout"),
        "000625" | "000639" => (Unavailable, "the warehouse let the statement wait for too long"),
        "000904" | "001003" | "000002" | "000900" | "002139" | "002140" | "002141" | "009999" => (
            Unsupported,
            "Snowflake does not know this statement or a part of it",
        ),
        _ => match login(code) {
            (Unexpected, _) => (Unexpected, "Snowflake answered with an error"),
            known => known,
        },
    }
}

/// The kind of a login's code, and what to do.
fn login(code: &str) -> (ErrorKind, &'static str) {
    use ErrorKind::{PermissionDenied, RateLimited, Unauthenticated, Unexpected};
    match code {
        "390100" | "390101" | "250001" => (
            Unauthenticated,
            "Snowflake refused the user name or its credentials",
        ),
        "390102" | "390105" => (Unauthenticated, "the user is locked or disabled"),
        "390106" | "390107" | "390108" => (Unauthenticated, "the password has expired or must be changed"),
        "390144" => (
            Unauthenticated,
            "Snowflake refused the token that the private key signed: check that the user's RSA_PUBLIC_KEY belongs \
             to it, the user name, the account, and this machine's clock",
        ),
        "390302" | "390303" | "390309" | "390318" => (
            Unauthenticated,
            "Snowflake refused the OAuth token: it has ended, or no security integration accepts it",
        ),
        "394400" | "394401" | "394507" => (
            Unauthenticated,
            "Snowflake refused the programmatic access token: it has ended, was revoked, belongs to another user, or \
             its role restriction does not allow the role",
        ),
        "390422" | "390432" | "390433" | "394404" => (
            Unauthenticated,
            "a network policy keeps this login out: allow this machine's address, and give users with a programmatic \
             access token a network policy",
        ),
        "390186" | "390189" | "390317" => (
            PermissionDenied,
            "the role does not exist, or the user may not take it",
        ),
        "390190" | "390201" => (
            PermissionDenied,
            "the database, schema or warehouse of the config does not exist, or the role may not use it",
        ),
        "390103" | "390104" | "390110" | "390111" | "390112" | "390113" | "390114" | "390115" | "390195" => {
            (Unauthenticated, "the session has ended")
        }
        "390120" | "390123" => (RateLimited, "Snowflake asks for fewer logins"),
        code => match code.get(..4) {
            Some("3901" | "3902" | "3903" | "3904" | "3944" | "3945") => {
                (Unauthenticated, "Snowflake refused the login")
            }
            _ => (Unexpected, "Snowflake refused the request"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ErrorKind::{
        NotFound, PermissionDenied, RateLimited, Unauthenticated, Unavailable, Unexpected, Unsupported,
    };

    #[test]
    fn each_code_has_its_kind() {
        for (code, kind) in [
            ("002003", NotFound),
            ("002043", NotFound),
            ("003001", PermissionDenied),
            ("000606", PermissionDenied),
            ("090030", Unexpected),
            ("000603", Unavailable),
            ("000604", Unavailable),
            ("000630", Unavailable),
            ("000904", Unsupported),
            ("001003", Unsupported),
            ("390100", Unauthenticated),
            ("390112", Unauthenticated),
            ("123456", Unexpected),
        ] {
            let (found, message) = statement(code);
            assert_eq!(found, kind, "{code}");
            assert!(!message.ends_with('.'), "{message}");
        }
        for (code, kind) in [
            ("390100", Unauthenticated),
            ("390101", Unauthenticated),
            ("390144", Unauthenticated),
            ("250001", Unauthenticated),
            ("390318", Unauthenticated),
            ("394400", Unauthenticated),
            ("390422", Unauthenticated),
            ("390189", PermissionDenied),
            ("390120", RateLimited),
            ("390199", Unauthenticated),
            ("999999", Unexpected),
        ] {
            assert_eq!(login(code).0, kind, "{code}");
        }
    }

    #[test]
    fn a_login_does_not_show_the_servers_text() {
        let failure = Failure {
            code: "390100".into(),
            message: "password hunter2 is wrong".into(),
        };
        assert!(!format!("{:?}", of_login(failure)).contains("hunter2"));
    }

    #[test]
    fn the_code_is_found_again() {
        let failure = |code: &str| Failure {
            code: code.into(),
            message: String::new(),
        };
        assert!(is_gone(&of_statement(failure("390112"))));
        assert!(asks_for_less(&of_statement(failure("090030"))));
        assert!(!asks_for_less(&Error::stopped()));
        assert!(is_gone(&of_login(failure("390104"))));
    }
}
