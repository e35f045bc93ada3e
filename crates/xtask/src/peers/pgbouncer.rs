//! PgBouncer: the installed one, or Debian's package taken apart, which needs no root.

use super::{Reaper, account::Account};
use crate::{
    Result,
    workspace::{read, target_dir},
};
use std::{env, fs, os::unix::fs::PermissionsExt, path::PathBuf, process::Command};

/// A PgBouncer that runs here.
#[derive(Debug)]
pub(crate) struct PgBouncer {
    /// The program.
    pub(crate) program: PathBuf,
    _files: Option<Reaper>,
}

impl PgBouncer {
    /// Looks for it.
    ///
    /// # Errors
    /// What was tried.
    pub(crate) fn find() -> Result<Self> {
        let account = Account::choose()?;
        let path = env::var_os("PATH").unwrap_or_default();
        let mut installed = env::split_paths(&path)
            .chain(["/usr/sbin".into(), "/usr/local/sbin".into()])
            .map(|dir| dir.join("pgbouncer"));
        if let Some(program) = installed.find(|program| program.is_file() && account.can_execute(program)) {
            return Ok(Self {
                program,
                _files: None,
            });
        }
        let packages = packages().map_err(|error| {
            format!("PgBouncer is not installed, and its Debian package cannot be had: {error}")
        })?;
        Self::unpack(&packages, account)
    }

    /// Unpacks the packages where the account that runs it can reach them, for as long as this process runs.
    fn unpack(packages: &[PathBuf], account: Account) -> Result<Self> {
        let dir = account.temp_dir()?;
        let files = Reaper::new(account.command("sh"), "rm -rf -- \"$1\"", [&dir])?;
        for package in packages {
            read(Command::new("dpkg-deb").arg("-x").arg(package).arg(&dir))?;
        }
        let program = dir.join("pgbouncer");
        fs::write(
            &program,
            "#!/bin/sh\nhere=$(dirname \"$0\")\nLD_LIBRARY_PATH=$(echo \"$here\"/usr/lib/*-linux-gnu*)\n\
             export LD_LIBRARY_PATH\nexec \"$here/usr/sbin/pgbouncer\" \"$@\"\n",
        )?;
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
        account.own_all(&dir)?;
        match account.can_execute(&program) {
            true => Ok(Self {
                program,
                _files: Some(files),
            }),
            false => {
                Err("PgBouncer is not installed, and that of its Debian package does not run here".into())
            }
        }
    }
}

/// Debian's package and the libraries that a machine may lack, downloaded once under the target directory.
fn packages() -> Result<Vec<PathBuf>> {
    let peers = target_dir()?.join("peers");
    let home = peers.join("pgbouncer");
    if !home.is_dir() {
        let depends = read(Command::new("apt-cache").args(["depends", "pgbouncer"]))?;
        eprintln!("downloading Debian's package of PgBouncer");
        fs::create_dir_all(&peers)?;
        // Downloaded beside its place and moved there whole: what was interrupted is never taken for complete.
        let partial = tempfile::tempdir_in(&peers)?;
        let mut download = Command::new("apt-get");
        download.args(["download", "pgbouncer"]).args(libraries(&depends));
        read(download.current_dir(partial.path()))?;
        fs::rename(partial.keep(), &home)?;
    }
    let files = fs::read_dir(&home)?.flatten().map(|entry| entry.path());
    Ok(files
        .filter(|path| path.extension() == Some("deb".as_ref()))
        .collect())
}

/// What few other programs need, among the lines of `apt-cache depends`.
fn libraries(depends: &str) -> Vec<&str> {
    depends
        .lines()
        .filter_map(|line| line.trim().strip_prefix("Depends: "))
        .filter(|name| {
            ["libevent", "libc-ares", "libcares"]
                .iter()
                .any(|known| name.starts_with(known))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_rare_libraries_are_fetched() {
        let bookworm = "pgbouncer\n  PreDepends: init-system-helpers\n  Depends: libc-ares2\n  Depends: libc6\n  \
                        Depends: libevent-2.1-7\n  Depends: libssl3\n  Suggests: python3\n";
        assert_eq!(libraries(bookworm), ["libc-ares2", "libevent-2.1-7"]);
    }
}
