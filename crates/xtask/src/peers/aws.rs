//! AWS's own packages for Python: they read the fake of its endpoints, and log in as its drivers do.

use super::python::environment;
use crate::Result;
use std::path::PathBuf;

const PACKAGES: [&str; 2] = ["boto3==1.44.8", "redshift-connector==2.1.8"];

/// The Python that has them, installed once under the target directory.
pub(crate) fn aws_python() -> Result<PathBuf> {
    Ok(environment("python3", &PACKAGES)?.join("bin/python"))
}
