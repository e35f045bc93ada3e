//! What may be refused by itself, and the statement that gives it back.

use crate::{error, rows::ProbeRow, session::Session};
use headwater_core::{Error, Readable, Result};
use headwater_pg_wire::quote;
use std::collections::BTreeMap;

/// Something that a sync reads and that can be refused without the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    /// Which relations there are. Without it nothing can be read.
    Relations,
    Columns,
    LateBindingColumns,
    Constraints,
    Comments,
    Definitions,
    Lineage,
    Created,
    Sizes,
    MaterializedViews,
    ExternalSchemas,
    ExternalTables,
    Datashares,
}

impl Part {
    /// The relations, or functions, that it is read from.
    fn needs(self) -> &'static [&'static str] {
        match self {
            Self::Relations => &["pg_class", "pg_namespace", "pg_user"],
            Self::Columns => &["pg_attribute", "pg_attrdef"],
            Self::LateBindingColumns => &["pg_get_late_binding_view_cols()"],
            Self::Constraints => &["pg_constraint", "pg_attribute"],
            Self::Comments => &["pg_description"],
            Self::Definitions => &["pg_rewrite"],
            Self::Lineage => &["pg_depend", "pg_rewrite"],
            Self::Created => &["pg_class_info"],
            Self::Sizes => &["svv_table_info"],
            Self::MaterializedViews => &["svv_mv_info"],
            Self::ExternalSchemas => &["pg_external_schema"],
            Self::ExternalTables => &["svv_external_tables", "svv_external_columns"],
            Self::Datashares => &[
                "svv_redshift_databases",
                "svv_redshift_schemas",
                "svv_redshift_tables",
                "svv_redshift_columns",
            ],
        }
    }

    /// What the reader of a warning calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Relations => "relations",
            Self::Columns => "columns",
            Self::LateBindingColumns => "columns of late-binding views",
            Self::Constraints => "constraints",
            Self::Comments => "comments",
            Self::Definitions => "view definitions",
            Self::Lineage => "lineage",
            Self::Created => "times of creation",
            Self::Sizes => "row counts and sizes",
            Self::MaterializedViews => "states of materialized views",
            Self::ExternalSchemas => "external schemas",
            Self::ExternalTables => "external tables",
            Self::Datashares => "datashares",
        }
    }

    /// The parts behind a capability of the connector.
    fn of_capability(name: &str) -> &'static [Self] {
        match name {
            "columns" => &[Self::Columns, Self::LateBindingColumns],
            "constraints" => &[Self::Constraints],
            "comments" => &[Self::Comments],
            "definitions" => &[Self::Definitions, Self::MaterializedViews],
            "lineage" => &[Self::Lineage],
            "row_counts" => &[Self::Sizes, Self::Created],
            "external_tables" => &[Self::ExternalSchemas, Self::ExternalTables],
            "datashares" => &[Self::Datashares],
            _ => &[],
        }
    }
}

/// The statements that give the user a part back. `relation` is the one that the server named, where it did.
fn grant(part: Part, user: &str, relation: Option<&str>) -> String {
    let user = quote::identifier(user);
    let needs = part.needs();
    let named = needs.iter().find(|need| relation == Some(**need));
    let wanted = named.map_or(needs, std::slice::from_ref);
    let statements = wanted.iter().map(|name| match name.contains('(') {
        true => format!("GRANT EXECUTE ON FUNCTION {name} TO {user}"),
        false => format!("GRANT SELECT ON {name} TO {user}"),
    });
    statements.collect::<Vec<_>>().join("; ")
}

/// A statement that failed, and what it was to read.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) part: Part,
    pub(crate) error: Error,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let part = Part::Relations;
        Self { part, error }
    }
}

/// The parts that were refused in this split, and why.
#[derive(Debug, Default)]
pub(crate) struct Refused(BTreeMap<Part, String>);

impl Refused {
    pub(crate) fn holds(&self, part: Part) -> bool {
        self.0.contains_key(&part)
    }

