#![doc = include_str!("../README.md")]

use custom_connector::CsvFolder;
use headwater_server::cli;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut registry = cli::registry();
    registry.register::<CsvFolder>();
    cli::run(registry)
}
