//! Development commands, run as `cargo xtask COMMAND`.
//!
//! They need Rust, python3 and the package registries, nothing else: what the tests talk to is started
//! here and ended with the command, however that ends.

#![expect(
    clippy::indexing_slicing,
    reason = "only JSON is indexed, which answers null for what it lacks"
)]

mod bench;
mod check;
mod dbt;
mod demo;
mod examples;
mod fuzz;
mod http;
mod peers;
mod server;
mod shop;
mod test;
mod workspace;

use std::{env, process::ExitCode};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  test [-- ARGS]   start the peers that the tests need, then run all tests; ARGS go to the test runner
  check            formatting, lints, docs, licences, and each crate alone
  demo [--keep]    the server beside a throw-away PostgreSQL: sync, change a table, sync again
  bench postgres   what scans and syncs cost, as ratios to floors taken in the same run (release build, Linux)
  bench dbt        what imports of artifacts cost, likewise
  bench bigquery   tables per second and memory of scans of a fake that answers late, likewise
  bench databricks what reads of a fake workspace take, at several concurrencies (release build, Linux)
  bench snowflake  rows per second and memory of reads of a fake account, as ratios to a floor (release build, Linux)
  examples         run the programs under examples/ against a throw-away PostgreSQL
  fuzz [SECONDS]   the reader of dbt's manifests on what libFuzzer thinks up; 60 seconds unless told
  dbt-artifacts    build examples/dbt-shop with dbt-core, and write the artifacts that `headwater demo` ships

example: cargo xtask test -- -p headwater-postgres";

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let outcome = match args.as_slice() {
        ["test"] => test::run(&[]),
        ["test", "--", runner @ ..] => test::run(runner),
        ["check"] => check::run_all(),
        ["demo"] => demo::run(false),
        ["demo", "--keep"] => demo::run(true),
        ["bench", args @ ..] => bench::run(args),
        ["examples"] => examples::run(),
        ["fuzz"] => fuzz::run_for(60),
        ["fuzz", seconds] => match seconds.parse() {
            Ok(seconds) => fuzz::run_for(seconds),
            Err(_no_number) => Err("fuzz takes a number of seconds".into()),
        },
        ["dbt-artifacts"] => dbt::ship(),
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(64);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}
