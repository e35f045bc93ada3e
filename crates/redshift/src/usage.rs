//! Which external schemas the user may not use: it sees them, and none of their tables.
//!
//! The catalogs of the database itself show every relation whether or not its schema may be used. Lists of external
//! tables show a user only its own, without an error: an empty list of such a schema says nothing.
//! <https://docs.aws.amazon.com/redshift/latest/dg/cm_chap_system-tables.html#c_visibility-of-data>

use crate::{
    access::{Part, explained},
    error,
    rows::ExternalSchemaRow,
    session::Session,
};
use headwater_core::{Error, ErrorKind, Path, Readable, Result, Scope};
use headwater_pg_wire::quote;

/// Schemas that a report names; of more it tells the number.
const NAMED: usize = 10;

/// The external schemas of the session's database.
pub(crate) async fn external_schemas(session: &Session) -> Result<Vec<ExternalSchemaRow>> {
    let rows = session.query(include_str!("queries/external_schemas.sql"), &[]);
    session.apart(rows).await
}

/// Why the tables of a schema are not listed.
pub(crate) fn missing(schema: &str, user: &str) -> Error {
    let message = "the user may not use this external schema, so its tables are hidden: grant it, or leave the schema \
                   out with filters.exclude_schemas";
    Error::new(ErrorKind::PermissionDenied, message).with_grant(grant(&[schema], user))
}

/// What `check` says of external schemas that are in scope.
pub(crate) async fn readable(session: &Session, scope: &Scope) -> Result<Readable> {
    let facts = &session.facts;
    let database = Path::new([facts.database.as_str()]);
    match external_schemas(session).await {
        Ok(mut schemas) => {
            schemas.retain(|schema| !schema.usable && scope.admits_namespace(&database.child(&*schema.name)));
            schemas.sort_by(|one, other| one.name.cmp(&other.name));
            let names: Vec<&str> = schemas.iter().map(|schema| schema.name.as_str()).collect();
            Ok(of_unusable(&facts.database, &names, &facts.user))
        }
        Err(error) if error::is_of_one_relation(&error) => {
            let part = Part::ExternalSchemas;
            let error = explained(part, error, &facts.user);
            Ok(Readable {
                readable: false,
                detail: Some(format!("{} cannot be read: {}", part.name(), error.message())),
                grant: error.grant().map(str::to_owned),
            })
        }
        Err(error) => Err(error),
    }
}

fn of_unusable(database: &str, schemas: &[&str], user: &str) -> Readable {
    let named: Vec<&str> = schemas.iter().take(NAMED).copied().collect();
    if named.is_empty() {
        return Readable::yes();
    }
    let more = match schemas.len() - named.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let detail = format!(
        "the user may not use external schemas of database {database}, so their tables are hidden: {}{more}",
        named.join(", ")
    );
    Readable::no(detail, grant(&named, user))
}

fn grant(schemas: &[&str], user: &str) -> String {
    let schemas: Vec<String> = schemas.iter().map(|name| quote::identifier(name)).collect();
    format!(
        "GRANT USAGE ON SCHEMA {} TO {}",
        schemas.join(", "),
        quote::identifier(user)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_schemas_are_named_and_the_rest_are_counted() {
        assert_eq!(of_unusable("dev", &[], "reader"), Readable::yes());
        let two = of_unusable("dev", &["lake", "o\"dd"], "IAM:reader");
        assert!(!two.readable);
        assert!(
            two.detail
                .unwrap()
                .ends_with("database dev, so their tables are hidden: lake, o\"dd")
        );
        assert_eq!(
            two.grant.unwrap(),
            r#"GRANT USAGE ON SCHEMA "lake", "o""dd" TO "IAM:reader""#
        );
        let names: Vec<String> = (0..NAMED + 3).map(|n| format!("s{n:02}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let many = of_unusable("dev", &names, "reader");
        assert!(many.detail.unwrap().ends_with("s08, s09 and 3 more"));
        assert!(many.grant.unwrap().contains(r#""s09" TO"#));
    }
}
