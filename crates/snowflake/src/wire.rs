//! The shapes of the drivers' protocol, as far as they are used.
//!
//! Snowflake does not document it. What stands here is what its own drivers, whose source is public, send and expect:
//! <https://github.com/snowflakedb/snowflake-connector-python>, <https://github.com/snowflakedb/gosnowflake>.

use crate::error::Failure;
use headwater_core::Secret;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What every answer is wrapped in.
#[derive(Debug, Deserialize)]
pub(crate) struct Envelope<T> {
    #[serde(default)]
    pub(crate) success: bool,
    pub(crate) code: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) data: Option<T>,
}

impl<T> Envelope<T> {
    /// The data of a success.
    pub(crate) fn into_data(self) -> Result<T, Failure> {
        match self.data {
            Some(data) if self.success => Ok(data),
            _ => Err(Failure {
                code: self.code.unwrap_or_default(),
                message: self.message.unwrap_or_default(),
            }),
        }
    }
}

/// What a login gives.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LoginData {
    pub(crate) token: Secret,
    pub(crate) master_token: Option<Secret>,
    pub(crate) server_version: Option<String>,
    pub(crate) session_info: Option<SessionInfo>,
}

/// Where a session stands.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SessionInfo {
    pub(crate) role_name: Option<String>,
    pub(crate) warehouse_name: Option<String>,
}

/// What the renewal of a session gives.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RenewedData {
    pub(crate) session_token: Secret,
    pub(crate) master_token: Option<Secret>,
}

/// A statement.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Statement<'a> {
    pub(crate) sql_text: &'a str,
    pub(crate) async_exec: bool,
    pub(crate) sequence_id: u64,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) bindings: BTreeMap<String, Binding<'a>>,
}

/// A bound value.
#[derive(Debug, Serialize)]
pub(crate) struct Binding<'a> {
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    pub(crate) value: &'a str,
}

/// The answer to a statement: rows, links to more of them, or where to ask again.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ResultData {
    pub(crate) rowtype: Vec<ColumnType>,
    pub(crate) rowset: Option<Vec<Vec<Option<String>>>>,
    pub(crate) rowset_base64: Option<String>,
    pub(crate) total: Option<u64>,
    pub(crate) query_result_format: Option<Format>,
    pub(crate) chunks: Vec<ChunkLink>,
    pub(crate) chunk_headers: Option<BTreeMap<String, Secret>>,
    /// The key of the chunks where `chunk_headers` does not give it.
    pub(crate) qrmk: Option<Secret>,
    pub(crate) get_result_url: Option<String>,
}

/// How rows are written down. The server chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Format {
    Json,
    #[serde(alias = "arrow_force")]
    Arrow,
}

/// A column of a result.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ColumnType {
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) scale: Option<i64>,
}

/// Where a part of the rows lies. The address carries its own signature: it is a secret.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ChunkLink {
    pub(crate) url: Secret,
    pub(crate) row_count: u64,
}
