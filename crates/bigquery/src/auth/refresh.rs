//! A user's refresh token.

use super::{Tokens, token, token_address};
use crate::credentials::Fields;
use async_trait::async_trait;
use headwater_core::{Clock, Host, Result, Secret};
use headwater_http::{Client, Issue, Method, Token, Url};
use std::{fmt, sync::Arc};

const TOKEN_URI: &str = "https://oauth2.googleapis.com/token";

/// Exchanges a refresh token. What it may do was decided when the user logged in.
pub(super) struct AuthorizedUser {
    client_id: String,
    client_secret: Secret,
    refresh_token: Secret,
    token_uri: Url,
    client: Client,
    clock: Arc<dyn Clock>,
}

impl AuthorizedUser {
    pub(super) fn new(fields: &Fields, host: &Host) -> Result<Self> {
        fields.expect_type("authorized_user")?;
        let token_uri = fields.find("token_uri").unwrap_or(TOKEN_URI);
        Ok(Self {
            client_id: fields.get("client_id")?.to_owned(),
            client_secret: Secret::new(fields.get("client_secret")?),
            refresh_token: Secret::new(fields.get("refresh_token")?),
            token_uri: token_address(token_uri, &fields.at("token_uri"), host)?,
            client: token::client(host)?,
            clock: host.clock.clone(),
        })
    }
}

#[async_trait]
impl Issue for AuthorizedUser {
    async fn issue(&self) -> Result<Token> {
        let fields = [
            ("grant_type", "refresh_token"),
            ("client_id", self.client_id.as_str()),
            ("client_secret", self.client_secret.expose()),
            ("refresh_token", self.refresh_token.expose()),
        ];
        let request = self
            .client
            .request(Method::POST, self.token_uri.clone())
            .form(fields);
        token::read(&request.send().await?, &*self.clock)
    }
}

impl Tokens for AuthorizedUser {
    fn principal(&self) -> String {
        "authorized_user".to_owned()
    }
}

impl fmt::Debug for AuthorizedUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthorizedUser")
    }
}
