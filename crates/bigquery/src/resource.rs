//! The resources of BigQuery's REST API, as far as they are read.
//!
//! <https://cloud.google.com/bigquery/docs/reference/rest/v2/tables#Table>. Whole numbers are texts there, and
//! numbers in emulators.

use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::{collections::BTreeMap, str::FromStr};

/// Labels, by key; a value may be empty.
pub(crate) type Labels = BTreeMap<String, String>;

/// A page of `datasets.list`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DatasetList {
    #[serde(default)]
    pub(crate) datasets: Vec<DatasetEntry>,
    pub(crate) next_page_token: Option<String>,
    /// Locations whose datasets are missing from the list.
    #[serde(default)]
    pub(crate) unreachable: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DatasetEntry {
    pub(crate) dataset_reference: DatasetReference,
    pub(crate) location: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DatasetReference {
    pub(crate) dataset_id: String,
}

/// A dataset.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Dataset {
    pub(crate) friendly_name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) labels: Labels,
    pub(crate) location: Option<String>,
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    #[serde(deserialize_with = "number")]
    pub(crate) default_table_expiration_ms: Option<u64>,
    #[serde(deserialize_with = "number")]
    pub(crate) default_partition_expiration_ms: Option<u64>,
    pub(crate) default_collation: Option<String>,
    pub(crate) is_case_insensitive: Option<bool>,
}

/// A page of `tables.list`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TableList {
    #[serde(default)]
    pub(crate) tables: Vec<TableEntry>,
    pub(crate) next_page_token: Option<String>,
    #[serde(default, deserialize_with = "number")]
    pub(crate) total_items: Option<u64>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TableEntry {
    pub(crate) table_reference: TableReference,
    #[serde(rename = "type", default)]
    pub(crate) kind: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct TableReference {
    pub(crate) project_id: String,
    pub(crate) dataset_id: String,
    pub(crate) table_id: String,
}

/// A page of `models.list` or `routines.list`, of which only the number of items counts.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CountedList {
    #[serde(default, alias = "models", alias = "routines")]
    pub(crate) items: Vec<serde::de::IgnoredAny>,
    pub(crate) next_page_token: Option<String>,
}

/// A table, view or the like.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Table {
    pub(crate) etag: Option<String>,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) friendly_name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) labels: Labels,
    pub(crate) schema: Option<Schema>,
    #[serde(deserialize_with = "number")]
    pub(crate) num_rows: Option<u64>,
    #[serde(deserialize_with = "number")]
    pub(crate) num_bytes: Option<u64>,
    #[serde(deserialize_with = "number")]
    pub(crate) num_long_term_bytes: Option<u64>,
    #[serde(deserialize_with = "number")]
    pub(crate) creation_time: Option<i64>,
    #[serde(deserialize_with = "number")]
    pub(crate) expiration_time: Option<i64>,
    #[serde(deserialize_with = "number")]
    pub(crate) last_modified_time: Option<i64>,
    pub(crate) streaming_buffer: Option<serde::de::IgnoredAny>,
    pub(crate) time_partitioning: Option<TimePartitioning>,
    pub(crate) range_partitioning: Option<RangePartitioning>,
    pub(crate) require_partition_filter: Option<bool>,
    pub(crate) clustering: Option<Clustering>,
    pub(crate) table_constraints: Option<TableConstraints>,
    pub(crate) view: Option<View>,
    pub(crate) materialized_view: Option<MaterializedView>,
    pub(crate) external_data_configuration: Option<ExternalData>,
    pub(crate) biglake_configuration: Option<Biglake>,
    pub(crate) snapshot_definition: Option<CopyOf>,
    pub(crate) clone_definition: Option<CopyOf>,
    pub(crate) encryption_configuration: Option<Encryption>,
    pub(crate) default_collation: Option<String>,
    pub(crate) max_staleness: Option<String>,
    pub(crate) resource_tags: Labels,
}

