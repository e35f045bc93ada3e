//! Who logs in, and how that is proved.

use headwater_core::{Error, Host, Result, Secret};
use schemars::JsonSchema;
use serde::Deserialize;
use std::path::PathBuf;

/// The principal, and what proves it: the keys of one way to log in.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// How the principal logs in. The default follows from the keys that are given.
    #[serde(default)]
    pub auth_type: Option<AuthType>,
    /// Application id of the service principal.
    #[serde(default)]
    pub client_id: Option<String>,
    /// The OAuth secret of `oauth_m2m`, or the secret of the Entra ID application of `azure_client_secret`.
    #[serde(default)]
    pub client_secret: Option<Secret>,
    /// The Entra ID tenant of `azure_client_secret`.
    #[serde(default)]
    pub tenant_id: Option<String>,
    /// The token of another identity provider that `oauth_oidc` exchanges.
    #[serde(default)]
    pub oidc_token: Option<Secret>,
    /// A local file with that token, where the host program allows local files. It is read again for each exchange.
    #[serde(default)]
    pub oidc_token_file: Option<PathBuf>,
    /// A personal access token.
    #[serde(default)]
    pub token: Option<Secret>,
}

/// How a principal logs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuthType {
    /// Token federation: the token of another identity provider is exchanged.
    OauthOidc,
    /// A service principal with an OAuth secret.
    OauthM2m,
    /// A service principal of Microsoft Entra ID.
    AzureClientSecret,
    /// A personal access token.
    Pat,
}

/// What proves the principal.
#[derive(Debug, Clone)]
pub(crate) enum Login {
    Oidc {
        client_id: Option<String>,
        token: IdToken,
    },
    M2m(Client),
    Azure {
        tenant_id: String,
        client: Client,
    },
    Pat(Secret),
}

/// An OAuth client.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) secret: Secret,
}

/// Where the token of the other identity provider is.
#[derive(Debug, Clone)]
pub(crate) enum IdToken {
    Text(Secret),
    File(PathBuf),
}

impl AuthType {
    fn keys(self) -> &'static [&'static str] {
        match self {
            Self::OauthOidc => &["client_id", "oidc_token", "oidc_token_file"],
            Self::OauthM2m => &["client_id", "client_secret"],
            Self::AzureClientSecret => &["client_id", "client_secret", "tenant_id"],
            Self::Pat => &["token"],
        }
    }
}

impl Credentials {
    /// # Errors
    /// `ConfigInvalid` when keys are missing, or those of several ways to log in are mixed.
    pub(crate) fn login(&self, host: &Host) -> Result<Login> {
        let kind = self.kind()?;
        if let Some(other) = self.given().find(|key| !kind.keys().contains(key)) {
            let detail = "belongs to another auth_type: leave it out, or choose that";
            return Err(Error::invalid_field(format!("/credentials/{other}"), detail));
        }
        match kind {
            AuthType::OauthOidc => Ok(Login::Oidc {
                client_id: self.client_id.clone(),
                token: self.id_token(host)?,
            }),
            AuthType::OauthM2m => Ok(Login::M2m(self.client()?)),
            AuthType::AzureClientSecret => Ok(Login::Azure {
                tenant_id: self.tenant()?,
                client: self.client()?,
            }),
            AuthType::Pat => Ok(Login::Pat(secret(&self.token, "token")?)),
        }
    }

    fn kind(&self) -> Result<AuthType> {
        if let Some(chosen) = self.auth_type {
            return Ok(chosen);
        }
        let has = |wanted: &str| self.given().any(|key| key == wanted);
        if has("oidc_token") || has("oidc_token_file") {
            Ok(AuthType::OauthOidc)
        } else if has("tenant_id") {
            Ok(AuthType::AzureClientSecret)
        } else if has("client_id") || has("client_secret") {
            Ok(AuthType::OauthM2m)
        } else if has("token") {
            Ok(AuthType::Pat)
        } else {
            let detail = "is missing: give client_id and client_secret of a service principal, an oidc_token, or a \
                          token";
            Err(Error::invalid_field("/credentials/client_id", detail))
        }
    }

