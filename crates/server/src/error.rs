//! Why a server does not start, or ends by itself.

use std::{error::Error, fmt};

/// Why a server does not start, or ends by itself. The text says what to do.
#[derive(Debug)]
pub struct ServerError {
    message: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl ServerError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            source: None,
        }
    }

    #[must_use]
    pub(crate) fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }
}

/// The message and, since nobody else will read them, its causes.
impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        let mut cause = self.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl Error for ServerError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn Error + 'static))
    }
}

impl From<headwater_catalog::Error> for ServerError {
    fn from(error: headwater_catalog::Error) -> Self {
        Self::new("cannot open the catalog").with_source(error)
    }
}
