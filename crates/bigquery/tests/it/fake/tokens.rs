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

/// A scope that does more than read, which ending a job takes.
const WRITING: &str = "https://www.googleapis.com/auth/bigquery";

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
    let mut scope = form("scope");
    let good = match path {
        "/token" if form("grant_type") == "refresh_token" => {
            form("refresh_token") == REFRESH
                && form("client_id") == "c"
                && form("client_secret") == "s-hunter2"
        }
        "/token" => {
            let signed = signed_scope(&form("assertion"), &format!("{origin}/token"));
            scope = signed.clone().unwrap_or_default();
            form("grant_type") == "urn:ietf:params:oauth:grant-type:jwt-bearer" && signed.is_some()
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
            let scopes = body["scope"].as_array().unwrap().iter();
            let scopes: Vec<&str> = scopes.map(|scope| scope.as_str().unwrap()).collect();
            assert!(
                scopes == [WRITING] || scopes.iter().all(|scope| scope.contains("read")),
                "{scopes:?}"
            );
            return Some(match super::is_authorized(state, request) {
                true => ok(
                    &json!({"accessToken": issue(state, &scopes.join(" ")), "expireTime": "2099-01-01T00:00:00Z"}),
                ),
                false => ResponseTemplate::new(403)
                    .set_body_json(json!({"error": {"code": 403, "status": "PERMISSION_DENIED"}})),
            });
        }
        _ => return None,
    };
    Some(match good {
        true => {
            ok(&json!({"access_token": issue(state, &scope), "expires_in": 3599, "token_type": "Bearer"}))
        }
        false => ResponseTemplate::new(400).set_body_json(json!({"error": "invalid_grant"})),
    })
}

/// A user's token may do what the user agreed to, which no request says.
fn issue(state: &mut State, scope: &str) -> String {
    state.issued += 1;
    let token = format!("token-hunter2-{}", state.issued);
    state.tokens.insert(token.clone());
    if scope == WRITING || scope.is_empty() {
        state.writing.insert(token.clone());
    }
    token
}

/// The scope of an assertion that Google would take: signed by the account's key, for this endpoint, for an hour.
fn signed_scope(assertion: &str, audience: &str) -> Option<String> {
    let (signed, signature) = assertion.rsplit_once('.')?;
    let key = PrivatePkcs8KeyDer::from_pem_slice(PEM.as_bytes()).unwrap();
    let pair = RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()).unwrap();
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref());
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
    let claims = signed.split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    let scope = claims["scope"].as_str().unwrap();
    let good = public.verify(signed.as_bytes(), &signature).is_ok()
        && claims["iss"] == EMAIL
        && claims["aud"] == audience
        && (scope == WRITING || scope.contains("bigquery.readonly"))
        && claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap() == 3600;
    good.then(|| scope.to_owned())
}

fn url_pairs(body: &[u8]) -> Vec<(String, String)> {
    let text = format!("http://x/?{}", String::from_utf8_lossy(body));
    let url: headwater_http::Url = text.parse().unwrap();
    url.query_pairs()
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
        .collect()
}
