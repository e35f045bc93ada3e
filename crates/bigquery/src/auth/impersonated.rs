//! Acting as a service account.
//!
//! <https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateAccessToken>

use super::{READ, Tokens, token};
use crate::config::Endpoints;
use async_trait::async_trait;
use headwater_core::{Error, Host, Result, Secret};
use headwater_http::{Client, Issue, Method, Token, Url};
use serde_json::json;

/// Asks for tokens of a service account with those of another principal.
#[derive(Debug)]
pub(super) struct Impersonated {
    url: Url,
    scope: &'static str,
    base: Box<dyn Tokens>,
    client: Client,
}

impl Impersonated {
    pub(super) fn new(url: Url, scope: &'static str, base: Box<dyn Tokens>, host: &Host) -> Result<Self> {
        Ok(Self {
            url,
            scope,
            base,
            client: token::client(host)?,
        })
    }

    /// Acts as the account of an e-mail address.
    pub(super) fn of(email: &str, base: Box<dyn Tokens>, endpoints: &Endpoints, host: &Host) -> Result<Self> {
        let expected = "expected the e-mail address of a service account, such as \
                        reader@my-project.iam.gserviceaccount.com";
        let wrong = || Error::invalid_field("/credentials/impersonate_service_account", expected);
        if !email.contains('@') || email.contains(['/', '?', '#', ':']) || email.contains(char::is_whitespace)
        {
            return Err(wrong());
        }
        let path = format!("v1/projects/-/serviceAccounts/{email}:generateAccessToken");
        let url = endpoints
            .iam_credentials
            .join(&path)
            .map_err(|_invalid| wrong())?;
        Self::new(url, READ, base, host)
    }
}

#[async_trait]
impl Issue for Impersonated {
    async fn issue(&self) -> Result<Token> {
        let base = self.base.issue().await?;
        let scopes: Vec<&str> = self.scope.split(' ').collect();
        let bearer = Secret::new(format!("Bearer {}", base.secret.expose()));
        let request = self
            .client
            .request(Method::POST, self.url.clone())
            .authorization(&bearer)
            .json(&json!({"scope": scopes, "lifetime": "3600s"}))?;
        token::read_generated(&request.send().await?)
    }
}

impl Tokens for Impersonated {
    /// The e-mail address in the address of the account.
    fn principal(&self) -> String {
        let last = self
            .url
            .path_segments()
            .and_then(|mut segments| segments.next_back());
        let name = last.and_then(|last| last.split(':').next()).unwrap_or_default();
        name.replace("%40", "@")
    }
}
