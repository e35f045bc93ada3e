//! Tokens: what a workspace is shown, and where it comes from.
//!
//! As Databricks' own SDKs do it, a workspace is asked where its token endpoint is: its own description, then the
//! OpenID server's metadata, and where neither answers the endpoint that all workspaces have.

use crate::{
    credentials::{self, IdToken, Login},
    error,
};
use async_trait::async_trait;
use base64::{Engine, prelude::BASE64_STANDARD};
use headwater_core::{Error, ErrorKind, Host, Result, Secret};
use headwater_http::{Auth, Client, Issue, Request, Settings, Token, Url, token_address};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, de::DeserializeOwned};
use tokio::sync::OnceCell;

/// The application that Azure Databricks is in every Entra ID tenant:
/// <https://learn.microsoft.com/azure/databricks/dev-tools/auth/>.
const AZURE_SCOPE: &str = "2ff814a6-3304-4ab8-85cb-cd0e6f879c1d/.default";
/// Microsoft Entra ID of the clouds that have Databricks.
const ENTRA: [&str; 3] = [
    "login.microsoftonline.com",
    "login.microsoftonline.us",
    "login.chinacloudapi.cn",
];
/// Domains of Databricks: a workspace's token endpoint is in one of them, or on the workspace's own host.
const DATABRICKS: [&str; 4] = [
    "databricks.com",
    "azuredatabricks.net",
    "databricks.azure.us",
    "databricks.azure.cn",
];

/// What the requests to a workspace carry.
///
/// # Errors
/// `ConfigInvalid` at `/config/azure_authority`.
pub(crate) fn auth(login: Login, workspace: &Url, authority: Option<&str>, host: &Host) -> Result<Auth> {
    let mut settings = Settings::new("the token endpoint");
    settings.explain = error::explain_token;
    let endpoint = Endpoint {
        client: Client::new(host, settings)?,
        workspace: workspace.clone(),
        host: host.clone(),
        found: OnceCell::new(),
    };
    Ok(match login {
        Login::Pat(token) => Auth::bearer(token),
        Login::M2m(client) => Auth::issued(M2m { endpoint, client }, host),
        Login::Oidc { client_id, token } => Auth::issued(
            Federation {
                endpoint,
                client_id,
                token,
            },
            host,
        ),
        Login::Azure { tenant_id, client } => {
            let authority = match authority {
                Some(given) => token_address(given, "/config/azure_authority", &ENTRA, host)?,
                None => entra(workspace)?,
            };
            let issuer = Azure {
                endpoint,
                authority,
                tenant_id,
                client,
            };
            Auth::issued(issuer, host)
        }
    })
}

/// Entra ID of the cloud that a workspace stands in.
fn entra(workspace: &Url) -> Result<Url> {
    let name = workspace.host_str().unwrap_or_default();
    let [public, government, china] = ENTRA;
    let own = match () {
        () if name.ends_with(".databricks.azure.us") => government,
        () if name.ends_with(".databricks.azure.cn") => china,
        () => public,
    };
    Url::parse(&format!("https://{own}"))
        .map_err(|error| Error::new(ErrorKind::Unexpected, "no address of Entra ID").with_source(error))
}

/// The token endpoint of a workspace, found once.
struct Endpoint {
    client: Client,
    workspace: Url,
    host: Host,
    found: OnceCell<Url>,
}

/// `/.well-known/databricks-config`.
#[derive(Deserialize)]
struct Description {
    oidc_endpoint: String,
    account_id: Option<String>,
}

/// `/.well-known/oauth-authorization-server` (RFC 8414).
#[derive(Deserialize)]
struct ServerMetadata {
    token_endpoint: String,
}

/// An answer of a token endpoint (RFC 6749, section 5.1).
#[derive(Deserialize)]
struct Answer {
    access_token: Secret,
    expires_in: Option<i64>,
}

impl Endpoint {
    async fn address(&self) -> Result<&Url> {
        self.found.get_or_try_init(|| self.discover()).await
    }

    async fn discover(&self) -> Result<Url> {
        let description: Option<Description> = self
            .document(&self.workspace, [".well-known", "databricks-config"])
            .await?;
        if let Some(server) = description.and_then(|described| self.server(&described))
            && let Some(found) = self.metadata(&server).await?
        {
            return self.checked(&found.token_endpoint);
        }
        let mut own = self.workspace.clone();
        own.set_path("/oidc");
        if let Some(found) = self.metadata(&own).await? {
            return self.checked(&found.token_endpoint);
        }
        own.set_path("/oidc/v1/token");
        Ok(own)
    }

    async fn metadata(&self, server: &Url) -> Result<Option<ServerMetadata>> {
        self.document(server, [".well-known", "oauth-authorization-server"])
            .await
    }

    /// The OpenID server that a description names, if it may be one.
    fn server(&self, described: &Description) -> Option<Url> {
        let account = described.account_id.as_deref().unwrap_or_default();
        let address = described.oidc_endpoint.replace("{account_id}", account);
        self.checked(&address).ok()
    }

