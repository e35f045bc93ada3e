//! Who logs in, and how that is proved.

use headwater_core::{Error, Result, Secret};
use schemars::JsonSchema;
use serde::Deserialize;
use std::path::PathBuf;

/// The user to log in as, and what proves it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// How the user logs in. The default is told by the keys that are given; a `token` alone is a programmatic access
    /// token.
    #[serde(default)]
    pub auth_type: Option<AuthType>,
    /// Login name of the user. Not needed with `oauth` and `workload_identity`.
    #[serde(default)]
    pub username: Option<String>,
    /// For `key_pair`: the private key as PEM text, plain or encrypted.
    #[serde(default)]
    pub private_key: Option<Secret>,
    /// For `key_pair`: what opens an encrypted private key.
    #[serde(default)]
    pub passphrase: Option<Secret>,
    /// For `pat`, `oauth` and `workload_identity`: the token.
    #[serde(default)]
    pub token: Option<Secret>,
    /// For `workload_identity`: the file in which the platform keeps the token, read again at each login.
    #[serde(default)]
    pub token_file: Option<PathBuf>,
    /// For `oauth` with client credentials: where the identity provider issues tokens.
    #[serde(default)]
    pub token_url: Option<String>,
    /// For `oauth` with client credentials: the client.
    #[serde(default)]
    pub client_id: Option<String>,
    /// For `oauth` with client credentials: the client's secret.
    #[serde(default)]
    pub client_secret: Option<Secret>,
    /// For `oauth` with client credentials: the scope, such as `session:role:READER`.
    #[serde(default)]
    pub scope: Option<String>,
    /// For `password`: the password. Snowflake accepts one alone only for trial, reader and Open Catalog accounts.
    #[serde(default)]
    pub password: Option<Secret>,
}

/// How a user logs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuthType {
    /// With a token that the user's private key signs.
    KeyPair,
    /// With a programmatic access token.
    Pat,
    /// With an access token of an identity provider.
    Oauth,
    /// With the token that a platform gives to its workloads (OIDC).
    WorkloadIdentity,
    /// With a password alone.
    Password,
}

impl AuthType {
    fn name(self) -> &'static str {
        match self {
            Self::KeyPair => "key_pair",
            Self::Pat => "pat",
            Self::Oauth => "oauth",
            Self::WorkloadIdentity => "workload_identity",
            Self::Password => "password",
        }
    }

    /// The keys that may stand beside `auth_type`.
    fn keys(self) -> &'static [&'static str] {
        match self {
            Self::KeyPair => &["username", "private_key", "passphrase"],
            Self::Pat => &["username", "token"],
            Self::Oauth => &[
                "username",
                "token",
                "token_url",
                "client_id",
                "client_secret",
                "scope",
            ],
            Self::WorkloadIdentity => &["username", "token", "token_file"],
            Self::Password => &["username", "password"],
        }
    }
}

/// What proves who logs in.
#[derive(Debug, Clone)]
pub(crate) enum Proof {
    KeyPair {
        private_key: Secret,
        passphrase: Option<Secret>,
    },
    Pat(Secret),
    OauthToken(Secret),
    OauthClient(OauthClient),
    WorkloadToken(Secret),
    WorkloadFile(PathBuf),
    Password(Secret),
}

/// A client of an identity provider.
#[derive(Debug, Clone)]
pub(crate) struct OauthClient {
    pub(crate) token_url: String,
    pub(crate) id: String,
    pub(crate) secret: Secret,
    pub(crate) scope: Option<String>,
}

impl Credentials {
    /// How the user logs in, by word or by the keys that are given.
    pub(crate) fn way(&self) -> Option<AuthType> {
        let inferred = || {
            if self.private_key.is_some() {
                Some(AuthType::KeyPair)
            } else if self.password.is_some() {
                Some(AuthType::Password)
            } else if self.token_file.is_some() {
                Some(AuthType::WorkloadIdentity)
            } else if self.client_id.is_some() || self.client_secret.is_some() || self.token_url.is_some() {
                Some(AuthType::Oauth)
            } else {
                self.token.as_ref().map(|_| AuthType::Pat)
            }
        };
        self.auth_type.or_else(inferred)
    }

    /// # Errors
    /// `ConfigInvalid` naming the key that is missing, or that belongs to another way to log in.
    pub(crate) fn proof(&self) -> Result<Proof> {
        let Some(way) = self.way() else {
            let detail = "is missing: give username and private_key, or another way to log in as auth_type";
            return Err(Error::invalid_field("/credentials/private_key", detail));
        };
        self.refuse_others(way)?;
        if !matches!(way, AuthType::Oauth | AuthType::WorkloadIdentity) {
            let named = self
                .username
                .as_deref()
                .is_some_and(|name| !name.trim().is_empty());
            require(named.then_some(()), "username", way)?;
        }
        match way {
            AuthType::KeyPair => Ok(Proof::KeyPair {
                private_key: secret(&self.private_key, "private_key", way)?,
                passphrase: self.passphrase.clone(),
            }),
            AuthType::Pat => Ok(Proof::Pat(secret(&self.token, "token", way)?)),
            AuthType::Oauth => self.oauth(),
            AuthType::WorkloadIdentity => self.workload(),
            AuthType::Password => Ok(Proof::Password(secret(&self.password, "password", way)?)),
        }
    }

