//! `cargo xtask dbt-artifacts`: the artifacts of the example project, made anew.

use crate::{
    Result,
    peers::{DBT_1_11, example_project},
};
use std::fs;

/// Builds the project as it is and with its breaking change. Built again from the same sources, the files are the
/// same to the byte.
pub(crate) fn ship() -> Result {
    let project = example_project()?;
    let patch = project.join("breaking-change.patch");
    for (patch, folder) in [
        (None, "artifacts/before"),
        (Some(patch.as_path()), "artifacts/after"),
    ] {
        let folder = project.join(folder);
        let _stale = fs::remove_dir_all(&folder);
        DBT_1_11.build(patch, &folder, &["--tidy"])?;
        println!("{}", folder.display());
    }
    Ok(())
}
