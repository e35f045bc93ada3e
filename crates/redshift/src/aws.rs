//! Calls of AWS: signed, sent, and the few values that are read from the answers.

use crate::config::Config;
use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use headwater_core::{Clock, Error, ErrorKind, Host, Result, Secret};
use headwater_http::{Client, Method, Refusal, Reply, Settings, Url, header::HeaderName, origin};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use std::{error::Error as StdError, fmt, sync::Arc, time::SystemTime};

/// What a form leaves as it is.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A service of AWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    Redshift,
    RedshiftServerless,
    Sts,
}

impl Service {
    fn name(self) -> &'static str {
        match self {
            Self::Redshift => "redshift",
            Self::RedshiftServerless => "redshift-serverless",
            Self::Sts => "sts",
        }
    }
}

/// A request, in the protocol of its service.
pub(crate) struct Call<'a> {
    pub(crate) service: Service,
    pub(crate) action: &'static str,
    /// Of the API, where it stands in the request.
    pub(crate) version: Option<&'static str>,
    pub(crate) parameters: &'a [(&'static str, &'a str)],
}

/// Sends requests to one region.
pub(crate) struct Aws {
    client: Client,
    region: String,
    /// In place of the public addresses.
    endpoint: Option<Url>,
    sts_endpoint: Option<Url>,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for Aws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aws")
            .field("region", &self.region)
            .finish_non_exhaustive()
    }
}

impl Aws {
    pub(crate) fn new(region: String, config: &Config, host: &Host) -> Result<Self> {
        let endpoint = |text: &Option<String>, pointer| {
            let text = text.as_deref();
            text.map(|text| vendors(text, pointer, host)).transpose()
        };
        let own = endpoint(&config.aws_endpoint, "/config/aws_endpoint")?;
        let sts = endpoint(&config.sts_endpoint, "/config/sts_endpoint")?;
        Self::at(region, own, sts, host)
    }

    /// With addresses in place of the public ones.
    pub(crate) fn at(
        region: String,
        endpoint: Option<Url>,
        sts_endpoint: Option<Url>,
        host: &Host,
    ) -> Result<Self> {
        let mut settings = Settings::new("AWS");
        settings.explain = explain;
        settings.max_body = 1 << 20;
        Ok(Self {
            client: Client::new(host, settings)?,
            endpoint,
            sts_endpoint,
            region,
            clock: host.clock.clone(),
        })
    }

    #[cfg(test)]
    pub(crate) fn region(&self) -> &str {
        &self.region
    }

    pub(crate) fn now(&self) -> jiff::Timestamp {
        self.clock.now()
    }

    /// The body of the answer. Without a key the request is not signed.
    pub(crate) async fn send(&self, call: &Call<'_>, key: Option<&Credentials>) -> Result<Answer> {
        let url = self.address(call.service)?;
        let (content_type, target, body) = match call.version {
            Some(version) => (
                "application/x-www-form-urlencoded; charset=utf-8",
                None,
                form(call.action, version, call.parameters),
            ),
            None => {
                let members = call
                    .parameters
                    .iter()
                    .map(|(name, value)| ((*name).to_owned(), (*value).into()));
                let body = serde_json::Value::Object(members.collect());
                let target = format!("RedshiftServerless.{}", call.action);
                ("application/x-amz-json-1.1", Some(target), body.to_string())
            }
        };
        let mut headers = vec![("content-type", content_type)];
        headers.extend(target.as_deref().map(|target| ("x-amz-target", target)));
        let signed = match key {
            Some(key) => self.sign(call.service, &url, &headers, &body, key)?,
            None => Vec::new(),
        };
        let mut request = self.client.request(Method::POST, url).body(content_type, body);
        if let Some(target) = &target {
            request = request.header(HeaderName::from_static("x-amz-target"), target);
        }
        for (name, value) in &signed {
            request = match name.as_str() {
                "authorization" => request.authorization(value),
                name => request.secret_header(header_name(name)?, value),
            };
        }
        let reply = request.send().await?;
        Ok(Answer::of(&reply))
    }

