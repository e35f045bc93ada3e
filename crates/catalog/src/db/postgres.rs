//! PostgreSQL: the address, TLS and the pool.

use crate::{Error, Result};
use diesel::{ConnectionError, ConnectionResult};
use diesel_async::{
    AsyncPgConnection,
    pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, deadpool},
};
use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};
use std::{str::FromStr, sync::Arc, time::Duration};
use tokio_postgres::{Config, config::SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

const CONNECTIONS: usize = 8;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Where the database is and how to trust it. No `Debug`: it holds the password.
#[derive(Clone)]
pub(crate) struct Options {
    config: Config,
    tls: MakeRustlsConnect,
}

impl Options {
    /// Has the peer of a silent connection looked for after this time.
    pub(super) fn keep_alive(&mut self, idle: Duration) {
        self.config.keepalives_idle(idle);
    }
}

/// Reads the address. An error never quotes it: it may hold the password.
///
/// `sslmode` means what it means to libpq: `prefer` (the default) and `require` encrypt without a look at
/// the certificate; `verify-full` checks it, against the public roots and those of the PEM file
/// `sslrootcert`.
pub(super) fn options(url: &str) -> Result<Options> {
    let (address, parameters) = url.split_once('?').unwrap_or((url, ""));
    let (mut verify, mut root_file, mut rest) = (false, None, Vec::new());
    for parameter in parameters.split('&').filter(|parameter| !parameter.is_empty()) {
        match parameter.split_once('=') {
            Some(("sslmode", "verify-full")) => {
                verify = true;
                rest.push("sslmode=require");
            }
            Some(("sslrootcert", file)) => root_file = Some(file),
            _ => rest.push(parameter),
        }
    }
    let mut config = Config::from_str(&format!("{address}?{}", rest.join("&"))).map_err(|_quotes_the_url| {
        Error::InvalidUrl(
            "database url cannot be understood; expected postgres://user:password@host:port/database, with sslmode one of disable, prefer, require, verify-full",
        )
    })?;
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_TIMEOUT);
    }
    config.application_name("headwater");
    let roots = match verify {
        true => Some(roots(root_file)?),
        false => None,
    };
    Ok(Options {
        config,
        tls: MakeRustlsConnect::new(tls(roots)?),
    })
}

fn roots(file: Option<&str>) -> Result<RootCertStore> {
    let mut roots = RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    if let Some(file) = file {
        for certificate in CertificateDer::pem_file_iter(file).map_err(Error::store)? {
            roots
                .add(certificate.map_err(Error::store)?)
                .map_err(Error::store)?;
        }
    }
    Ok(roots)
}

/// Checks certificates against the roots; without roots, accepts any.
fn tls(roots: Option<RootCertStore>) -> Result<ClientConfig> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(Error::store)?;
    let builder = match roots {
        Some(roots) => builder.with_root_certificates(roots),
        None => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider))),
    };
    Ok(builder.with_no_client_auth())
}

/// Opens one connection.
pub(super) async fn connect(options: Options) -> ConnectionResult<AsyncPgConnection> {
    let Options { config, tls } = options;
    let bad = |error: tokio_postgres::Error| {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
        ConnectionError::BadConnection(format!("{error}{}", cause.unwrap_or_default()))
    };
    if config.get_ssl_mode() == SslMode::Disable {
        let (client, connection) = config.connect(tokio_postgres::NoTls).await.map_err(bad)?;
        return AsyncPgConnection::try_from_client_and_connection(client, connection).await;
    }
    let (client, connection) = config.connect(tls).await.map_err(bad)?;
    AsyncPgConnection::try_from_client_and_connection(client, connection).await
}

/// The pool. Its connections are driven by the runtime that the store was opened on, not by that of
/// whichever caller happens to need a new one: an actix worker's runtime ends before the store does.
pub(super) fn pool(options: Options) -> Result<deadpool::Pool<AsyncPgConnection>> {
    let runtime = tokio::runtime::Handle::current();
    let mut manager = ManagerConfig::default();
    manager.custom_setup = Box::new(move |_address| {
        let opening = runtime.spawn(connect(options.clone()));
        Box::pin(async move {
            match opening.await {
                Ok(opened) => opened,
                Err(error) => Err(ConnectionError::BadConnection(error.to_string())),
            }
        })
    });
    deadpool::Pool::builder(AsyncDieselConnectionManager::new_with_config("", manager))
        .max_size(CONNECTIONS)
        .build()
        .map_err(Error::store)
}

/// Accepts whichever certificate the server shows, as libpq does unless told to verify.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sslmode_is_read_wherever_it_stands() {
        for (parameters, expected) in [
            ("", SslMode::Prefer),
            ("?sslmode=disable", SslMode::Disable),
            ("?connect_timeout=3&sslmode=require", SslMode::Require),
            ("?sslmode=verify-full&connect_timeout=3", SslMode::Require),
        ] {
            let options =
                options(&format!("postgres://u:p@localhost/db{parameters}")).map(|read| read.config);
            assert_eq!(options.unwrap().get_ssl_mode(), expected, "{parameters}");
        }
        let misplaced = options("postgres://u:sslmode=verify-full@localhost/db").unwrap();
        assert_eq!(misplaced.config.get_password(), Some(&b"sslmode=verify-full"[..]));
    }

    #[test]
    fn a_root_that_cannot_be_read_is_an_error_and_not_passed_over() {
        let url = "postgres://u:p@localhost/db?sslmode=verify-full&sslrootcert=/nowhere/root.pem";
        assert!(matches!(options(url).map(drop), Err(Error::Store(_))));
    }
}
