//! `cargo xtask fuzz`: the reader of manifests on bytes that libFuzzer thinks up, for a bounded time.
//!
//! The target is one for cargo-fuzz, too. Built here it needs no nightly toolchain: there is no unsafe code in the
//! reader for a sanitizer to watch, and what guides the fuzzer is a pass that every toolchain has.

use crate::{
    Result,
    workspace::{cargo, root, run, succeeds, target_dir},
};
use std::{fs, process::Command};

/// Counts how often each edge of the code was taken, and shows what values are compared with.
const FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1";
const MANIFESTS: [&str; 3] = [
    "crates/dbt/tests/artifacts/manifest.json",
    "examples/dbt-shop/artifacts/before/manifest.json",
    "crates/dbt/tests/artifacts/catalog.json",
];

/// Builds the target and runs it for so many seconds.
pub(crate) fn run_for(seconds: u32) -> Result {
    if !succeeds(Command::new("c++").arg("--version")) {
        eprintln!("NOT TESTED: manifests that a fuzzer thinks up; libFuzzer needs a C++ compiler named c++");
        return Ok(());
    }
    let target = target_dir()?.join("fuzz");
    let mut build = cargo(["build", "--quiet", "--release", "--locked", "--manifest-path"])?;
    build.arg(root()?.join("crates/dbt/fuzz/Cargo.toml"));
    // Named, so that build scripts and macros are built without the flags.
    let host = host()?;
    build.args(["--target", &host]).env("RUSTFLAGS", FLAGS);
    run(build.env("CARGO_TARGET_DIR", &target))?;

    let (found, seeds) = (target.join("corpus"), target.join("seeds"));
    fs::create_dir_all(&found)?;
    fs::create_dir_all(&seeds)?;
    for (number, manifest) in MANIFESTS.iter().enumerate() {
        fs::copy(root()?.join(manifest), seeds.join(number.to_string()))?;
    }
    let mut fuzz = Command::new(target.join(host).join("release/manifest"));
    fuzz.arg(format!("-max_total_time={seconds}"))
        .args(["-max_len=120000", "-print_final_stats=1"]);
    fuzz.arg(format!("-artifact_prefix={}/", target.display()));
    run(fuzz.args([&found, &seeds]))
}

/// The platform that this was built for: `x86_64-unknown-linux-gnu`.
fn host() -> Result<String> {
    let said = crate::workspace::read(Command::new("rustc").arg("-vV"))?;
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.ok_or("rustc does not name its host")?.to_owned())
}
