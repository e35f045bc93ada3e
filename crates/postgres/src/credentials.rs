//! Who logs in, and how that is proved.

use headwater_core::{Error, Result, Secret};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

/// The role to log in as, and what proves it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = ways(), "dependentRequired" = pairs()))]
pub struct Credentials {
    /// Name of the role.
    pub username: String,
    /// How the role logs in. The default is `aws_iam` where an access key is given, else `password`.
    #[serde(default)]
    pub auth_type: Option<AuthType>,
    /// Its password. Left out where the server asks for none (`cert`, `trust`, `peer`).
    #[serde(default)]
    pub password: Option<Secret>,
    /// The client certificate, and the intermediate ones after it, as PEM text. It is sent over TLS only.
    #[serde(default)]
    pub sslcert: Option<String>,
    /// The private key of `sslcert` as PEM text, not encrypted.
    #[serde(default)]
    pub sslkey: Option<Secret>,
    /// AWS access key that signs the login token of `aws_iam`.
    #[serde(default)]
    pub access_key_id: Option<String>,
    /// The secret part of the AWS access key.
    #[serde(default)]
    pub secret_access_key: Option<Secret>,
    /// The session token of a temporary AWS access key.
    #[serde(default)]
    pub session_token: Option<Secret>,
}

/// How a role logs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuthType {
    /// With a password, a client certificate or both, as the server asks.
    Password,
    /// With a token that an AWS access key signs, made anew for each connection.
    AwsIam,
}

/// What the server is shown when it asks for a password.
#[derive(Debug, Clone)]
pub(crate) enum Proof {
    Password(Option<Secret>),
    AwsIam(AccessKey),
}

/// An AWS access key.
#[derive(Debug, Clone)]
pub(crate) struct AccessKey {
    pub(crate) id: String,
    pub(crate) secret: Secret,
    pub(crate) session_token: Option<Secret>,
}

impl Credentials {
    /// # Errors
    /// `ConfigInvalid` when keys of one way to log in are mixed with those of the other.
    pub(crate) fn proof(&self) -> Result<Proof> {
        let aws_keys = [
            ("access_key_id", self.access_key_id.is_some()),
            ("secret_access_key", self.secret_access_key.is_some()),
            ("session_token", self.session_token.is_some()),
        ];
        let aws_key = aws_keys.iter().find_map(|(name, given)| given.then_some(*name));
        let inferred = match aws_key {
            Some(_) => AuthType::AwsIam,
            None => AuthType::Password,
        };
        match (self.auth_type.unwrap_or(inferred), aws_key) {
            (AuthType::Password, None) => Ok(Proof::Password(self.password.clone())),
            (AuthType::Password, Some(name)) => {
                let detail = "belongs to auth_type aws_iam: leave it out, or choose that";
                Err(Error::invalid_field(format!("/credentials/{name}"), detail))
            }
            (AuthType::AwsIam, _) => self.access_key().map(Proof::AwsIam),
        }
    }

    /// The client certificate and its key.
    ///
    /// # Errors
    /// `ConfigInvalid` when only one of them is given.
    pub(crate) fn client_certificate(&self) -> Result<Option<(&str, &Secret)>> {
        match (&self.sslcert, &self.sslkey) {
            (Some(certificate), Some(key)) => Ok(Some((certificate, key))),
            (None, None) => Ok(None),
            (Some(_), None) => Err(Error::invalid_field(
                "/credentials/sslkey",
                "is missing: sslcert needs its private key",
            )),
            (None, Some(_)) => Err(Error::invalid_field(
                "/credentials/sslcert",
                "is missing: sslkey needs its certificate",
            )),
        }
    }

    fn access_key(&self) -> Result<AccessKey> {
        if self.password.is_some() {
            let detail = "auth_type aws_iam makes the password from the access key: leave this out";
            return Err(Error::invalid_field("/credentials/password", detail));
        }
        let missing = |name: &str| {
            let detail = "is missing: auth_type aws_iam needs an access key and its secret";
            Error::invalid_field(format!("/credentials/{name}"), detail)
        };
        let given = |secret: &Option<Secret>| secret.clone().filter(|text| !text.expose().is_empty());
        let id = self.access_key_id.clone().filter(|id| !id.is_empty());
        Ok(AccessKey {
            id: id.ok_or_else(|| missing("access_key_id"))?,
            secret: given(&self.secret_access_key).ok_or_else(|| missing("secret_access_key"))?,
            session_token: given(&self.session_token),
        })
    }
}

