//! Where tokens come from: the workspace's own OpenID server, and Entra ID.

use super::{CLIENT, ID_TOKEN, Seen, State, ok};
use serde_json::json;
use wiremock::ResponseTemplate;

/// `Basic` of [`CLIENT`].
const BASIC: &str = "Basic YXBwLTQ3MTE6ZG9zZS1vZi1vYXV0aC1zZWNyZXQ=";

pub(super) fn answer(
    state: &mut State,
    seen: &Seen,
    segments: &[&str],
    own: &str,
) -> Option<ResponseTemplate> {
    let path = segments.join("/");
    let metadata = path.strip_suffix("/.well-known/oauth-authorization-server");
    if state.oidc_described && metadata.is_some_and(|server| server == "oidc" || server == state.oidc_server)
    {
        return Some(ok(json!({
            "authorization_endpoint": format!("{own}/oidc/v1/authorize"),
            "token_endpoint": format!("{own}/{}", state.token_endpoint),
        })));
    }
    if path == "oidc/v1/token" || path == state.token_endpoint {
        return Some(token(state, seen, is_good(seen)));
    }
    match segments {
        [".well-known", "databricks-config"] if state.described => Some(ok(json!({
            "oidc_endpoint": format!("{own}/{}", state.oidc_server), "workspace_id": "123", "account_id": "a-1",
            "cloud": "AWS",
        }))),
        ["tenant-1", "oauth2", "v2.0", "token"] => Some(token(state, seen, is_good_entra(seen))),
        [".well-known", ..] | ["oidc", ..] => Some(ResponseTemplate::new(404).set_body_string("<html>")),
        _ => None,
    }
}

fn has(seen: &Seen, name: &str, value: &str) -> bool {
    let fields = seen.body.split('&').filter_map(|field| field.split_once('='));
    let decoded = |text: &str| {
        percent_encoding::percent_decode_str(text)
            .decode_utf8_lossy()
            .into_owned()
    };
    fields
        .into_iter()
        .any(|(key, text)| key == name && decoded(text) == value)
}

fn is_good(seen: &Seen) -> bool {
    let machine = has(seen, "grant_type", "client_credentials")
        && has(seen, "scope", "all-apis")
        && seen.authorization.as_deref() == Some(BASIC);
    let federated = has(
        seen,
        "grant_type",
        "urn:ietf:params:oauth:grant-type:token-exchange",
    ) && has(seen, "subject_token_type", "urn:ietf:params:oauth:token-type:jwt")
        && has(seen, "subject_token", ID_TOKEN)
        && has(seen, "client_id", CLIENT.0)
        && seen.authorization.is_none();
    machine || federated
}

fn is_good_entra(seen: &Seen) -> bool {
    has(seen, "grant_type", "client_credentials")
        && has(seen, "client_id", CLIENT.0)
        && has(seen, "client_secret", CLIENT.1)
        && has(seen, "scope", "2ff814a6-3304-4ab8-85cb-cd0e6f879c1d/.default")
}

fn token(state: &mut State, seen: &Seen, good: bool) -> ResponseTemplate {
    if !good || seen.method != "POST" {
        let body = json!({"error": "invalid_client", "error_description": super::QUOTED});
        return ResponseTemplate::new(401).set_body_json(body);
    }
    state.issued += 1;
    let token = format!("oauth-token-{}", state.issued);
    state.tokens.insert(token.clone());
    ok(json!({
        "access_token": token, "token_type": "Bearer", "expires_in": state.token_lifetime, "scope": "all-apis",
    }))
}
