//! `cargo xtask test`: the peers, then every test of the workspace.

use crate::{
    Result, peers,
    workspace::{self, cargo, succeeds},
};
use std::process::Command;

/// Runs the tests; `args` go to the runner, in place of the documentation's tests.
pub(crate) fn run(args: &[&str]) -> Result {
    let (newest, other) = peers::postgres_pair()?;
    let mut peers = vec![
        ("HEADWATER_TEST_POSTGRES", newest.url("postgres")),
        ("HEADWATER_TEST_PG_BIN", newest.bin.display().to_string()),
    ];
    if let Some(other) = &other {
        peers.push(("HEADWATER_TEST_POSTGRES_ALT", other.url("postgres")));
        peers.push(("HEADWATER_TEST_PG_BIN_ALT", other.bin.display().to_string()));
    }
    let with_peers = |args: &[&str]| -> Result<Command> {
        let mut command = cargo(args)?;
        command.envs(peers.iter().map(|(name, value)| (name, value)));
        Ok(command)
    };
    let unless_chosen = if args.is_empty() {
        &["--workspace"][..]
    } else {
        &[]
    };
    if !succeeds(&mut cargo(["nextest", "--version"])?) {
        eprintln!("cargo-nextest is not installed: running cargo test");
        return workspace::run(
            with_peers(&["test", "--no-fail-fast"])?
                .args(unless_chosen)
                .args(args),
        );
    }
    let tests = workspace::run(with_peers(&["nextest", "run"])?.args(unless_chosen).args(args));
    if args.is_empty() {
        // nextest does not run the documentation's tests. Both run, so that one run tells all there is to mend.
        tests.and(workspace::run(&mut with_peers(&[
            "test",
            "--doc",
            "--workspace",
            "--quiet",
        ])?))
    } else {
        tests
    }
}
