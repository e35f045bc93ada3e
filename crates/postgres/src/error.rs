//! From what PostgreSQL and the connection to it answer, to the kinds of the contract.

use headwater_core::{Error, ErrorKind};
use headwater_pg_wire::quote;
use tokio_postgres::error::SqlState;

/// The error of a statement.
pub(crate) fn of_statement(error: tokio_postgres::Error) -> Error {
    headwater_pg_wire::error::of_statement(error, own)
}

/// The error of logging in to `database` as `role`.
pub(crate) fn of_login(error: tokio_postgres::Error, role: &str, database: &str) -> Error {
    let mapped = of_statement(error);
    match mapped.kind() {
        ErrorKind::PermissionDenied => mapped.with_grant(grant_connect(role, database)),
        _ => mapped,
    }
}

/// The error of a login whose token of AWS IAM was refused.
pub(crate) fn of_token(error: Error, role: &str) -> Error {
    let message = "the server refused the login token of AWS IAM: check the access key, that its policy allows \
                   rds-db:connect for this role, that the role has rds_iam, and this machine's clock";
    Error::new(ErrorKind::Unauthenticated, message)
        .with_grant(format!("GRANT rds_iam TO {}", quote::identifier(role)))
        .with_source(error)
}

/// The statement that lets a role log in to a database.
pub(crate) fn grant_connect(role: &str, database: &str) -> String {
    format!(
        "GRANT CONNECT ON DATABASE {} TO {}",
        quote::identifier(database),
        quote::identifier(role)
    )
}

/// Whether one object's part failed to be read, and the others may still be: it is locked, or was changed
/// while it was read.
pub(crate) fn is_of_one_object(error: &tokio_postgres::Error) -> bool {
    error.code().is_some_and(|code| {
        let gone = [
            SqlState::UNDEFINED_TABLE,
            SqlState::UNDEFINED_COLUMN,
            SqlState::UNDEFINED_FUNCTION,
            SqlState::UNDEFINED_OBJECT,
            SqlState::INVALID_SCHEMA_NAME,
            SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
        ];
        *code == SqlState::LOCK_NOT_AVAILABLE || *code == SqlState::INTERNAL_ERROR || gone.contains(code)
    })
}

/// What an SQLSTATE means to PostgreSQL beyond what it means to all.
fn own(code: &str) -> Option<(ErrorKind, &'static str)> {
    use ErrorKind::{Unauthenticated, Unavailable, Unsupported};
    Some(match code {
        "28000" => (
            Unauthenticated,
            "the server does not let this role in this way: check the role, pg_hba.conf, sslmode and the client \
             certificate",
        ),
        "40001" | "40P01" => (
            Unavailable,
            "the read collided with another transaction or with replication",
        ),
        "55P03" => (
            Unavailable,
            "a relation stayed locked for longer than lock_timeout",
        ),
        "XX000" => (Unavailable, "the catalog changed while it was read"),
        "42P01" | "42703" | "42883" | "42704" | "0A000" => (
            Unsupported,
            "the server lacks something that PostgreSQL 12 and later have",
        ),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sqlstate_has_its_kind() {
        use ErrorKind::{
            DataInvalid, NotFound, PermissionDenied, Unauthenticated, Unavailable, Unexpected, Unsupported,
        };
        for (code, kind) in [
            ("28P01", Unauthenticated),
            ("28000", Unauthenticated),
            ("3D000", NotFound),
            ("57P04", NotFound),
            ("42501", PermissionDenied),
            ("53300", Unavailable),
            ("53200", Unavailable),
            ("53100", Unavailable),
            ("57P01", Unavailable),
            ("57P02", Unavailable),
            ("57P03", Unavailable),
            ("57P05", Unavailable),
            ("57014", Unavailable),
            ("08000", Unavailable),
            ("08003", Unavailable),
            ("08006", Unavailable),
            ("08P01", Unavailable),
            ("40001", Unavailable),
            ("40P01", Unavailable),
            ("55P03", Unavailable),
            ("25P03", Unavailable),
            ("58030", Unavailable),
            ("XX000", Unavailable),
            ("0A000", Unsupported),
            ("42P01", Unsupported),
            ("42883", Unsupported),
            ("42703", Unsupported),
            ("22021", DataInvalid),
            ("25006", Unexpected),
            ("25P02", Unexpected),
            ("42601", Unexpected),
            ("XX001", Unexpected),
        ] {
            let (found, message) = headwater_pg_wire::error::classify(code, own);
            assert_eq!(found, kind, "{code}");
            assert!(
                !message.ends_with('.') && !message.starts_with(char::is_uppercase),
                "{message}"
            );
        }
    }

    #[test]
    fn the_grant_quotes_both_names() {
        let grant = grant_connect("re\"ader", "Shop 1");
        assert_eq!(grant, r#"GRANT CONNECT ON DATABASE "Shop 1" TO "re""ader""#);
    }
}
