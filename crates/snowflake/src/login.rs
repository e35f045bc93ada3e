//! How a session begins: the proof of who logs in, as Snowflake takes it.

use crate::{
    account::Account,
    config::Config,
    credentials::{AuthType, Credentials, OauthClient, Proof},
    error,
    key::SigningKey,
};
use headwater_core::{Clock, Error, ErrorKind, Host, Result, Secret};
use headwater_http::{Client, Method, Settings, Url, address};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::{fmt, path::PathBuf, sync::Arc};

/// The three commands that put a key pair in the place of a password.
const KEY_PAIR: &str = "Snowflake ended sign-in with a password alone in October 2026, except for trial, reader and Open \
     Catalog accounts. Set up a key pair: (1) openssl genrsa 2048 | openssl pkcs8 -topk8 -nocrypt -out rsa_key.p8 \
     (2) openssl rsa -in rsa_key.p8 -pubout -out rsa_key.pub \
     (3) ALTER USER the_user SET RSA_PUBLIC_KEY='the text of rsa_key.pub without its first and last line'; \
     then give rsa_key.p8 as private_key";

/// What a login says of itself: everything but the account's address.
pub(crate) struct Login {
    account: String,
    username: Option<String>,
    proof: Ready,
    session_parameters: Value,
    clock: Arc<dyn Clock>,
}

/// A proof that was read and checked, so that a login needs no more than the network.
#[derive(Debug)]
enum Ready {
    KeyPair(SigningKey),
    /// The authenticator's name, and the token.
    Token(&'static str, Secret),
    OauthClient(Box<Provider>),
    WorkloadFile(PathBuf),
    Password(Secret),
}

/// An identity provider.
#[derive(Debug)]
struct Provider {
    http: Client,
    address: Url,
    client: OauthClient,
}

impl Login {
    /// # Errors
    /// `ConfigInvalid` for credentials that cannot be used.
    pub(crate) fn new(
        config: &Config,
        account: &Account,
        credentials: &Credentials,
        host: &Host,
    ) -> Result<Self> {
        Ok(Self {
            account: account.name.clone(),
            username: credentials.username.clone(),
            proof: ready(credentials.proof()?, host)?,
            session_parameters: json!({
                "QUERY_TAG": config.query_tag,
                "STATEMENT_TIMEOUT_IN_SECONDS": config.statement_timeout,
                "TIMEZONE": "UTC",
                // The smallest there is, in MB: what is in memory at once.
                "CLIENT_RESULT_CHUNK_SIZE": 16,
            }),
            clock: host.clock.clone(),
        })
    }

    /// Who logs in, for the pace that is shared with others.
    pub(crate) fn principal(&self) -> String {
        format!("{}:{}", self.account, self.username.as_deref().unwrap_or("-"))
    }

    /// The body of a login request, with a fresh token where one is signed or issued.
    pub(crate) async fn body(&self) -> Result<Value> {
        let mut data = json!({
            "ACCOUNT_NAME": self.account,
            "CLIENT_ENVIRONMENT": {"APPLICATION": "Headwater", "OS": std::env::consts::OS},
            "SESSION_PARAMETERS": self.session_parameters,
        });
        if let Value::Object(data) = &mut data {
            if let Some(username) = &self.username {
                data.insert("LOGIN_NAME".into(), json!(username));
            }
            self.add_proof(data).await?;
        }
        Ok(json!({"data": data}))
    }

