//! Login tokens of AWS IAM.
//!
//! A token is the URL of an RDS `connect` request, presigned by an access key and without its scheme. It is
//! good for fifteen minutes, so each connection gets a new one. RDS and Aurora take it as the password.

use crate::credentials::AccessKey;
use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign},
    sign::v4,
};
use headwater_core::{Endpoint, Error, Result, Secret};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::{
    error::Error as StdError,
    fmt,
    time::{Duration, SystemTime},
};

const LIFETIME: Duration = Duration::from_secs(15 * 60);

/// What AWS leaves as it is in a query.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Makes the tokens of one role on one server.
pub(crate) struct Tokens {
    request: String,
    region: String,
    key: Credentials,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens")
            .field("region", &self.region)
            .finish_non_exhaustive()
    }
}

impl Tokens {
    /// # Errors
    /// `ConfigInvalid` for a unix socket, and when the region is neither given nor part of the host's name.
    pub(crate) fn new(key: AccessKey, role: &str, endpoint: &Endpoint, region: Option<&str>) -> Result<Self> {
        let Endpoint::Tcp { host, port } = endpoint else {
            let detail = "auth_type aws_iam needs the name of an RDS host, not a unix socket";
            return Err(Error::invalid_field("/config/host", detail));
        };
        let role = utf8_percent_encode(role, ENCODED);
        let session_token = key.session_token.map(|token| token.expose().to_owned());
        Ok(Self {
            request: format!("{host}:{port}/?Action=connect&DBUser={role}"),
            region: region_of(host, region)?.to_owned(),
            key: Credentials::new(key.id, key.secret.expose(), session_token, None, "headwater"),
        })
    }

    /// A token that is good from now on.
    pub(crate) fn token(&self, now: SystemTime) -> Result<Secret> {
        let mut settings = SigningSettings::default();
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(LIFETIME);
        let identity = self.key.clone().into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("rds-db")
            .time(now)
            .settings(settings)
            .build()
            .map_err(unsigned)?
            .into();
        let url = format!("https://{}", self.request);
        let request = SignableRequest::new("GET", url, std::iter::empty(), SignableBody::Bytes(&[]))
            .map_err(unsigned)?;
        let (signature, _) = sign(request, &params).map_err(unsigned)?.into_parts();
        let mut token = self.request.clone();
        for (name, value) in signature.params() {
            token.push_str(&format!("&{name}={}", utf8_percent_encode(value, ENCODED)));
        }
        Ok(Secret::new(token))
    }
}

fn unsigned(error: impl StdError + Send + Sync + 'static) -> Error {
    Error::invalid_field("/config/host", "no AWS login token can be made for this name").with_source(error)
}

/// The configured region, else that of `name.id.eu-west-1.rds.amazonaws.com` or, in China,
/// `name.id.rds.cn-north-1.amazonaws.com.cn`.
fn region_of<'a>(host: &'a str, configured: Option<&'a str>) -> Result<&'a str> {
    let is_label = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    match configured {
        Some(region) if !region.is_empty() && is_label(region) => Ok(region),
        Some(_) => Err(Error::invalid_field(
            "/config/region",
            "expected an AWS region, such as eu-west-1",
        )),
        None => region_in(host).ok_or_else(|| {
            let detail = "is missing: auth_type aws_iam needs the AWS region, and this host's name does not \
                          tell it";
            Error::invalid_field("/config/region", detail)
        }),
    }
}

fn region_in(host: &str) -> Option<&str> {
    let name = host.strip_suffix(".cn").unwrap_or(host);
    let mut labels = name.strip_suffix(".amazonaws.com")?.rsplit('.');
    match (labels.next()?, labels.next()?) {
        ("rds", region) | (region, "rds") => Some(region),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "shop.c1a2b3.eu-central-1.rds.amazonaws.com";

    fn tokens(role: &str, session_token: Option<&str>) -> Tokens {
        let key = AccessKey {
            id: "AKIAIOSFODNN7EXAMPLE".into(),
            secret: Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
            session_token: session_token.map(Secret::new),
        };
        let endpoint = Endpoint::Tcp {
            host: HOST.into(),
            port: 5432,
        };
        Tokens::new(key, role, &endpoint, None).unwrap()
    }

    /// The expected tokens are those of botocore 1.44.8: `generate_db_auth_token(HOST, 5432, role)` of an RDS
    /// client in eu-central-1, with `botocore.auth.get_current_datetime` replaced by this time.
    #[test]
    fn a_token_is_the_one_that_botocore_makes() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_772_368_245); // 2026-03-01T12:30:45Z
        let plain = tokens("headwater", None).token(now).unwrap();
        assert_eq!(
            plain.expose(),
            "shop.c1a2b3.eu-central-1.rds.amazonaws.com:5432/?Action=connect&DBUser=headwater\
             &X-Amz-Algorithm=AWS4-HMAC-SHA256\
             &X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20260301%2Feu-central-1%2Frds-db%2Faws4_request\
             &X-Amz-Date=20260301T123045Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host\
             &X-Amz-Signature=277314032f5f22f3c1af1c13aea3c7206a47c7b1fef7736fba370c9e9e05d9fd"
        );
        // botocore puts the session token before the signature. The order of a query's parameters says nothing.
        let temporary = tokens("lese rolle/ö+", Some("FwoGZX/+session==")).token(now);
        assert_eq!(
            temporary.unwrap().expose(),
            "shop.c1a2b3.eu-central-1.rds.amazonaws.com:5432/?Action=connect&DBUser=lese%20rolle%2F%C3%B6%2B\
             &X-Amz-Algorithm=AWS4-HMAC-SHA256\
             &X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20260301%2Feu-central-1%2Frds-db%2Faws4_request\
             &X-Amz-Date=20260301T123045Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host\
             &X-Amz-Signature=d78ec7f0af5e3b3e6c93fd975034b6ec31a8da52743b4fc7476ff3c9be77d929\
             &X-Amz-Security-Token=FwoGZX%2F%2Bsession%3D%3D"
        );
    }

    #[test]
    fn the_region_is_the_configured_one_or_that_of_the_host() {
        for (host, region) in [
            (HOST, Some("eu-central-1")),
            (
                "shop.cluster-c1a2b3.us-gov-west-1.rds.amazonaws.com",
                Some("us-gov-west-1"),
            ),
            ("shop.proxy-c1a2b3.us-east-1.rds.amazonaws.com", Some("us-east-1")),
            ("shop.c1a2b3.rds.cn-north-1.amazonaws.com.cn", Some("cn-north-1")),
            ("db.example.com", None),
            ("s3.eu-west-1.amazonaws.com", None),
        ] {
            let found = region_of(host, None);
            assert_eq!(found.ok(), region, "{host}");
            assert_eq!(region_of(host, Some("eu-west-1")).unwrap(), "eu-west-1");
        }
        for wrong in ["", "eu west", "eu-west-1/x"] {
            let error = region_of(HOST, Some(wrong)).unwrap_err();
            assert_eq!(error.fields()[0].pointer, "/config/region");
        }
    }

    #[test]
    fn debug_shows_no_key() {
        let shown = format!("{:?}", tokens("headwater", Some("hunter2")));
        assert!(
            !shown.contains("hunter2") && !shown.contains("EXAMPLE"),
            "{shown}"
        );
    }
}
