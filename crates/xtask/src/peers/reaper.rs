//! Ends a peer when this process ends, also when it is killed.

use crate::Result;
use std::{
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
};

/// Runs a command when it is dropped or when this process is gone, whichever comes first.
///
/// A shell waits for the end of its standard input, whose other end only this process holds. It stands in a
/// process group of its own, so that a Ctrl-C reaches this process and not the shell.
#[derive(Debug)]
pub(crate) struct Reaper {
    shell: Child,
}

impl Reaper {
    /// Prepares `script`, with `$1`, `$2`, ... standing for the arguments. `shell` runs `sh` under the
    /// account that the script needs.
    pub(crate) fn new<S: AsRef<std::ffi::OsStr>>(
        mut shell: Command,
        script: &str,
        args: impl IntoIterator<Item = S>,
    ) -> Result<Self> {
        let script = format!("trap '' INT TERM HUP; read -r _; exec </dev/null; {script}");
        let shell = shell
            .args(["-c", &script, "reaper"])
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        Ok(Self { shell })
    }
}

impl Drop for Reaper {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _status = self.shell.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{thread::sleep, time::Duration};

    #[test]
    fn the_script_runs_at_the_drop_and_not_before() {
        let dir = tempfile::tempdir().unwrap();
        let mark = dir.path().join("mark");
        let reaper = Reaper::new(Command::new("sh"), "touch \"$1\"", [&mark]).unwrap();
        sleep(Duration::from_millis(100));
        assert!(!mark.exists());
        drop(reaper);
        assert!(mark.exists());
    }
}
