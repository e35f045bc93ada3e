//! The workspace around this crate, and cargo's commands on it.

use crate::Result;
use serde_json::Value;
use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The workspace's folder.
pub(crate) fn root() -> Result<PathBuf> {
    let here = env::var_os("CARGO_MANIFEST_DIR").ok_or("run this as `cargo xtask`")?;
    let root = Path::new(&here).ancestors().nth(2);
    Ok(root.ok_or("the xtask crate has moved")?.to_owned())
}

/// A cargo command at the workspace's root.
pub(crate) fn cargo<S: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = S>) -> Result<Command> {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // `cargo run` describes this crate in the environment. Build scripts watch some of that: passed on, it
    // makes them run again each time someone changes between `cargo xtask test` and `cargo test`.
    for (name, _) in env::vars_os() {
        let own = name.to_string_lossy();
        if own.starts_with("CARGO_PKG_") || own.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(&name);
        }
    }
    cargo.args(args).current_dir(root()?);
    Ok(cargo)
}

/// Runs a command whose output goes where this one's goes.
pub(crate) fn run(command: &mut Command) -> Result {
    let status = command
        .status()
        .map_err(|error| format!("cannot run {}: {error}", program(command)))?;
    match status.success() {
        true => Ok(()),
        false => Err(format!("{} ended with {status}", program(command)).into()),
    }
}

/// Whether a command can be run and succeeds; its output is dropped.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Runs a command and returns what it printed; its error output is part of the error.
pub(crate) fn read(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cannot run {}: {error}", program(command)))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.trim();
        return Err(format!("{} ended with {}\n{said}", program(command), output.status).into());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The program and its first argument: enough to know it by, and no secrets.
fn program(command: &Command) -> String {
    let name = Path::new(command.get_program()).file_name().unwrap_or_default();
    let first = command.get_args().next().unwrap_or_default();
    format!("`{} {}`", name.to_string_lossy(), first.to_string_lossy())
}

/// Where cargo builds.
pub(crate) fn target_dir() -> Result<PathBuf> {
    let target = metadata()?;
    Ok(target["target_directory"]
        .as_str()
        .ok_or("cargo metadata names no target_directory")?
        .into())
}

/// The names of the workspace's packages that others depend on.
pub(crate) fn published() -> Result<Vec<String>> {
    let metadata = metadata()?;
    let packages = metadata["packages"].as_array().into_iter().flatten();
    Ok(packages
        .filter(|package| package["publish"].is_null())
        .filter_map(|package| Some(package["name"].as_str()?.to_owned()))
        .collect())
}

fn metadata() -> Result<Value> {
    let text = read(&mut cargo(["metadata", "--format-version=1", "--no-deps"])?)?;
    Ok(serde_json::from_str(&text)?)
}

/// Builds a binary of the workspace and returns where it is.
pub(crate) fn build(package: &str) -> Result<PathBuf> {
    build_with(package, &["--bins"])
}

/// Builds a binary as users get it, and returns where it is.
pub(crate) fn build_release(package: &str) -> Result<PathBuf> {
    build_with(package, &["--bins", "--release"])
}

/// Builds an example of a package as users would, and returns where it is.
pub(crate) fn build_release_example(package: &str, example: &str) -> Result<PathBuf> {
    build_with(package, &["--example", example, "--release"])
}

fn build_with(package: &str, flags: &[&str]) -> Result<PathBuf> {
    let mut cargo = cargo(["build", "--message-format=json-render-diagnostics", "-p", package])?;
    cargo.args(flags);
    let output = cargo.stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("cannot build {package}").into());
    }
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .find_map(|message| Some(PathBuf::from(message["executable"].as_str()?)))
        .ok_or_else(|| format!("{package} has no binary").into())
}
