//! Whom a client trusts.

use headwater_core::{Error, ErrorKind, Host, Result};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};
use std::sync::Arc;

/// The public authorities and those that the host adds.
///
/// # Errors
/// `ConfigInvalid` when an added authority is not PEM text.
pub fn roots(host: &Host) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    for pem in &host.extra_roots {
        let parsed: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
        let certificates = parsed.ok().filter(|found| !found.is_empty()).ok_or_else(|| {
            let message = "a certificate authority of this program is not PEM text";
            Error::new(ErrorKind::ConfigInvalid, message)
        })?;
        roots.add_parsable_certificates(certificates);
    }
    Ok(roots)
}

/// TLS as a client with these authorities: rustls with ring.
///
/// # Errors
/// As for [`roots`].
pub fn tls(host: &Host) -> Result<ClientConfig> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::new(ErrorKind::Unexpected, "no usable TLS version").with_source(error))?;
    Ok(builder.with_root_certificates(roots(host)?).with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_that_is_no_certificate_is_refused() {
        let mut host = Host::default();
        let public = roots(&host).unwrap().len();
        assert!(public > 50);
        host.extra_roots.push("no certificate".to_owned());
        assert_eq!(roots(&host).unwrap_err().kind(), ErrorKind::ConfigInvalid);
    }
}
