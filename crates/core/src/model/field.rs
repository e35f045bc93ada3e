use super::{Constraint, DataType, Name};
use crate::Facet;
use serde::{Deserialize, Serialize};

/// A column, or a field inside a nested column.
///
/// Its ordinal is its place among its siblings, and its path the names from the outermost in: neither is
/// stored beside what it follows from. A field is identified by its path within the asset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// Its name in the case that the source reports.
    pub name: Name,
    /// The source's own text of the type: `numeric(12,2)`.
    pub native_type: Name,
    /// The normalised type.
    pub data_type: DataType,
    /// Whether it may hold NULL; `None` where the source does not say.
    pub nullable: Option<bool>,
    /// The default expression.
    #[serde(default)]
    pub default: Facet<Option<String>>,
    /// Whether the source numbers the rows.
    #[serde(default)]
    pub identity: Option<Identity>,
    /// The expression of a generated column.
    #[serde(default)]
    pub generated: Facet<Option<String>>,
    /// The comment on it.
    #[serde(default)]
    pub description: Facet<Option<String>>,
    /// Tags or labels on it.
    #[serde(default)]
    pub tags: Facet<Vec<String>>,
    /// The fields of a struct, of the elements of an array of structs, of the values of a map of structs.
    #[serde(default)]
    pub fields: Vec<Field>,
}

impl Field {
    /// A field of which nothing else is known.
    pub fn new(name: impl Into<Name>, native_type: impl Into<Name>, data_type: DataType) -> Self {
        Self {
            name: name.into(),
            native_type: native_type.into(),
            data_type,
            nullable: None,
            default: Facet::Unread,
            identity: None,
            generated: Facet::Unread,
            description: Facet::Unread,
            tags: Facet::Unread,
            fields: Vec::new(),
        }
    }

    /// The parts that a top-level field plays in the keys among these constraints, each once.
    pub fn key_roles(name: &str, constraints: &[Constraint]) -> Vec<KeyRole> {
        let mut roles: Vec<KeyRole> = constraints
            .iter()
            .filter(|constraint| constraint.fields.iter().any(|field| field == name))
            .filter_map(Constraint::key_role)
            .collect();
        roles.sort_unstable();
        roles.dedup();
        roles
    }

    /// About how many bytes it holds in memory.
    pub fn weight(&self) -> usize {
        let texts = [&self.default, &self.generated, &self.description];
        size_of::<Self>()
            + self.name.len()
            + self.native_type.len()
            + texts
                .iter()
                .map(|text| text.value().map_or(0, String::len))
                .sum::<usize>()
            + self.fields.iter().map(Self::weight).sum::<usize>()
    }
}

/// How the source numbers the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Identity {
    /// A value given by the writer is refused.
    Always,
    /// A value given by the writer wins.
    ByDefault,
}

/// The part that a field plays in a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyRole {
    /// In the primary key.
    Primary,
    /// In a unique key.
    Unique,
    /// In a foreign key.
    Foreign,
}
