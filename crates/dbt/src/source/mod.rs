//! Where a run gets its artifacts: an upload first, else what the config names.

mod address;
mod cloud;

use crate::{
    Config, Credentials,
    files::{Files, Input},
};
use address::Address;
use cloud::Cloud;
use headwater_core::{Cx, Error, ErrorKind, Host, Result};
use headwater_http::Request;
use std::sync::Arc;

/// The place that the config names.
#[derive(Debug)]
pub(crate) enum Source {
    /// None: only uploads are read.
    Upload,
    /// Files of this machine.
    Local(Box<Files>),
    /// A folder behind an address.
    Address(Address),
    /// Runs of dbt Cloud.
    Cloud(Cloud),
}

impl Source {
    /// # Errors
    /// `ConfigInvalid` for an address or for credentials that do not fit.
    pub(crate) fn of(config: &Config, credentials: &Credentials, host: &Host) -> Result<Self> {
        if let Some(account) = config.account_id {
            return Cloud::new(account, config, credentials, host).map(Self::Cloud);
        }
        if let Some(url) = &config.artifacts_url {
            return Address::new(url, credentials, host).map(Self::Address);
        }
        credentials.none()?;
        Ok(match config.local() {
            Some(files) => Self::Local(Box::new(files)),
            None => Self::Upload,
        })
    }

    /// The artifacts of the run: those uploaded for it, else the newest of the place. `None` where there is nothing to
    /// read.
    pub(crate) async fn files(&self, cx: &Cx) -> Result<Option<Files>> {
        if let Some(files) = Config::uploaded(cx) {
            return Ok(Some(files));
        }
        match self {
            Self::Upload => Ok(None),
            Self::Local(files) => Ok(Some(Files::clone(files))),
            Self::Address(address) => cx.or_stop(address.files()).await.map(Some),
            Self::Cloud(cloud) => cx.or_stop(cloud.files()).await.map(Some),
        }
    }
}

/// Fetches an artifact into a file without a name. `None` where there is none.
async fn fetch(request: Request<'_>) -> Result<Option<Input>> {
    let file = tempfile::tempfile().map_err(unmade)?;
    let target = file.try_clone().map_err(unmade)?;
    match request.download(target).send().await {
        Ok(_) => Ok(Some(Input::Fetched(Arc::new(file)))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn unmade(cause: std::io::Error) -> Error {
    crate::error::io("no temporary file can be made", cause)
}
