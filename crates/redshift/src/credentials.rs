//! Who logs in, and how that is proved.

use headwater_core::{Error, Result, Secret};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

/// The user to log in as, and what proves it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = ways()))]
pub struct Credentials {
    /// How the user logs in. The default is `iam` where an access key is given, else `password`.
    #[serde(default)]
    pub auth_type: Option<AuthType>,
    /// Name of the database user.
    #[serde(default)]
    pub username: Option<String>,
    /// Its password.
    #[serde(default)]
    pub password: Option<Secret>,
    /// The database user that AWS issues a login for. Without it, and always for a workgroup, the user follows from the
    /// identity that signs.
    #[serde(default)]
    pub db_user: Option<String>,
    /// AWS access key that signs the requests of `iam`. Without it, and with `auth_type` `iam`, the credentials of the
    /// machine do, where the program lends them.
    #[serde(default)]
    pub access_key_id: Option<String>,
    /// The secret part of the AWS access key.
    #[serde(default)]
    pub secret_access_key: Option<Secret>,
    /// The session token of a temporary AWS access key.
    #[serde(default)]
    pub session_token: Option<Secret>,
    /// ARN of an AWS role that the access key assumes first.
    #[serde(default)]
    pub role_arn: Option<String>,
    /// The external id that the role's trust policy asks for.
    #[serde(default)]
    pub external_id: Option<String>,
}

/// How a user logs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuthType {
    /// With a name and a password.
    Password,
    /// With a login that AWS issues to an access key, or to a role that it assumes.
    Iam,
}

/// What credentials that fit together say.
#[derive(Debug, Clone)]
pub(crate) enum Proof {
    Password {
        username: String,
        password: Secret,
    },
    Iam {
        /// Without one that of the machine signs.
        key: Option<AccessKey>,
        role: Option<Role>,
        db_user: Option<String>,
    },
}

/// An AWS access key.
#[derive(Debug, Clone)]
pub(crate) struct AccessKey {
    pub(crate) id: String,
    pub(crate) secret: Secret,
    pub(crate) session_token: Option<Secret>,
}

/// An AWS role to assume.
#[derive(Debug, Clone)]
pub(crate) struct Role {
    pub(crate) arn: String,
    pub(crate) external_id: Option<String>,
}

