//! What the role may read. Everyone may read pg_catalog unless an administrator revoked it; then the part
//! that needs it is left out, and the statement that gives it back is told.

use headwater_core::{Error, ErrorKind, Readable, Result};
use headwater_pg_wire::quote;

/// Something that a sync reads and that can be refused by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Which schemas and relations there are. Without it nothing can be read.
    Relations,
    Columns,
    Constraints,
    Comments,
    DatabaseComments,
    ViewDefinitions,
    Defaults,
    Checks,
    PartitionKeys,
    Lineage,
    Partitions,
    PartitionBounds,
    ForeignTables,
    ExactSizes,
    Identity,
}

/// A relation, or a function, of pg_catalog.
const RELATIONS: &[&str] = &[
    "pg_attrdef",
    "pg_attribute",
    "pg_class",
    "pg_constraint",
    "pg_database",
    "pg_depend",
    "pg_description",
    "pg_enum",
    "pg_foreign_data_wrapper",
    "pg_foreign_server",
    "pg_foreign_table",
    "pg_inherits",
    "pg_namespace",
    "pg_partitioned_table",
    "pg_range",
    "pg_rewrite",
    "pg_shdescription",
    "pg_type",
];
const FUNCTIONS: &[&str] = &[
    "pg_control_system()",
    "pg_get_constraintdef(oid)",
    "pg_get_expr(pg_node_tree,oid)",
    "pg_get_partkeydef(oid)",
    "pg_get_viewdef(oid)",
];
/// Of exact sizes, which few ask for.
const SIZES: &[&str] = &["pg_partition_tree(regclass)", "pg_total_relation_size(regclass)"];

impl Part {
    fn needs(self) -> &'static [&'static str] {
        match self {
            Self::Relations => &["pg_class", "pg_namespace", "pg_database"],
            Self::Columns => &["pg_attribute", "pg_type", "pg_enum", "pg_range"],
            Self::Constraints => &["pg_constraint", "pg_attribute"],
            Self::Comments => &["pg_description"],
            Self::DatabaseComments => &["pg_shdescription"],
            Self::ViewDefinitions => &["pg_rewrite", "pg_get_viewdef(oid)"],
            Self::Defaults => &["pg_attrdef", "pg_attribute", "pg_get_expr(pg_node_tree,oid)"],
            Self::Checks => &["pg_get_expr(pg_node_tree,oid)", "pg_get_constraintdef(oid)"],
            Self::PartitionKeys => &["pg_get_partkeydef(oid)"],
            Self::Lineage => &["pg_rewrite", "pg_depend"],
            Self::Partitions => &["pg_inherits", "pg_partitioned_table"],
            Self::PartitionBounds => &[
                "pg_inherits",
                "pg_partitioned_table",
                "pg_get_expr(pg_node_tree,oid)",
            ],
            Self::ForeignTables => &["pg_foreign_table", "pg_foreign_server", "pg_foreign_data_wrapper"],
            Self::ExactSizes => SIZES,
            Self::Identity => &["pg_control_system()"],
        }
    }

    /// What the reader of a warning calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Relations => "relations",
            Self::Columns => "columns",
            Self::Constraints => "constraints",
            Self::Comments => "comments",
            Self::DatabaseComments => "comments on databases",
            Self::ViewDefinitions => "view definitions",
            Self::Defaults => "defaults and generated columns",
            Self::Checks => "expressions of checks",
            Self::PartitionKeys => "expressions of partition keys",
            Self::Lineage => "lineage",
            Self::Partitions => "partitions",
            Self::PartitionBounds => "bounds of partitions",
            Self::ForeignTables => "servers and options of foreign tables",
            Self::ExactSizes => "exact sizes",
            Self::Identity => "the identity of the server",
        }
    }

    /// The parts behind a capability of the connector.
    pub(crate) fn of_capability(name: &str) -> &'static [Self] {
        match name {
            "columns" => &[Self::Columns],
            "constraints" => &[Self::Constraints, Self::Partitions],
            "comments" => &[Self::Comments, Self::DatabaseComments],
            "definitions" => &[
                Self::ViewDefinitions,
                Self::Defaults,
                Self::Checks,
                Self::PartitionKeys,
                Self::PartitionBounds,
                Self::ForeignTables,
            ],
            "lineage" => &[Self::Lineage],
            "row_counts" => &[Self::Partitions, Self::ExactSizes],
            _ => &[],
        }
    }

    /// The parts without which a sync still makes sense.
    pub(crate) const SECONDARY: &'static [Self] = &[
        Self::Columns,
        Self::Constraints,
        Self::Comments,
        Self::DatabaseComments,
        Self::ViewDefinitions,
        Self::Defaults,
        Self::Checks,
        Self::PartitionKeys,
        Self::Lineage,
        Self::Partitions,
        Self::PartitionBounds,
        Self::ForeignTables,
        Self::ExactSizes,
    ];
}