impl Table {
    /// The fields above, for `fields=`.
    pub(crate) const FIELDS: &'static str = "etag,type,friendlyName,description,labels,schema,numRows,numBytes,\
        numLongTermBytes,creationTime,expirationTime,lastModifiedTime,streamingBuffer,timePartitioning,\
        rangePartitioning,requirePartitionFilter,clustering,tableConstraints,view,materializedView,\
        externalDataConfiguration,biglakeConfiguration,snapshotDefinition,cloneDefinition,\
        encryptionConfiguration,defaultCollation,maxStaleness,resourceTags";
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Schema {
    pub(crate) fields: Vec<FieldSchema>,
}

/// A column, or a field within one.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct FieldSchema {
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) mode: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) fields: Vec<FieldSchema>,
    pub(crate) policy_tags: Option<PolicyTags>,
    #[serde(deserialize_with = "number")]
    pub(crate) precision: Option<u32>,
    #[serde(deserialize_with = "number")]
    pub(crate) scale: Option<i32>,
    #[serde(deserialize_with = "number")]
    pub(crate) max_length: Option<u64>,
    #[serde(deserialize_with = "number")]
    pub(crate) timestamp_precision: Option<u32>,
    pub(crate) range_element_type: Option<RangeElement>,
    pub(crate) default_value_expression: Option<String>,
    pub(crate) collation: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct PolicyTags {
    pub(crate) names: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct RangeElement {
    #[serde(rename = "type")]
    pub(crate) kind: String,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct TimePartitioning {
    #[serde(rename = "type")]
    pub(crate) unit: String,
    /// The column; none where rows are partitioned by the time of their ingestion.
    pub(crate) field: Option<String>,
    #[serde(deserialize_with = "number")]
    pub(crate) expiration_ms: Option<u64>,
    pub(crate) require_partition_filter: Option<bool>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct RangePartitioning {
    pub(crate) field: String,
    pub(crate) range: Range,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Range {
    #[serde(deserialize_with = "number")]
    pub(crate) start: Option<i64>,
    #[serde(deserialize_with = "number")]
    pub(crate) end: Option<i64>,
    #[serde(deserialize_with = "number")]
    pub(crate) interval: Option<i64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Clustering {
    pub(crate) fields: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct TableConstraints {
    pub(crate) primary_key: Option<PrimaryKey>,
    pub(crate) foreign_keys: Vec<ForeignKey>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct PrimaryKey {
    pub(crate) columns: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ForeignKey {
    pub(crate) name: Option<String>,
    pub(crate) referenced_table: TableReference,
    pub(crate) column_references: Vec<ColumnReference>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ColumnReference {
    pub(crate) referencing_column: String,
    pub(crate) referenced_column: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct View {
    pub(crate) query: String,
    pub(crate) use_legacy_sql: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct MaterializedView {
    pub(crate) query: String,
    pub(crate) enable_refresh: Option<bool>,
    #[serde(deserialize_with = "number")]
    pub(crate) refresh_interval_ms: Option<u64>,
    #[serde(deserialize_with = "number")]
    pub(crate) last_refresh_time: Option<i64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ExternalData {
    pub(crate) source_format: Option<String>,
    pub(crate) source_uris: Vec<String>,
    pub(crate) connection_id: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Biglake {
    pub(crate) connection_id: Option<String>,
    pub(crate) storage_uri: Option<String>,
    pub(crate) table_format: Option<String>,
}

/// What a snapshot or a clone was made of.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct CopyOf {
    pub(crate) base_table_reference: TableReference,
    #[serde(alias = "cloneTime")]
    pub(crate) snapshot_time: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Encryption {
    pub(crate) kms_key_name: Option<String>,
}

/// A whole number, as a text or as a number.
pub(crate) fn number<'de, D: Deserializer<'de>, N: FromStr>(deserializer: D) -> Result<Option<N>, D::Error> {
    let text = match Value::deserialize(deserializer)? {
        Value::Null => return Ok(None),
        Value::String(text) => text,
        other => other.to_string(),
    };
    match text.parse() {
        Ok(number) => Ok(Some(number)),
        Err(_not_quoted) => Err(serde::de::Error::custom("expected a whole number")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_are_texts_or_numbers() {
        let read = |value: Value| serde_json::from_value::<Table>(json!({"numRows": value}));
        assert_eq!(read(json!("12")).unwrap().num_rows, Some(12));
        assert_eq!(read(json!(12)).unwrap().num_rows, Some(12));
        assert_eq!(read(json!(null)).unwrap().num_rows, None);
        assert!(read(json!("many")).is_err());
        assert_eq!(serde_json::from_value::<Table>(json!({})).unwrap().num_rows, None);
    }

    #[test]
    fn all_that_is_read_is_asked_for() {
        for name in [
            "etag",
            "schema",
            "tableConstraints",
            "maxStaleness",
            "resourceTags",
        ] {
            assert!(Table::FIELDS.split(',').any(|field| field == name), "{name}");
        }
        assert!(!Table::FIELDS.contains(' '));
    }
}