    fn refuse_others(&self, way: AuthType) -> Result<()> {
        let given = [
            ("private_key", self.private_key.is_some()),
            ("passphrase", self.passphrase.is_some()),
            ("token", self.token.is_some()),
            ("token_file", self.token_file.is_some()),
            ("token_url", self.token_url.is_some()),
            ("client_id", self.client_id.is_some()),
            ("client_secret", self.client_secret.is_some()),
            ("scope", self.scope.is_some()),
            ("password", self.password.is_some()),
        ];
        let foreign = given
            .into_iter()
            .find(|(name, given)| *given && !way.keys().contains(name));
        match foreign {
            None => Ok(()),
            Some((name, _)) => {
                let detail = format!(
                    "does not belong to auth_type {}: leave it out, or choose another auth_type",
                    way.name()
                );
                Err(Error::invalid_field(format!("/credentials/{name}"), detail))
            }
        }
    }

    fn oauth(&self) -> Result<Proof> {
        let way = AuthType::Oauth;
        let by_client = [&self.token_url, &self.client_id, &self.scope];
        if by_client.iter().all(|key| key.is_none()) && self.client_secret.is_none() {
            return Ok(Proof::OauthToken(secret(&self.token, "token", way)?));
        }
        if self.token.is_some() {
            let detail = "stands beside client credentials, which get a token: give either";
            return Err(Error::invalid_field("/credentials/token", detail));
        }
        let text = |value: &Option<String>, name| {
            let given = value.clone().filter(|text| !text.is_empty());
            require(given, name, way)
        };
        Ok(Proof::OauthClient(OauthClient {
            token_url: text(&self.token_url, "token_url")?,
            id: text(&self.client_id, "client_id")?,
            secret: secret(&self.client_secret, "client_secret", way)?,
            scope: self.scope.clone(),
        }))
    }

    fn workload(&self) -> Result<Proof> {
        match (&self.token, &self.token_file) {
            (Some(_), Some(_)) => {
                let detail = "stands beside token: give either";
                Err(Error::invalid_field("/credentials/token_file", detail))
            }
            (None, Some(file)) => Ok(Proof::WorkloadFile(file.clone())),
            (token, None) => Ok(Proof::WorkloadToken(secret(
                token,
                "token",
                AuthType::WorkloadIdentity,
            )?)),
        }
    }
}

fn secret(value: &Option<Secret>, name: &str, way: AuthType) -> Result<Secret> {
    let given = value.clone().filter(|text| !text.expose().trim().is_empty());
    require(given, name, way)
}

fn require<T>(value: Option<T>, name: &str, way: AuthType) -> Result<T> {
    value.ok_or_else(|| {
        let detail = format!("is missing: auth_type {} needs it", way.name());
        Error::invalid_field(format!("/credentials/{name}"), detail)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn credentials(all: Value) -> Credentials {
        serde_json::from_value(all).unwrap()
    }

    #[test]
    fn the_keys_tell_the_way_to_log_in() {
        use AuthType::{KeyPair, Oauth, Password, Pat, WorkloadIdentity};
        for (given, way) in [
            (json!({"username": "u", "private_key": "pem"}), KeyPair),
            (
                json!({"username": "u", "private_key": "pem", "passphrase": "x"}),
                KeyPair,
            ),
            (json!({"username": "u", "token": "t"}), Pat),
            (json!({"auth_type": "oauth", "token": "t"}), Oauth),
            (
                json!({"token_url": "https://idp.example.com/t", "client_id": "c", "client_secret": "s"}),
                Oauth,
            ),
            (
                json!({"auth_type": "workload_identity", "token": "t"}),
                WorkloadIdentity,
            ),
            (json!({"token_file": "/run/token"}), WorkloadIdentity),
            (json!({"username": "u", "password": "p"}), Password),
        ] {
            let credentials = credentials(given.clone());
            assert_eq!(credentials.way(), Some(way), "{given}");
            assert!(credentials.proof().is_ok(), "{given}");
        }
    }

    #[test]
    fn a_wrong_mix_is_told_at_the_key_that_does_not_fit() {
        for (given, at) in [
            (json!({}), "private_key"),
            (json!({"username": "u"}), "private_key"),
            (json!({"private_key": "hunter2"}), "username"),
            (json!({"username": " ", "password": "hunter2"}), "username"),
            (
                json!({"username": "u", "private_key": "hunter2", "password": "hunter2"}),
                "password",
            ),
            (
                json!({"username": "u", "private_key": "k", "token": "hunter2"}),
                "token",
            ),
            (
                json!({"username": "u", "password": "p", "passphrase": "hunter2"}),
                "passphrase",
            ),
            (json!({"auth_type": "key_pair", "username": "u"}), "private_key"),
            (
                json!({"auth_type": "password", "username": "u", "password": ""}),
                "password",
            ),
            (
                json!({"auth_type": "pat", "username": "u", "password": "hunter2"}),
                "password",
            ),
            (json!({"auth_type": "oauth"}), "token"),
            (json!({"client_id": "c", "client_secret": "hunter2"}), "token_url"),
            (
                json!({"auth_type": "oauth", "token": "hunter2", "client_id": "c"}),
                "token",
            ),
            (json!({"auth_type": "workload_identity"}), "token"),
            (
                json!({"auth_type": "workload_identity", "token": "hunter2", "token_file": "/f"}),
                "token_file",
            ),
        ] {
            let error = credentials(given.clone()).proof().unwrap_err();
            assert_eq!(error.fields()[0].pointer, format!("/credentials/{at}"), "{given}");
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
    }

    #[test]
    fn the_schema_hides_every_secret() {
        let schema = schemars::schema_for!(Credentials).to_value();
        for secret in ["private_key", "passphrase", "token", "client_secret", "password"] {
            let text = schema["properties"][secret].to_string();
            assert!(text.contains("\"writeOnly\":true"), "{secret}: {text}");
        }
    }
}
