use super::Time;
use crate::problem::Problem;
use headwater_catalog::{self as catalog, Role};
use headwater_core::Secret;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An API key, without the key.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ApiKey {
    /// Its id.
    id: String,
    /// Its name.
    name: String,
    /// What it may do: `viewer`, `editor` or `admin`.
    #[schema(example = "editor")]
    role: &'static str,
    /// The slug of its space; null for a key of the instance.
    #[schema(required)]
    space: Option<String>,
    /// The key's first characters.
    #[schema(example = "hw_3f9a")]
    prefix: String,
    /// When it was made.
    created_at: Time,
    /// When it ends; null for never.
    #[schema(required)]
    expires_at: Option<Time>,
    /// When it was revoked.
    #[schema(required)]
    revoked_at: Option<Time>,
}

impl From<catalog::ApiKey> for ApiKey {
    fn from(key: catalog::ApiKey) -> Self {
        Self {
            id: key.id.to_string(),
            name: key.name,
            role: key.role.as_str(),
            space: key.space,
            prefix: key.prefix,
            created_at: Time(key.created_at),
            expires_at: key.expires_at.map(Time),
            revoked_at: key.revoked_at.map(Time),
        }
    }
}

/// A key that was just made. The key itself is shown here and never again.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NewKeyAnswer {
    #[serde(flatten)]
    about: ApiKey,
    /// The key.
    #[schema(example = "hw_3f9aUd0yPzj3ZPzH3oXyfWQyPOdGz9w0c0nJ1f3c1bA")]
    key: String,
}

impl From<(catalog::ApiKey, Secret)> for NewKeyAnswer {
    fn from((key, secret): (catalog::ApiKey, Secret)) -> Self {
        Self {
            about: key.into(),
            key: secret.expose().to_owned(),
        }
    }
}

/// A key of a space to be made.
#[derive(Debug, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewApiKey {
    /// Its name.
    #[schema(example = "ci")]
    name: String,
    /// What it may do: `viewer`, `editor` or `admin`.
    #[schema(example = "editor")]
    role: String,
    /// When it ends, as RFC 3339; absent or null for never.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
}

/// A key of the instance to be made. Its role is admin.
#[derive(Debug, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewInstanceKey {
    /// Its name.
    #[schema(example = "terraform")]
    name: String,
    /// `admin`, where given.
    #[schema(example = "admin")]
    role: Option<String>,
    /// When it ends, as RFC 3339; absent or null for never.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
}

impl NewApiKey {
    pub(crate) fn check(self, now: Timestamp) -> Result<catalog::NewApiKey, Problem> {
        let Ok(role) = self.role.parse() else {
            return Err(Problem::invalid_body(
                "/role",
                "expected one of viewer, editor, admin",
            ));
        };
        checked(self.name, role, self.expires_at, now)
    }
}

impl NewInstanceKey {
    pub(crate) fn check(self, now: Timestamp) -> Result<catalog::NewApiKey, Problem> {
        if self.role.is_some_and(|role| role != Role::Admin.as_str()) {
            return Err(Problem::invalid_body(
                "/role",
                "expected admin: a key of the instance has no other role",
            ));
        }
        checked(self.name, Role::Admin, self.expires_at, now)
    }
}

fn checked(
    name: String,
    role: Role,
    expires_at: Option<String>,
    now: Timestamp,
) -> Result<catalog::NewApiKey, Problem> {
    if name.trim().is_empty() {
        return Err(Problem::invalid_body(
            "/name",
            "expected a name that is not blank",
        ));
    }
    let expires_at: Option<Timestamp> = match expires_at.map(|text| text.parse()) {
        Some(Ok(end)) if end > now => Some(end),
        Some(Ok(_)) => return Err(Problem::invalid_body("/expires_at", "expected a time to come")),
        Some(Err(_)) => {
            return Err(Problem::invalid_body(
                "/expires_at",
                "expected a time such as 2027-01-31T00:00:00Z",
            ));
        }
        None => None,
    };
    Ok(catalog::NewApiKey {
        name,
        role,
        expires_at,
    })
}
