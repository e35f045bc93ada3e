//! Logins by AWS IAM: a user and a password that AWS issues for a database, for an hour at most.
//!
//! <https://docs.aws.amazon.com/redshift/latest/mgmt/generating-user-credentials.html>

use crate::{
    ambient::Ambient,
    aws::{Answer, Aws, Call, Service},
    config::Config,
    credentials::{AccessKey, Role},
};
use aws_credential_types::Credentials;
use headwater_core::{Error, ErrorKind, Host, Result, Secret};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use std::collections::HashMap;
use tokio::sync::Mutex;

/// What is asked for; as long as AWS gives.
const SECONDS: &str = "3600";
/// What is good for less is not used any more.
const MARGIN: SignedDuration = SignedDuration::from_secs(120);

/// A user and its password, for some time.
#[derive(Debug, Clone)]
pub(crate) struct Login {
    pub(crate) user: String,
    pub(crate) password: Secret,
    expires_at: Timestamp,
}

/// What the logins are for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Target {
    /// The user is named, or follows from the identity that signs.
    Cluster {
        identifier: String,
        db_user: Option<String>,
    },
    Workgroup(String),
}

/// Whose key signs.
#[derive(Debug)]
enum Source {
    Given(Credentials),
    Machine(Box<Ambient>),
}

/// Gets logins, and new ones before the old end.
#[derive(Debug)]
pub(crate) struct Iam {
    aws: Aws,
    target: Target,
    source: Source,
    role: Option<Role>,
    assumed: Mutex<Option<(Credentials, Timestamp)>>,
    /// By database.
    logins: Mutex<HashMap<String, Login>>,
}

impl Iam {
    /// # Errors
    /// `ConfigInvalid` where neither config nor host name tells the region and what the login is for.
    pub(crate) fn new(
        config: &Config,
        key: Option<AccessKey>,
        role: Option<Role>,
        db_user: Option<String>,
        host: &Host,
    ) -> Result<Self> {
        let named = Named::of(&config.host);
        let region = match (&config.region, &named) {
            (Some(region), _) => region.clone(),
            (None, Some(named)) => named.region.to_owned(),
            (None, None) => {
                let detail =
                    "is missing: auth_type iam needs the AWS region, and this host's name does not tell it";
                return Err(Error::invalid_field("/config/region", detail));
            }
        };
        if !is_label(&region) {
            let detail = "expected an AWS region, such as eu-west-1";
            return Err(Error::invalid_field("/config/region", detail));
        }
        let given = |key: AccessKey| {
            let session_token = key.session_token.map(|token| token.expose().to_owned());
            Credentials::new(key.id, key.secret.expose(), session_token, None, "headwater")
        };
        Ok(Self {
            target: target(config, named.as_ref(), db_user)?,
            source: match key {
                Some(key) => Source::Given(given(key)),
                None => Source::Machine(Box::new(Ambient::new(&region, host)?)),
            },
            aws: Aws::new(region, config, host)?,
            role,
            assumed: Mutex::new(None),
            logins: Mutex::new(HashMap::new()),
        })
    }

    /// A login to a database that is good for a while yet.
    pub(crate) async fn login(&self, database: &str) -> Result<Login> {
        let mut logins = self.logins.lock().await;
        if let Some(login) = logins
            .get(database)
            .filter(|login| self.is_good(login.expires_at))
        {
            return Ok(login.clone());
        }
        let key = self.identity().await?;
        let login = self
            .issue(database, &key)
            .await
            .map_err(|error| self.explained(error))?;
        logins.insert(database.to_owned(), login.clone());
        Ok(login)
    }

    async fn issue(&self, database: &str, key: &Credentials) -> Result<Login> {
        let redshift = |action, parameters| Call {
            service: Service::Redshift,
            action,
            version: Some("2012-12-01"),
            parameters,
        };
        match &self.target {
            Target::Cluster {
                identifier,
                db_user: Some(user),
            } => {
                let parameters = [
                    ("ClusterIdentifier", identifier.as_str()),
                    ("DbUser", user),
                    ("DbName", database),
                    ("AutoCreate", "false"),
                    ("DurationSeconds", SECONDS),
                ];
                let call = redshift("GetClusterCredentials", &parameters);
                of_cluster(&self.aws.send(&call, Some(key)).await?)
            }
            Target::Cluster {
                identifier,
                db_user: None,
            } => {
                let parameters = [
                    ("ClusterIdentifier", identifier.as_str()),
                    ("DbName", database),
                    ("DurationSeconds", SECONDS),
                ];
                let call = redshift("GetClusterCredentialsWithIAM", &parameters);
                of_cluster(&self.aws.send(&call, Some(key)).await?)
            }
            Target::Workgroup(name) => {
                let parameters = [("workgroupName", name.as_str()), ("dbName", database)];
                let call = Call {
                    service: Service::RedshiftServerless,
                    action: "GetCredentials",
                    version: None,
                    parameters: &parameters,
                };
                of_workgroup(&self.aws.send(&call, Some(key)).await?)
            }
        }
    }

