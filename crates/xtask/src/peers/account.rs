//! PostgreSQL refuses to run as root. Where this process is root, an account without rights runs it.

use crate::{
    Result,
    workspace::{run, succeeds},
};
use std::{
    fs, io,
    os::unix::{fs::MetadataExt, fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::Command,
};

/// The account that runs a server: this process's own, or another when this process is root.
#[derive(Debug, Clone, Copy)]
pub(super) struct Account {
    other: Option<(u32, u32)>,
}

impl Account {
    /// Chooses the account.
    pub(super) fn choose() -> Result<Self> {
        // A new file belongs to this process's effective user.
        if tempfile::tempfile()?.metadata()?.uid() != 0 {
            return Ok(Self { other: None });
        }
        let passwd = fs::read_to_string("/etc/passwd")?;
        let ids = ["postgres", "nobody"]
            .iter()
            .find_map(|name| ids_of(&passwd, name));
        match ids {
            Some(ids) => Ok(Self { other: Some(ids) }),
            None => Err("PostgreSQL refuses to run as root, and there is no user postgres or nobody".into()),
        }
    }

    /// A command that runs as this account. Without PostgreSQL's variables: they would lead it elsewhere.
    pub(super) fn command(self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        if let Some((user, group)) = self.other {
            // As root, the standard library then clears the supplementary groups too.
            command.uid(user).gid(group);
        }
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("PG") {
                command.env_remove(name);
            }
        }
        command.env("LC_ALL", "C").current_dir("/");
        command
    }

    /// Hands a file or folder to this account.
    pub(super) fn own(self, path: &Path) -> io::Result<()> {
        match self.other {
            Some((user, group)) => chown(path, Some(user), Some(group)),
            None => Ok(()),
        }
    }

    /// Hands a folder and all in it to this account.
    pub(super) fn own_all(self, dir: &Path) -> Result {
        let Some((user, group)) = self.other else {
            return Ok(());
        };
        run(Command::new("chown")
            .arg("-R")
            .arg(format!("{user}:{group}"))
            .arg(dir))
    }

    /// Whether this account can execute a program: the folders above may be closed to it.
    pub(super) fn can_execute(self, program: &Path) -> bool {
        succeeds(self.command(program).arg("--version"))
    }

    /// Makes a folder of its own, in the first temporary directory that lets it in.
    pub(super) fn temp_dir(self) -> Result<PathBuf> {
        for base in [std::env::temp_dir(), "/tmp".into(), "/var/tmp".into()] {
            let Ok(dir) = tempfile::Builder::new().prefix("headwater-").tempdir_in(base) else {
                continue;
            };
            self.own(dir.path())?;
            if succeeds(self.command("test").arg("-w").arg(dir.path())) {
                return Ok(dir.keep());
            }
        }
        Err("no temporary directory that the account of the PostgreSQL server can write to".into())
    }
}

fn ids_of(passwd: &str, name: &str) -> Option<(u32, u32)> {
    let mut entries = passwd.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let entry = entries.find(|entry| entry.first() == Some(&name))?;
    Some((entry.get(2)?.parse().ok()?, entry.get(3)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_from_the_entry_of_exactly_that_name() {
        let passwd = "postgres-old:x:7:8::/:/bin/sh\npostgres:x:101:104:PostgreSQL,,,:/var/lib:/bin/bash\n";
        assert_eq!(ids_of(passwd, "postgres"), Some((101, 104)));
        assert_eq!(ids_of(passwd, "nobody"), None);
    }
}
