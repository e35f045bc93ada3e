//! The one error type of the contract.

use std::{borrow::Cow, error::Error as StdError, fmt, sync::Arc, time::Duration};

/// A result whose error is [`Error`] unless said otherwise.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What a caller can do about an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Config or credentials are malformed; [`Error::fields`] names the places.
    ConfigInvalid,
    /// The source refused the credentials.
    Unauthenticated,
    /// The source knows the principal and refused the read; [`Error::grant`] may say what to run.
    PermissionDenied,
    /// A configured object (database, project, schema) does not exist.
    NotFound,
    /// The source asked for a slower pace. Retryable, after [`Error::retry_after`] where given.
    RateLimited,
    /// The source cannot be reached or broke off. Retryable.
    Unavailable,
    /// The source does not offer this.
    Unsupported,
    /// The source answered with something that cannot be understood.
    DataInvalid,
    /// The run was told to stop.
    Stopped,
    /// Anything else: a bug here or there.
    Unexpected,
}

impl ErrorKind {
    /// The stable name, in snake_case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ConfigInvalid => "config_invalid",
            Self::Unauthenticated => "unauthenticated",
            Self::PermissionDenied => "permission_denied",
            Self::NotFound => "not_found",
            Self::RateLimited => "rate_limited",
            Self::Unavailable => "unavailable",
            Self::Unsupported => "unsupported",
            Self::DataInvalid => "data_invalid",
            Self::Stopped => "stopped",
            Self::Unexpected => "unexpected",
        }
    }

    /// Whether the same call may succeed later without anybody changing anything.
    pub fn is_retryable(self) -> bool {
        matches!(self, Self::RateLimited | Self::Unavailable)
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One malformed place of a config or of credentials. It never holds the value itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// JSON pointer from `/config` or `/credentials`: `/config/port`.
    pub pointer: String,
    /// What is wrong and what is allowed: `expected an integer from 1 to 65535`.
    pub detail: String,
}

/// An error: a kind, a message that is safe to show to a client, and context.
///
/// # Contract
/// - Message, context and fields never hold a secret, nor a value of the config: they reach HTTP
///   answers, logs and history rows.
/// - [`Display`](fmt::Display) prints message and context, not the source; the source is for logs.
/// - Wording: lower case, no full stop, and what to do next where that is known.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    code: Option<&'static str>,
    message: Cow<'static, str>,
    context: Vec<(&'static str, String)>,
    fields: Vec<FieldError>,
    grant: Option<String>,
    retry_after: Option<Duration>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of a kind, with a message that is safe to show.
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            kind,
            code: None,
            message: message.into(),
            context: Vec::new(),
            fields: Vec::new(),
            grant: None,
            retry_after: None,
            source: None,
        }))
    }

    /// Config or credentials are wrong at one place.
    pub fn invalid_field(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::ConfigInvalid, "invalid configuration").with_field(pointer, detail)
    }

    /// The run was told to stop.
    pub fn stopped() -> Self {
        Self::new(ErrorKind::Stopped, "stopped")
    }

    /// Gives a stable code that says more than the kind, in snake_case: `invalid_manifest`.
    #[must_use]
    pub fn with_code(mut self, code: &'static str) -> Self {
        self.0.code = Some(code);
        self
    }

    /// Adds a named detail, shown as `[name=value]`.
    #[must_use]
    pub fn with_context(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        self.0.context.push((name, value.to_string()));
        self
    }

    /// Adds a malformed place.
    #[must_use]
    pub fn with_field(mut self, pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        self.0.fields.push(FieldError {
            pointer: pointer.into(),
            detail: detail.into(),
        });
        self
    }

    /// Adds the statement or role that an administrator of the source must grant.
    #[must_use]
    pub fn with_grant(mut self, grant: impl Into<String>) -> Self {
        self.0.grant = Some(grant.into());
        self
    }

    /// Adds how long the source asked to wait.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.0.retry_after = Some(wait);
        self
    }

    /// Adds the cause. It is logged, never shown.
    #[must_use]
    pub fn with_source(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.0.source = Some(Arc::new(source));
        self
    }

    /// What a caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The stable code: its own, else that of the kind. Stored with runs and used in reports.
    pub fn code(&self) -> &'static str {
        self.0.code.unwrap_or(self.0.kind.as_str())
    }

    /// The message without its context.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The malformed places, empty unless the kind is [`ErrorKind::ConfigInvalid`].
    pub fn fields(&self) -> &[FieldError] {
        &self.0.fields
    }

    /// What an administrator of the source must grant, where that is known.
    pub fn grant(&self) -> Option<&str> {
        self.0.grant.as_deref()
    }

    /// How long the source asked to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        for field in &self.0.fields {
            write!(f, "; {}: {}", field.pointer, field.detail)?;
        }
        for (name, value) in &self.0.context {
            write!(f, " [{name}={value}]")?;
        }
        match &self.0.grant {
            Some(grant) => write!(f, "; run: {grant}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {self}", self.0.kind)?;
        let mut source = self.source();
        while let Some(cause) = source {
            write!(f, ": {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0
            .source
            .as_deref()
            .map(|cause| cause as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_shows_fields_context_and_grant_but_not_the_source() {
        let error = Error::new(ErrorKind::PermissionDenied, "schema cannot be read")
            .with_context("schema", "audit")
            .with_grant("GRANT USAGE ON SCHEMA audit TO reader")
            .with_source(std::io::Error::other("socket text"));
        assert_eq!(
            error.to_string(),
            "schema cannot be read [schema=audit]; run: GRANT USAGE ON SCHEMA audit TO reader"
        );
        assert!(format!("{error:?}").ends_with(": socket text"), "{error:?}");
    }
}
