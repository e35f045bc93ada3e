//! A user's private key, and the tokens that it signs.

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use headwater_core::{Error, ErrorKind, Result, Secret};
use jiff::{Timestamp, ToSpan};
use pkcs8::{
    EncryptedPrivateKeyInfoRef, SecretDocument,
    der::{Encode, asn1::BitStringRef},
    spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef},
};
use ring::{
    rand::SystemRandom,
    rsa::KeyPair as RsaKeyPair,
    signature::{KeyPair as _, RSA_PKCS1_SHA256},
};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::{fmt, sync::Arc};

const PRIVATE_KEY: &str = "/credentials/private_key";
const PASSPHRASE: &str = "/credentials/passphrase";
/// `rsaEncryption`.
const RSA: pkcs8::ObjectIdentifier = pkcs8::ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// `NULL`, the parameters of an RSA key.
const NO_PARAMETERS: pkcs8::der::asn1::AnyRef<'static> = pkcs8::der::asn1::AnyRef::NULL;

/// An RSA key pair.
#[derive(Clone)]
pub(crate) struct SigningKey {
    pair: Arc<RsaKeyPair>,
    /// `SHA256:` and the digest of the public key, as `DESC USER` shows it.
    fingerprint: String,
}

impl SigningKey {
    /// Reads PEM text: PKCS#8, plain or encrypted, or PKCS#1.
    ///
    /// # Errors
    /// `ConfigInvalid` at the key or the passphrase.
    pub(crate) fn read(pem: &Secret, passphrase: Option<&Secret>) -> Result<Self> {
        let (label, der) = SecretDocument::from_pem(pem.expose().trim()).map_err(|_holds_the_key| {
            let detail =
                "expected a private key as PEM text, from -----BEGIN to -----END with its line breaks";
            Error::invalid_field(PRIVATE_KEY, detail)
        })?;
        let pair = match label {
            "ENCRYPTED PRIVATE KEY" => {
                let der = decrypt(&der, passphrase)?;
                RsaKeyPair::from_pkcs8(der.as_bytes())
            }
            "PRIVATE KEY" => RsaKeyPair::from_pkcs8(der.as_bytes()),
            "RSA PRIVATE KEY" => RsaKeyPair::from_der(der.as_bytes()),
            _ => {
                let detail = "expected a private key: this is the PEM text of something else";
                return Err(Error::invalid_field(PRIVATE_KEY, detail));
            }
        };
        let pair = pair.map_err(|_rejected| {
            let detail = "expected an RSA key of 2048 bits or more";
            Error::invalid_field(PRIVATE_KEY, detail)
        })?;
        Ok(Self {
            fingerprint: fingerprint(&pair)?,
            pair: Arc::new(pair),
        })
    }

    /// A token for one login, which must begin within a minute.
    pub(crate) fn token(&self, account: &str, username: &str, now: Timestamp) -> Result<Secret> {
        let subject = format!("{account}.{}", username.to_uppercase());
        let ends = now.checked_add(1.minute()).unwrap_or(now);
        let header = json!({"alg": "RS256", "typ": "JWT"});
        let claims = json!({
            "iss": format!("{subject}.{}", self.fingerprint),
            "sub": subject,
            "iat": now.as_second(),
            "exp": ends.as_second(),
        });
        let encode = |part: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(part);
        let signed = format!(
            "{}.{}",
            encode(header.to_string().as_bytes()),
            encode(claims.to_string().as_bytes())
        );
        let mut signature = vec![0; self.pair.public().modulus_len()];
        self.pair
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                signed.as_bytes(),
                &mut signature,
            )
            .map_err(|_unspecified| Error::new(ErrorKind::Unexpected, "the private key cannot sign"))?;
        Ok(Secret::new(format!("{signed}.{}", encode(&signature))))
    }
}

fn decrypt(der: &SecretDocument, passphrase: Option<&Secret>) -> Result<SecretDocument> {
    let Some(passphrase) = passphrase else {
        let detail = "is missing: the private key is encrypted";
        return Err(Error::invalid_field(PASSPHRASE, detail));
    };
    let info = EncryptedPrivateKeyInfoRef::try_from(der.as_bytes()).map_err(|_holds_the_key| {
        let detail = "expected an encrypted private key in PKCS#8 form";
        Error::invalid_field(PRIVATE_KEY, detail)
    })?;
    info.decrypt(passphrase.expose()).map_err(|_either| {
        let detail = "does not open the private key";
        Error::invalid_field(PASSPHRASE, detail)
    })
}

fn fingerprint(pair: &RsaKeyPair) -> Result<String> {
    let unreadable = |_encoding| Error::new(ErrorKind::Unexpected, "the public key cannot be written down");
    let info = SubjectPublicKeyInfoRef {
        algorithm: AlgorithmIdentifierRef {
            oid: RSA,
            parameters: Some(NO_PARAMETERS),
        },
        subject_public_key: BitStringRef::from_bytes(pair.public_key().as_ref()).map_err(unreadable)?,
    };
    let digest = Sha256::digest(info.to_der().map_err(unreadable)?);
    Ok(format!("SHA256:{}", BASE64_STANDARD.encode(digest)))
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("fingerprint", &self.fingerprint)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
