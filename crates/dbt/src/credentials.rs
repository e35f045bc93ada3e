//! What opens the way to artifacts that are fetched.

use headwater_core::{Error, Result, Secret};
use headwater_http::Auth;
use schemars::JsonSchema;
use serde::Deserialize;

/// Credentials of dbt Cloud, or of the server behind `artifacts_url`. Artifacts that are uploaded need none.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Credentials {
    /// A service token or personal access token of dbt Cloud, or the bearer token for `artifacts_url`.
    pub token: Option<Secret>,
    /// The user name for `artifacts_url`.
    pub username: Option<String>,
    /// The password that belongs to `username`.
    pub password: Option<Secret>,
}

impl Credentials {
    /// The token for dbt Cloud.
    ///
    /// # Errors
    /// `ConfigInvalid` without one, or with anything beside it.
    pub(crate) fn cloud(&self) -> Result<Auth> {
        let belongs = "belongs to artifacts_url: dbt Cloud takes a token only";
        match (&self.token, &self.username, &self.password) {
            (_, Some(_), _) => Err(Error::invalid_field("/credentials/username", belongs)),
            (_, _, Some(_)) => Err(Error::invalid_field("/credentials/password", belongs)),
            (Some(token), None, None) => Ok(Auth::fixed("Token", token.clone())),
            (None, None, None) => Err(Error::invalid_field(
                "/credentials/token",
                "is missing: dbt Cloud needs a service token with the permission Read-Only or Job Viewer",
            )),
        }
    }

    /// What the server behind `artifacts_url` is shown, if anything.
    ///
    /// # Errors
    /// `ConfigInvalid` for a token beside a user name, and for half a pair.
    pub(crate) fn address(&self) -> Result<Option<Auth>> {
        match (&self.token, &self.username, &self.password) {
            (None, None, None) => Ok(None),
            (Some(token), None, None) => Ok(Some(Auth::bearer(token.clone()))),
            (None, Some(username), Some(password)) => Ok(Some(Auth::basic(username, password))),
            (Some(_), ..) => Err(Error::invalid_field(
                "/credentials/token",
                "give either a token, or a username and a password",
            )),
            (None, Some(_), None) => Err(Error::invalid_field("/credentials/password", "is missing")),
            (None, None, Some(_)) => Err(Error::invalid_field("/credentials/username", "is missing")),
        }
    }

    /// Refuses credentials that nothing would use.
    ///
    /// # Errors
    /// `ConfigInvalid` naming the first of them.
    pub(crate) fn none(&self) -> Result<()> {
        let given = [
            ("token", self.token.is_some()),
            ("username", self.username.is_some()),
            ("password", self.password.is_some()),
        ];
        match given.iter().find(|(_, given)| *given) {
            Some((name, _)) => Err(Error::invalid_field(
                format!("/credentials/{name}"),
                "has no use: give config.account_id for dbt Cloud, or config.artifacts_url",
            )),
            None => Ok(()),
        }
    }
}
