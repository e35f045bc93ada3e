//! dbt-core in virtual environments, one for each version, with DuckDB for a warehouse: no service is needed.

use super::python::environment;
use crate::{
    Result,
    workspace::{read, root, succeeds},
};
use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
    process::Command,
};

/// A version of dbt-core, and what runs with it.
#[derive(Debug)]
pub(crate) struct DbtCore {
    /// `1.11.16`.
    pub(crate) version: &'static str,
    adapter: &'static str,
    duckdb: &'static str,
}

/// The oldest version that the example project can be built with.
pub(crate) const DBT_1_7: DbtCore = DbtCore {
    version: "1.7.20",
    adapter: "1.7.5",
    duckdb: "2.0.1",
};
/// The newest one; it makes the artifacts that are shipped.
pub(crate) const DBT_1_11: DbtCore = DbtCore {
    version: "1.11.16",
    adapter: "1.11.1",
    duckdb: "2.0.1",
};
/// Builds a project and collects its artifacts.
const DRIVER: &str = include_str!("../dbt/artifacts.py");
/// What dbt leaves in a project's folder, and what is made of it.
const LEFTOVERS: [&str; 4] = ["target", "logs", "artifacts", ".user.yml"];

impl DbtCore {
    /// The artifacts of the example project as this version writes them, made once for each state of the project.
    ///
    /// # Errors
    /// What could not be installed, or what dbt said.
    pub(crate) fn artifacts(&self) -> Result<PathBuf> {
        let home = self.install()?;
        let artifacts = home.join("artifacts");
        let state = state(&example_project()?)?;
        if fs::read_to_string(artifacts.join("state")).is_ok_and(|built| built == state) {
            return Ok(artifacts);
        }
        eprintln!("building the example project with dbt-core {}", self.version);
        let partial = tempfile::tempdir_in(&home)?;
        self.build(None, partial.path(), &[])?;
        fs::write(partial.path().join("state"), state)?;
        let _stale = fs::remove_dir_all(&artifacts);
        fs::rename(partial.keep(), &artifacts)?;
        Ok(artifacts)
    }

    /// Builds the example project, changed by a patch if one is given, and writes its artifacts into a folder.
    pub(crate) fn build(&self, patch: Option<&Path>, into: &Path, options: &[&str]) -> Result {
        let home = self.install()?;
        let around = tempfile::tempdir()?;
        // Its name reaches the artifacts.
        let copy = around.path().join("project");
        copy_all(&example_project()?, &copy)?;
        if let Some(patch) = patch {
            let mut git = Command::new("git");
            // Of no repository: within one, the paths of a patch would be those from its root.
            git.env("GIT_CEILING_DIRECTORIES", around.path())
                .arg("apply")
                .arg(patch);
            read(git.current_dir(&copy))?;
        }
        let mut driver = Command::new(home.join("bin/python"));
        driver.args(["-c", DRIVER]).arg(into).args(options);
        driver.env("DBT_SEND_ANONYMOUS_USAGE_STATS", "false");
        for name in [
            "DBT_PROFILES_DIR",
            "DBT_PROJECT_DIR",
            "DBT_TARGET_PATH",
            "DBT_TARGET",
            "PYTHONPATH",
        ] {
            driver.env_remove(name);
        }
        read(driver.current_dir(&copy))
            .map_err(|error| format!("dbt-core {} on the example project: {error}", self.version))?;
        Ok(())
    }

    /// Its virtual environment.
    fn install(&self) -> Result<PathBuf> {
        let pins = [
            format!("dbt-core=={}", self.version),
            format!("dbt-duckdb=={}", self.adapter),
            format!("duckdb=={}", self.duckdb),
        ];
        environment(python(), &pins.each_ref().map(String::as_str))
    }
}

/// The Python that all these versions of dbt run on, else the one there is.
fn python() -> &'static str {
    let known = ["python3.11", "python3.12", "python3.10"];
    let found = known
        .into_iter()
        .find(|python| succeeds(Command::new(python).arg("--version")));
    found.unwrap_or("python3")
}

/// The example project's folder.
pub(crate) fn example_project() -> Result<PathBuf> {
    Ok(root()?.join("examples/dbt-shop"))
}

fn copy_all(from: &Path, to: &Path) -> Result {
    fs::create_dir_all(to)?;
    for (path, name) in sources(from)? {
        match path.is_dir() {
            true => copy_all(&path, &to.join(name))?,
            false => drop(fs::copy(&path, to.join(name))?),
        }
    }
    Ok(())
}

/// The files and folders of a folder that are the project's own, by name.
fn sources(folder: &Path) -> Result<Vec<(PathBuf, String)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if !LEFTOVERS.contains(&name.as_str()) && !name.contains(".duckdb") {
            found.push((path, name));
        }
    }
    found.sort();
    Ok(found)
}

/// What all files of a project, and the driver, come to.
fn state(project: &Path) -> Result<String> {
    fn add(folder: &Path, state: &mut DefaultHasher) -> Result {
        for (path, name) in sources(folder)? {
            name.hash(state);
            match path.is_dir() {
                true => add(&path, state)?,
                false => fs::read(&path)?.hash(state),
            }
        }
        Ok(())
    }
    let mut state = DefaultHasher::new();
    DRIVER.hash(&mut state);
    add(project, &mut state)?;
    Ok(format!("{:016x}", state.finish()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_of_a_project_is_that_of_its_own_files() {
        let project = tempfile::tempdir().unwrap();
        fs::create_dir(project.path().join("models")).unwrap();
        fs::write(project.path().join("models/a.sql"), "select 1").unwrap();
        let before = state(project.path()).unwrap();
        fs::create_dir(project.path().join("target")).unwrap();
        fs::write(project.path().join("target/manifest.json"), "{}").unwrap();
        assert_eq!(state(project.path()).unwrap(), before);
        fs::write(project.path().join("models/a.sql"), "select 2").unwrap();
        assert_ne!(state(project.path()).unwrap(), before);
    }
}