    /// The keys that are there.
    fn given(&self) -> impl Iterator<Item = &'static str> + use<> {
        let keys = [
            ("client_id", self.client_id.is_some()),
            ("client_secret", self.client_secret.is_some()),
            ("tenant_id", self.tenant_id.is_some()),
            ("oidc_token", self.oidc_token.is_some()),
            ("oidc_token_file", self.oidc_token_file.is_some()),
            ("token", self.token.is_some()),
        ];
        keys.into_iter().filter_map(|(key, given)| given.then_some(key))
    }

    fn client(&self) -> Result<Client> {
        let id = self.client_id.clone().filter(|id| !id.is_empty());
        Ok(Client {
            id: id.ok_or_else(|| missing("client_id"))?,
            secret: secret(&self.client_secret, "client_secret")?,
        })
    }

    /// It stands in an address, so it holds nothing that could lead elsewhere.
    fn tenant(&self) -> Result<String> {
        let tenant = self.tenant_id.clone().ok_or_else(|| missing("tenant_id"))?;
        let plain = |one: char| one.is_ascii_alphanumeric() || one == '-' || one == '.';
        match !tenant.is_empty() && tenant.chars().all(plain) {
            true => Ok(tenant),
            false => Err(Error::invalid_field(
                "/credentials/tenant_id",
                "expected the id or the domain of an Entra ID tenant",
            )),
        }
    }

    fn id_token(&self, host: &Host) -> Result<IdToken> {
        match (&self.oidc_token, &self.oidc_token_file) {
            (Some(_), Some(_)) => Err(Error::invalid_field(
                "/credentials/oidc_token_file",
                "give either oidc_token or oidc_token_file, not both",
            )),
            (None, Some(file)) => {
                host.local_files.check(file, "/credentials/oidc_token_file")?;
                Ok(IdToken::File(file.clone()))
            }
            (token, None) => secret(token, "oidc_token").map(IdToken::Text),
        }
    }
}

fn secret(given: &Option<Secret>, key: &str) -> Result<Secret> {
    let given = given.clone().filter(|text| !text.expose().is_empty());
    given.ok_or_else(|| missing(key))
}

fn missing(key: &str) -> Error {
    Error::invalid_field(
        format!("/credentials/{key}"),
        "is missing: this auth_type needs it",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use headwater_core::LocalFiles;
    use serde_json::{Value, json};

    fn login(given: Value) -> Result<Login> {
        let credentials: Credentials = serde_json::from_value(given).unwrap();
        credentials.login(&Host::default())
    }

    #[test]
    fn the_way_to_log_in_follows_from_the_keys() {
        let m2m = login(json!({"client_id": "a", "client_secret": "s"})).unwrap();
        assert!(matches!(m2m, Login::M2m(_)));
        let azure = login(json!({"client_id": "a", "client_secret": "s", "tenant_id": "t-1"})).unwrap();
        assert!(matches!(azure, Login::Azure { .. }));
        let oidc = login(json!({"client_id": "a", "oidc_token": "s"})).unwrap();
        assert!(matches!(
            oidc,
            Login::Oidc {
                client_id: Some(_),
                ..
            }
        ));
        assert!(matches!(login(json!({"token": "s"})).unwrap(), Login::Pat(_)));
    }

    #[test]
    fn a_fault_is_told_at_its_key() {
        for (given, at) in [
            (json!({}), "client_id"),
            (json!({"client_id": "a"}), "client_secret"),
            (json!({"client_secret": "hunter2"}), "client_id"),
            (
                json!({"token": "hunter2", "client_id": "a", "client_secret": "hunter2"}),
                "token",
            ),
            (
                json!({"auth_type": "pat", "client_secret": "hunter2"}),
                "client_secret",
            ),
            (json!({"auth_type": "pat", "token": ""}), "token"),
            (json!({"auth_type": "oauth_oidc"}), "oidc_token"),
            (
                json!({"oidc_token": "hunter2", "oidc_token_file": "/x"}),
                "oidc_token_file",
            ),
            (
                json!({"tenant_id": "../x", "client_id": "a", "client_secret": "hunter2"}),
                "tenant_id",
            ),
            (
                json!({"auth_type": "azure_client_secret", "client_id": "a", "client_secret": "hunter2"}),
                "tenant_id",
            ),
        ] {
            let error = login(given.clone()).unwrap_err();
            assert_eq!(error.fields()[0].pointer, format!("/credentials/{at}"), "{given}");
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
    }

    #[test]
    fn a_token_file_needs_the_hosts_leave() {
        let credentials: Credentials =
            serde_json::from_value(json!({"oidc_token_file": "/run/token"})).unwrap();
        let error = credentials.login(&Host::default()).unwrap_err();
        assert_eq!(error.fields()[0].pointer, "/credentials/oidc_token_file");
        let mut host = Host::default();
        host.local_files = LocalFiles::Allowed;
        assert!(credentials.login(&host).is_ok());
    }
}
