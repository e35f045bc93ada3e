//! Where a run writes.

use crate::run::Claim;
use headwater_core::{
    Case, ConnectorType, Family, Path, Registry,
    model::{LineageEnd, Version},
};
use std::collections::{HashMap, HashSet};

/// What every write of a run needs to know: its claim, its connector and how paths fold.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) claim: Claim,
    pub(crate) run: String,
    pub(crate) space: String,
    pub(crate) connector: String,
    pub(crate) provider: &'static str,
    pub(crate) family: Family,
    /// The config field that names the connector where ends of other families are looked for.
    pub(crate) links_into: Option<&'static str>,
    families: HashMap<&'static str, Family>,
    salt: String,
    /// The stored keys of products that earlier runs hold back for a decision: seen again, they leave it.
    pub(crate) held: HashSet<String>,
}

impl Target {
    /// Where the run of `claim` writes.
    pub(crate) fn new(claim: Claim, kind: &ConnectorType, registry: &Registry) -> Self {
        let families = registry.types().map(|kind| (kind.family.name, kind.family));
        // serde_json sorts keys, so that equal configs have equal texts.
        let config = blake3::hash(claim.connector.config.to_string().as_bytes()).to_hex();
        Self {
            run: claim.id().to_string(),
            space: claim.run.space_id.to_string(),
            connector: claim.run.connector_id.to_string(),
            provider: kind.kind,
            family: kind.family,
            links_into: kind.links_into,
            families: families.collect(),
            salt: format!("{}:{}:", kind.read_revision, config.get(..16).unwrap_or_default()),
            held: HashSet::new(),
            claim,
        }
    }

    /// A path of any family, folded. The names of a family that this program does not know ignore case.
    pub(crate) fn fold(&self, end: &LineageEnd) -> Path {
        let unknown = Family {
            name: "",
            case: Case::Insensitive,
        };
        let family = self.families.get(end.family.as_str());
        family.unwrap_or(&unknown).fold(&end.path)
    }

    /// A version as it is stored: it vouches only for what this release read under this config.
    pub(crate) fn salted(&self, version: &Version) -> String {
        format!("{}{}", self.salt, version.0)
    }

    /// A stored version, if it still vouches.
    pub(crate) fn unsalted(&self, stored: &str) -> Option<Version> {
        stored
            .strip_prefix(&self.salt)
            .map(|marker| Version(marker.into()))
    }
}
