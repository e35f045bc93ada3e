//! Who logs in, and how that is proved.

use headwater_core::{Error, Result, Secret};
use schemars::JsonSchema;
use serde::Deserialize;

/// The user to log in as, and what proves it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// How the user logs in.
    #[serde(default)]
    pub auth_type: Option<AuthType>,
    /// Name of the database user.
    pub username: String,
    /// Its password.
    pub password: Secret,
}

/// How a user logs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuthType {
    /// With a name and a password.
    Password,
}

impl Credentials {
    /// # Errors
    /// `ConfigInvalid` when a part is empty.
    pub(crate) fn validate(&self) -> Result<()> {
        if self.username.is_empty() {
            return Err(Error::invalid_field("/credentials/username", "must not be empty"));
        }
        if self.password.expose().is_empty() {
            return Err(Error::invalid_field("/credentials/password", "must not be empty"));
        }
        Ok(())
    }
}
