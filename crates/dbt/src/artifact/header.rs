//! What a file says of itself.

use super::entry::Entry;
use md5::{Digest, Md5};
use serde::Deserialize;

/// The newest versions of the manifest that the reader was tried on: dbt Core's, and that of Fusion.
const NEWEST_KNOWN: [u32; 2] = [12, 20];

/// `metadata` of an artifact.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Header {
    pub(crate) dbt_schema_version: Option<String>,
    pub(crate) dbt_version: Option<String>,
    pub(crate) project_name: Option<String>,
    pub(crate) project_id: Option<String>,
    pub(crate) adapter_type: Option<String>,
}

/// The kinds of artifact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Artifact {
    Manifest,
    Catalog,
    RunResults,
    Sources,
}

impl Artifact {
    /// The name that dbt gives to the file.
    pub(crate) fn file_name(self) -> &'static str {
        match self {
            Self::Manifest => "manifest.json",
            Self::Catalog => "catalog.json",
            Self::RunResults => "run_results.json",
            Self::Sources => "sources.json",
        }
    }
}

impl Entry for Header {
    type Of<'a> = Self;
}

impl Header {
    /// What the file says that it is: dbt writes `https://schemas.getdbt.com/dbt/manifest/v12.json`.
    pub(crate) fn artifact(&self) -> Option<Artifact> {
        match self.schema()?.0 {
            "manifest" => Some(Artifact::Manifest),
            "catalog" => Some(Artifact::Catalog),
            "run-results" => Some(Artifact::RunResults),
            "sources" => Some(Artifact::Sources),
            _ => None,
        }
    }

    /// The version of a manifest, where it is newer than those that the reader was tried on.
    pub(crate) fn newer_version(&self) -> Option<u32> {
        let version = self.schema()?.1;
        let newest = NEWEST_KNOWN.iter().max()?;
        (version > *newest).then_some(version)
    }

    /// What the project is: its name, or in manifests before 1.6 the hash of its name.
    pub(crate) fn project(&self) -> Option<&str> {
        let named = [&self.project_name, &self.project_id];
        named
            .into_iter()
            .flatten()
            .map(String::as_str)
            .find(|name| !name.is_empty())
    }

    /// Whether this is the project of that name, as far as the file says what it is.
    pub(crate) fn is_of(&self, name: &str) -> bool {
        match (&self.project_name, &self.project_id) {
            (Some(found), _) => found == name,
            (None, Some(id)) => *id == hex::encode(Md5::digest(name)),
            (None, None) => false,
        }
    }

    fn schema(&self) -> Option<(&str, u32)> {
        let (rest, file) = self.dbt_schema_version.as_deref()?.rsplit_once('/')?;
        let version = file
            .trim_start_matches('v')
            .trim_end_matches(".json")
            .parse()
            .ok()?;
        Some((rest.rsplit('/').next()?, version))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_is_known_by_its_name_or_by_the_hash_of_that() {
        let header = |name: Option<&str>, id: Option<&str>| Header {
            project_name: name.map(str::to_owned),
            project_id: id.map(str::to_owned),
            ..Header::default()
        };
        let hash = "470fac4c2eb3cb4fccd95c3e066ee10a";
        assert!(header(None, Some(hash)).is_of("flower_shop"));
        assert!(header(Some("flower_shop"), None).is_of("flower_shop"));
        for other in [
            header(None, None),
            header(Some("other"), Some(hash)),
            header(None, Some("0")),
        ] {
            assert!(!other.is_of("flower_shop"), "{other:?}");
        }
    }

    #[test]
    fn kind_and_version_stand_in_the_address_of_the_schema() {
        let header = |address: &str| Header {
            dbt_schema_version: Some(address.into()),
            ..Header::default()
        };
        let of = |file: &str| {
            let header = header(&format!("https://schemas.getdbt.com/dbt/{file}"));
            (header.artifact(), header.newer_version())
        };
        assert_eq!(of("manifest/v12.json"), (Some(Artifact::Manifest), None));
        assert_eq!(of("manifest/v21.json"), (Some(Artifact::Manifest), Some(21)));
        assert_eq!(of("run-results/v6.json"), (Some(Artifact::RunResults), None));
        assert_eq!(of("nonsense"), (None, None));
    }
}
