//! The parts of an asset as they go on the wire: the same in a product's detail (REST) and in the lines of
//! `headwater scan`.
//!
//! A part that was never read is `null`; read and empty is `[]`. What follows from its place is spelled out
//! here and nowhere stored: a field's path, its ordinal among its siblings, the keys it belongs to.
//!
//! ```
//! # use headwater_core::{Path, model::{Constraint, ConstraintKind, DataType, Field}};
//! # use headwater_server::wire::asset;
//! let fields = vec![Field::new("id", "bigint", DataType::Integer { bits: 64 })];
//! let key = vec![Constraint::new(None, ConstraintKind::PRIMARY_KEY, ["id"])];
//! let fields = asset::Field::tree(fields, &key);
//! assert_eq!(fields[0].ordinal, 1);
//! assert_eq!(serde_json::to_value(&fields[0].keys)?, serde_json::json!(["primary"]));
//! # Ok::<(), serde_json::Error>(())
//! ```

use super::Time;
use headwater_core::{Path, model};
use serde::Serialize;
use utoipa::ToSchema;

/// A column, or a field inside a nested column.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// The names from the outermost field in.
    pub path: Vec<String>,
    /// Its place among its siblings, dense from 1.
    pub ordinal: usize,
    /// The source's own text of the type: `numeric(12,2)`.
    pub native_type: String,
    /// The normalised type: an object with `type` and its parameters.
    #[schema(value_type = Object, example = json!({"type": "decimal", "precision": 12, "scale": 2}))]
    pub data_type: model::DataType,
    /// Whether it may hold NULL; null where the source does not say.
    #[schema(required)]
    pub nullable: Option<bool>,
    /// The default expression.
    #[schema(required)]
    pub default: Option<String>,
    /// Whether the source numbers the rows.
    #[schema(required, value_type = Option<String>, example = "always")]
    pub identity: Option<model::Identity>,
    /// The expression of a generated column.
    #[schema(required)]
    pub generated: Option<String>,
    /// The comment on it.
    #[schema(required)]
    pub description: Option<String>,
    /// Tags or labels on it; null where they were not read.
    #[schema(required)]
    pub tags: Option<Vec<String>>,
    /// The keys it belongs to: `primary`, `unique`, `foreign`.
    #[schema(value_type = Vec<String>)]
    pub keys: Vec<model::KeyRole>,
    /// The fields inside it.
    #[schema(no_recursion)]
    pub fields: Vec<Field>,
}

impl Field {
    /// Spells out the fields of an asset, with the keys that its constraints give them.
    pub fn tree(fields: Vec<model::Field>, constraints: &[model::Constraint]) -> Vec<Self> {
        let mut tree = siblings(fields, &[]);
        for field in &mut tree {
            field.keys = model::Field::key_roles(&field.name, constraints);
        }
        tree
    }
}

fn siblings(fields: Vec<model::Field>, around: &[String]) -> Vec<Field> {
    fields
        .into_iter()
        .enumerate()
        .map(|(index, field)| spell_out(field, index + 1, around))
        .collect()
}

fn spell_out(field: model::Field, ordinal: usize, around: &[String]) -> Field {
    let mut path = around.to_vec();
    path.push(field.name.to_string());
    Field {
        name: field.name.into(),
        ordinal,
        native_type: field.native_type.into(),
        data_type: field.data_type,
        nullable: field.nullable,
        default: field.default.into_option().flatten(),
        identity: field.identity,
        generated: field.generated.into_option().flatten(),
        description: field.description.into_option().flatten(),
        tags: field.tags.into_option(),
        keys: Vec::new(),
        fields: siblings(field.fields, &path),
        path,
    }
}

/// A constraint or a physical key.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Constraint {
    /// Its name in the source, where it has one.
    #[schema(required)]
    pub name: Option<String>,
    /// What it says: `primary_key`, `unique`, `foreign_key`, `check`, `partition_key`, ...
    #[serde(rename = "type")]
    #[schema(value_type = String, example = "foreign_key")]
    pub kind: model::ConstraintKind,
    /// The fields it is over, in its own order.
    pub fields: Vec<String>,
    /// The other side of a foreign key.
    #[schema(required)]
    pub references: Option<Reference>,
    /// The expression of a check, or of a key over expressions.
    #[schema(required)]
    pub expression: Option<String>,
}

impl From<model::Constraint> for Constraint {
    fn from(constraint: model::Constraint) -> Self {
        Self {
            name: constraint.name,
            kind: constraint.kind,
            fields: constraint.fields,
            references: constraint.references.map(Reference::from),
            expression: constraint.expression.into_option().flatten(),
        }
    }
}

/// The other side of a foreign key.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Reference {
    /// The asset referred to.
    #[schema(value_type = Vec<String>)]
    pub path: Path,
    /// Its fields, pairwise with the constraint's own.
    pub fields: Vec<String>,
    /// The product that this path is, or null where the catalog has none. Absent where there is no catalog.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub product_id: Option<Option<String>>,
}

