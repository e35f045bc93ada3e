//! Logs, on standard error.

use clap::ValueEnum;
use std::io::{IsTerminal, stderr};
use tracing_subscriber::EnvFilter;

/// How a line of the log looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

/// Starts logging what `RUST_LOG` asks for, else `default`.
pub(super) fn start(default: &str, format: Format) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_unset| EnvFilter::new(default));
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(stderr);
    // A program that embeds this command line may log already.
    let _started = match format {
        Format::Text => logs.with_ansi(stderr().is_terminal()).try_init(),
        Format::Json => logs.json().try_init(),
    };
}
