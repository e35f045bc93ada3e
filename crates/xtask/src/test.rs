//! `cargo xtask test`: the peers, then every test of the workspace.

use crate::{
    Result,
    peers::{self, DBT_1_7, DBT_1_11},
    workspace::{self, cargo, succeeds},
};
use std::{process::Command, thread};

type Variables = Vec<(&'static str, String)>;

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
    if chooses(args, "headwater-dbt") {
        peers.extend(dbt_artifacts());
    }
    if chooses(args, "headwater-redshift") {
        let python = peers::aws_python()?.display().to_string();
        peers.push(("HEADWATER_TEST_AWS_PYTHON", python));
    }
    // An emulator takes seconds and memory: it runs for the tests of its connector and of the server only.
    let wanted = |package| chooses(args, package) || chooses(args, "headwater-server");
    let bigquery = wanted("headwater-bigquery")
        .then(peers::BigQuery::start)
        .transpose()?;
    if let Some(bigquery) = &bigquery {
        let python = bigquery.python.display().to_string();
        peers.push(("HEADWATER_TEST_BIGQUERY", bigquery.origin()));
        peers.push(("HEADWATER_TEST_BIGQUERY_PYTHON", python));
    }
    let minilake = wanted("headwater-databricks")
        .then(peers::Minilake::start)
        .transpose()?;
    if let Some(minilake) = &minilake {
        let sdk = minilake.packages.display().to_string();
        peers.push(("HEADWATER_TEST_DATABRICKS", minilake.url()));
        peers.push(("HEADWATER_TEST_DATABRICKS_SDK", sdk));
    }
    let fakesnow = wanted("headwater-snowflake")
        .then(peers::Fakesnow::start)
        .transpose()?;
    if let Some(fakesnow) = &fakesnow {
        peers.push(("HEADWATER_TEST_FAKESNOW", fakesnow.url()));
    }
    let pgbouncer = peers::PgBouncer::find();
    if let Ok(found) = &pgbouncer {
        peers.push(("HEADWATER_TEST_PGBOUNCER", found.program.display().to_string()));
    }
    if !args.is_empty() {
        return chosen(&peers, args);
    }
    let result = all(&peers, pgbouncer.is_ok());
    if let Err(error) = pgbouncer {
        eprintln!("NOT TESTED: the postgres connector through PgBouncer. {error}");
    }
    result
}

/// Artifacts of the example project by the oldest and the newest dbt-core, each made in a thread of its own. Where
/// they cannot be had the tests that read them fail, and what is told here says why.
fn dbt_artifacts() -> Variables {
    let versions = [
        ("HEADWATER_TEST_DBT_ARTIFACTS_1_7", DBT_1_7),
        ("HEADWATER_TEST_DBT_ARTIFACTS_1_11", DBT_1_11),
    ];
    let made = versions.map(|(name, dbt)| {
        let made = thread::spawn(move || dbt.artifacts().map_err(|error| error.to_string()));
        (name, made)
    });
    let mut found = Vec::new();
    for (name, made) in made {
        match made.join() {
            Ok(Ok(folder)) => found.push((name, folder.display().to_string())),
            Ok(Err(error)) => eprintln!("{name} is not set: {error}"),
            Err(_panic) => eprintln!("{name} is not set"),
        }
    }
    found
}

/// Whether arguments of the test runner choose a package, by name or because they name none.
fn chooses(args: &[&str], package: &str) -> bool {
    let of = |flag: &&[&str]| matches!(flag.first(), Some(&("-p" | "--package")));
    let mut named = args
        .windows(2)
        .filter(of)
        .filter_map(|pair| pair.get(1))
        .peekable();
    named.peek().is_none() || named.any(|name| *name == package)
}

fn with_peers(peers: &Variables, args: &[&str]) -> Result<Command> {
    let mut command = cargo(args)?;
    command.envs(peers.iter().map(|(name, value)| (name, value)));
    Ok(command)
}

fn has_nextest() -> Result<bool> {
    let found = succeeds(&mut cargo(["nextest", "--version"])?);
    if !found {
        eprintln!("cargo-nextest is not installed: running cargo test");
    }
    Ok(found)
}

/// What the arguments choose. A test whose peer is missing fails and says so.
fn chosen(peers: &Variables, args: &[&str]) -> Result {
    let runner: &[&str] = match has_nextest()? {
        true => &["nextest", "run"],
        false => &["test", "--no-fail-fast"],
    };
    workspace::run(with_peers(peers, runner)?.args(args))
}

/// All tests, without those through PgBouncer where there is none.
fn all(peers: &Variables, pgbouncer: bool) -> Result {
    if !has_nextest()? {
        let mut test = with_peers(peers, &["test", "--no-fail-fast", "--workspace"])?;
        if !pgbouncer {
            test.args(["--", "--skip", "pgbouncer::"]);
        }
        return workspace::run(&mut test);
    }
    let mut nextest = with_peers(peers, &["nextest", "run", "--workspace"])?;
    if !pgbouncer {
        nextest.args(["-E", "not test(/^pgbouncer::/)"]);
    }
    // nextest does not run the documentation's tests. Both run, so that one run tells all there is to mend.
    let tests = workspace::run(&mut nextest);
    tests.and(workspace::run(&mut with_peers(
        peers,
        &["test", "--doc", "--workspace", "--quiet"],
    )?))
}

#[cfg(test)]
mod tests {
    use super::chooses;

    #[test]
    fn a_peer_is_for_its_packages_or_for_all() {
        let wants = |args: &[&str]| chooses(args, "a") || chooses(args, "b");
        assert!(wants(&[]) && wants(&["-p", "b"]) && wants(&["-p", "c", "--package", "a"]));
        assert!(wants(&["some_test"]));
        assert!(!wants(&["-p", "c", "a"]));
    }
}