/// The schema's word on which keys go together.
fn ways() -> Value {
    json!([
        {
            "title": "Password or client certificate",
            "properties": {
                "auth_type": {"enum": ["password", null]},
                "access_key_id": {"type": "null"},
                "secret_access_key": {"type": "null"},
                "session_token": {"type": "null"},
            },
        },
        {
            "title": "AWS IAM",
            "properties": {
                "auth_type": {"enum": ["aws_iam", null]},
                "password": {"type": "null"},
                "access_key_id": {"type": "string", "minLength": 1},
                "secret_access_key": {"type": "string", "minLength": 1},
            },
            "required": ["access_key_id", "secret_access_key"],
        },
    ])
}

fn pairs() -> Value {
    json!({"sslcert": ["sslkey"], "sslkey": ["sslcert"]})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials(change: Value) -> Credentials {
        let mut all = json!({"username": "reader"});
        for (key, value) in change.as_object().unwrap() {
            all[key] = value.clone();
        }
        serde_json::from_value(all).unwrap()
    }

    #[test]
    fn the_keys_tell_the_way_to_log_in() {
        for given in [
            json!({}),
            json!({"password": "pw"}),
            json!({"password": "pw", "auth_type": "password", "session_token": null}),
        ] {
            let proof = credentials(given.clone()).proof().unwrap();
            assert!(matches!(proof, Proof::Password(_)), "{given}");
        }
        for given in [
            json!({"access_key_id": "AKIA", "secret_access_key": "s"}),
            json!({"access_key_id": "ASIA", "secret_access_key": "s", "session_token": "t", "auth_type": "aws_iam"}),
        ] {
            let proof = credentials(given.clone()).proof().unwrap();
            assert!(matches!(proof, Proof::AwsIam(_)), "{given}");
        }
    }

    #[test]
    fn a_mix_is_told_at_the_key_that_does_not_fit() {
        for (given, at) in [
            (
                json!({"auth_type": "aws_iam", "password": "hunter2"}),
                "/credentials/password",
            ),
            (
                json!({"password": "hunter2", "access_key_id": "AKIA", "secret_access_key": "hunter2"}),
                "/credentials/password",
            ),
            (
                json!({"auth_type": "password", "secret_access_key": "hunter2"}),
                "/credentials/secret_access_key",
            ),
            (json!({"auth_type": "aws_iam"}), "/credentials/access_key_id"),
            (json!({"access_key_id": "AKIA"}), "/credentials/secret_access_key"),
            (
                json!({"access_key_id": "AKIA", "secret_access_key": ""}),
                "/credentials/secret_access_key",
            ),
            (json!({"session_token": "hunter2"}), "/credentials/access_key_id"),
        ] {
            let error = credentials(given.clone()).proof().unwrap_err();
            assert_eq!(error.fields()[0].pointer, at, "{given}");
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
    }

    #[test]
    fn a_certificate_and_its_key_come_together() {
        for (given, at) in [
            (json!({"sslcert": "pem"}), "/credentials/sslkey"),
            (json!({"sslkey": "pem"}), "/credentials/sslcert"),
        ] {
            let error = credentials(given).client_certificate().unwrap_err();
            assert_eq!(error.fields()[0].pointer, at);
        }
        assert!(credentials(json!({})).client_certificate().unwrap().is_none());
    }

    #[test]
    fn the_schema_names_both_ways_and_hides_every_secret() {
        let schema = schemars::schema_for!(Credentials).to_value();
        assert_eq!(schema["required"], json!(["username"]));
        assert_eq!(schema["oneOf"][1]["title"], "AWS IAM");
        for secret in ["password", "sslkey", "secret_access_key", "session_token"] {
            assert_eq!(schema["properties"][secret]["writeOnly"], true, "{secret}");
        }
    }
}