    fn address(&self, service: Service) -> Result<Url> {
        let own = match service {
            Service::Sts => &self.sts_endpoint,
            Service::Redshift | Service::RedshiftServerless => &self.endpoint,
        };
        if let Some(endpoint) = own {
            return Ok(endpoint.clone());
        }
        let domain = match self.region.starts_with("cn-") {
            true => "amazonaws.com.cn",
            false => "amazonaws.com",
        };
        Url::parse(&format!("https://{}.{}.{domain}/", service.name(), self.region)).map_err(|_parse| {
            Error::invalid_field("/config/region", "expected an AWS region, such as eu-west-1")
        })
    }

    fn sign(
        &self,
        service: Service,
        url: &Url,
        headers: &[(&str, &str)],
        body: &str,
        key: &Credentials,
    ) -> Result<Vec<(String, Secret)>> {
        let now = SystemTime::try_from(self.now()).map_err(unsigned)?;
        let identity = key.clone().into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(service.name())
            .time(now)
            .settings(SigningSettings::default())
            .build()
            .map_err(unsigned)?
            .into();
        let body = SignableBody::Bytes(body.as_bytes());
        let request =
            SignableRequest::new("POST", url.as_str(), headers.iter().copied(), body).map_err(unsigned)?;
        let (signed, _) = sign(request, &params).map_err(unsigned)?.into_parts();
        let header = |(name, value): (&str, &str)| (name.to_owned(), Secret::new(value));
        Ok(signed.headers().map(header).collect())
    }
}

/// An address of AWS: requests carry the session token of a temporary key. Another is for emulators on this machine, and
/// beyond it needs the leave of whoever runs the program.
fn vendors(text: &str, pointer: &str, host: &Host) -> Result<Url> {
    let url = origin(text, pointer, host)?;
    let name = url.host_str().unwrap_or_default();
    let is_aws = [".amazonaws.com", ".amazonaws.com.cn"]
        .iter()
        .any(|domain| name.ends_with(domain));
    if is_aws || headwater_pg_wire::is_loopback(name) || host.insecure_sources {
        return Ok(url);
    }
    let detail = "expected an address of AWS, such as that of a VPC endpoint: use one, or start the program with \
                  --allow-insecure-sources";
    Err(Error::invalid_field(pointer, detail))
}

fn unsigned(error: impl StdError + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Unexpected, "a request to AWS could not be signed").with_source(error)
}

fn form(action: &str, version: &str, parameters: &[(&str, &str)]) -> String {
    let fixed = [("Action", action), ("Version", version)];
    let pairs = fixed.iter().chain(parameters);
    let encoded = pairs.map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, ENCODED)));
    encoded.collect::<Vec<_>>().join("&")
}

/// The body of an answer: it holds a password or a key.
#[derive(Debug)]
pub(crate) struct Answer(Secret);

impl Answer {
    pub(crate) fn of(reply: &Reply) -> Self {
        Self(Secret::new(String::from_utf8_lossy(&reply.body)))
    }

    /// The temporary key of a role, and its end.
    pub(crate) fn key(&self) -> Result<(Credentials, jiff::Timestamp)> {
        let text = |name| self.element(name).map(|text| text.expose().to_owned());
        let token = Some(text("SessionToken")?);
        let key = Credentials::new(
            text("AccessKeyId")?,
            text("SecretAccessKey")?,
            token,
            None,
            "headwater",
        );
        Ok((key, self.time("Expiration")?))
    }

    /// The text of an element of XML, the first of that name.
    pub(crate) fn element(&self, name: &str) -> Result<Secret> {
        element(self.0.expose(), name)
            .map(Secret::new)
            .ok_or_else(|| not_understood(name))
    }

    /// A time in an element.
    pub(crate) fn time(&self, name: &str) -> Result<jiff::Timestamp> {
        let text = self.element(name)?;
        text.expose().parse().map_err(|_not_a_time| not_understood(name))
    }

    /// The body as JSON.
    pub(crate) fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_str(self.0.expose()).map_err(|_may_quote_it| not_understood("body"))
    }
}

fn not_understood(at: &str) -> Error {
    let message = "AWS answered with something that cannot be understood";
    Error::new(ErrorKind::DataInvalid, message).with_context("at", at)
}

fn element(xml: &str, name: &str) -> Option<String> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    unescape(text.trim())
}

