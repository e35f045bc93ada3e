use super::Time;
use headwater_catalog as catalog;
use headwater_core::{CheckReport, Error, Readable, Warning};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A configured source.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Connector {
    /// Its id.
    id: String,
    /// Its name; need not be unique.
    #[schema(example = "shop")]
    name: String,
    /// Its kind.
    #[schema(example = "postgres")]
    connector_type: String,
    /// The settings as they were sent, without defaults. Credentials are never shown.
    #[schema(value_type = Object)]
    config: Value,
    /// The caller's own id of the source system, as it was sent.
    #[schema(required, value_type = Value)]
    source_system_id: Option<Value>,
    /// Whether it may be synced.
    is_active: bool,
    /// How many active products it has.
    product_count: u64,
    /// When the newest completed sync started.
    #[schema(required)]
    last_sync: Option<Time>,
    /// When it was made.
    created_at: Time,
    /// When it was changed.
    updated_at: Time,
}

impl From<catalog::Connector> for Connector {
    fn from(connector: catalog::Connector) -> Self {
        Self {
            id: connector.id.to_string(),
            name: connector.name,
            connector_type: connector.kind,
            config: connector.config,
            source_system_id: connector.source_system_id,
            is_active: connector.is_active,
            product_count: connector.product_count,
            last_sync: connector.last_sync.map(Time),
            created_at: Time(connector.created_at),
            updated_at: Time(connector.updated_at),
        }
    }
}

/// A connector that was made or changed, and what to know about it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConnectorAnswer {
    #[serde(flatten)]
    connector: Connector,
    /// What is accepted and may not be meant: each a stable code, a colon, and what to know.
    warnings: Vec<String>,
}

impl ConnectorAnswer {
    pub(crate) fn new(connector: catalog::Connector, warnings: Vec<Warning>) -> Self {
        let told = |warning: Warning| format!("{}: {}", warning.code, warning.detail);
        Self {
            connector: connector.into(),
            warnings: warnings.into_iter().map(told).collect(),
        }
    }
}

/// A connector to be made.
#[derive(Debug, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewConnector {
    /// Its name; need not be unique.
    #[schema(required, nullable = false, example = "shop")]
    pub(crate) name: Option<String>,
    /// Its kind or an alias of it; see `GET /catalog/connector-types`.
    #[schema(required, nullable = false, example = "postgres")]
    pub(crate) connector_type: Option<String>,
    /// The settings of this kind.
    #[serde(default = "empty_object")]
    #[schema(value_type = Object, required = false)]
    pub(crate) config: Value,
    /// The credentials of this kind. Sealed, and never shown again.
    #[serde(default = "empty_object")]
    #[schema(value_type = Object, required = false)]
    pub(crate) credentials: Value,
    /// The caller's own id of the source system; echoed.
    #[schema(value_type = Value, required = false)]
    pub(crate) source_system_id: Option<Value>,
}

fn empty_object() -> Value {
    Value::Object(serde_json::Map::new())
}

/// A change of a connector. What is absent stays.
#[derive(Debug, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConnectorPatch {
    /// Its new name.
    #[schema(nullable = false)]
    pub(crate) name: Option<String>,
    /// Cannot change: refused unless it is the connector's own.
    #[schema(nullable = false)]
    pub(crate) connector_type: Option<String>,
    /// Merged into the settings by RFC 7396: null removes a key.
    #[serde(default, deserialize_with = "present")]
    #[schemars(with = "Option<Value>")]
    #[schema(value_type = Object, required = false)]
    pub(crate) config: Option<Value>,
    /// Replaces the credentials whole, from the next sync on.
    #[serde(default, deserialize_with = "present")]
    #[schemars(with = "Option<Value>")]
    #[schema(value_type = Object, required = false)]
    pub(crate) credentials: Option<Value>,
    /// False stops syncs.
    #[schema(nullable = false)]
    pub(crate) is_active: Option<bool>,
    /// The caller's own id of the source system; null removes it.
    #[serde(default, deserialize_with = "present")]
    #[schemars(with = "Option<Value>")]
    #[schema(value_type = Value, required = false)]
    pub(crate) source_system_id: Option<Value>,
}

/// Tells null from absent.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// What a test of a connector found.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TestAnswer {
    /// Whether the source can be used.
    success: bool,
    /// What answered, or why not.
    #[schema(example = "PostgreSQL 18.1 at db.example.com:5432")]
    message: String,
    /// How long one small round trip took; null on failure.
    #[schema(required)]
    latency_ms: Option<u64>,
    /// What can be read, by capability.
    capabilities: BTreeMap<String, ReadableAnswer>,
}

/// Whether one thing can be read.
#[derive(Debug, Serialize, ToSchema)]
struct ReadableAnswer {
    /// Whether it can be read.
    readable: bool,
    /// More about it.
    #[schema(required)]
    detail: Option<String>,
    /// What an administrator of the source must run so that it can be read.
    #[schema(required, example = "GRANT CONNECT ON DATABASE shop TO reader")]
    grant: Option<String>,
}

impl From<Readable> for ReadableAnswer {
    fn from(readable: Readable) -> Self {
        Self {
            readable: readable.readable,
            detail: readable.detail,
            grant: readable.grant,
        }
    }
}

impl From<Result<CheckReport, Error>> for TestAnswer {
    fn from(result: Result<CheckReport, Error>) -> Self {
        match result {
            Ok(report) => Self {
                success: true,
                message: report.message,
                latency_ms: Some(u64::try_from(report.latency.as_millis()).unwrap_or(u64::MAX)),
                capabilities: report
                    .capabilities
                    .into_iter()
                    .map(|(name, readable)| (name.to_owned(), readable.into()))
                    .collect(),
            },
            Err(error) => Self {
                success: false,
                message: error.to_string(),
                latency_ms: None,
                capabilities: BTreeMap::new(),
            },
        }
    }
}
