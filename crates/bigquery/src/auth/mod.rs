//! From credentials to tokens: who the principal is, and where its tokens come from.

mod application_default;
mod external;
mod impersonated;
mod refresh;
mod service_account;
mod token;

use crate::{
    config::Endpoints,
    credentials::{AuthType, Credentials, KeyFile},
};
use async_trait::async_trait;
use headwater_core::{Error, Host, Result};
use headwater_http::{Auth, Issue, Token, Url};

/// The scopes of tokens that ask BigQuery: nothing can be changed with them.
const READ: &str = "https://www.googleapis.com/auth/bigquery.readonly \
                    https://www.googleapis.com/auth/cloud-platform.read-only";
/// The scope of tokens that only ask for tokens of another account; no narrower one is accepted for that.
const IMPERSONATE: &str = "https://www.googleapis.com/auth/cloud-platform";

/// Who asks.
#[derive(Debug, Clone)]
pub(crate) struct Principal {
    /// What the `Authorization` header says; `None` for an emulator.
    pub(crate) auth: Option<Auth>,
    /// A name that is the same in each run: an e-mail address where one is known.
    pub(crate) name: String,
    /// As a member in a policy: `serviceAccount:reader@shop-1.iam.gserviceaccount.com`.
    pub(crate) member: String,
}

/// Gets tokens, and knows for whom.
#[async_trait]
trait Tokens: Issue {
    fn principal(&self) -> String;
}

/// Validates the credentials and prepares what gets their tokens. No I/O.
///
/// # Errors
/// `ConfigInvalid` at the field that is wrong.
pub(crate) fn principal(credentials: &Credentials, endpoints: &Endpoints, host: &Host) -> Result<Principal> {
    let kind = credentials.kind()?;
    let acts_as = credentials.impersonate_service_account.as_deref();
    if kind == AuthType::None {
        return anonymous(endpoints);
    }
    let scope = if acts_as.is_some() { IMPERSONATE } else { READ };
    if let (Some(token), None) = (&credentials.access_token, acts_as) {
        return Ok(Principal {
            auth: Some(Auth::bearer(token.clone())),
            name: "access_token".to_owned(),
            member: "PRINCIPAL".to_owned(),
        });
    }
    let base = tokens(kind, credentials, scope, host)?;
    let tokens: Box<dyn Tokens> = match acts_as {
        Some(email) => Box::new(impersonated::Impersonated::of(email, base, endpoints, host)?),
        None => base,
    };
    let name = tokens.principal();
    Ok(Principal {
        auth: Some(Auth::issued(Issuer(tokens), host)),
        member: member(&name),
        name,
    })
}

fn tokens(
    kind: AuthType,
    credentials: &Credentials,
    scope: &'static str,
    host: &Host,
) -> Result<Box<dyn Tokens>> {
    let file = |file: &Option<KeyFile>, name: &str| {
        let pointer = format!("/credentials/{name}");
        let found = file
            .as_ref()
            .ok_or_else(|| Error::invalid_field(&*pointer, "is missing"));
        found?.parse(&pointer)
    };
    Ok(match kind {
        AuthType::ServiceAccount => {
            let fields = file(&credentials.service_account_json, "service_account_json")?;
            Box::new(service_account::ServiceAccount::new(&fields, scope, host)?)
        }
        AuthType::AuthorizedUser => {
            let fields = file(&credentials.authorized_user_json, "authorized_user_json")?;
            Box::new(refresh::AuthorizedUser::new(&fields, host)?)
        }
        AuthType::ExternalAccount => {
            let fields = file(&credentials.external_account_json, "external_account_json")?;
            external::tokens(&fields, credentials.subject_token.clone(), scope, host)?
        }
        AuthType::ApplicationDefault => Box::new(application_default::ApplicationDefault::new(scope, host)?),
        AuthType::AccessToken | AuthType::None => {
            let token = credentials.access_token.clone();
            let missing = || Error::invalid_field("/credentials/access_token", "is missing");
            Box::new(Given(token.ok_or_else(missing)?))
        }
    })
}

/// No credentials: for what is no service of Google's.
fn anonymous(endpoints: &Endpoints) -> Result<Principal> {
    if is_google(&endpoints.bigquery) {
        let detail = "none is for emulators: Google's own addresses need credentials, so choose another \
                      auth_type, or name the emulator in config.endpoint";
        return Err(Error::invalid_field("/credentials/auth_type", detail));
    }
    Ok(Principal {
        auth: None,
        name: "anonymous".to_owned(),
        member: "PRINCIPAL".to_owned(),
    })
}

fn member(name: &str) -> String {
    match name.ends_with(".gserviceaccount.com") {
        true => format!("serviceAccount:{name}"),
        false => "PRINCIPAL".to_owned(),
    }
}

