//! From what a server and the connection to it answer, to the kinds of the contract.

use crate::digest::UnknownProof;
use headwater_core::{Error, ErrorKind};
use rustls::{AlertDescription, CertificateError};
use std::{error::Error as StdError, io};
use tokio_postgres::error::SqlState;

/// A connector's own word on an SQLSTATE: its kind, and what to tell.
pub type Table = fn(&str) -> Option<(ErrorKind, &'static str)>;

/// The error of a statement, by the connector's own table and else by the one that all share.
pub fn of_statement(error: tokio_postgres::Error, own: Table) -> Error {
    match error.as_db_error() {
        Some(db) => {
            let (kind, message) = classify(db.code().code(), own);
            let mut mapped = Error::new(kind, message).with_context("sqlstate", db.code().code());
            if shows_server_text(kind) {
                mapped = mapped.with_context("server", db.message());
            }
            mapped.with_source(error)
        }
        None => of_connection(error),
    }
}

/// The kind of an SQLSTATE, and what to tell.
pub fn classify(code: &str, own: Table) -> (ErrorKind, &'static str) {
    own(code).unwrap_or_else(|| shared(code))
}

fn shared(code: &str) -> (ErrorKind, &'static str) {
    use ErrorKind::{DataInvalid, NotFound, PermissionDenied, Unauthenticated, Unavailable, Unexpected};
    match code {
        "28P01" => (
            Unauthenticated,
            "the server refused the user name or the password",
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
        "25P03" | "25P04" | "57P05" => (Unavailable, "the server ended a transaction that took too long"),
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

/// Whether the server refused this kind of connection (encrypted or not) and may accept the other.
pub fn is_refused_encryption(error: &tokio_postgres::Error) -> bool {
    error.code() == Some(&SqlState::INVALID_AUTHORIZATION_SPECIFICATION)
}

/// Whether the server refused the password, which is the same for all its databases.
pub fn is_wrong_password(error: &Error) -> bool {
    let cause = error.source().and_then(|cause| cause.downcast_ref());
    cause.and_then(tokio_postgres::Error::code) == Some(&SqlState::INVALID_PASSWORD)
}

/// Whether TLS could not be set up.
pub fn is_tls(error: &tokio_postgres::Error) -> bool {
    error.to_string() == "error performing TLS handshake"
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
    if let Some(kind) = unknown_proof(&error) {
        let message = "the server asks this user for a proof that is not spoken here: only passwords are";
        return Error::new(ErrorKind::Unauthenticated, message)
            .with_context("kind", kind)
            .with_source(error);
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
    inner(error)
}

fn unknown_proof(error: &tokio_postgres::Error) -> Option<i32> {
    inner::<UnknownProof>(error).map(|unknown| unknown.kind)
}

/// What an error of the connection was made of.
fn inner<T: StdError + 'static>(error: &tokio_postgres::Error) -> Option<&T> {
    let io = error.source()?.downcast_ref::<io::Error>()?;
    io.get_ref()?.downcast_ref::<T>()
}
