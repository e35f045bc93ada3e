//! Workload identity federation: a token of another identity provider, exchanged for one of Google's.
//!
//! <https://google.aip.dev/auth/4117>

use super::{IMPERSONATE, Tokens, impersonated::Impersonated, token, token_address};
use crate::credentials::Fields;
use async_trait::async_trait;
use headwater_core::{Clock, Error, ErrorKind, Host, Result, Secret};
use headwater_http::{Client, Issue, Method, Token, Url, address, header::HeaderName};
use serde_json::Value;
use std::{fmt, path::PathBuf, sync::Arc};

const TOKEN_URL: &str = "https://sts.googleapis.com/v1/token";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// The tokens of a federation, or of the service account that it stands for.
pub(super) fn tokens(
    fields: &Fields,
    subject_token: Option<Secret>,
    scope: &'static str,
    host: &Host,
) -> Result<Box<dyn Tokens>> {
    fields.expect_type("external_account")?;
    match fields.find("service_account_impersonation_url") {
        None => Ok(Box::new(External::new(fields, subject_token, scope, host)?)),
        Some(text) => {
            let url = token_address(text, &fields.at("service_account_impersonation_url"), host)?;
            let base = External::new(fields, subject_token, IMPERSONATE, host)?;
            Ok(Box::new(Impersonated::new(url, scope, Box::new(base), host)?))
        }
    }
}

/// Exchanges the tokens of another identity provider.
struct External {
    audience: String,
    subject_token_type: String,
    subject: Subject,
    token_url: Url,
    scope: &'static str,
    client: Client,
    clock: Arc<dyn Clock>,
}

/// Where the token of the other provider comes from.
enum Subject {
    Given(Secret),
    File {
        path: PathBuf,
        field: Option<String>,
    },
    Address {
        url: Url,
        headers: Vec<(HeaderName, Secret)>,
        field: Option<String>,
    },
}

impl External {
    fn new(fields: &Fields, subject: Option<Secret>, scope: &'static str, host: &Host) -> Result<Self> {
        let token_url = fields.find("token_url").unwrap_or(TOKEN_URL);
        Ok(Self {
            audience: fields.get("audience")?.to_owned(),
            subject_token_type: fields.get("subject_token_type")?.to_owned(),
            subject: Subject::new(fields, subject, host)?,
            token_url: token_address(token_url, &fields.at("token_url"), host)?,
            scope,
            client: token::client(host)?,
            clock: host.clock.clone(),
        })
    }
}

impl Subject {
    fn new(fields: &Fields, given: Option<Secret>, host: &Host) -> Result<Self> {
        if let Some(token) = given {
            return Ok(Self::Given(token));
        }
        let Some(source) = fields.inner("credential_source") else {
            let detail = "is missing: give it, or the token itself as subject_token";
            return Err(fields.wrong("credential_source", detail));
        };
        let format = source.inner("format");
        let field = format
            .filter(|format| format.find("type") == Some("json"))
            .map(|format| format.get("subject_token_field_name").map(str::to_owned))
            .transpose()?;
        if let Some(path) = source.find("file") {
            let path = PathBuf::from(path);
            host.local_files.check(&path, &source.at("file"))?;
            return Ok(Self::File { path, field });
        }
        if let Some(url) = source.find("url") {
            let url = address(url, &source.at("url"), host)?;
            let headers = headers(source.inner("headers"))?;
            return Ok(Self::Address { url, headers, field });
        }
        let detail = "expected a source with file or url: programs and AWS are not supported, so give their token \
                      as subject_token";
        Err(fields.wrong("credential_source", detail))
    }

    async fn token(&self, client: &Client) -> Result<Secret> {
        match self {
            Self::Given(token) => Ok(token.clone()),
            Self::File { path, field } => {
                let read = tokio::fs::read_to_string(path).await;
                let text = Secret::new(read.map_err(|error| {
                    let message = "the file with the token of the identity provider cannot be read";
                    Error::new(ErrorKind::Unauthenticated, message).with_source(error)
                })?);
                within(&text, field.as_deref())
            }
            Self::Address { url, headers, field } => {
                let mut request = client.request(Method::GET, url.clone());
                for (name, value) in headers {
                    request = request.secret_header(name.clone(), value);
                }
                let reply = request.send().await?;
                let text = Secret::new(String::from_utf8_lossy(&reply.body));
                within(&text, field.as_deref())
            }
        }
    }
}

fn headers(given: Option<Fields>) -> Result<Vec<(HeaderName, Secret)>> {
    let Some(fields) = given else {
        return Ok(Vec::new());
    };
    let header = |(name, value): (&String, &str)| {
        let parsed = name
            .parse()
            .map_err(|_invalid| fields.wrong(name, "is no name of a header"));
        Ok((parsed?, Secret::new(value)))
    };
    fields.texts().map(header).collect()
}

/// The token in a text: the text itself, or a field of the JSON object in it.
fn within(text: &Secret, field: Option<&str>) -> Result<Secret> {
    let token = match field {
        None => Some(text.expose().trim().to_owned()),
        Some(field) => {
            let parsed: Option<Value> = serde_json::from_str(text.expose()).ok();
            parsed.and_then(|object| Some(object.get(field)?.as_str()?.to_owned()))
        }
    };
    token
        .filter(|token| !token.is_empty())
        .map(Secret::new)
        .ok_or_else(|| {
            let message = "the source of the identity provider's token holds none";
            Error::new(ErrorKind::Unauthenticated, message)
        })
}

#[async_trait]
impl Issue for External {
    async fn issue(&self) -> Result<Token> {
        let subject = self.subject.token(&self.client).await?;
        let fields = [
            ("grant_type", GRANT),
            ("audience", self.audience.as_str()),
            ("scope", self.scope),
            ("requested_token_type", ACCESS_TOKEN),
            ("subject_token", subject.expose()),
            ("subject_token_type", self.subject_token_type.as_str()),
        ];
        let request = self
            .client
            .request(Method::POST, self.token_url.clone())
            .form(fields);
        token::read(&request.send().await?, &*self.clock)
    }
}

impl Tokens for External {
    fn principal(&self) -> String {
        self.audience.clone()
    }
}

impl fmt::Debug for External {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("External")
            .field("audience", &self.audience)
            .finish_non_exhaustive()
    }
}
