use headwater_core::{Error, Filters, Host, Result};
use schemars::JsonSchema;
use serde::Deserialize;
use std::path::PathBuf;

/// Which folder to read, and how.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The folder, as an absolute path on the machine that runs the connector.
    pub directory: PathBuf,
    /// The character between two values.
    #[serde(default = "comma")]
    pub delimiter: char,
    /// How many rows of a file its column types are inferred from.
    #[serde(default = "thousand")]
    pub sample_rows: u64,
    /// What to read: the schemas are the folders, the tables the files without `.csv`.
    #[serde(default)]
    pub filters: Filters,
}

/// Files need no credentials.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Credentials {}

impl Config {
    /// Checks what the types cannot say.
    pub(crate) fn validate(&self, host: &Host) -> Result<()> {
        host.local_files.check(&self.directory, "/config/directory")?;
        if !self.delimiter.is_ascii() {
            let detail = "expected one ASCII character";
            return Err(Error::invalid_field("/config/delimiter", detail));
        }
        Ok(())
    }
}

fn comma() -> char {
    ','
}

fn thousand() -> u64 {
    1000
}

#[cfg(test)]
mod tests {
    use super::*;
    use headwater_core::LocalFiles;
    use serde_json::json;

    fn pointer(config: serde_json::Value, local_files: LocalFiles) -> String {
        let mut host = Host::default();
        host.local_files = local_files;
        let config: Config = serde_json::from_value(config).unwrap();
        config.validate(&host).unwrap_err().fields()[0].pointer.clone()
    }

    #[test]
    fn a_folder_that_the_host_does_not_lend_is_refused() {
        let config = json!({"directory": "/srv/exports"});
        assert_eq!(pointer(config.clone(), LocalFiles::Refused), "/config/directory");
        assert_eq!(
            pointer(config, LocalFiles::Below("/srv/other".into())),
            "/config/directory"
        );
    }

    #[test]
    fn a_delimiter_is_one_byte() {
        let config = json!({"directory": "/srv/exports", "delimiter": "→"});
        assert_eq!(pointer(config, LocalFiles::Allowed), "/config/delimiter");
    }
}
