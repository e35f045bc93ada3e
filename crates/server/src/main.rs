//! The `headwater` program: the whole command line, with the bundled connectors.

use headwater_server::cli;
use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run(cli::registry())
}