    async fn key(&self) -> Result<Credentials> {
        match &self.source {
            Source::Given(key) => Ok(key.clone()),
            Source::Machine(ambient) => ambient.find().await,
        }
    }

    /// The key itself, or that of the role that it assumes.
    async fn identity(&self) -> Result<Credentials> {
        let Some(role) = &self.role else {
            return self.key().await;
        };
        let mut assumed = self.assumed.lock().await;
        if let Some((key, _)) = assumed.as_ref().filter(|(_, end)| self.is_good(*end)) {
            return Ok(key.clone());
        }
        let mut parameters = vec![
            ("RoleArn", role.arn.as_str()),
            ("RoleSessionName", "headwater"),
            ("DurationSeconds", SECONDS),
        ];
        parameters.extend(role.external_id.as_deref().map(|id| ("ExternalId", id)));
        let call = Call {
            service: Service::Sts,
            action: "AssumeRole",
            version: Some("2011-06-15"),
            parameters: &parameters,
        };
        let answer = self.aws.send(&call, Some(&self.key().await?)).await.map_err(|error| match error.kind() {
            ErrorKind::PermissionDenied => error.with_grant(format!(
                "allow sts:AssumeRole on {} for this access key, and trust it, with the external id, in the role",
                role.arn
            )),
            _ => error,
        })?;
        let (key, end) = answer.key()?;
        *assumed = Some((key.clone(), end));
        Ok(key)
    }

    fn is_good(&self, expires_at: Timestamp) -> bool {
        expires_at.duration_since(self.aws.now()) > MARGIN
    }

    fn explained(&self, error: Error) -> Error {
        match (error.kind(), &self.target) {
            (ErrorKind::PermissionDenied, Target::Cluster { identifier, db_user }) => {
                error.with_grant(match db_user {
                    Some(user) => format!(
                        "allow redshift:GetClusterCredentials on dbuser:{identifier}/{user} and dbname:{identifier}/*"
                    ),
                    None => format!("allow redshift:GetClusterCredentialsWithIAM on dbname:{identifier}/*"),
                })
            }
            (ErrorKind::PermissionDenied, Target::Workgroup(name)) => {
                error.with_grant(format!("allow redshift-serverless:GetCredentials on the workgroup {name}"))
            }
            (ErrorKind::NotFound, Target::Cluster { .. }) => wrong("/config/cluster_identifier", &error),
            (ErrorKind::NotFound, Target::Workgroup(_)) => wrong("/config/workgroup_name", &error),
            _ => error,
        }
    }
}

/// An absent cluster is no absent database.
fn wrong(pointer: &str, error: &Error) -> Error {
    Error::invalid_field(pointer, error.message().to_owned()).with_source(error.clone())
}

