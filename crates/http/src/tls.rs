//! TLS as a client.

use headwater_core::{Error, ErrorKind, Host, Result};
use headwater_tls::{host_roots, public_roots};
use rustls::{ClientConfig, crypto::ring};
use std::sync::Arc;

/// TLS that trusts the public authorities and those that the host adds: rustls with ring.
///
/// # Errors
/// `ConfigInvalid` when an added authority is not PEM text.
pub fn tls(host: &Host) -> Result<ClientConfig> {
    let mut roots = public_roots();
    roots.add_parsable_certificates(host_roots(host)?);
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::new(ErrorKind::Unexpected, "no usable TLS version").with_source(error))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
