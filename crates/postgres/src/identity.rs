//! The client certificate, by which the role proves itself in the TLS handshake.

use headwater_core::{Error, Result, Secret};
use headwater_tls::certificates;
use rustls::{
    ClientConfig, ConfigBuilder, InconsistentKeys,
    client::WantsClientCert,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

const CERTIFICATE: &str = "/credentials/sslcert";
const KEY: &str = "/credentials/sslkey";

/// A certificate, its chain and its key.
pub(crate) struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Identity {
    /// # Errors
    /// `ConfigInvalid` at the text that is not what it should be. The texts are never quoted.
    pub(crate) fn new(certificate: &str, key: &Secret) -> Result<Self> {
        if certificate.contains("PRIVATE KEY") {
            let detail = "holds a private key: give that as sslkey, and only certificates here";
            return Err(Error::invalid_field(CERTIFICATE, detail));
        }
        let chain = certificates(certificate).ok_or_else(|| {
            let detail = "expected the client certificate, and the intermediate ones after it, as PEM text";
            Error::invalid_field(CERTIFICATE, detail)
        })?;
        Ok(Self {
            chain,
            key: private_key(key)?,
        })
    }

    /// Completes a TLS client that shows this certificate to servers that ask for one.
    ///
    /// # Errors
    /// `ConfigInvalid` when the key is of another certificate, or of a kind that cannot sign here.
    pub(crate) fn install(
        self,
        client: ConfigBuilder<ClientConfig, WantsClientCert>,
    ) -> Result<ClientConfig> {
        client
            .with_client_auth_cert(self.chain, self.key)
            .map_err(|error| {
                let (pointer, detail) = match &error {
                    rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                        (KEY, "is not the key of the certificate in sslcert")
                    }
                    rustls::Error::InvalidCertificate(_) => (CERTIFICATE, "is not a valid certificate"),
                    _ => (KEY, "expected an RSA, ECDSA (P-256, P-384) or Ed25519 key"),
                };
                Error::invalid_field(pointer, detail).with_source(error)
            })
    }
}

fn private_key(pem: &Secret) -> Result<PrivateKeyDer<'static>> {
    let text = pem.expose();
    // The second is OpenSSL's own way to encrypt the older formats.
    if text.contains("BEGIN ENCRYPTED PRIVATE KEY") || text.contains("Proc-Type: 4,ENCRYPTED") {
        let detail = "the key is encrypted: give what `openssl pkey -in client.key` prints";
        return Err(Error::invalid_field(KEY, detail));
    }
    PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|_may_quote_it| {
        let detail = "expected one private key as PEM text: PKCS#8, PKCS#1 or SEC1";
        Error::invalid_field(KEY, detail)
    })
}

#[cfg(test)]
mod tests;
