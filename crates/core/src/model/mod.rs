//! What a connector reports: namespaces, assets with their fields and constraints, lineage.
//!
//! The model is the union of what warehouses, lake catalogs and dbt know, in their own words plus a
//! small normalised vocabulary: [`Field::native_type`] is the source's text, [`Field::data_type`] ours.
//! Open sets (kinds of assets, of constraints, of lineage) are names, so that a connector can add one
//! without a change here.

mod asset;
mod data_type;
mod field;
mod lineage;

pub use asset::{
    Asset, AssetKind, Constraint, ConstraintKind, Definition, Namespace, Origin, Properties, Reference, Stat,
    Stats, Version,
};
pub use data_type::DataType;
pub use field::{Field, Identity, KeyRole};
pub use lineage::{FieldPair, Flow, LineageEdge, LineageEnd};

/// A short text: the name of a column, a type, a segment of a path. Up to 24 bytes of it need no allocation.
pub type Name = compact_str::CompactString;

/// Declares an open set of snake_case names with its well-known members.
macro_rules! open_names {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $member:ident = $text:literal,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(std::borrow::Cow<'static, str>);

        impl $name {
            $($(#[$doc])* pub const $member: Self = Self(std::borrow::Cow::Borrowed($text));)*

            /// A name of a connector's own, in snake_case.
            pub const fn custom(name: &'static str) -> Self {
                Self(std::borrow::Cow::Borrowed(name))
            }

            /// The name.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}
use open_names;
