use headwater_core as core;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A kind of source that this server can read.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConnectorType {
    /// Its name in requests and answers.
    #[schema(example = "postgres")]
    connector_type: &'static str,
    /// Its name for people.
    #[schema(example = "PostgreSQL")]
    name: &'static str,
    /// Other names that requests may use.
    #[schema(value_type = Vec<String>)]
    aliases: &'static [&'static str],
    /// The files that it takes as uploads.
    #[schema(value_type = Vec<String>)]
    inputs: &'static [&'static str],
    /// JSON Schema of `config`.
    #[schema(value_type = Object)]
    config_schema: Value,
    /// JSON Schema of `credentials`.
    #[schema(value_type = Object)]
    credentials_schema: Value,
    /// What it can read.
    capabilities: Vec<Capability>,
}

/// One thing that a kind of source can be asked for.
#[derive(Debug, Serialize, ToSchema)]
struct Capability {
    /// Its name.
    #[schema(example = "lineage")]
    name: &'static str,
    /// What our own tests proved it against: `real`, `emulator` or `fake`.
    #[schema(value_type = String, example = "real")]
    verified: core::Verified,
}

impl From<&core::ConnectorType> for ConnectorType {
    fn from(kind: &core::ConnectorType) -> Self {
        let capabilities = kind.capabilities.iter().map(|capability| Capability {
            name: capability.name,
            verified: capability.verified,
        });
        Self {
            connector_type: kind.kind,
            name: kind.name,
            aliases: kind.aliases,
            inputs: kind.inputs,
            config_schema: kind.config_schema.clone(),
            credentials_schema: kind.credentials_schema.clone(),
            capabilities: capabilities.collect(),
        }
    }
}