impl From<model::Reference> for Reference {
    fn from(reference: model::Reference) -> Self {
        Self {
            path: reference.path,
            fields: reference.fields,
            product_id: None,
        }
    }
}

/// The code that makes an asset.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Definition {
    /// `sql`, `python`, ...
    pub language: String,
    /// The code as the source gives it.
    pub text: String,
}

impl From<model::Definition> for Definition {
    fn from(definition: model::Definition) -> Self {
        Self {
            language: definition.language,
            text: definition.text,
        }
    }
}

/// What is measured of an asset.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct Stats {
    /// Number of rows.
    #[schema(required)]
    pub row_count: Option<Stat<u64>>,
    /// Size on storage in bytes.
    #[schema(required)]
    pub size_bytes: Option<Stat<u64>>,
    /// When its rows or structure last changed.
    #[schema(required)]
    pub last_altered: Option<Stat<Time>>,
    /// What else the source measures.
    #[serde(skip_serializing_if = "model::Properties::is_empty")]
    #[schema(value_type = Object, required = false)]
    pub properties: model::Properties,
}

impl From<model::Stats> for Stats {
    fn from(stats: model::Stats) -> Self {
        Self {
            row_count: stats.row_count.map(Stat::from),
            size_bytes: stats.size_bytes.map(Stat::from),
            last_altered: stats.last_altered.map(|stat| Stat {
                value: Time(stat.value),
                origin: stat.origin,
            }),
            properties: stats.properties,
        }
    }
}

/// A measured value and where it comes from.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Stat<T> {
    /// The value.
    pub value: T,
    /// `exact` or `estimate`.
    #[schema(value_type = String, example = "estimate")]
    pub origin: model::Origin,
}

impl<T> From<model::Stat<T>> for Stat<T> {
    fn from(stat: model::Stat<T>) -> Self {
        Self {
            value: stat.value,
            origin: stat.origin,
        }
    }
}

/// One end of a lineage edge.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct LineageEnd {
    /// The platform family whose names the path uses: `postgres`.
    pub family: String,
    /// The asset's path.
    #[schema(value_type = Vec<String>)]
    pub path: Path,
}

impl From<model::LineageEnd> for LineageEnd {
    fn from(end: model::LineageEnd) -> Self {
        Self {
            family: end.family.into(),
            path: end.path,
        }
    }
}

/// One field flows into another, each as its path within its asset.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct FieldPair {
    /// The field read.
    pub upstream: Vec<String>,
    /// The field made of it.
    pub downstream: Vec<String>,
}

impl From<model::FieldPair> for FieldPair {
    fn from(pair: model::FieldPair) -> Self {
        Self {
            upstream: pair.upstream,
            downstream: pair.downstream,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use headwater_core::{
        Facet,
        model::{Constraint as Key, ConstraintKind, DataType, Field as Column, Origin},
    };
    use serde_json::json;

    fn column(name: &str) -> Column {
        Column::new(name, "text", DataType::String { length: None })
    }

    #[test]
    fn a_tree_has_paths_ordinals_and_keys() {
        let mut address = Column::new("address", "record", DataType::Struct);
        address.fields = vec![column("street"), column("city")];
        let keys = [
            Key::new(None, ConstraintKind::PRIMARY_KEY, ["id"]),
            Key::new(None, ConstraintKind::FOREIGN_KEY, ["id"]),
            Key::new(None, ConstraintKind::CHECK, ["address"]),
        ];
        let tree = serde_json::to_value(Field::tree(vec![column("id"), address], &keys)).unwrap();
        assert_eq!(tree[0]["keys"], json!(["primary", "foreign"]));
        assert_eq!(tree[1]["keys"], json!([]));
        assert_eq!(tree[1]["fields"][1]["path"], json!(["address", "city"]));
        assert_eq!(tree[1]["fields"][1]["ordinal"], 2);
    }

    #[test]
    fn a_part_that_was_not_read_is_null_and_an_empty_one_is_not() {
        let mut field = column("id");
        assert_eq!(field_json(&field)["tags"], json!(null));
        field.tags = Facet::Read(vec![]);
        assert_eq!(field_json(&field)["tags"], json!([]));
    }

    fn field_json(field: &Column) -> serde_json::Value {
        serde_json::to_value(Field::tree(vec![field.clone()], &[])).unwrap()[0].take()
    }

    #[test]
    fn times_are_whole_seconds() {
        let stats = model::Stats {
            last_altered: Some(model::Stat::exact(
                "2025-06-01T02:00:00.987+02:00".parse().unwrap(),
            )),
            row_count: Some(model::Stat {
                value: 3,
                origin: Origin::Estimate,
            }),
            ..model::Stats::default()
        };
        assert_eq!(
            serde_json::to_value(Stats::from(stats)).unwrap(),
            json!({
                "row_count": {"value": 3, "origin": "estimate"},
                "size_bytes": null,
                "last_altered": {"value": "2025-06-01T00:00:00Z", "origin": "exact"},
            })
        );
    }
}
