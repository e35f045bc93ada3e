//! The command line. A program with connectors of its own has all of it in one line:
//! `headwater_server::cli::run(registry)`.

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod arenas;
mod check;
#[cfg(feature = "dbt")]
mod demo;
mod logs;
mod registry;
mod scan;
mod serve;
mod source;
mod url;

pub use registry::registry;

use crate::{openapi, wire::ConnectorType};
use clap::{Parser, Subcommand, error::ErrorKind};
use headwater_core::Registry;
use std::{
    fmt::Display,
    io::{Write, stdout},
    process::ExitCode,
};

/// Everything was read, or is as it should be.
const SUCCESS: u8 = 0;
/// Nothing was read, or the command could not do what it is for.
const FAILED: u8 = 1;
/// Something was not read; of `check`: a capability is missing.
const PARTIAL: u8 = 2;
/// The arguments are wrong.
const USAGE: u8 = 64;
/// Ended by Ctrl-C.
const INTERRUPTED: u8 = 130;

/// Reads the metadata of data warehouses and keeps a catalog of it true.
#[derive(Debug, Parser)]
#[command(
    name = "headwater",
    version,
    after_help = "Example:\n  headwater scan postgres --url postgres://reader@db.example.com/shop > shop.ndjson"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[cfg(feature = "dbt")]
    Demo(demo::DemoArgs),
    Serve(serve::ServeArgs),
    Scan(scan::ScanArgs),
    Check(check::CheckArgs),
    /// Print the connectors of this program and the JSON Schemas of their settings.
    #[command(after_help = "Example:\n  headwater connector-types | jq '.[].connector_type'")]
    ConnectorTypes,
    /// Print the OpenAPI description of the REST API.
    #[command(after_help = "Example:\n  headwater openapi > openapi.json")]
    Openapi,
}

/// Runs the command line of this process with these connectors.
///
/// Call it first in `main`: on Linux with glibc, `serve` begins the process anew, to bound what is kept of freed memory,
/// unless `MALLOC_ARENA_MAX` is set.
pub fn run(registry: Registry) -> ExitCode {
    let command = match Cli::try_parse() {
        Ok(cli) => cli.command,
        Err(error) => {
            let _unprintable = error.print();
            return ExitCode::from(match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => SUCCESS,
                _ => USAGE,
            });
        }
    };
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    if matches!(command, Command::Serve(_)) {
        arenas::bound();
    }
    let (level, format) = match &command {
        Command::Serve(args) => ("info", args.log_format()),
        _ => ("warn", logs::Format::Text),
    };
    logs::start(level, format);
    ExitCode::from(match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime.block_on(command.run(registry)),
        Err(error) => fail(FAILED, error),
    })
}

impl Command {
    async fn run(self, registry: Registry) -> u8 {
        match self {
            #[cfg(feature = "dbt")]
            Self::Demo(args) => demo::run(args).await,
            Self::Serve(args) => serve::run(args, registry).await,
            Self::Scan(args) => scan::run(args, &registry).await,
            Self::Check(args) => check::run(args, &registry).await,
            Self::ConnectorTypes => {
                let types: Vec<_> = registry
                    .types()
                    .map(|kind| ConnectorType::from(&**kind))
                    .collect();
                print_json(&types)
            }
            Self::Openapi => print_json(&openapi::document("")),
        }
    }
}

fn print_json(value: &impl serde::Serialize) -> u8 {
    let text = match serde_json::to_string_pretty(value) {
        Ok(text) => text,
        Err(error) => return fail(FAILED, error),
    };
    match writeln!(stdout(), "{text}") {
        Ok(()) => SUCCESS,
        Err(error) => fail(FAILED, error),
    }
}

/// Says why a command ends and returns its exit code.
fn fail(code: u8, why: impl Display) -> u8 {
    eprintln!("headwater: {why}");
    code
}
