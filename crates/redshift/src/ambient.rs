//! AWS credentials that this machine has: those that AWS's own programs find without being told.
//!
//! In this order: variables, the token of a web identity (EKS), the file of shared credentials, the role of a container
//! (ECS, EKS), the role of a machine (EC2).
//! <https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html>

use crate::aws::{Answer, Aws, Call, Service};
use aws_credential_types::Credentials;
use headwater_core::{Error, ErrorKind, Host, Result, Secret};
use headwater_http::{Client, Method, Request, Settings, Url, header::HeaderName, is_loopback};
use serde::Deserialize;
use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

/// Where containers ask, by the address that AWS gives them.
const CONTAINERS: [&str; 3] = ["169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"];
const MACHINE: &str = "http://169.254.169.254";

/// Looks each time anew, so that what was renewed is seen.
pub(crate) struct Ambient {
    client: Client,
    /// Where a web identity is exchanged: never at an address of the config, as its token is all that it takes.
    sts: Aws,
    variable: Variable,
}

/// The value of a variable that is set and not empty.
type Variable = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

impl fmt::Debug for Ambient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ambient").finish_non_exhaustive()
    }
}

/// What containers and machines are told.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Role {
    access_key_id: String,
    secret_access_key: Secret,
    token: Secret,
}

impl Ambient {
    /// # Errors
    /// `ConfigInvalid` where the host does not lend what the machine has.
    pub(crate) fn new(region: &str, host: &Host) -> Result<Self> {
        if !host.ambient_credentials {
            let detail = "is missing: auth_type iam needs an access key and its secret, as this server does not lend \
                          the AWS credentials of its machine: give a key, or start it with \
                          --allow-ambient-credentials";
            return Err(Error::invalid_field("/credentials/access_key_id", detail));
        }
        Self::with(region, host, Arc::new(|name| std::env::var(name).ok()))
    }

    fn with(region: &str, host: &Host, variable: Variable) -> Result<Self> {
        // They are near, or not there.
        let mut settings = Settings::new("the metadata service of AWS");
        settings.connect_timeout = Duration::from_secs(2);
        settings.silence = Duration::from_secs(10);
        settings.retry.attempts = 2;
        settings.max_body = 1 << 16;
        let endpoint = variable("AWS_ENDPOINT_URL_STS").map(|text| address("AWS_ENDPOINT_URL_STS", &text));
        Ok(Self {
            client: Client::new(host, settings)?,
            sts: Aws::at(region.to_owned(), None, endpoint.transpose()?, host)?,
            variable,
        })
    }

    /// The first that there is.
    pub(crate) async fn find(&self) -> Result<Credentials> {
        if let Some(key) = self.of_variables() {
            return Ok(key);
        }
        if let Some(key) = self.of_web_identity().await? {
            return Ok(key);
        }
        if let Some(key) = self.of_file().await? {
            return Ok(key);
        }
        match self.of_container().await? {
            Some(key) => Ok(key),
            None => self.of_machine().await,
        }
    }

    fn variable(&self, name: &str) -> Option<String> {
        (self.variable)(name).filter(|value| !value.is_empty())
    }

    fn of_variables(&self) -> Option<Credentials> {
        let id = self.variable("AWS_ACCESS_KEY_ID")?;
        let secret = self.variable("AWS_SECRET_ACCESS_KEY")?;
        Some(credentials(id, secret, self.variable("AWS_SESSION_TOKEN")))
    }

    async fn of_web_identity(&self) -> Result<Option<Credentials>> {
        let (Some(file), Some(role)) = (
            self.variable("AWS_WEB_IDENTITY_TOKEN_FILE"),
            self.variable("AWS_ROLE_ARN"),
        ) else {
            return Ok(None);
        };
        let token = read("AWS_WEB_IDENTITY_TOKEN_FILE", file.into()).await?;
        let session = self.variable("AWS_ROLE_SESSION_NAME");
        let parameters = [
            ("RoleArn", role.as_str()),
            ("RoleSessionName", session.as_deref().unwrap_or("headwater")),
            ("WebIdentityToken", token.expose().trim()),
        ];
        let call = Call {
            service: Service::Sts,
            action: "AssumeRoleWithWebIdentity",
            version: Some("2011-06-15"),
            parameters: &parameters,
        };
        Ok(Some(self.sts.send(&call, None).await?.key()?.0))
    }

    async fn of_file(&self) -> Result<Option<Credentials>> {
        let named = self.variable("AWS_SHARED_CREDENTIALS_FILE").map(PathBuf::from);
        let home = || Some(PathBuf::from(self.variable("HOME")?).join(".aws/credentials"));
        let Some(file) = named.or_else(home) else {
            return Ok(None);
        };
        if !tokio::fs::try_exists(&file).await.unwrap_or(false) {
            return Ok(None);
        }
        let text = read("AWS_SHARED_CREDENTIALS_FILE", file).await?;
        let profile = self.variable("AWS_PROFILE");
        Ok(in_profile(text.expose(), profile.as_deref().unwrap_or("default")))
    }

