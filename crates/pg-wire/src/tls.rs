//! How far the server's certificate is checked: libpq's three degrees over rustls.

use headwater_core::{Error, ErrorKind, Host, Result};
use headwater_tls::{certificates, host_roots, public_roots};
use rustls::{
    CertificateError, ClientConfig, ConfigBuilder, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::{
        WantsClientCert, WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::ParsedCertificate,
};
use std::sync::Arc;

/// What a certificate must prove.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// Nothing: the connection is only encrypted.
    Nothing,
    /// That a trusted authority issued it.
    Chain,
    /// That a trusted authority issued it for this host.
    ChainAndName,
}

/// A client that checks certificates against these authorities, or else the public and the host's own. What
/// it shows of itself is the caller's to say.
///
/// # Errors
/// `ConfigInvalid` when the text holds no certificate of an authority.
pub fn client(
    check: Check,
    sslrootcert: Option<&str>,
    host: &Host,
) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>> {
    let provider = Arc::new(ring::default_provider());
    let trusted = match sslrootcert {
        Some(pem) => certificates(pem).ok_or_else(|| {
            Error::invalid_field(
                "/config/sslrootcert",
                "expected one or more certificates as PEM text",
            )
        })?,
        None => host_roots(host)?,
    };
    let mut roots = match sslrootcert {
        Some(_) => RootCertStore::empty(),
        None => public_roots(),
    };
    roots.add_parsable_certificates(trusted.iter().cloned());
    let inner = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .build()
        .map_err(|error| {
            Error::invalid_field(
                "/config/sslrootcert",
                "holds no certificate that can be an authority",
            )
            .with_source(error)
        })?;
    let verifier = Verifier {
        check,
        inner,
        trusted,
        provider: provider.clone(),
    };
    let versions = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::new(ErrorKind::Unexpected, "no usable TLS version").with_source(error))?;
    Ok(versions
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier)))
}

#[derive(Debug)]
struct Verifier {
    check: Check,
    inner: Arc<WebPkiServerVerifier>,
    trusted: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
}

impl Verifier {
    /// Whether webpki refused the certificate only because it is itself an authority, and it is one that
    /// the user trusts by name: the self-signed server certificate that PostgreSQL's manual shows how to
    /// make. webpki has checked its validity in time before it says so.
    fn is_trusted_itself(&self, presented: &CertificateDer<'_>, error: &CertificateError) -> bool {
        let authority = matches!(error, CertificateError::Other(other) if format!("{other:?}").contains("CaUsedAsEndEntity"));
        authority && self.trusted.iter().any(|trusted| trusted == presented)
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        presented: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if self.check == Check::Nothing {
            return Ok(ServerCertVerified::assertion());
        }
        match self
            .inner
            .verify_server_cert(presented, intermediates, name, ocsp, now)
        {
            // The chain is checked before the name: a wrong name means a good chain.
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if self.check == Check::Chain => Ok(ServerCertVerified::assertion()),
            Err(rustls::Error::InvalidCertificate(error)) if self.is_trusted_itself(presented, &error) => {
                if self.check == Check::ChainAndName {
                    verify_server_name(&ParsedCertificate::try_from(presented)?, name)?;
                }
                Ok(ServerCertVerified::assertion())
            }
            result => result,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
