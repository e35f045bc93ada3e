//! Which databases there are, where the config asks for all of them.
//!
//! `pg_database` shows every database to every role, so its list is complete whatever the role may do. A
//! database that the role may not enter stays in that list as a container that is skipped: what was read of it
//! before is kept, while a database that was dropped is no longer listed, and so is gone. A
//! fingerprint of the list would not do: it would hold back the removals of databases that were dropped, too.

use crate::{error, read::rows::DatabaseRow, session::Session};
use headwater_core::{Error, ErrorKind, Result};
use headwater_pg_wire::quote;

/// A database to read.
#[derive(Debug)]
pub(crate) struct Database {
    pub(crate) name: String,
    /// Why the role cannot enter it, where the server says so beforehand.
    pub(crate) refused: Option<Error>,
}

impl Database {
    pub(crate) fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            refused: None,
        }
    }
}

/// Where to ask for the list, in this order: `postgres` is there to be connected to, one of the role's own
/// name is libpq's default, and a connection to `template1` would keep others from creating databases.
pub(crate) fn entrances(role: &str) -> [&str; 3] {
    ["postgres", role, "template1"]
}

/// All databases of users.
pub(crate) async fn list(session: &Session, role: &str) -> Result<Vec<Database>> {
    let rows: Vec<DatabaseRow> = session.query(include_str!("queries/databases.sql"), &[]).await?;
    Ok(rows.into_iter().map(|row| database(row, role)).collect())
}

fn database(row: DatabaseRow, role: &str) -> Database {
    let refusal =
        |message: &'static str, grant| Error::new(ErrorKind::PermissionDenied, message).with_grant(grant);
    let refused = if !row.allows_connections {
        let name = quote::identifier(&row.name);
        let grant = format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true");
        Some(refusal("the database allows no connections", grant))
    } else if !row.may_connect {
        let grant = error::grant_connect(role, &row.name);
        Some(refusal("the role may not connect to the database", grant))
    } else {
        None
    };
    Database {
        name: row.name,
        refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(allows_connections: bool, may_connect: bool) -> Option<String> {
        let row = DatabaseRow {
            name: "Shop".into(),
            allows_connections,
            may_connect,
        };
        database(row, "reader").refused.map(|error| error.to_string())
    }

    #[test]
    fn what_the_role_cannot_enter_names_its_remedy() {
        assert_eq!(refused(true, true), None);
        let told = refused(true, false).unwrap();
        assert!(
            told.ends_with(r#"; run: GRANT CONNECT ON DATABASE "Shop" TO "reader""#),
            "{told}"
        );
        let told = refused(false, true).unwrap();
        assert!(
            told.ends_with(r#"; run: ALTER DATABASE "Shop" ALLOW_CONNECTIONS true"#),
            "{told}"
        );
    }
}
