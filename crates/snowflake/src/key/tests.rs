use super::*;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::Value;

/// What `openssl rsa -pubin -outform DER | openssl dgst -sha256 -binary | openssl enc -base64` says of the keys.
const FINGERPRINT: &str = "SHA256:0sl0bzEASwvLOoI3rdLYUp6FVXjdV1kOj4NH1afh3ng=";

fn read(pem: &str, passphrase: Option<&str>) -> Result<SigningKey> {
    SigningKey::read(&Secret::new(pem), passphrase.map(Secret::new).as_ref())
}

fn pointer(result: Result<SigningKey>) -> String {
    result.unwrap_err().fields()[0].pointer.clone()
}

#[test]
fn every_form_of_the_key_is_the_same_key() {
    for (pem, passphrase) in [
        (include_str!("keys/pkcs8.pem"), None),
        (include_str!("keys/pkcs1.pem"), None),
        (include_str!("keys/encrypted_aes.pem"), Some("open-sesame")),
        (include_str!("keys/encrypted_des3.pem"), Some("open-sesame")),
    ] {
        assert_eq!(read(pem, passphrase).unwrap().fingerprint, FINGERPRINT);
    }
}

#[test]
fn a_key_that_cannot_be_used_is_told_where() {
    let encrypted = include_str!("keys/encrypted_aes.pem");
    assert_eq!(pointer(read(encrypted, Some("wrong"))), PASSPHRASE);
    assert_eq!(pointer(read(encrypted, None)), PASSPHRASE);
    for pem in [
        "no key",
        include_str!("keys/public.pem"),
        include_str!("keys/ec.pem"),
    ] {
        assert_eq!(pointer(read(pem, None)), PRIVATE_KEY);
    }
}

#[test]
fn a_token_says_who_logs_in_and_its_signature_is_of_the_key() {
    let key = read(include_str!("keys/pkcs8.pem"), None).unwrap();
    let now: Timestamp = "2026-11-26T10:00:00Z".parse().unwrap();
    let token = key.token("MYORG-ACCT", "reader", now).unwrap();
    let (signed, signature) = token.expose().rsplit_once('.').unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    let json =
        |part| -> Value { serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap() };
    assert_eq!(json(header), json!({"alg": "RS256", "typ": "JWT"}));
    assert_eq!(
        json(claims),
        json!({
            "iss": format!("MYORG-ACCT.READER.{FINGERPRINT}"),
            "sub": "MYORG-ACCT.READER",
            "iat": now.as_second(),
            "exp": now.as_second() + 60,
        })
    );
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.pair.public_key().as_ref());
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
    assert!(public.verify(signed.as_bytes(), &signature).is_ok());
    assert!(public.verify(b"something else", &signature).is_err());
}

#[test]
fn debug_shows_the_fingerprint_only() {
    let key = read(include_str!("keys/pkcs8.pem"), None).unwrap();
    assert_eq!(
        format!("{key:?}"),
        format!("SigningKey {{ fingerprint: {FINGERPRINT:?}, .. }}")
    );
}
