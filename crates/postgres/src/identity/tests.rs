//! The keys were made with OpenSSL for these tests and open nothing.

use super::*;
use headwater_core::Host;
use headwater_pg_wire::Check;

const SEC1_CERTIFICATE: &str = include_str!("keys/sec1.crt");
const PKCS1_CERTIFICATE: &str = include_str!("keys/pkcs1.crt");
const SEC1: &str = include_str!("keys/sec1.pem");
const PKCS8: &str = include_str!("keys/pkcs8.pem");
const PKCS1: &str = include_str!("keys/pkcs1.pem");

fn install(certificate: &str, key: &str) -> Result<ClientConfig> {
    let identity = Identity::new(certificate, &Secret::new(key))?;
    identity.install(headwater_pg_wire::client(Check::Nothing, None, &Host::default())?)
}

#[test]
fn a_key_is_taken_in_each_of_its_forms() {
    for (certificate, key) in [
        (SEC1_CERTIFICATE, SEC1),
        (SEC1_CERTIFICATE, PKCS8),
        (PKCS1_CERTIFICATE, PKCS1),
        (&[SEC1_CERTIFICATE, PKCS1_CERTIFICATE].concat(), SEC1),
    ] {
        let client = install(certificate, key).unwrap();
        assert!(client.client_auth_cert_resolver.has_certs());
    }
}

#[test]
fn a_bad_text_is_told_at_its_field_and_not_quoted() {
    let combined = [SEC1_CERTIFICATE, SEC1].concat();
    for (certificate, key, at, says) in [
        ("hunter2", SEC1, CERTIFICATE, "as PEM text"),
        ("", SEC1, CERTIFICATE, "as PEM text"),
        (combined.as_str(), SEC1, CERTIFICATE, "give that as sslkey"),
        (
            "-----BEGIN CERTIFICATE-----\naHVudGVyMg==\n-----END CERTIFICATE-----\n",
            SEC1,
            CERTIFICATE,
            "not a valid certificate",
        ),
        (SEC1_CERTIFICATE, "hunter2", KEY, "as PEM text"),
        (SEC1_CERTIFICATE, SEC1_CERTIFICATE, KEY, "as PEM text"),
        (
            SEC1_CERTIFICATE,
            "-----BEGIN PRIVATE KEY-----\naHVudGVyMg==\n-----END PRIVATE KEY-----\n",
            KEY,
            "expected an RSA",
        ),
        (
            SEC1_CERTIFICATE,
            "-----BEGIN PRIVATE KEY-----\nhunter2!\n-----END PRIVATE KEY-----\n",
            KEY,
            "as PEM text",
        ),
        (SEC1_CERTIFICATE, PKCS1, KEY, "not the key of the certificate"),
        (
            SEC1_CERTIFICATE,
            include_str!("keys/encrypted_pkcs8.pem"),
            KEY,
            "openssl pkey",
        ),
        (
            SEC1_CERTIFICATE,
            include_str!("keys/encrypted_sec1.pem"),
            KEY,
            "openssl pkey",
        ),
    ] {
        let error = install(certificate, key).unwrap_err();
        assert_eq!(error.fields()[0].pointer, at, "{error}");
        assert!(error.to_string().contains(says), "{error}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}
