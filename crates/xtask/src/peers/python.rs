//! Packages of Python, and servers that they bring.

use crate::{
    Result,
    workspace::{read, target_dir},
};
use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command},
    thread::sleep,
    time::{Duration, Instant},
};

/// How long a server may take to listen: a busy machine takes its time to import what it is made of.
const PATIENCE: Duration = Duration::from_secs(120);

/// The folder of a virtual environment with these packages, made once under the target directory by the `python` that
/// is named. The first package gives it its name; its programs are in `bin`.
///
/// # Errors
/// What was tried.
pub(super) fn environment(python: &str, packages: &[&str]) -> Result<PathBuf> {
    let first = packages.first().ok_or("an environment without packages")?;
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || c == '.' {
            c
        } else {
            '-'
        }
    };
    let name: String = first.replace("==", "-").chars().map(plain).collect();
    let home = target_dir()?.join("peers").join(name);
    // An environment cannot be moved to its place. The list in it says that it is whole, and of what.
    let list = home.join("packages.txt");
    let wanted = packages.join("\n");
    if fs::read_to_string(&list).is_ok_and(|found| found == wanted) {
        return Ok(home);
    }
    eprintln!("installing {} from PyPI", packages.join(" "));
    let _stale = fs::remove_dir_all(&home);
    let failed = |error| format!("{first} from PyPI, for which {python} needs venv: {error}");
    fs::create_dir_all(&home)?;
    read(Command::new(python).args(["-m", "venv"]).arg(&home)).map_err(failed)?;
    let mut pip = Command::new(home.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    read(pip.args(packages)).map_err(failed)?;
    fs::write(list, wanted)?;
    Ok(home)
}

/// A port that nobody listens on.
pub(super) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Waits until a server listens.
///
/// # Errors
/// When it ends instead, or takes too long.
pub(super) fn listens(child: &mut Child, port: u16) -> Result {
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if let Some(status) = child.try_wait()? {
            return Err(format!("it ended with {status}").into());
        }
        if begun.elapsed() > PATIENCE {
            return Err(format!("it does not listen after {} s", PATIENCE.as_secs()).into());
        }
        sleep(Duration::from_millis(100));
    }
    Ok(())
}
