//! An entry of the manifest, whatever its kind: the fields of all kinds, each optional.

use super::{
    borrowed::{Json, Literal, Members, Names, Str},
    entry::Entry,
};
use serde::{Deserialize, Serialize};

/// A model, seed, snapshot, source, exposure, metric or semantic model.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(crate) struct Node<'a> {
    pub(crate) name: Option<Str<'a>>,
    pub(crate) label: Option<Str<'a>>,
    pub(crate) description: Option<Literal<'a>>,
    pub(crate) original_file_path: Option<Str<'a>>,
    pub(crate) database: Option<Str<'a>>,
    pub(crate) schema: Option<Str<'a>>,
    pub(crate) alias: Option<Str<'a>>,
    pub(crate) identifier: Option<Str<'a>>,
    pub(crate) relation_name: Option<Literal<'a>>,
    pub(crate) config: Option<Config<'a>>,
    pub(crate) tags: Names<'a>,
    pub(crate) meta: Option<Json<'a>>,
    pub(crate) group: Option<Str<'a>>,
    pub(crate) access: Option<Str<'a>>,
    pub(crate) columns: Option<Members<'a, Column<'a>>>,
    pub(crate) constraints: Option<Vec<Constraint<'a>>>,
    pub(crate) depends_on: Option<DependsOn<'a>>,
    pub(crate) language: Option<Str<'a>>,
    #[serde(alias = "raw_sql")]
    pub(crate) raw_code: Option<Literal<'a>>,
    #[serde(alias = "compiled_sql")]
    pub(crate) compiled_code: Option<Literal<'a>>,
    pub(crate) version: Option<Json<'a>>,
    pub(crate) latest_version: Option<Json<'a>>,
    pub(crate) deprecation_date: Option<Str<'a>>,
    // Sources.
    pub(crate) source_description: Option<Literal<'a>>,
    /// Where dbt before 1.8 keeps what was told of a source's `meta`.
    pub(crate) source_meta: Option<Json<'a>>,
    pub(crate) loader: Option<Str<'a>>,
    pub(crate) loaded_at_field: Option<Str<'a>>,
    pub(crate) freshness: Option<Threshold<'a>>,
    // Exposures, metrics and semantic models.
    #[serde(rename = "type")]
    pub(crate) kind: Option<Str<'a>>,
    pub(crate) owner: Option<Owner<'a>>,
    pub(crate) url: Option<Str<'a>>,
    pub(crate) maturity: Option<Str<'a>>,
    pub(crate) type_params: Option<Json<'a>>,
    pub(crate) filter: Option<Json<'a>>,
    pub(crate) entities: Option<Vec<Json<'a>>>,
    pub(crate) dimensions: Option<Vec<Json<'a>>>,
    pub(crate) measures: Option<Vec<Json<'a>>>,
    pub(crate) defaults: Option<Json<'a>>,
}

impl Node<'_> {
    /// Drops the names of columns that are those of their keys, as dbt writes them.
    pub(crate) fn forget_known_names(&mut self) {
        for (key, column) in self.columns.iter_mut().flat_map(|columns| &mut columns.0) {
            column.name.take_if(|name| **name == **key);
        }
    }
}

/// A test of data or of a unit.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(crate) struct Test<'a> {
    pub(crate) name: Option<Str<'a>>,
    pub(crate) config: Option<TestConfig<'a>>,
    pub(crate) depends_on: Option<DependsOn<'a>>,
    pub(crate) attached_node: Option<Str<'a>>,
    pub(crate) tested_node_unique_id: Option<Str<'a>>,
    pub(crate) column_name: Option<Str<'a>>,
    pub(crate) test_metadata: Option<TestMetadata<'a>>,
}

/// What was configured for a node.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(crate) struct Config<'a> {
    pub(crate) materialized: Option<Str<'a>>,
    pub(crate) tags: Names<'a>,
    pub(crate) meta: Option<Json<'a>>,
    pub(crate) group: Option<Str<'a>>,
    pub(crate) access: Option<Str<'a>>,
    pub(crate) contract: Option<Contract>,
    pub(crate) freshness: Option<Threshold<'a>>,
    pub(crate) loaded_at_field: Option<Str<'a>>,
}

/// What was configured for a test.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(crate) struct TestConfig<'a> {
    pub(crate) severity: Option<Str<'a>>,
    #[serde(rename = "where")]
    pub(crate) condition: Option<Str<'a>>,
}

/// Whether dbt holds a model to its columns and constraints.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct Contract {
    pub(crate) enforced: Option<bool>,
}

/// A column as it was written down in the project.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(crate) struct Column<'a> {
    pub(crate) name: Option<Str<'a>>,
    pub(crate) description: Option<Literal<'a>>,
    pub(crate) data_type: Option<Str<'a>>,
    pub(crate) constraints: Option<Vec<Constraint<'a>>>,
    pub(crate) tags: Names<'a>,
}

/// A constraint of a contract.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(crate) struct Constraint<'a> {
    #[serde(rename = "type")]
    pub(crate) kind: Option<Str<'a>>,
    pub(crate) name: Option<Str<'a>>,
    pub(crate) expression: Option<Str<'a>>,
    pub(crate) columns: Option<Vec<Str<'a>>>,
    pub(crate) to: Option<Str<'a>>,
    pub(crate) to_columns: Option<Vec<Str<'a>>>,
}

/// What a node is made of.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(crate) struct DependsOn<'a> {
    pub(crate) nodes: Option<Vec<Str<'a>>>,
}

/// The macro behind a generic test.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(crate) struct TestMetadata<'a> {
    pub(crate) name: Option<Str<'a>>,
    pub(crate) namespace: Option<Str<'a>>,
}

/// When rows of a source count as late.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(crate) struct Threshold<'a> {
    pub(crate) warn_after: Option<Period<'a>>,
    pub(crate) error_after: Option<Period<'a>>,
}

/// A span of time: `12 hour`.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(crate) struct Period<'a> {
    pub(crate) count: Option<u64>,
    pub(crate) period: Option<Str<'a>>,
}

/// Somebody who answers for something.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(crate) struct Owner<'a> {
    pub(crate) name: Option<Str<'a>>,
    pub(crate) email: Names<'a>,
}

impl Owner<'_> {
    /// The name, else the first address.
    pub(crate) fn called(&self) -> Option<String> {
        let name = self
            .name
            .as_deref()
            .map(str::trim)
            .filter(|name| !name.is_empty());
        name.or(self.email.0.first().map(|email| &**email))
            .map(str::to_owned)
    }
}

/// A group of models and who owns it.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(crate) struct Group<'a> {
    pub(crate) name: Option<Str<'a>>,
    pub(crate) owner: Option<Owner<'a>>,
}

impl Entry for Node<'_> {
    type Of<'a> = Node<'a>;
}

impl Entry for Test<'_> {
    type Of<'a> = Test<'a>;
}

impl Entry for Group<'_> {
    type Of<'a> = Group<'a>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_keeps_the_name_that_its_key_does_not_tell() {
        let text = r#"{"columns": {"a": {"name": "a"}, "b": {"name": "B"}, "c": {}}}"#;
        let mut node: Node<'_> = serde_json::from_str(text).unwrap();
        node.forget_known_names();
        let columns = Members::of(node.columns.as_ref()).iter();
        let names: Vec<_> = columns.map(|(_, column)| column.name.as_deref()).collect();
        assert_eq!(names, [None, Some("B"), None]);
    }
}