/// The names that [`Access::new`] is to be told about: relations, then functions. What is not asked about is
/// not refused.
pub(crate) fn names(exact_sizes: bool) -> (&'static [&'static str], Vec<&'static str>) {
    let sizes = if exact_sizes { SIZES } else { &[] };
    (RELATIONS, [FUNCTIONS, sizes].concat())
}

/// What one role may not read.
#[derive(Debug, Clone)]
pub(crate) struct Access {
    role: String,
    refused: Vec<String>,
}

impl Access {
    pub(crate) fn new(role: String, refused: Vec<String>) -> Self {
        Self { role, refused }
    }

    pub(crate) fn may(&self, part: Part) -> bool {
        self.refused(part).next().is_none()
    }

    /// The statements that give a part back.
    pub(crate) fn grant(&self, part: Part) -> Option<String> {
        let role = quote::identifier(&self.role);
        let statements: Vec<String> = self
            .refused(part)
            .map(|name| match name.contains('(') {
                true => format!("GRANT EXECUTE ON FUNCTION pg_catalog.{name} TO {role}"),
                false => format!("GRANT SELECT ON pg_catalog.{name} TO {role}"),
            })
            .collect();
        (!statements.is_empty()).then(|| statements.join("; "))
    }

    /// Whether all parts of a capability can be read.
    pub(crate) fn capability(&self, name: &str) -> Readable {
        let missing: Vec<Part> = Part::of_capability(name)
            .iter()
            .copied()
            .filter(|part| !self.may(*part))
            .collect();
        let parts: Vec<&str> = missing.iter().map(|part| part.name()).collect();
        let grants: Vec<String> = missing.iter().filter_map(|part| self.grant(*part)).collect();
        match missing.is_empty() {
            true => Readable::yes(),
            false => Readable::no(
                format!("{} cannot be read", parts.join(" and ")),
                grants.join("; "),
            ),
        }
    }

    /// # Errors
    /// `PermissionDenied` when not even the relations can be listed.
    pub(crate) fn require_relations(&self) -> Result<()> {
        match self.grant(Part::Relations) {
            None => Ok(()),
            Some(grant) => {
                let message = "the role may not read the catalogs that list schemas and relations";
                Err(Error::new(ErrorKind::PermissionDenied, message).with_grant(grant))
            }
        }
    }

    fn refused(&self, part: Part) -> impl Iterator<Item = &'static str> {
        let refused = |name: &&&str| self.refused.iter().any(|refused| refused == **name);
        part.needs().iter().filter(refused).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_part_names_its_grant() {
        let access = Access::new(
            "reader".into(),
            vec!["pg_rewrite".into(), "pg_get_viewdef(oid)".into()],
        );
        assert_eq!(
            access.grant(Part::Lineage).unwrap(),
            r#"GRANT SELECT ON pg_catalog.pg_rewrite TO "reader""#
        );
        let definitions = access.capability("definitions");
        assert!(!definitions.readable);
        assert!(
            definitions
                .grant
                .unwrap()
                .ends_with(r#"; GRANT EXECUTE ON FUNCTION pg_catalog.pg_get_viewdef(oid) TO "reader""#)
        );
        assert_eq!(access.capability("columns"), Readable::yes());
        access.require_relations().unwrap();
    }

    #[test]
    fn every_need_is_asked_for() {
        let (relations, functions) = names(true);
        let asked = [relations, &functions].concat();
        for part in Part::SECONDARY.iter().chain(&[Part::Relations, Part::Identity]) {
            for need in part.needs() {
                assert!(asked.contains(need), "{need}");
            }
        }
    }
}
