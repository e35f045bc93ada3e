//! What a run lends to a connector.

use crate::{Error, Result};
use std::{collections::BTreeMap, future::Future, path::PathBuf};
use tokio_util::sync::CancellationToken;

/// What one run lends: the stop signal and the uploaded inputs.
#[derive(Debug, Clone, Default)]
pub struct Cx {
    stop: CancellationToken,
    inputs: BTreeMap<String, PathBuf>,
}

impl Cx {
    /// A context that stops with `stop`.
    pub fn new(stop: CancellationToken) -> Self {
        Self {
            stop,
            inputs: BTreeMap::new(),
        }
    }

    /// Adds an uploaded input.
    #[must_use]
    pub fn with_input(mut self, name: impl Into<String>, file: impl Into<PathBuf>) -> Self {
        self.inputs.insert(name.into(), file.into());
        self
    }

    /// The uploaded file of one of [`Connect::INPUTS`](crate::Connect::INPUTS).
    pub fn input(&self, name: &str) -> Option<&PathBuf> {
        self.inputs.get(name)
    }

    /// The stop signal.
    pub fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// Waits for a call, or for the stop signal.
    ///
    /// The call's future is dropped on a stop. Where that does not end the work at the source (a statement
    /// in a database goes on), listen to [`stop`](Cx::stop) and cancel there first.
    ///
    /// # Errors
    /// The call's own, or `Stopped`.
    pub async fn or_stop<T>(&self, call: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(Error::stopped()),
            result = call => result,
        }
    }

    /// The same inputs with a stop signal that ends with this one, or before.
    pub(crate) fn child(&self) -> Self {
        Self {
            stop: self.stop.child_token(),
            inputs: self.inputs.clone(),
        }
    }
}