impl Credentials {
    /// # Errors
    /// `ConfigInvalid` when keys of one way to log in are mixed with those of the other, or one is missing.
    pub(crate) fn proof(self) -> Result<Proof> {
        let of_iam = [
            ("access_key_id", self.access_key_id.is_some()),
            ("secret_access_key", self.secret_access_key.is_some()),
            ("session_token", self.session_token.is_some()),
            ("role_arn", self.role_arn.is_some()),
            ("external_id", self.external_id.is_some()),
            ("db_user", self.db_user.is_some()),
        ];
        let of_password = [
            ("username", self.username.is_some()),
            ("password", self.password.is_some()),
        ];
        let given =
            |keys: &[(&'static str, bool)]| keys.iter().find_map(|(name, given)| given.then_some(*name));
        let inferred = match given(&of_iam) {
            Some(_) => AuthType::Iam,
            None => AuthType::Password,
        };
        let auth_type = self.auth_type.unwrap_or(inferred);
        let (odd, other) = match auth_type {
            AuthType::Password => (given(&of_iam), "iam"),
            AuthType::Iam => (given(&of_password), "password"),
        };
        if let Some(name) = odd {
            let detail = format!("belongs to auth_type {other}: leave it out, or choose that");
            return Err(Error::invalid_field(format!("/credentials/{name}"), detail));
        }
        match auth_type {
            AuthType::Password => self.password(),
            AuthType::Iam => self.iam(),
        }
    }

    fn password(self) -> Result<Proof> {
        Ok(Proof::Password {
            username: text("username", self.username, "is missing: name the database user")?,
            password: secret("password", self.password, "is missing: give the user's password")?,
        })
    }

    fn iam(self) -> Result<Proof> {
        let given =
            self.access_key_id.is_some() || self.secret_access_key.is_some() || self.session_token.is_some();
        // Whoever wants the machine's own says so.
        let key = match self.auth_type {
            Some(AuthType::Iam) if !given => None,
            _ => {
                let missing = "is missing: auth_type iam needs an access key and its secret";
                Some(AccessKey {
                    id: text("access_key_id", self.access_key_id, missing)?,
                    secret: secret("secret_access_key", self.secret_access_key, missing)?,
                    session_token: self.session_token.filter(|token| !token.expose().is_empty()),
                })
            }
        };
        let role = match (self.role_arn, self.external_id) {
            (Some(arn), _) if !arn.starts_with("arn:") => {
                let detail = "expected the ARN of a role, such as arn:aws:iam::123456789012:role/headwater";
                return Err(Error::invalid_field("/credentials/role_arn", detail));
            }
            (Some(arn), external_id) => Some(Role { arn, external_id }),
            (None, Some(_)) => {
                let detail = "is missing: external_id belongs to a role to assume";
                return Err(Error::invalid_field("/credentials/role_arn", detail));
            }
            (None, None) => None,
        };
        Ok(Proof::Iam {
            key,
            role,
            db_user: self.db_user.filter(|user| !user.is_empty()),
        })
    }
}

fn text(name: &str, value: Option<String>, missing: &str) -> Result<String> {
    let value = value.filter(|text| !text.is_empty());
    value.ok_or_else(|| Error::invalid_field(format!("/credentials/{name}"), missing))
}

fn secret(name: &str, value: Option<Secret>, missing: &str) -> Result<Secret> {
    let value = value.filter(|text| !text.expose().is_empty());
    value.ok_or_else(|| Error::invalid_field(format!("/credentials/{name}"), missing))
}

/// The schema's word on which keys go together.
fn ways() -> Value {
    let absent = json!({"type": "null"});
    let text = json!({"type": "string", "minLength": 1});
    json!([
        {
            "title": "Password",
            "properties": {
                "auth_type": {"enum": ["password", null]},
                "username": text, "password": text,
                "access_key_id": absent, "secret_access_key": absent, "session_token": absent, "role_arn": absent,
                "external_id": absent, "db_user": absent,
            },
            "required": ["username", "password"],
        },
        {
            "title": "AWS IAM",
            "properties": {
                "auth_type": {"enum": ["iam", null]},
                "username": absent, "password": absent,
                "access_key_id": text, "secret_access_key": text,
            },
            "required": ["access_key_id", "secret_access_key"],
        },
        {
            "title": "AWS IAM, with what the machine has",
            "properties": {
                "auth_type": {"const": "iam"},
                "username": absent, "password": absent,
                "access_key_id": absent, "secret_access_key": absent, "session_token": absent,
            },
            "required": ["auth_type"],
        },
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proof(given: Value) -> Result<Proof> {
        serde_json::from_value::<Credentials>(given).unwrap().proof()
    }

    #[test]
    fn the_keys_tell_the_way_to_log_in() {
        let password = proof(json!({"username": "reader", "password": "pw"})).unwrap();
        assert!(matches!(password, Proof::Password { .. }));
        let iam = proof(json!({
            "access_key_id": "AKIA", "secret_access_key": "s", "db_user": "reader",
            "role_arn": "arn:aws:iam::123456789012:role/r", "external_id": "x"
        }));
        let Proof::Iam { role, db_user, .. } = iam.unwrap() else {
            panic!()
        };
        assert_eq!(
            (role.unwrap().external_id.as_deref(), db_user.as_deref()),
            (Some("x"), Some("reader"))
        );
    }

    #[test]
    fn the_machines_own_credentials_are_asked_for_by_name() {
        let own = proof(json!({"auth_type": "iam", "role_arn": "arn:aws:iam::123456789012:role/r"})).unwrap();
        assert!(matches!(
            own,
            Proof::Iam {
                key: None,
                role: Some(_),
                ..
            }
        ));
    }

    #[test]
    fn a_mix_and_what_is_missing_are_told_at_their_place() {
        for (given, at) in [
            (json!({}), "username"),
            (json!({"username": "r"}), "password"),
            (json!({"username": "r", "password": ""}), "password"),
            (
                json!({"auth_type": "iam", "secret_access_key": "hunter2"}),
                "access_key_id",
            ),
            (
                json!({"auth_type": "iam", "session_token": "hunter2"}),
                "access_key_id",
            ),
            (json!({"access_key_id": "A"}), "secret_access_key"),
            (json!({"role_arn": "arn:aws:iam::1:role/r"}), "access_key_id"),
            (
                json!({"access_key_id": "A", "secret_access_key": "hunter2", "password": "hunter2"}),
                "password",
            ),
            (
                json!({"auth_type": "password", "username": "r", "password": "p", "db_user": "r"}),
                "db_user",
            ),
            (
                json!({"access_key_id": "A", "secret_access_key": "hunter2", "role_arn": "r"}),
                "role_arn",
            ),
            (
                json!({"access_key_id": "A", "secret_access_key": "hunter2", "external_id": "x"}),
                "role_arn",
            ),
        ] {
            let error = proof(given.clone()).unwrap_err();
            assert_eq!(error.fields()[0].pointer, format!("/credentials/{at}"), "{given}");
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
    }

    #[test]
    fn the_schema_hides_every_secret() {
        let schema = schemars::schema_for!(Credentials).to_value();
        for secret in ["password", "secret_access_key", "session_token"] {
            assert_eq!(schema["properties"][secret]["writeOnly"], true, "{secret}");
        }
    }
}
