//! From what PostgreSQL and the connection to it answer, to the kinds of the contract.

use crate::quote;
use headwater_core::{Error, ErrorKind};
use rustls::{AlertDescription, CertificateError};
use std::{error::Error as StdError, io};
use tokio_postgres::error::SqlState;

/// The error of a statement.
pub(crate) fn of_statement(error: tokio_postgres::Error) -> Error {
    match error.as_db_error() {
        Some(db) => {
            let (kind, message) = classify(db.code());
            let mut mapped = Error::new(kind, message).with_context("sqlstate", db.code().code());
            if shows_server_text(kind) {
                mapped = mapped.with_context("server", db.message());
            }
            mapped.with_source(error)
        }
        None => of_connection(error),
    }
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

/// Whether the server refused this kind of connection (encrypted or not) and may accept the other.
pub(crate) fn is_refused_encryption(error: &tokio_postgres::Error) -> bool {
    error.code() == Some(&SqlState::INVALID_AUTHORIZATION_SPECIFICATION)
}

/// Whether the server refused the password, which is the same for all its databases.
pub(crate) fn is_wrong_password(error: &Error) -> bool {
    let cause = error.source().and_then(|cause| cause.downcast_ref());
    cause.and_then(tokio_postgres::Error::code) == Some(&SqlState::INVALID_PASSWORD)
}

/// Whether TLS could not be set up.
pub(crate) fn is_tls(error: &tokio_postgres::Error) -> bool {
    error.to_string() == "error performing TLS handshake"
}

/// The kind of an SQLSTATE, and what to tell.
fn classify(code: &SqlState) -> (ErrorKind, &'static str) {
    use ErrorKind::{
        DataInvalid, NotFound, PermissionDenied, Unauthenticated, Unavailable, Unexpected, Unsupported,
    };
    match code.code() {
        "28P01" => (
            Unauthenticated,
            "the server refused the user name or the password",
        ),
        "28000" => (
            Unauthenticated,
            "the server does not let this role in this way: check the role, pg_hba.conf, sslmode and the client \
             certificate",
        ),
        "3D000" => (NotFound, "the database does not exist"),
        "57P04" => (NotFound, "the database was dropped"),
        "42501" => (PermissionDenied, "the role may not read this"),
        "53300" => (Unavailable, "the server has no free connection"),
        "57P01" | "57P02" => (Unavailable, "the server was shut down"),
        "57P03" => (Unavailable, "the server is starting up or shutting down"),
        "57014" => (
            Unavailable,
            "the statement was canceled: it took longer than statement_timeout, or an administrator ended it",
        ),
        "40001" | "40P01" => (
            Unavailable,
            "the read collided with another transaction or with replication",
        ),
        "55P03" => (
            Unavailable,
            "a relation stayed locked for longer than lock_timeout",
        ),
        "25P03" | "25P04" | "57P05" => (Unavailable, "the server ended a transaction that took too long"),
        "XX000" => (Unavailable, "the catalog changed while it was read"),
        "42P01" | "42703" | "42883" | "42704" | "0A000" => (
            Unsupported,
            "the server lacks something that PostgreSQL 12 and later have",
        ),
        "22021" | "22P05" => (
            DataInvalid,
            "the server sent text that is not valid in its encoding",
        ),
        code => match code.get(..2) {
            Some("08") => (Unavailable, "the connection to the server broke"),
            Some("53") => (Unavailable, "the server is out of resources"),
            Some("57" | "58") => (Unavailable, "the server could not go on"),
            Some("28") => (Unauthenticated, "the server refused the credentials"),
            _ => (Unexpected, "the server answered with an error"),
        },
    }
}

/// Server texts about catalogs help where our own words say little. Those about logging in are left out:
/// they quote what was sent.
fn shows_server_text(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Unexpected | ErrorKind::Unsupported | ErrorKind::PermissionDenied
    )
}

fn of_connection(error: tokio_postgres::Error) -> Error {
    if is_tls(&error) {
        return of_tls(error);
    }
    if is_refused_identity(&error) {
        return of_identity(error);
    }
    let (kind, message) = match error.to_string().as_str() {
        "invalid configuration" => (
            ErrorKind::Unauthenticated,
            "the server asks for a password: give one",
        ),
        "authentication error" => (
            ErrorKind::Unauthenticated,
            "the server and this connector share no way to log in, or the server did not prove that it knows \
             the password",
        ),
        text if text.starts_with("error deserializing") || text.starts_with("error parsing") => {
            (ErrorKind::DataInvalid, "the server's answer cannot be understood")
        }
        _ => (ErrorKind::Unavailable, "the connection to the server broke"),
    };
    Error::new(kind, message).with_source(error)
}

fn of_tls(error: tokio_postgres::Error) -> Error {
    let (pointer, detail) = match certificate_error(&error) {
        Some(CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }) => (
            "/config/host",
            "the server's certificate does not name this host: use the name in it, or sslmode verify-ca",
        ),
        Some(CertificateError::UnknownIssuer) => (
            "/config/sslrootcert",
            "no trusted authority issued the server's certificate: give the authority's certificate as \
             sslrootcert",
        ),
        Some(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
            ("/config/sslmode", "the server's certificate has expired")
        }
        Some(_) => ("/config/sslrootcert", "the server's certificate is not valid"),
        None if is_refused_identity(&error) => return of_identity(error),
        None if no_tls_offered(&error) => (
            "/config/sslmode",
            "the server offers no TLS: allow it there, or choose prefer or disable",
        ),
        None => {
            return Error::new(
                ErrorKind::Unavailable,
                "encryption could not be set up with the server",
            )
            .with_source(error);
        }
    };
    Error::invalid_field(pointer, detail).with_source(error)
}

fn no_tls_offered(error: &tokio_postgres::Error) -> bool {
    error
        .source()
        .is_some_and(|cause| cause.to_string().contains("does not support TLS"))
}

fn certificate_error(error: &tokio_postgres::Error) -> Option<&CertificateError> {
    match rustls_error(error)? {
        rustls::Error::InvalidCertificate(reason) => Some(reason),
        _ => None,
    }
}

/// Whether the server refused the client certificate. With TLS 1.3 it says so only after the handshake.
fn is_refused_identity(error: &tokio_postgres::Error) -> bool {
    use AlertDescription::{
        AccessDenied, BadCertificate, CertificateExpired, CertificateRequired, CertificateRevoked,
        CertificateUnknown, DecryptError, UnknownCA, UnsupportedCertificate,
    };
    matches!(
        rustls_error(error),
        Some(rustls::Error::AlertReceived(
            AccessDenied
                | BadCertificate
                | CertificateExpired
                | CertificateRequired
                | CertificateRevoked
                | CertificateUnknown
                | DecryptError
                | UnknownCA
                | UnsupportedCertificate
        ))
    )
}

fn of_identity(error: tokio_postgres::Error) -> Error {
    let message = "the server does not accept the client certificate: give as sslcert one that its authority \
                   issued, valid and with the intermediate ones";
    Error::new(ErrorKind::Unauthenticated, message).with_source(error)
}

fn rustls_error(error: &tokio_postgres::Error) -> Option<&rustls::Error> {
    let io = error.source()?.downcast_ref::<io::Error>()?;
    io.get_ref()?.downcast_ref::<rustls::Error>()
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
            let (found, message) = classify(&SqlState::from_code(code));
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
