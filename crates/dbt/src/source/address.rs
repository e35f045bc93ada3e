//! Artifacts in a folder behind an address.

use super::fetch;
use crate::{
    Credentials,
    artifact::Artifact,
    files::{Files, Input},
};
use headwater_core::{Error, ErrorKind, Host, Result};
use headwater_http::{Client, Settings, Url, address};

const POINTER: &str = "/config/artifacts_url";

/// A folder behind an address.
#[derive(Debug)]
pub(crate) struct Address {
    client: Client,
    folder: Url,
}

impl Address {
    pub(crate) fn new(url: &str, credentials: &Credentials, host: &Host) -> Result<Self> {
        let folder = address(url, POINTER, host)?;
        if folder.query().is_some() || folder.fragment().is_some() {
            let detail = "must be the address of a folder, without ? and #: what signs an address is a secret and \
                          has no place in the config";
            return Err(Error::invalid_field(POINTER, detail));
        }
        if folder.path().ends_with(".json") {
            let detail =
                "must be the address of the folder that holds manifest.json, without the file's name";
            return Err(Error::invalid_field(POINTER, detail));
        }
        let client = Client::new(host, Settings::new("the server of artifacts_url"))?;
        let client = match credentials.address()? {
            Some(auth) => client.with_auth(auth),
            None => client,
        };
        Ok(Self { client, folder })
    }

    /// All artifacts that are there.
    ///
    /// # Errors
    /// `NotFound` without a manifest.
    pub(crate) async fn files(&self) -> Result<Files> {
        let Some(manifest) = self.fetch(Artifact::Manifest).await? else {
            let message = "there is no manifest.json in the folder of config.artifacts_url";
            return Err(Error::new(ErrorKind::NotFound, message));
        };
        Ok(Files {
            manifest,
            catalog: self.beside(Artifact::Catalog).await?,
            run_results: self.beside(Artifact::RunResults).await?.into_iter().collect(),
            sources: self.beside(Artifact::Sources).await?,
            spool: None,
            origin: crate::files::Origin {
                requests: 4,
                ..Default::default()
            },
        })
    }

    async fn fetch(&self, artifact: Artifact) -> Result<Option<Input>> {
        let fetched = fetch(self.client.get(&self.folder, [artifact.file_name()])).await;
        fetched.map_err(|error| error.with_context("file", artifact.file_name()))
    }

    /// An artifact that may be missing. Stores of objects answer 403 for what is missing, to those who may not list.
    async fn beside(&self, artifact: Artifact) -> Result<Option<Input>> {
        match self.fetch(artifact).await {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(None),
            fetched => fetched,
        }
    }
}
