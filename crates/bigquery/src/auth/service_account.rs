//! The key of a service account: an assertion that it signs, for a token.

use super::{Tokens, token, token_address};
use crate::credentials::Fields;
use async_trait::async_trait;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use headwater_core::{Clock, Error, ErrorKind, Host, Result, Secret};
use headwater_http::{Client, Issue, Method, Token, Url};
use ring::{
    rand::SystemRandom,
    signature::{RSA_PKCS1_SHA256, RsaKeyPair},
};
use rustls::pki_types::{PrivateKeyDer, pem::PemObject};
use serde_json::{Value, json};
use std::{fmt, sync::Arc};

const TOKEN_URI: &str = "https://oauth2.googleapis.com/token";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// How long an assertion is good, in seconds: as long as Google takes one.
const LIFETIME: i64 = 3600;

/// Signs assertions with the key of a service account.
pub(super) struct ServiceAccount {
    email: String,
    key: RsaKeyPair,
    key_id: Option<String>,
    token_uri: Url,
    scope: &'static str,
    client: Client,
    clock: Arc<dyn Clock>,
}

impl ServiceAccount {
    pub(super) fn new(fields: &Fields, scope: &'static str, host: &Host) -> Result<Self> {
        fields.expect_type("service_account")?;
        let token_uri = fields.find("token_uri").unwrap_or(TOKEN_URI);
        Ok(Self {
            email: fields.get("client_email")?.to_owned(),
            key: key(fields)?,
            key_id: fields.find("private_key_id").map(str::to_owned),
            token_uri: token_address(token_uri, &fields.at("token_uri"), host)?,
            scope,
            client: token::client(host)?,
            clock: host.clock.clone(),
        })
    }

    /// <https://developers.google.com/identity/protocols/oauth2/service-account#authorizingrequests>
    fn assertion(&self) -> Result<Secret> {
        let now = self.clock.now().as_second();
        let header = json!({"alg": "RS256", "typ": "JWT", "kid": self.key_id});
        let claims = json!({
            "iss": self.email,
            "scope": self.scope,
            "aud": self.token_uri.as_str(),
            "iat": now,
            "exp": now + LIFETIME,
        });
        let encode = |part: &Value| BASE64_URL_SAFE_NO_PAD.encode(part.to_string());
        let signed = format!("{}.{}", encode(&header), encode(&claims));
        let mut signature = vec![0; self.key.public().modulus_len()];
        self.key
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                signed.as_bytes(),
                &mut signature,
            )
            .map_err(|_unspecified| Error::new(ErrorKind::Unexpected, "the private key cannot sign"))?;
        Ok(Secret::new(format!(
            "{signed}.{}",
            BASE64_URL_SAFE_NO_PAD.encode(signature)
        )))
    }
}

fn key(fields: &Fields) -> Result<RsaKeyPair> {
    let wrong = |detail| fields.wrong("private_key", detail);
    let pem = fields.get("private_key")?;
    let der = PrivateKeyDer::from_pem_slice(pem.as_bytes())
        .map_err(|_may_quote_it| wrong("expected a private key as PEM text, with its line breaks"))?;
    let pair = match &der {
        PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
        PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
        _ => return Err(wrong("expected an RSA key")),
    };
    pair.map_err(|_rejected| wrong("expected an RSA key of 2048 bits or more"))
}

#[async_trait]
impl Issue for ServiceAccount {
    async fn issue(&self) -> Result<Token> {
        let assertion = self.assertion()?;
        let fields = [("grant_type", GRANT), ("assertion", assertion.expose())];
        let request = self
            .client
            .request(Method::POST, self.token_uri.clone())
            .form(fields);
        token::read(&request.send().await?, &*self.clock)
    }
}

impl Tokens for ServiceAccount {
    fn principal(&self) -> String {
        self.email.clone()
    }
}

impl fmt::Debug for ServiceAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceAccount")
            .field("email", &self.email)
            .finish_non_exhaustive()
    }
}
