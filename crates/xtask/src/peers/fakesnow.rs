//! fakesnow, an emulator of Snowflake, in a virtual environment of its own.

use super::Reaper;
use crate::{
    Result,
    workspace::{read, target_dir},
};
use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

/// With versions of what it needs that it works with: its own ranges are wider.
const PACKAGES: [&str; 3] = [
    "fakesnow[server]==0.12.1",
    "snowflake-connector-python==4.8.1",
    "duckdb==2.0.1",
];
const START: Duration = Duration::from_secs(120);

/// A running fakesnow.
#[derive(Debug)]
pub(crate) struct Fakesnow {
    port: u16,
    _process: Reaper,
}

impl Fakesnow {
    /// Installs it once under the target directory, and starts it.
    pub(crate) fn start() -> Result<Self> {
        let program = install()?;
        let port = free_port()?;
        let log = fs::File::create(target_dir()?.join("peers/fakesnow.log"))?;
        let child = Command::new(program)
            .args(["-s", "-p", &port.to_string()])
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .map_err(|error| format!("cannot start fakesnow: {error}"))?;
        let process = Reaper::new(Command::new("sh"), "kill \"$1\"", [child.id().to_string()])?;
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if begun.elapsed() > START {
                return Err("fakesnow does not answer: see target/peers/fakesnow.log".into());
            }
            sleep(Duration::from_millis(100));
        }
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

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// The program, in a virtual environment that is marked once it is whole.
fn install() -> Result<PathBuf> {
    let home = target_dir()?.join("peers/fakesnow");
    let (program, whole) = (home.join("bin/fakesnow"), home.join("whole"));
    if fs::read_to_string(&whole).is_ok_and(|packages| packages == PACKAGES.join("\n")) {
        return Ok(program);
    }
    eprintln!("installing {} from PyPI", PACKAGES[0]);
    let _stale = fs::remove_dir_all(&home);
    fs::create_dir_all(&home)?;
    read(Command::new("python3").args(["-m", "venv"]).arg(&home))
        .map_err(|error| format!("fakesnow needs python3 with venv: {error}"))?;
    let mut pip = Command::new(home.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    read(pip.args(PACKAGES)).map_err(|error| format!("{} from PyPI: {error}", PACKAGES[0]))?;
    fs::write(whole, PACKAGES.join("\n"))?;
    Ok(program)
}
