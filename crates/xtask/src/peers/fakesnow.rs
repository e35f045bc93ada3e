//! fakesnow, an emulator of Snowflake, in a virtual environment of its own.

use super::{
    Reaper,
    python::{environment, free_port, listens},
};
use crate::{Result, workspace::target_dir};
use std::{
    fs,
    process::{Command, Stdio},
};

/// With versions of what it needs that it works with: its own ranges are wider.
const PACKAGES: [&str; 3] = [
    "fakesnow[server]==0.12.1",
    "snowflake-connector-python==4.8.1",
    "duckdb==2.0.1",
];

/// A running fakesnow.
#[derive(Debug)]
pub(crate) struct Fakesnow {
    port: u16,
    _process: Reaper,
}

impl Fakesnow {
    /// Installs it once under the target directory, and starts it.
    pub(crate) fn start() -> Result<Self> {
        let program = environment("python3", &PACKAGES)?.join("bin/fakesnow");
        let port = free_port()?;
        let log = fs::File::create(target_dir()?.join("peers/fakesnow.log"))?;
        let mut child = Command::new(program)
            .args(["-s", "-p", &port.to_string()])
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .map_err(|error| format!("cannot start fakesnow: {error}"))?;
        let process = Reaper::new(Command::new("sh"), "kill \"$1\"", [child.id().to_string()])?;
        listens(&mut child, port)
            .map_err(|error| format!("fakesnow: {error}; see target/peers/fakesnow.log"))?;
        Ok(Self {
            port,
            _process: process,
        })
    }

    /// Where it answers.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}