/// Whether an address is one of Google's APIs.
fn is_google(url: &Url) -> bool {
    let name = url.domain().unwrap_or_default();
    name == "googleapis.com" || name.ends_with(".googleapis.com")
}

/// An address that a secret is sent to: one of Google's, or one of this machine.
///
/// # Errors
/// `ConfigInvalid` at `pointer`.
fn token_address(text: &str, pointer: &str, host: &Host) -> Result<Url> {
    headwater_http::token_address(text, pointer, &["googleapis.com", "accounts.google.com"], host)
}

#[derive(Debug)]
struct Issuer(Box<dyn Tokens>);

#[async_trait]
impl Issue for Issuer {
    async fn issue(&self) -> Result<Token> {
        self.0.issue().await
    }
}

/// A token that was given.
#[derive(Debug)]
struct Given(headwater_core::Secret);

#[async_trait]
impl Issue for Given {
    async fn issue(&self) -> Result<Token> {
        Ok(Token {
            secret: self.0.clone(),
            expires_at: None,
        })
    }
}

impl Tokens for Given {
    fn principal(&self) -> String {
        "access_token".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use serde_json::{Value, json};

    fn open(config: Value, credentials: Value, host: &Host) -> Result<Principal> {
        let config: Config = serde_json::from_value(config).unwrap();
        let credentials: Credentials = serde_json::from_value(credentials).unwrap();
        principal(&credentials, &config.endpoints(host).unwrap(), host)
    }

    fn pointer(credentials: Value) -> String {
        let error = open(json!({"project_id": "p"}), credentials, &Host::default()).unwrap_err();
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        error.fields()[0].pointer.clone()
    }

    fn key_file() -> Value {
        json!({
            "type": "service_account",
            "client_email": "reader@p.iam.gserviceaccount.com",
            "private_key": include_str!("../../tests/it/service_account.pem"),
            "private_key_id": "k1",
        })
    }

    #[test]
    fn no_credentials_for_an_emulator_only() {
        let host = Host::default();
        let none = json!({"auth_type": "none"});
        let emulator = json!({"project_id": "p", "endpoint": "http://127.0.0.1:1"});
        assert!(open(emulator, none.clone(), &host).unwrap().auth.is_none());
        let connect = json!({"project_id": "p", "endpoint": "bigquery-mine.p.googleapis.com"});
        for config in [json!({"project_id": "p"}), connect] {
            let error = open(config, none.clone(), &host).unwrap_err();
            assert_eq!(error.fields()[0].pointer, "/credentials/auth_type");
        }
    }

    #[test]
    fn a_key_file_names_its_principal_and_its_faults() {
        let host = Host::default();
        let given = json!({"service_account_json": key_file()});
        let principal = open(json!({"project_id": "p"}), given, &host).unwrap();
        assert_eq!(
            principal.member,
            "serviceAccount:reader@p.iam.gserviceaccount.com"
        );
        let at = |change: &str, value: Value| {
            let mut file = key_file();
            file[change] = value;
            pointer(json!({"service_account_json": file.to_string()}))
        };
        let field = |name| format!("/credentials/service_account_json/{name}");
        assert_eq!(at("client_email", json!(null)), field("client_email"));
        assert_eq!(at("private_key", json!("hunter2")), field("private_key"));
        assert_eq!(at("type", json!("authorized_user")), field("type"));
        assert_eq!(
            at("token_uri", json!("https://evil.example.com/token")),
            field("token_uri")
        );
        assert_eq!(
            at("token_uri", json!("https://googleapis.com.example.com/token")),
            field("token_uri")
        );
        assert_eq!(
            pointer(json!({"service_account_json": "hunter2"})),
            "/credentials/service_account_json"
        );
    }

    #[test]
    fn federation_refuses_programs_files_and_other_addresses() {
        let at = |source: Value| {
            let file = json!({
                "type": "external_account",
                "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q",
                "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
                "token_url": "https://sts.googleapis.com/v1/token",
                "credential_source": source,
            });
            pointer(json!({"external_account_json": file}))
        };
        let source = "/credentials/external_account_json/credential_source";
        assert_eq!(at(json!({"file": "/hunter2"})), format!("{source}/file"));
        assert_eq!(at(json!({"executable": {"command": "hunter2"}})), source);
        assert_eq!(at(json!({"environment_id": "aws1"})), source);
        assert_eq!(
            at(json!({"url": "http://metadata.example.com/"})),
            format!("{source}/url")
        );
    }

    #[test]
    fn the_machines_own_credentials_need_leave() {
        assert_eq!(
            pointer(json!({"auth_type": "application_default"})),
            "/credentials/auth_type"
        );
    }
}
