//! From what Redshift answers, to the kinds of the contract.

use headwater_core::{Error, ErrorKind};
use headwater_pg_wire::quote;
use std::error::Error as _;
use tokio_postgres::error::SqlState;

/// The error of a statement.
pub(crate) fn of_statement(error: tokio_postgres::Error) -> Error {
    headwater_pg_wire::error::of_statement(error, own)
}

/// The error of logging in to `database` as `user`.
pub(crate) fn of_login(error: tokio_postgres::Error, user: &str, database: &str) -> Error {
    let mapped = of_statement(error);
    match mapped.kind() {
        ErrorKind::PermissionDenied => {
            let (database, user) = (quote::identifier(database), quote::identifier(user));
            mapped.with_grant(format!("GRANT USAGE ON DATABASE {database} TO {user}"))
        }
        _ => mapped,
    }
}

/// Whether one relation cannot be read, and others may still be: a missing grant, or a cluster of another version.
pub(crate) fn is_of_one_relation(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::Unsupported)
}

/// Whether the server refused a statement and the connection goes on.
pub(crate) fn is_of_the_statement(error: &Error) -> bool {
    database_error(error).is_some_and(|db| !db.code().code().starts_with("57"))
}

/// Whether a function that is called is not there at all.
pub(crate) fn is_absent_function(error: &Error) -> bool {
    database_error(error).is_some_and(|db| *db.code() == SqlState::UNDEFINED_FUNCTION)
}

/// The relation that the server says cannot be read: `permission denied for relation svv_table_info`.
pub(crate) fn relation(error: &Error) -> Option<String> {
    let message = database_error(error)?.message();
    let name = message.rsplit([' ', '.']).next()?.trim_matches('"');
    Some(name.to_lowercase())
}

fn database_error(error: &Error) -> Option<&tokio_postgres::error::DbError> {
    let cause: &tokio_postgres::Error = error.source()?.downcast_ref()?;
    cause.as_db_error()
}

/// What an SQLSTATE means to Redshift beyond what it means to all.
fn own(code: &str) -> Option<(ErrorKind, &'static str)> {
    use ErrorKind::{Unauthenticated, Unavailable, Unsupported};
    Some(match code {
        "28000" => (
            Unauthenticated,
            "the server does not let this user in in this way: check the user, sslmode and the settings of the \
             cluster",
        ),
        "40001" | "40P01" => (Unavailable, "the read collided with another transaction"),
        "42P01" | "42703" | "42883" | "42704" | "0A000" => {
            (Unsupported, "the server does not offer something that is read")
        }
        "XX000" => (Unavailable, "the server could not go on with the statement"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ErrorKind::{NotFound, PermissionDenied, Unauthenticated, Unavailable, Unexpected, Unsupported};

    #[test]
    fn each_sqlstate_has_its_kind() {
        for (code, kind) in [
            ("28000", Unauthenticated),
            ("28P01", Unauthenticated),
            ("3D000", NotFound),
            ("42501", PermissionDenied),
            ("42P01", Unsupported),
            ("42883", Unsupported),
            ("42704", Unsupported),
            ("0A000", Unsupported),
            ("57014", Unavailable),
            ("57P03", Unavailable),
            ("53300", Unavailable),
            ("40001", Unavailable),
            ("XX000", Unavailable),
            ("08006", Unavailable),
            ("25P02", Unexpected),
            ("42601", Unexpected),
        ] {
            let (found, message) = headwater_pg_wire::error::classify(code, own);
            assert_eq!(found, kind, "{code}");
            assert!(!message.ends_with('.'), "{message}");
        }
    }
}
