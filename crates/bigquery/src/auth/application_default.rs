//! The credentials that a machine has: a file that gcloud or an administrator left, else the metadata server.
//!
//! <https://cloud.google.com/docs/authentication/application-default-credentials>

use super::{Tokens, external, refresh::AuthorizedUser, service_account::ServiceAccount, token};
use crate::credentials::KeyFile;
use async_trait::async_trait;
use headwater_core::{Error, ErrorKind, Host, LocalFiles, Result, Secret};
use headwater_http::{Client, Issue, Method, Token, Url, header::HeaderName};
use std::{
    env,
    path::{Path, PathBuf},
};

const POINTER: &str = "/credentials/auth_type";

/// Looks each time anew, so that a file that was renewed is seen.
#[derive(Debug)]
pub(super) struct ApplicationDefault {
    named: Option<PathBuf>,
    scope: &'static str,
    host: Host,
    client: Client,
}

impl ApplicationDefault {
    /// # Errors
    /// `ConfigInvalid` where the host does not lend what the machine has.
    pub(super) fn new(scope: &'static str, host: &Host) -> Result<Self> {
        if !host.ambient_credentials {
            let detail = "application_default uses what this machine has, which this server does not lend: give the \
                          credentials themselves, or start it with --allow-ambient-credentials";
            return Err(Error::invalid_field(POINTER, detail));
        }
        // The file, and those that it names, are the machine's, too.
        let mut host = host.clone();
        host.local_files = LocalFiles::Allowed;
        Ok(Self {
            named: env::var_os("GOOGLE_APPLICATION_CREDENTIALS").map(PathBuf::from),
            scope,
            client: token::client(&host)?,
            host,
        })
    }

    async fn read_file(&self, file: &Path) -> Result<Token> {
        let read = tokio::fs::read_to_string(file).await.map_err(|error| {
            let message = "the file of application default credentials cannot be read";
            Error::new(ErrorKind::Unauthenticated, message).with_source(error)
        });
        let fields = KeyFile::new(Secret::new(read?)).parse("/application_default_credentials")?;
        let tokens: Box<dyn Tokens> = match fields.find("type") {
            Some("authorized_user") => Box::new(AuthorizedUser::new(&fields, &self.host)?),
            Some("external_account") => external::tokens(&fields, None, self.scope, &self.host)?,
            _ => Box::new(ServiceAccount::new(&fields, self.scope, &self.host)?),
        };
        tokens.issue().await
    }

    /// The metadata server of Google's machines, under the name that only they know.
    async fn ask_metadata(&self) -> Result<Token> {
        let name =
            env::var("GCE_METADATA_HOST").unwrap_or_else(|_unset| "metadata.google.internal".to_owned());
        let text = format!("http://{name}/computeMetadata/v1/instance/service-accounts/default/token");
        let url = Url::parse(&text)
            .map_err(|_invalid| Error::invalid_field(POINTER, "GCE_METADATA_HOST is no host"))?;
        let request = self
            .client
            .request(Method::GET, url)
            .header(HeaderName::from_static("metadata-flavor"), "Google")
            .query("scopes", &self.scope.replace(' ', ","));
        let reply = request.send().await.map_err(|error| {
            let message =
                "this machine has no application default credentials: no file, and no metadata server";
            Error::new(ErrorKind::Unauthenticated, message).with_source(error)
        })?;
        token::read(&reply, &*self.host.clock)
    }
}

/// Where `gcloud auth application-default login` puts its file.
fn left_by_gcloud() -> Option<PathBuf> {
    let home = env::var_os("CLOUDSDK_CONFIG")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".config/gcloud")))?;
    let file = home.join("application_default_credentials.json");
    file.is_file().then_some(file)
}

#[async_trait]
impl Issue for ApplicationDefault {
    async fn issue(&self) -> Result<Token> {
        match self.named.clone().or_else(left_by_gcloud) {
            Some(file) => self.read_file(&file).await,
            None => self.ask_metadata().await,
        }
    }
}

impl Tokens for ApplicationDefault {
    fn principal(&self) -> String {
        "application_default".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_machine_has_is_lent_by_the_host_or_not_at_all() {
        let mut host = Host::default();
        host.local_files = LocalFiles::Allowed;
        let refused = ApplicationDefault::new("scope", &host).unwrap_err().to_string();
        assert!(
            refused.contains("/credentials/auth_type") && refused.contains("--allow-ambient-credentials")
        );
        host.ambient_credentials = true;
        assert!(ApplicationDefault::new("scope", &host).is_ok());
    }
}