    fn checked(&self, address: &str) -> Result<Url> {
        let own = self.workspace.host_str().unwrap_or_default();
        let vendors: Vec<&str> = DATABRICKS.into_iter().chain([own]).collect();
        token_address(address, "/config/host", &vendors, &self.host)
    }

    /// A document that a workspace may or may not have.
    async fn document<T: DeserializeOwned>(&self, base: &Url, path: [&str; 2]) -> Result<Option<T>> {
        let answered = self.client.get(base, path).send().await;
        match answered.and_then(|reply| reply.json()) {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.kind().is_retryable() => Err(error),
            Err(_has_none) => Ok(None),
        }
    }

    async fn token(&self, request: Request<'_>) -> Result<Token> {
        let answer: Answer = request.send().await?.json()?;
        let lifetime = answer.expires_in.map(SignedDuration::from_secs);
        Ok(Token {
            secret: answer.access_token,
            expires_at: lifetime.and_then(|lifetime| self.now().checked_add(lifetime).ok()),
        })
    }

    fn now(&self) -> Timestamp {
        self.host.clock.now()
    }
}

/// A service principal with an OAuth secret.
struct M2m {
    endpoint: Endpoint,
    client: credentials::Client,
}

#[async_trait]
impl Issue for M2m {
    async fn issue(&self) -> Result<Token> {
        let pair = Secret::new(format!("{}:{}", self.client.id, self.client.secret.expose()));
        let basic = Secret::new(format!("Basic {}", BASE64_STANDARD.encode(pair.expose())));
        let address = self.endpoint.address().await?;
        let request = self
            .endpoint
            .client
            .post(address, [])
            .authorization(&basic)
            .form([("grant_type", "client_credentials"), ("scope", "all-apis")]);
        self.endpoint.token(request).await
    }
}

/// The token of another identity provider, exchanged (RFC 8693):
/// <https://docs.databricks.com/dev-tools/auth/oauth-federation.html>.
struct Federation {
    endpoint: Endpoint,
    client_id: Option<String>,
    token: IdToken,
}

#[async_trait]
impl Issue for Federation {
    async fn issue(&self) -> Result<Token> {
        let subject = match &self.token {
            IdToken::Text(token) => token.clone(),
            IdToken::File(file) => {
                let text = tokio::fs::read_to_string(file).await.map(Secret::new);
                text.map_err(|error| {
                    let message = "the file of credentials.oidc_token_file cannot be read";
                    Error::new(ErrorKind::Unauthenticated, message).with_source(error)
                })?
            }
        };
        let fields = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"),
            ("subject_token", subject.expose().trim()),
            ("scope", "all-apis"),
        ];
        let client = self.client_id.as_deref().map(|id| ("client_id", id));
        let address = self.endpoint.address().await?;
        let request = self
            .endpoint
            .client
            .post(address, [])
            .form(fields.into_iter().chain(client));
        self.endpoint.token(request).await
    }
}

/// A service principal of Microsoft Entra ID.
struct Azure {
    endpoint: Endpoint,
    authority: Url,
    tenant_id: String,
    client: credentials::Client,
}

#[async_trait]
impl Issue for Azure {
    async fn issue(&self) -> Result<Token> {
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", self.client.id.as_str()),
            ("client_secret", self.client.secret.expose()),
            ("scope", AZURE_SCOPE),
        ];
        let path = [self.tenant_id.as_str(), "oauth2", "v2.0", "token"];
        let request = self.endpoint.client.post(&self.authority, path).form(fields);
        self.endpoint.token(request).await
    }
}

/// The issuers show nothing of themselves: what they hold is secret.
macro_rules! opaque {
    ($($name:ident)*) => {$(
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    )*};
}
opaque!(M2m Federation Azure);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entra_follows_the_cloud() {
        let of = |host: &str| {
            entra(&Url::parse(&format!("https://{host}")).unwrap())
                .unwrap()
                .to_string()
        };
        assert_eq!(
            of("adb-1.2.azuredatabricks.net"),
            "https://login.microsoftonline.com/"
        );
        assert_eq!(
            of("adb-1.2.databricks.azure.us"),
            "https://login.microsoftonline.us/"
        );
        assert_eq!(
            of("adb-1.2.databricks.azure.cn"),
            "https://login.chinacloudapi.cn/"
        );
    }

    #[test]
    fn a_token_endpoint_elsewhere_is_refused() {
        let endpoint = Endpoint {
            client: Client::new(&Host::default(), Settings::new("it")).unwrap(),
            workspace: Url::parse("https://dbc.example.com").unwrap(),
            host: Host::default(),
            found: OnceCell::new(),
        };
        assert!(endpoint.checked("https://dbc.example.com/oidc/v1/token").is_ok());
        assert!(
            endpoint
                .checked("https://accounts.cloud.databricks.com/oidc")
                .is_ok()
        );
        assert!(endpoint.checked("https://evil.example.net/token").is_err());
        assert!(endpoint.checked("http://dbc.example.com/oidc/v1/token").is_err());
    }
}
