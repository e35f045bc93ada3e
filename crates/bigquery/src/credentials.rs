//! Who asks, and what proves it.

use headwater_core::{Error, Result, Secret};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// How the connector proves who it is.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// The kind of credentials. The default follows from the key that is given.
    #[serde(default)]
    pub auth_type: Option<AuthType>,
    /// The key file of a service account, as text or as the object itself.
    #[serde(default)]
    pub service_account_json: Option<KeyFile>,
    /// A user's file of `gcloud auth application-default login`, as text or as the object itself.
    #[serde(default)]
    pub authorized_user_json: Option<KeyFile>,
    /// The configuration of workload identity federation, as text or as the object itself.
    #[serde(default)]
    pub external_account_json: Option<KeyFile>,
    /// The token of the other identity provider, for `external_account_json` without a `credential_source`.
    #[serde(default)]
    pub subject_token: Option<Secret>,
    /// An OAuth access token. It is not renewed and ends within the hour.
    #[serde(default)]
    pub access_token: Option<Secret>,
    /// The e-mail address of a service account to act as, on which these credentials have the role
    /// Service Account Token Creator.
    #[serde(default)]
    pub impersonate_service_account: Option<String>,
}

/// A kind of credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuthType {
    /// The key of a service account.
    ServiceAccount,
    /// What the machine has: its file of application default credentials, else its metadata server.
    ApplicationDefault,
    /// A user's refresh token.
    AuthorizedUser,
    /// Workload identity federation: a token of another identity provider.
    ExternalAccount,
    /// An access token.
    AccessToken,
    /// None, for emulators.
    None,
}

/// A JSON file of Google's, as text or as an object. Secret as a whole.
#[derive(Debug, Clone)]
pub struct KeyFile(Secret);

impl KeyFile {
    pub(crate) fn new(text: Secret) -> Self {
        Self(text)
    }

    /// The object in it.
    ///
    /// # Errors
    /// `ConfigInvalid` at `pointer`, without a word of the file.
    pub(crate) fn parse(&self, pointer: &str) -> Result<Fields> {
        let detail = "expected the content of a JSON file, as text or as an object";
        let map = serde_json::from_str(self.0.expose())
            .map_err(|_may_quote_it| Error::invalid_field(pointer, detail))?;
        Ok(Fields {
            map,
            pointer: pointer.to_owned(),
        })
    }
}

impl<'de> Deserialize<'de> for KeyFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(text) => Ok(Self(Secret::new(text))),
            object @ Value::Object(_) => Ok(Self(Secret::new(object.to_string()))),
            _ => Err(de::Error::custom("neither text nor an object")),
        }
    }
}

impl JsonSchema for KeyFile {
    fn schema_name() -> Cow<'static, str> {
        "KeyFile".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": ["string", "object"], "format": "password", "writeOnly": true})
    }
}

/// The fields of a key file, and where they stand in the settings.
pub(crate) struct Fields {
    map: Map<String, Value>,
    pointer: String,
}

impl Fields {
    /// The text of a field, where there is one.
    pub(crate) fn find(&self, name: &str) -> Option<&str> {
        self.map.get(name)?.as_str().filter(|text| !text.is_empty())
    }

    /// The text of a field.
    ///
    /// # Errors
    /// `ConfigInvalid` at the field.
    pub(crate) fn get(&self, name: &str) -> Result<&str> {
        let detail = match self.map.contains_key(name) {
            true => "expected a text that is not empty",
            false => "is missing",
        };
        self.find(name).ok_or_else(|| self.wrong(name, detail))
    }

    /// The fields of an inner object, where there is one.
    pub(crate) fn inner(&self, name: &str) -> Option<Self> {
        Some(Self {
            map: self.map.get(name)?.as_object()?.clone(),
            pointer: self.at(name),
        })
    }

