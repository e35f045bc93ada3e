//! An answer that is a success.

use bytes::Bytes;
use headwater_core::{Error, ErrorKind, Result};
use reqwest::{StatusCode, header::HeaderMap};
use serde::de::DeserializeOwned;
use std::fmt;

/// An answer with a status of success, or `304 Not Modified`.
pub struct Reply {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, decompressed; empty where it went to a file.
    pub body: Bytes,
    pub(crate) source: &'static str,
}

impl Reply {
    /// The body as JSON of the expected shape.
    ///
    /// # Errors
    /// `DataInvalid` with the place in the body, without what stands there.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        let mut deserializer = serde_json::Deserializer::from_slice(&self.body);
        let parsed = serde_path_to_error::deserialize(&mut deserializer);
        let broken = |at: String| {
            let message = format!(
                "{} answered with something that cannot be understood",
                self.source
            );
            Error::new(ErrorKind::DataInvalid, message).with_context("at", at)
        };
        let value = parsed.map_err(|error| broken(error.path().to_string()))?;
        deserializer.end().map_err(|_rest| broken("end".to_owned()))?;
        Ok(value)
    }

    /// A header's text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply")
            .field("status", &self.status)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}
