//! `cargo xtask check`: what must hold beside the tests.

use crate::{
    Result,
    workspace::{cargo, published, run, succeeds},
};

/// Runs every check and names those that failed.
pub(crate) fn run_all() -> Result {
    let mut failed = Vec::new();
    let mut step = |name: &str, outcome: Result| {
        if let Err(error) = outcome {
            eprintln!("{name}: {error}");
            failed.push(name.to_owned());
        }
    };
    step("fmt", announce(&["fmt", "--all", "--check"], &[]));
    let clippy = [
        "clippy",
        "--workspace",
        "--all-targets",
        "--all-features",
        "--",
        "-D",
        "warnings",
    ];
    step("clippy", announce(&clippy, &[]));
    let warnings = [("RUSTDOCFLAGS", "-D warnings")];
    step(
        "doc",
        announce(&["doc", "--workspace", "--no-deps", "--all-features"], &warnings),
    );
    step("deny", deny());
    for package in published()? {
        step(
            &format!("{package} alone"),
            announce(&["check", "--quiet", "-p", &package], &[]),
        );
    }
    step(
        "headwater-server without connectors",
        announce(&SERVER_ALONE, &[]),
    );
    match failed.is_empty() {
        true => eprintln!("all checks passed"),
        false => return Err(format!("failed: {}", failed.join(", ")).into()),
    }
    Ok(())
}

const SERVER_ALONE: [&str; 5] = [
    "check",
    "--quiet",
    "-p",
    "headwater-server",
    "--no-default-features",
];

fn announce(args: &[&str], env: &[(&str, &str)]) -> Result {
    eprintln!("cargo {}", args.join(" "));
    run(cargo(args)?.envs(env.iter().copied()))
}

/// Licences, banned crates and sources; without advisories, whose database is a download.
fn deny() -> Result {
    if !succeeds(&mut cargo(["deny", "--version"])?) {
        eprintln!("deny: skipped, cargo-deny is not installed (cargo install cargo-deny --locked)");
        return Ok(());
    }
    announce(&["deny", "check", "licenses", "bans", "sources"], &[])
}