    /// Takes note of a part that the rest can go on without.
    ///
    /// # Errors
    /// The refusal's own, where the rest cannot.
    pub(crate) fn note(&mut self, refusal: Refusal, user: &str) -> Result<()> {
        let Refusal { part, error } = refusal;
        if part == Part::Relations || self.holds(part) || !error::is_of_one_relation(&error) {
            return Err(explained(part, error, user));
        }
        let detail = format!("{} are not read: {}", part.name(), explained(part, error, user));
        self.0.insert(part, detail);
        Ok(())
    }

    /// One text for each part.
    pub(crate) fn details(&self) -> impl Iterator<Item = &str> {
        self.0.values().map(String::as_str)
    }
}

/// The error with the grant that it asks for.
pub(crate) fn explained(part: Part, error: Error, user: &str) -> Error {
    match error.kind() {
        headwater_core::ErrorKind::PermissionDenied if error.grant().is_none() => {
            let grant = grant(part, user, error::relation(&error).as_deref());
            error.with_grant(grant)
        }
        _ => error,
    }
}

/// Whether all parts of a capability can be read: each relation is asked, as a `has_table_privilege` would not
/// show what a workgroup refuses by nature.
pub(crate) async fn capability(session: &Session, name: &str) -> Result<Readable> {
    let (mut details, mut grants) = (Vec::new(), Vec::new());
    for part in Part::of_capability(name) {
        for need in part.needs() {
            let Err(error) = probe(session, need).await else {
                continue;
            };
            if !error::is_of_one_relation(&error) {
                return Err(error);
            }
            details.push(format!(
                "{} cannot be read: {need}: {}",
                part.name(),
                error.message()
            ));
            if error.kind() == headwater_core::ErrorKind::PermissionDenied {
                grants.push(grant(*part, &session.facts.user, Some(need)));
            }
        }
    }
    Ok(match details.is_empty() {
        true => Readable::yes(),
        false => Readable {
            readable: false,
            detail: Some(details.join("; ")),
            grant: (!grants.is_empty()).then(|| grants.join("; ")),
        },
    })
}

async fn probe(session: &Session, need: &str) -> Result<()> {
    let sql = match need.contains('(') {
        true => format!(
            "SELECT 1::bigint FROM {need} AS l(view_schema name, view_name name, col_name name, col_type varchar, \
             col_num int) LIMIT 1"
        ),
        false => format!("SELECT 1::bigint FROM {need} LIMIT 1"),
    };
    let rows = session.query::<ProbeRow>(&sql, &[]);
    session.apart(rows).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use headwater_core::ErrorKind;

    fn denied() -> Error {
        Error::new(ErrorKind::PermissionDenied, "the role may not read this")
    }

    #[test]
    fn the_grant_names_the_relation_that_the_server_named() {
        assert_eq!(
            grant(Part::Sizes, "IAM:reader", None),
            r#"GRANT SELECT ON svv_table_info TO "IAM:reader""#
        );
        assert_eq!(
            grant(Part::Lineage, "r", Some("pg_depend")),
            r#"GRANT SELECT ON pg_depend TO "r""#
        );
        assert_eq!(
            grant(Part::LateBindingColumns, "r", None),
            r#"GRANT EXECUTE ON FUNCTION pg_get_late_binding_view_cols() TO "r""#
        );
    }

    #[test]
    fn a_part_may_be_refused_once_and_relations_never() {
        let mut refused = Refused::default();
        let refusal = |part| Refusal {
            part,
            error: denied(),
        };
        refused.note(refusal(Part::Comments), "r").unwrap();
        assert!(refused.holds(Part::Comments));
        let detail = refused.details().next().unwrap();
        assert!(
            detail.ends_with(r#"run: GRANT SELECT ON pg_description TO "r""#),
            "{detail}"
        );
        assert!(refused.note(refusal(Part::Comments), "r").is_err());
        assert!(refused.note(refusal(Part::Relations), "r").is_err());
        let broken = Refusal {
            part: Part::Lineage,
            error: Error::new(ErrorKind::Unavailable, "gone"),
        };
        assert!(refused.note(broken, "r").is_err());
    }
}
