use headwater_core::{Facet, model::Asset};
use std::fmt;

/// A part of an asset that is read apart from the list, and may be refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Columns.
    Fields,
    /// Keys and checks.
    Constraints,
    /// The query that makes it.
    Definition,
    /// Sizes and times.
    Stats,
    /// Edges into it.
    Lineage,
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Fields,
        Self::Constraints,
        Self::Definition,
        Self::Stats,
        Self::Lineage,
    ];

    /// Its name, as in the code of a warning: `constraints`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fields => "fields",
            Self::Constraints => "constraints",
            Self::Definition => "definition",
            Self::Stats => "stats",
            Self::Lineage => "lineage",
        }
    }

    /// Takes it away from an asset.
    pub fn set_unread(self, asset: &mut Asset) {
        match self {
            Self::Fields => asset.fields = Facet::Unread,
            Self::Constraints => asset.constraints = Facet::Unread,
            Self::Definition => asset.definition = Facet::Unread,
            Self::Stats => asset.stats = Facet::Unread,
            Self::Lineage => {}
        }
    }

    /// Whether an asset carries no answer for it. Lineage is no part of the asset itself: always true.
    pub fn is_unread(self, asset: &Asset) -> bool {
        match self {
            Self::Fields => asset.fields.is_unread(),
            Self::Constraints => asset.constraints.is_unread(),
            Self::Definition => asset.definition.is_unread(),
            Self::Stats => asset.stats.is_unread(),
            Self::Lineage => true,
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