fn of_cluster(answer: &Answer) -> Result<Login> {
    Ok(Login {
        user: answer.element("DbUser")?.expose().to_owned(),
        password: answer.element("DbPassword")?,
        expires_at: answer.time("Expiration")?,
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Serverless {
    db_user: String,
    db_password: Secret,
    /// Seconds since 1970.
    expiration: f64,
}

fn of_workgroup(answer: &Answer) -> Result<Login> {
    let answer: Serverless = answer.json()?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "whole seconds are enough, and it saturates"
    )]
    let seconds = answer.expiration as i64;
    let expires_at = Timestamp::from_second(seconds).map_err(|error| {
        Error::new(ErrorKind::DataInvalid, "AWS answered with an unusable time").with_source(error)
    })?;
    Ok(Login {
        user: answer.db_user,
        password: answer.db_password,
        expires_at,
    })
}

fn target(config: &Config, named: Option<&Named<'_>>, db_user: Option<String>) -> Result<Target> {
    let is_user = db_user.is_some();
    let target = match (&config.cluster_identifier, &config.workgroup_name, named) {
        (Some(_), Some(_), _) => {
            let detail = "give either cluster_identifier or workgroup_name, not both";
            return Err(Error::invalid_field("/config/workgroup_name", detail));
        }
        (Some(identifier), None, _) => Target::Cluster {
            identifier: identifier.clone(),
            db_user,
        },
        (None, Some(name), _) => Target::Workgroup(name.clone()),
        (None, None, Some(named)) if named.serverless => Target::Workgroup(named.first.to_owned()),
        (None, None, Some(named)) => Target::Cluster {
            identifier: named.first.to_owned(),
            db_user,
        },
        (None, None, None) => {
            let detail =
                "is missing: auth_type iam needs it, or workgroup_name, as this host's name tells neither";
            return Err(Error::invalid_field("/config/cluster_identifier", detail));
        }
    };
    if is_user && matches!(target, Target::Workgroup(_)) {
        let detail = "leave this out: the user of a workgroup follows from the identity that signs";
        return Err(Error::invalid_field("/credentials/db_user", detail));
    }
    Ok(target)
}

/// What an endpoint's name tells: `c.abc.eu-west-1.redshift.amazonaws.com`,
/// `wg.123456789012.eu-west-1.redshift-serverless.amazonaws.com`.
struct Named<'a> {
    first: &'a str,
    region: &'a str,
    serverless: bool,
}

impl<'a> Named<'a> {
    fn of(host: &'a str) -> Option<Self> {
        let labels: Vec<&str> = host.split('.').collect();
        let [first, _, region, service, "amazonaws", "com", ..] = labels.as_slice() else {
            return None;
        };
        let serverless = match *service {
            "redshift" => false,
            "redshift-serverless" => true,
            _ => return None,
        };
        Some(Self {
            first,
            region,
            serverless,
        })
    }
}

fn is_label(text: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    !text.is_empty() && text.bytes().all(letter)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn made(change: Value, db_user: Option<&str>) -> Result<(Target, String)> {
        let mut all = json!({"host": "c.abc.eu-west-1.redshift.amazonaws.com", "database": "dev"});
        for (key, value) in change.as_object().unwrap() {
            all[key] = value.clone();
        }
        let config: Config = serde_json::from_value(all).unwrap();
        let key = AccessKey {
            id: "AKIA".into(),
            secret: Secret::new("hunter2"),
            session_token: None,
        };
        let iam = Iam::new(
            &config,
            Some(key),
            None,
            db_user.map(str::to_owned),
            &Host::default(),
        )?;
        assert!(!format!("{iam:?}").contains("hunter2"));
        Ok((iam.target, iam.aws.region().to_owned()))
    }

    #[test]
    fn an_endpoints_name_tells_what_the_config_does_not() {
        let (target, region) = made(json!({}), Some("me")).unwrap();
        let identifier = "c".to_owned();
        let db_user = Some("me".to_owned());
        assert_eq!(
            (target, region.as_str()),
            (Target::Cluster { identifier, db_user }, "eu-west-1")
        );
        let host = "wg.123456789012.us-east-1.redshift-serverless.amazonaws.com";
        let (target, region) = made(json!({"host": host}), None).unwrap();
        assert_eq!(
            (target, region.as_str()),
            (Target::Workgroup("wg".into()), "us-east-1")
        );
        let other = json!({"host": "10.0.0.7", "workgroup_name": "wg", "region": "eu-north-1"});
        assert_eq!(made(other, None).unwrap().1, "eu-north-1");
    }

    #[test]
    fn what_is_missing_or_too_much_is_named() {
        for (change, user, at) in [
            (json!({"host": "10.0.0.7"}), None, "/config/region"),
            (
                json!({"host": "10.0.0.7", "region": "eu-west-1"}),
                None,
                "/config/cluster_identifier",
            ),
            (json!({"region": "eu west"}), None, "/config/region"),
            (
                json!({"cluster_identifier": "c", "workgroup_name": "w"}),
                None,
                "/config/workgroup_name",
            ),
            (json!({"workgroup_name": "w"}), Some("me"), "/credentials/db_user"),
            (
                json!({"sts_endpoint": "https://amazonaws.com.example.com"}),
                None,
                "/config/sts_endpoint",
            ),
            (
                json!({"aws_endpoint": "http://example.com"}),
                None,
                "/config/aws_endpoint",
            ),
        ] {
            let error = made(change, user).unwrap_err();
            assert_eq!(error.fields()[0].pointer, at);
        }
    }
}
