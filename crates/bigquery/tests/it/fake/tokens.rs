//! The token endpoints: they verify what they are given.

use super::{State, ok};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::signature::{KeyPair, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use rustls::pki_types::{PrivatePkcs8KeyDer, pem::PemObject};
use serde_json::{Value, json};
use wiremock::{Request, ResponseTemplate};

/// The key of the service account in these tests, and of none elsewhere.
pub(crate) const PEM: &str = include_str!("../service_account.pem");
pub(crate) const EMAIL: &str = "reader@shop-1.iam.gserviceaccount.com";
pub(crate) const REFRESH: &str = "refresh-hunter2";
pub(crate) const SUBJECT: &str = "subject-hunter2";

/// The answer of a token endpoint; `None` for any other path.
pub(super) fn answer(
    state: &mut State,
    request: &Request,
    path: &str,
    origin: &str,
) -> Option<ResponseTemplate> {
    let form = |name: &str| {
        let pairs = url_pairs(&request.body);
        pairs
            .into_iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value)
            .unwrap_or_default()
    };
    let good = match path {
        "/token" if form("grant_type") == "refresh_token" => {
            form("refresh_token") == REFRESH
                && form("client_id") == "c"
                && form("client_secret") == "s-hunter2"
        }
        "/token" => {
            form("grant_type") == "urn:ietf:params:oauth:grant-type:jwt-bearer"
                && is_signed(&form("assertion"), &format!("{origin}/token"))
        }
        "/sts" => {
            form("grant_type") == "urn:ietf:params:oauth:grant-type:token-exchange"
                && form("subject_token") == SUBJECT
                && form("requested_token_type") == "urn:ietf:params:oauth:token-type:access_token"
                && form("audience").starts_with("//iam.googleapis.com/")
        }
        "/subject" => {
            let header = request
                .headers
                .get("x-proof")
                .map(|value| value.to_str().unwrap());
            assert_eq!(header, Some("proof-hunter2"));
            return Some(ok(&json!({"value": SUBJECT})));
        }
        _ if path.ends_with(":generateAccessToken") => {
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            assert!(
                body["scope"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .all(|scope| scope.as_str().unwrap().contains("read"))
            );
            return Some(match super::is_authorized(state, request) {
                true => ok(&json!({"accessToken": issue(state), "expireTime": "2099-01-01T00:00:00Z"})),
                false => ResponseTemplate::new(403)
                    .set_body_json(json!({"error": {"code": 403, "status": "PERMISSION_DENIED"}})),
            });
        }
        _ => return None,
    };
    Some(match good {
        true => ok(&json!({"access_token": issue(state), "expires_in": 3599, "token_type": "Bearer"})),
        false => ResponseTemplate::new(400).set_body_json(json!({"error": "invalid_grant"})),
    })
}

fn issue(state: &mut State) -> String {
    state.issued += 1;
    let token = format!("token-hunter2-{}", state.issued);
    state.tokens.insert(token.clone());
    token
}

/// Whether an assertion is one that Google would take: signed by the account's key, for this endpoint, for an hour.
fn is_signed(assertion: &str, audience: &str) -> bool {
    let Some((signed, signature)) = assertion.rsplit_once('.') else {
        return false;
    };
    let key = PrivatePkcs8KeyDer::from_pem_slice(PEM.as_bytes()).unwrap();
    let pair = RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()).unwrap();
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref());
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
    let claims = signed.split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    public.verify(signed.as_bytes(), &signature).is_ok()
        && claims["iss"] == EMAIL
        && claims["aud"] == audience
        && claims["scope"].as_str().unwrap().contains("bigquery.readonly")
        && claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap() == 3600
}

fn url_pairs(body: &[u8]) -> Vec<(String, String)> {
    let text = format!("http://x/?{}", String::from_utf8_lossy(body));
    let url: headwater_http::Url = text.parse().unwrap();
    url.query_pairs()
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
        .collect()
}
