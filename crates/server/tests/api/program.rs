//! The built program as a process of its own.

use crate::test_app::Client;
use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// `headwater serve`, ended with the test.
pub(crate) struct Program {
    child: Child,
    /// Reads the log, so that a full pipe does not stop the program.
    log: Option<JoinHandle<String>>,
    pub(crate) base: String,
    /// What it printed until it listened.
    pub(crate) printed: String,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}

/// The command, without what the developer's shell says to it.
pub(crate) fn serve(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_headwater"));
    command
        .current_dir(dir)
        .args(["serve", "--listen", "127.0.0.1:0"]);
    for name in [
        "ADMIN_KEY",
        "ADMIN_KEY_FILE",
        "DATABASE_URL",
        "LISTEN",
        "SECRET_KEY",
        "SECRET_KEY_FILE",
        "WORKERS",
    ] {
        command.env_remove(format!("HEADWATER_{name}"));
    }
    command
        .env_remove("RUST_LOG")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

impl Program {
    /// Starts it and waits until it listens.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let mut errors = child.stderr.take().unwrap();
        let log = thread::spawn(move || {
            let mut text = String::new();
            errors.read_to_string(&mut text).unwrap();
            text
        });
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let (mut printed, mut base) = (String::new(), String::new());
        while base.is_empty() && out.read_line(&mut printed).unwrap() > 0 {
            let line = printed.lines().next_back().unwrap_or_default();
            base = line.strip_prefix("listening on ").unwrap_or_default().to_owned();
        }
        if base.is_empty() {
            panic!("does not listen: {printed}{}", log.join().unwrap());
        }
        Self {
            child,
            log: Some(log),
            base,
            printed,
        }
    }

    pub(crate) fn client(&self, key: &str) -> Client {
        Client::new(&self.base, key)
    }

    /// Sends a signal.
    pub(crate) fn send(&self, signal: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args([format!("-{signal}"), id]).status();
        assert!(sent.unwrap().success());
    }

    /// Sends a signal and waits for the end.
    pub(crate) fn signal(mut self, name: &str) -> (ExitStatus, Duration, String) {
        let begin = Instant::now();
        self.send(name);
        let status = self.child.wait().unwrap();
        let log = self.log.take().unwrap().join().unwrap();
        (status, begin.elapsed(), log)
    }
}