    async fn add_proof(&self, data: &mut Map<String, Value>) -> Result<()> {
        let mut token = |authenticator: &str, token: &Secret| {
            data.insert("AUTHENTICATOR".into(), json!(authenticator));
            data.insert("TOKEN".into(), json!(token.expose()));
        };
        match &self.proof {
            Ready::KeyPair(key) => {
                let username = self.username.as_deref().unwrap_or_default();
                let signed = key.token(&self.account, username, self.clock.now())?;
                token("SNOWFLAKE_JWT", &signed);
            }
            Ready::Token(authenticator, text) => token(authenticator, text),
            Ready::OauthClient(provider) => token("OAUTH", &provider.issue().await?),
            Ready::WorkloadFile(file) => {
                let text = tokio::fs::read_to_string(file).await.map_err(|error| {
                    let message = format!("token_file cannot be read: {}", error.kind());
                    Error::new(ErrorKind::Unauthenticated, message).with_source(error)
                })?;
                token(WORKLOAD, &Secret::new(text.trim()));
            }
            Ready::Password(password) => {
                data.insert("PASSWORD".into(), json!(password.expose()));
            }
        }
        if data.get("AUTHENTICATOR").and_then(Value::as_str) == Some(WORKLOAD) {
            data.insert("PROVIDER".into(), json!("OIDC"));
        }
        Ok(())
    }

    /// What a refused login means for the way in which the user logged in.
    pub(crate) fn explain(&self, error: Error) -> Error {
        let advice = match (&self.proof, error::code(&error)) {
            (Ready::Password(_), "390100" | "390106" | "390197" | "390202" | "394508" | "394509") => KEY_PAIR,
            (Ready::Token(PAT, _), "390186" | "390189") => {
                "A programmatic access token takes only the role that it is restricted to: name that one as role, or \
                 make a token for this one"
            }
            _ => return error,
        };
        Error::new(error.kind(), format!("{}. {advice}", error.message()))
            .with_context("code", error::code(&error))
            .with_source(error)
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login")
            .field("account", &self.account)
            .field("username", &self.username)
            .field("proof", &self.proof)
            .finish_non_exhaustive()
    }
}

const WORKLOAD: &str = "WORKLOAD_IDENTITY";
const PAT: &str = "PROGRAMMATIC_ACCESS_TOKEN";

fn ready(proof: Proof, host: &Host) -> Result<Ready> {
    Ok(match proof {
        Proof::KeyPair {
            private_key,
            passphrase,
        } => Ready::KeyPair(SigningKey::read(&private_key, passphrase.as_ref())?),
        Proof::Pat(token) => Ready::Token(PAT, token),
        Proof::OauthToken(token) => Ready::Token("OAUTH", token),
        Proof::WorkloadToken(token) => Ready::Token(WORKLOAD, token),
        Proof::WorkloadFile(file) => {
            host.local_files.check(&file, "/credentials/token_file")?;
            Ready::WorkloadFile(file)
        }
        Proof::OauthClient(client) => Ready::OauthClient(Box::new(Provider {
            http: Client::new(host, Settings::new("the identity provider"))?,
            address: address(&client.token_url, "/credentials/token_url", host)?,
            client,
        })),
        Proof::Password(password) => Ready::Password(password),
    })
}

impl Provider {
    async fn issue(&self) -> Result<Secret> {
        #[derive(Deserialize)]
        struct Issued {
            access_token: Secret,
        }
        let mut form = vec![
            ("grant_type", "client_credentials"),
            ("client_id", &self.client.id),
            ("client_secret", self.client.secret.expose()),
        ];
        if let Some(scope) = &self.client.scope {
            form.push(("scope", scope));
        }
        let request = self.http.request(Method::POST, self.address.clone()).form(form);
        let reply = request.send().await.map_err(|error| match error.kind() {
            ErrorKind::Unavailable | ErrorKind::RateLimited | ErrorKind::Unauthenticated => error,
            _ => {
                let message = "the identity provider refused client_id, client_secret or scope";
                Error::new(ErrorKind::Unauthenticated, message).with_source(error)
            }
        })?;
        Ok(reply.json::<Issued>()?.access_token)
    }
}

/// What to know about credentials that are accepted.
pub(crate) fn warning(credentials: &Credentials) -> Option<(&'static str, &'static str)> {
    (credentials.way() == Some(AuthType::Password)).then_some(("password_sign_in_ended", KEY_PAIR))
}
