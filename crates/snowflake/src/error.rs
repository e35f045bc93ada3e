//! From Snowflake's codes to errors of the contract.
//!
//! Snowflake lists its codes nowhere. Each that is named here stands in its documentation, in the source of its own
//! drivers and tools, or beside its message in reports of their users; the comments say where. A code that is not
//! named is told by its group.

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
///
/// 000606, 002003, 002043: <https://github.com/snowflakedb/snowflake-cli/blob/main/src/snowflake/cli/api/errno.py>. The
/// others are reported with their messages: 000002 and 002139 an unsupported feature, 000603 and 370001 an internal
/// error, 000604 cancelled, 000630 a statement's time is over, 000904 an invalid identifier, 001003 a syntax error,
/// 002140 and 002141 an unknown function, 003001 insufficient privileges, 090030 too much for the information schema
/// (<https://github.com/dbt-labs/dbt-core/issues/2260>), 090153 too much for SHOW, 090073 a warehouse that cannot be resumed.
fn statement(code: &str) -> (ErrorKind, &'static str) {
    use ErrorKind::{NotFound, PermissionDenied, Unavailable, Unexpected, Unsupported};
    match code {
        "002003" | "002043" => (NotFound, "does not exist, or the role may not see it"),
        "003001" => (PermissionDenied, "the role may not read this"),
        "000606" => (
            PermissionDenied,
            "no warehouse runs for this session: name one as warehouse that the role may use",
        ),
        "090073" => (
            PermissionDenied,
            "the warehouse is suspended and cannot be resumed: its resource monitor or the role does not allow it",
        ),
        "090030" => (
            Unexpected,
            "the information schema has too much to answer at once",
        ),
        "090153" => (Unexpected, "the list has more rows than SHOW answers with"),
        "000603" | "370001" => (Unavailable, "Snowflake could not go on with the statement"),
        "000604" => (Unavailable, "the statement was cancelled at Snowflake"),
        "000630" => (Unavailable, "the statement took longer than statement_timeout"),
        // 009999: what the emulator fakesnow does not have.
        "000002" | "000904" | "001003" | "002139" | "002140" | "002141" | "009999" => (
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
    use ErrorKind::{PermissionDenied, Unauthenticated, Unexpected};
    match code {
        // https://github.com/snowflakedb/snowflake-connector-nodejs/blob/master/lib/constants/gs_errors.js; 250001 is
        // what the Python driver makes of each refusal.
        "390100" | "250001" => (
            Unauthenticated,
            "Snowflake refused the user name or its credentials",
        ),
        // As reported: "User access disabled", "User temporarily locked".
        "390101" => (
            Unauthenticated,
            "the user is disabled: ALTER USER the_user SET DISABLED = FALSE",
        ),
        "390102" => (
            Unauthenticated,
            "the user is locked after failed logins: wait, or ALTER USER the_user SET MINS_TO_UNLOCK = 0",
        ),
        // As reported: "Specified password has expired".
        "390106" => (Unauthenticated, "the password has expired"),
        // As reported: "MFA with TOTP is required", "MFA authentication is required".
        "390197" | "394508" | "394509" => (
            Unauthenticated,
            "Snowflake asks for a second factor, which a program cannot give",
        ),
        // https://docs.snowflake.com/en/user-guide/key-pair-auth-troubleshooting, and the Python driver's network.py.
        "390144" | "394300" | "394301" | "394302" | "394303" | "394304" | "394305" | "394306" => (
            Unauthenticated,
            "Snowflake refused the token that the private key signed: check that the user's RSA_PUBLIC_KEY belongs \
             to it, the user name, the account, and this machine's clock",
        ),
        // https://docs.snowflake.com/en/user-guide/oauth-snowflake-overview#error-codes; 390318, an access token that
        // has ended, and 390303: the Python driver's network.py.
        "390302" | "390303" | "390309" | "390318" => (
            Unauthenticated,
            "Snowflake refused the OAuth token: it has ended, is of another user, or no security integration accepts it",
        ),
        // Snowflake's guide to its integration with Microsoft Teams, on external OAuth: the token maps to no one user.
        "390304" => (
            Unauthenticated,
            "the OAuth token is of no user that Snowflake knows: check the mapping of the security integration",
        ),
        // The Python driver's test/data/wiremock/mappings/auth/pat/invalid_token.json.
        "394400" => (
            Unauthenticated,
            "Snowflake refused the programmatic access token: it has ended, was revoked or disabled, or belongs to \
             another user",
        ),
        // https://docs.snowflake.com/en/developer-guide/snowflake-rest-api/tutorials/common-setup
        "390202" => (
            Unauthenticated,
            "an authentication policy does not allow this way to log in: ALTER AUTHENTICATION POLICY the_policy SET \
             AUTHENTICATION_METHODS, with KEYPAIR, PROGRAMMATIC_ACCESS_TOKEN, OAUTH or WORKLOAD_IDENTITY",
        ),
        // As reported: "Incoming request with IP/Token .. is not allowed to access Snowflake".
        "390422" => (
            Unauthenticated,
            "a network policy keeps this login out: allow the address of this machine",
        ),
        // As reported: "Network policy is required". Why:
        // https://docs.snowflake.com/en/user-guide/programmatic-access-tokens#network-policy-requirements
        "390432" => (
            Unauthenticated,
            "a user with a programmatic access token needs a network policy: CREATE NETWORK POLICY with the address \
             of this machine, and ALTER USER the_user SET NETWORK_POLICY",
        ),
        // 390189: https://github.com/snowflakedb/gosnowflake/blob/master/errors.go. 390186 and 390317: Snowflake's guide to
        // its integration with Microsoft Teams.
        "390186" | "390189" | "390317" => (
            PermissionDenied,
            "the role does not exist, or this login may not take it: GRANT ROLE the_role TO USER the_user; with \
             OAuth, the scope and the security integration must allow it",
        ),
        // https://github.com/snowflakedb/gosnowflake/blob/master/errors.go
        "390201" => (
            PermissionDenied,
            "the database, schema or warehouse of the config does not exist, or the role may not use it",
        ),
        // Tokens of sessions: the Node.js driver's gs_errors.js and the Python driver's network.py.
        "390103" | "390104" | "390110" | "390111" | "390112" | "390113" | "390114" | "390115" | "390195" => {
            (Unauthenticated, "the session has ended")
        }
        code => match code.get(..4) {
            Some("3901" | "3902" | "3903" | "3904" | "3943" | "3944" | "3945") => {
                (Unauthenticated, "Snowflake refused the login")
            }
            _ => (Unexpected, "Snowflake refused the request"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ErrorKind::{NotFound, PermissionDenied, Unauthenticated, Unavailable, Unexpected, Unsupported};

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
            ("009999", Unsupported),
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
            ("394304", Unauthenticated),
            ("394509", Unauthenticated),
            ("390202", Unauthenticated),
            ("390422", Unauthenticated),
            ("390432", Unauthenticated),
            ("390189", PermissionDenied),
            ("390317", PermissionDenied),
            ("390201", PermissionDenied),
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
