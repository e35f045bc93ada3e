//! An entry of the manifest, whatever its kind: the fields of all kinds, each optional.

use super::entry::one_or_many;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{MapAccess, Visitor},
};
use serde_json::Value;
use std::{fmt, marker::PhantomData};

/// A model, seed, snapshot, source, exposure, metric or semantic model.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Node {
    pub(crate) name: Option<String>,
    pub(crate) label: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) original_file_path: Option<String>,
    pub(crate) database: Option<String>,
    pub(crate) schema: Option<String>,
    pub(crate) alias: Option<String>,
    pub(crate) identifier: Option<String>,
    pub(crate) relation_name: Option<String>,
    pub(crate) config: Option<Config>,
    pub(crate) tags: Names,
    pub(crate) meta: Option<Value>,
    pub(crate) group: Option<String>,
    pub(crate) access: Option<String>,
    pub(crate) columns: Option<Members<Column>>,
    pub(crate) constraints: Option<Vec<Constraint>>,
    pub(crate) depends_on: Option<DependsOn>,
    pub(crate) language: Option<String>,
    #[serde(alias = "raw_sql")]
    pub(crate) raw_code: Option<String>,
    #[serde(alias = "compiled_sql")]
    pub(crate) compiled_code: Option<String>,
    pub(crate) version: Option<Value>,
    pub(crate) latest_version: Option<Value>,
    pub(crate) deprecation_date: Option<String>,
    // Sources.
    pub(crate) source_description: Option<String>,
    pub(crate) loader: Option<String>,
    pub(crate) loaded_at_field: Option<String>,
    pub(crate) freshness: Option<Threshold>,
    // Exposures, metrics and semantic models.
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    pub(crate) owner: Option<Owner>,
    pub(crate) url: Option<String>,
    pub(crate) maturity: Option<String>,
    pub(crate) type_params: Option<Value>,
    pub(crate) filter: Option<Value>,
    pub(crate) entities: Option<Vec<Value>>,
    pub(crate) dimensions: Option<Vec<Value>>,
    pub(crate) measures: Option<Vec<Value>>,
    pub(crate) defaults: Option<Value>,
}

/// A test of data or of a unit.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Test {
    pub(crate) name: Option<String>,
    pub(crate) config: Option<Config>,
    pub(crate) depends_on: Option<DependsOn>,
    pub(crate) attached_node: Option<String>,
    pub(crate) tested_node_unique_id: Option<String>,
    pub(crate) column_name: Option<String>,
    pub(crate) test_metadata: Option<TestMetadata>,
}

/// What was configured for a node.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Config {
    pub(crate) materialized: Option<String>,
    pub(crate) tags: Names,
    pub(crate) meta: Option<Value>,
    pub(crate) group: Option<String>,
    pub(crate) access: Option<String>,
    pub(crate) contract: Option<Contract>,
    pub(crate) severity: Option<String>,
    #[serde(rename = "where")]
    pub(crate) condition: Option<String>,
    pub(crate) freshness: Option<Threshold>,
    pub(crate) loaded_at_field: Option<String>,
}

/// Whether dbt holds a model to its columns and constraints.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Contract {
    pub(crate) enforced: Option<bool>,
}

/// A column as it was written down in the project.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Column {
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) data_type: Option<String>,
    pub(crate) constraints: Option<Vec<Constraint>>,
    pub(crate) tags: Names,
}

/// A constraint of a contract.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Constraint {
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) expression: Option<String>,
    pub(crate) columns: Option<Vec<String>>,
    pub(crate) to: Option<String>,
    pub(crate) to_columns: Option<Vec<String>>,
}

/// What a node is made of.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct DependsOn {
    pub(crate) nodes: Option<Vec<String>>,
}

/// The macro behind a generic test.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct TestMetadata {
    pub(crate) name: Option<String>,
    pub(crate) namespace: Option<String>,
}

/// When rows of a source count as late.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct Threshold {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) warn_after: Option<Period>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error_after: Option<Period>,
}

/// A span of time: `12 hour`.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct Period {
    pub(crate) count: Option<u64>,
    pub(crate) period: Option<String>,
}

/// Somebody who answers for something.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Owner {
    pub(crate) name: Option<String>,
    pub(crate) email: Names,
}

/// A group of models and who owns it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Group {
    pub(crate) name: Option<String>,
    pub(crate) owner: Option<Owner>,
}

/// A list of texts, for which one text may stand.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(transparent)]
pub(crate) struct Names(pub(crate) Vec<String>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        one_or_many(deserializer).map(Self)
    }
}

/// The members of an object in their order.
#[derive(Debug)]
pub(crate) struct Members<T>(pub(crate) Vec<(String, T)>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Members<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for InOrder<T> {
            type Value = Members<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<T>, A::Error> {
                let mut members = Vec::new();
                while let Some((key, value)) = map.next_entry::<_, Option<T>>()? {
                    members.extend(value.map(|value| (key, value)));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(InOrder(PhantomData))
    }
}