/// XML's own entities, and characters by number.
fn unescape(text: &str) -> Option<String> {
    let mut parts = text.split('&');
    let mut plain = parts.next()?.to_owned();
    for part in parts {
        let (entity, rest) = part.split_once(';')?;
        plain.push(match entity {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            number => {
                let number = number.strip_prefix('#')?;
                let code = match number.strip_prefix('x') {
                    Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                    None => number.parse().ok()?,
                };
                char::from_u32(code)?
            }
        });
        plain.push_str(rest);
    }
    Some(plain)
}

#[derive(Deserialize)]
struct JsonError {
    #[serde(rename = "__type")]
    kind: String,
}

/// What a refusal of AWS means, by the code in it.
fn explain(refusal: &Refusal) -> Option<Error> {
    let code = match refusal.json::<JsonError>() {
        Some(error) => error.kind.rsplit('#').next()?.to_owned(),
        None => element(std::str::from_utf8(&refusal.body).ok()?, "Code")?,
    };
    let (kind, message) = classify(&code)?;
    Some(Error::new(kind, message).with_context("code", code))
}

fn classify(code: &str) -> Option<(ErrorKind, &'static str)> {
    use ErrorKind::{NotFound, PermissionDenied, RateLimited, Unauthenticated, Unavailable};
    Some(match code {
        "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" => (
            PermissionDenied,
            "the policy of this access key or role does not allow the call",
        ),
        "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "SignatureDoesNotMatch"
        | "InvalidSignatureException"
        | "IncompleteSignature"
        | "MissingAuthenticationToken" => (
            Unauthenticated,
            "AWS refused the access key: check its id, its secret and this machine's clock",
        ),
        "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" => (
            Unauthenticated,
            "the temporary AWS access key has expired: give a new one, or a role to assume",
        ),
        "ClusterNotFound" | "ClusterNotFoundFault" => {
            (NotFound, "AWS knows no cluster of this identifier in this region")
        }
        "ResourceNotFoundException" => (NotFound, "AWS knows no workgroup of this name in this region"),
        "Throttling" | "ThrottlingException" | "RequestLimitExceeded" => {
            (RateLimited, "AWS asks for a slower pace")
        }
        "InternalFailure" | "InternalServerException" | "ServiceUnavailable" => {
            (Unavailable, "AWS cannot answer now")
        }
        _ => return None,
    })
}

fn header_name(name: &str) -> Result<HeaderName> {
    let named = HeaderName::try_from(name);
    named.map_err(|error| Error::new(ErrorKind::Unexpected, "not the name of a header").with_source(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_found_and_unescaped() {
        let xml =
            "<R><DbUser>IAM:me</DbUser><DbPassword>a&amp;b&lt;&#x41;&#66;</DbPassword><Odd>&broken</Odd></R>";
        assert_eq!(element(xml, "DbUser").as_deref(), Some("IAM:me"));
        assert_eq!(element(xml, "DbPassword").as_deref(), Some("a&b<AB"));
        assert_eq!(element(xml, "Odd"), None);
        assert_eq!(element(xml, "Expiration"), None);
    }

    #[test]
    fn a_form_encodes_what_it_must() {
        assert_eq!(
            form("GetClusterCredentials", "2012-12-01", &[("DbUser", "a b/ö")]),
            "Action=GetClusterCredentials&Version=2012-12-01&DbUser=a%20b%2F%C3%B6"
        );
    }

    #[test]
    fn each_code_has_its_kind() {
        for (code, kind) in [
            ("AccessDenied", ErrorKind::PermissionDenied),
            ("AccessDeniedException", ErrorKind::PermissionDenied),
            ("SignatureDoesNotMatch", ErrorKind::Unauthenticated),
            ("UnrecognizedClientException", ErrorKind::Unauthenticated),
            ("ExpiredTokenException", ErrorKind::Unauthenticated),
            ("ClusterNotFound", ErrorKind::NotFound),
            ("ResourceNotFoundException", ErrorKind::NotFound),
            ("ThrottlingException", ErrorKind::RateLimited),
        ] {
            assert_eq!(classify(code).unwrap().0, kind, "{code}");
        }
        assert!(classify("ValidationException").is_none());
    }

    #[test]
    fn an_answer_does_not_show_its_password() {
        let answer = Answer(Secret::new("<DbPassword>hunter2</DbPassword>"));
        assert!(!format!("{answer:?} {:?}", answer.element("DbPassword")).contains("hunter2"));
        assert!(
            !answer
                .element("Nothing")
                .unwrap_err()
                .to_string()
                .contains("hunter2")
        );
    }
}