    async fn of_container(&self) -> Result<Option<Credentials>> {
        let full = self.variable("AWS_CONTAINER_CREDENTIALS_FULL_URI");
        let relative = self.variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
        let address = match (relative, full) {
            (Some(path), _) => format!("http://169.254.170.2{path}"),
            (None, Some(address)) => address,
            (None, None) => return Ok(None),
        };
        let url = Url::parse(&address).ok().filter(is_near).ok_or_else(|| {
            let message = "AWS_CONTAINER_CREDENTIALS_FULL_URI is no address of this machine, of a container's agent or \
                           with https";
            Error::new(ErrorKind::Unauthenticated, message)
        })?;
        let mut request = self.client.request(Method::GET, url);
        let token = match self.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
            Some(file) => Some(read("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", file.into()).await?),
            None => self
                .variable("AWS_CONTAINER_AUTHORIZATION_TOKEN")
                .map(Secret::new),
        };
        if let Some(token) = token {
            request = request.authorization(&Secret::new(token.expose().trim()));
        }
        role(request).await.map(Some)
    }

    /// The role of an EC2 instance, asked for with a token of a session, as its second version wants it.
    /// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html>
    async fn of_machine(&self) -> Result<Credentials> {
        if self.variable("AWS_EC2_METADATA_DISABLED").as_deref() == Some("true") {
            return Err(nothing());
        }
        let name = "AWS_EC2_METADATA_SERVICE_ENDPOINT";
        let base = address(name, self.variable(name).as_deref().unwrap_or(MACHINE))?;
        let at = |path: &str| {
            let mut url = base.clone();
            url.set_path(path);
            url
        };
        let asked = self.client.request(Method::PUT, at("/latest/api/token")).header(
            HeaderName::from_static("x-aws-ec2-metadata-token-ttl-seconds"),
            "300",
        );
        let reply = asked.send().await.map_err(|error| nothing().with_source(error))?;
        let token = Secret::new(String::from_utf8_lossy(&reply.body));
        let get = |path: &str| {
            let header = HeaderName::from_static("x-aws-ec2-metadata-token");
            self.client
                .request(Method::GET, at(path))
                .secret_header(header, &token)
        };
        let roles = "/latest/meta-data/iam/security-credentials/";
        let reply = get(roles)
            .send()
            .await
            .map_err(|error| nothing().with_source(error))?;
        let named = String::from_utf8_lossy(&reply.body);
        let name = named.lines().next().unwrap_or_default().trim();
        role(get(&format!("{roles}{name}"))).await
    }
}

fn nothing() -> Error {
    let message = "this machine has no AWS credentials: no variables, no profile in the file of shared credentials, and \
                   no role of a container or an instance";
    Error::new(ErrorKind::Unauthenticated, message)
}

fn address(variable: &str, text: &str) -> Result<Url> {
    let message = || format!("the variable {variable} of this machine holds no address");
    Url::parse(text).map_err(|_invalid| Error::new(ErrorKind::Unauthenticated, message()))
}

fn credentials(id: String, secret: String, token: Option<String>) -> Credentials {
    Credentials::new(id, secret, token, None, "headwater")
}

async fn read(variable: &str, file: PathBuf) -> Result<Secret> {
    let text = tokio::fs::read_to_string(file).await.map_err(|error| {
        let message = format!("the file of {variable} cannot be read: {}", error.kind());
        Error::new(ErrorKind::Unauthenticated, message).with_source(error)
    });
    text.map(Secret::new)
}

async fn role(request: Request<'_>) -> Result<Credentials> {
    let reply = request.send().await?;
    let role: Role = Answer::of(&reply).json()?;
    let (secret, token) = (role.secret_access_key.expose(), role.token.expose());
    Ok(credentials(
        role.access_key_id,
        secret.to_owned(),
        Some(token.to_owned()),
    ))
}

/// A token is sent there: in the clear it stays on the machine or goes to its agent.
fn is_near(url: &Url) -> bool {
    url.scheme() == "https"
        || is_loopback(url)
        || url.host_str().is_some_and(|name| CONTAINERS.contains(&name))
}

/// The key in a section of the file: `aws_access_key_id = ..` below `[profile]`.
fn in_profile(text: &str, profile: &str) -> Option<Credentials> {
    let inside = text
        .lines()
        .map(str::trim)
        .skip_while(|line| section(line) != Some(profile))
        .skip(1)
        .take_while(|line| section(line).is_none());
    let (mut id, mut secret, mut token) = (None, None, None);
    for (name, value) in inside.filter_map(|line| line.split_once('=')) {
        let value = Some(value.trim().to_owned()).filter(|value| !value.is_empty());
        match name.trim().to_ascii_lowercase().as_str() {
            "aws_access_key_id" => id = value,
            "aws_secret_access_key" => secret = value,
            "aws_session_token" => token = value,
            _ => {}
        }
    }
    Some(credentials(id?, secret?, token))
}

fn section(line: &str) -> Option<&str> {
    Some(line.strip_prefix('[')?.split_once(']')?.0.trim())
}

#[cfg(test)]
mod tests;
