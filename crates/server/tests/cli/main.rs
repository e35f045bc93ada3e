//! The command line as a user meets it: the built program, its output and its exit codes, against a real
//! PostgreSQL.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic, as tests do"
)]

mod check;
mod database;
mod databricks;
mod demo;
mod scan;
mod schema;
#[cfg(unix)]
mod serve;
mod usage;

use std::process::{Command, Output};

/// The program, without what the developer's shell says to it.
fn headwater<S: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_headwater"));
    for name in [
        "PGPASSWORD",
        "PGUSER",
        "RUST_LOG",
        "HEADWATER_ADMIN_KEY",
        "HEADWATER_SECRET_KEY",
    ] {
        command.env_remove(name);
    }
    command.args(args);
    command
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}