    /// All fields whose value is a text.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&String, &str)> {
        self.map
            .iter()
            .filter_map(|(name, value)| Some((name, value.as_str()?)))
    }

    /// Refuses a file of another kind, which says so in `type`.
    pub(crate) fn expect_type(&self, expected: &str) -> Result<()> {
        match self.find("type") {
            Some(found) if found != expected => {
                let detail = format!("expected {expected}: this is a file of another kind");
                Err(self.wrong("type", &detail))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn at(&self, name: &str) -> String {
        format!("{}/{name}", self.pointer)
    }

    pub(crate) fn wrong(&self, name: &str, detail: &str) -> Error {
        Error::invalid_field(self.at(name), detail)
    }
}

impl Credentials {
    /// The kind of these credentials: what they say, or what their key says.
    ///
    /// # Errors
    /// `ConfigInvalid` when keys of two kinds are mixed, or the one that is needed is missing.
    pub(crate) fn kind(&self) -> Result<AuthType> {
        let given = [
            (AuthType::ServiceAccount, self.service_account_json.is_some()),
            (AuthType::AuthorizedUser, self.authorized_user_json.is_some()),
            (AuthType::ExternalAccount, self.external_account_json.is_some()),
            (AuthType::AccessToken, self.access_token.is_some()),
        ];
        let mut keys = given
            .into_iter()
            .filter(|(_, given)| *given)
            .map(|(kind, _)| kind);
        let kind = match self.auth_type.or(keys.next()) {
            Some(kind) => kind,
            None => {
                let detail = "is missing: give service_account_json, authorized_user_json, external_account_json \
                              or access_token, or an auth_type that needs none";
                return Err(Error::invalid_field("/credentials/auth_type", detail));
            }
        };
        for (other, given) in given {
            let name = other.key();
            if given && other != kind {
                let detail = "belongs to another auth_type: leave it out, or choose that";
                return Err(Error::invalid_field(format!("/credentials/{name}"), detail));
            }
            if !given && other == kind {
                return Err(Error::invalid_field(format!("/credentials/{name}"), "is missing"));
            }
        }
        if self.subject_token.is_some() && kind != AuthType::ExternalAccount {
            let detail = "belongs to auth_type external_account: leave it out, or choose that";
            return Err(Error::invalid_field("/credentials/subject_token", detail));
        }
        if self.impersonate_service_account.is_some() && kind == AuthType::None {
            let detail = "needs credentials to begin with";
            return Err(Error::invalid_field(
                "/credentials/impersonate_service_account",
                detail,
            ));
        }
        Ok(kind)
    }
}

impl AuthType {
    /// The key that holds its secret.
    fn key(self) -> &'static str {
        match self {
            Self::ServiceAccount => "service_account_json",
            Self::AuthorizedUser => "authorized_user_json",
            Self::ExternalAccount => "external_account_json",
            Self::AccessToken => "access_token",
            Self::ApplicationDefault | Self::None => "auth_type",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn kind(given: Value) -> Result<AuthType> {
        serde_json::from_value::<Credentials>(given).unwrap().kind()
    }

    #[test]
    fn the_key_tells_the_kind() {
        for (given, expected) in [
            (json!({"service_account_json": {}}), AuthType::ServiceAccount),
            (json!({"authorized_user_json": "{}"}), AuthType::AuthorizedUser),
            (
                json!({"external_account_json": {}, "subject_token": "t"}),
                AuthType::ExternalAccount,
            ),
            (json!({"access_token": "t"}), AuthType::AccessToken),
            (json!({"auth_type": "none"}), AuthType::None),
            (
                json!({"auth_type": "application_default"}),
                AuthType::ApplicationDefault,
            ),
        ] {
            assert_eq!(kind(given.clone()).unwrap(), expected, "{given}");
        }
    }

    #[test]
    fn a_mix_is_told_at_the_key_that_does_not_fit() {
        for (given, at) in [
            (json!({}), "auth_type"),
            (json!({"auth_type": "service_account"}), "service_account_json"),
            (
                json!({"auth_type": "none", "access_token": "hunter2"}),
                "access_token",
            ),
            (
                json!({"service_account_json": {}, "access_token": "hunter2"}),
                "access_token",
            ),
            (
                json!({"access_token": "a", "subject_token": "hunter2"}),
                "subject_token",
            ),
            (
                json!({"auth_type": "none", "impersonate_service_account": "a@b"}),
                "impersonate_service_account",
            ),
        ] {
            let error = kind(given.clone()).unwrap_err();
            assert_eq!(error.fields()[0].pointer, format!("/credentials/{at}"), "{given}");
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
    }

    #[test]
    fn a_key_file_is_hidden_and_its_faults_are_named() {
        let given = json!({"service_account_json": {"client_email": 7, "private_key": "hunter2"}});
        let credentials: Credentials = serde_json::from_value(given).unwrap();
        assert!(!format!("{credentials:?}").contains("hunter2"));
        let file = credentials.service_account_json.unwrap();
        let fields = file.parse("/credentials/service_account_json").unwrap();
        assert_eq!(fields.get("private_key").unwrap(), "hunter2");
        let error = fields.get("client_email").unwrap_err();
        assert_eq!(
            error.fields()[0].pointer,
            "/credentials/service_account_json/client_email"
        );
        let broken = KeyFile::new(Secret::new("{hunter2")).parse("/credentials/x");
        assert!(!format!("{:?}", broken.map(|_| ()).unwrap_err()).contains("hunter2"));
    }
}
