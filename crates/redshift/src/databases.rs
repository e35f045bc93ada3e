//! Which databases there are to read, and through which each is entered.

use crate::{error, rows::DatabaseRow, session::Session};
use headwater_core::{Error, ErrorKind, Result, Selection};

/// A database to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Database {
    pub(crate) name: String,
    /// Made of a datashare: it is asked for in a local one.
    pub(crate) shared: bool,
}

/// What Redshift keeps for itself.
const INTERNAL: &[&str] = &["padb_harvest", "template0", "template1", "awsdatacatalog"];

/// The database that every cluster and workgroup is made with unless its maker says otherwise.
const FIRST: &str = "dev";

/// Where to ask for the list, in this order: those that are to be read, then the first of all.
pub(crate) fn entrances(selection: &Selection) -> Vec<&str> {
    let mut entrances: Vec<&str> = selection.names().iter().map(String::as_str).collect();
    if !entrances.contains(&FIRST) {
        entrances.push(FIRST);
    }
    entrances
}

/// The list of all databases cannot be asked for.
pub(crate) fn without_entrance(error: Error) -> Error {
    let detail = format!(
        "\"*\" asks the database {FIRST} for all others, and there is none of that name: name the databases"
    );
    Error::invalid_field("/config/databases", detail).with_source(error)
}

/// Whether another database may be open although this one is not.
pub(crate) fn is_of_one_database(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::NotFound | ErrorKind::PermissionDenied | ErrorKind::Unauthenticated
    )
}

/// The databases to read; all are those made of datashares only where these are `shared`. Where the list is refused,
/// those that are named are taken for local ones.
pub(crate) async fn list(session: &Session, selection: &Selection, shared: bool) -> Result<Vec<Database>> {
    let rows = session.query::<DatabaseRow>(include_str!("queries/databases.sql"), &[]);
    match (session.apart(rows).await, selection) {
        (Ok(rows), selection) => Ok(chosen(&rows, selection, shared)),
        (Err(error), Selection::Named(_)) if error::is_of_one_relation(&error) => {
            Ok(chosen(&[], selection, shared))
        }
        (Err(error), _) => Err(error),
    }
}

fn chosen(rows: &[DatabaseRow], selection: &Selection, shared: bool) -> Vec<Database> {
    let is_shared = |name: &str| {
        let row = rows.iter().find(|row| row.name == name);
        row.is_some_and(|row| row.kind == "shared")
    };
    match selection {
        Selection::Named(names) => {
            let database = |name: &String| Database {
                name: name.clone(),
                shared: is_shared(name),
            };
            names.iter().map(database).collect()
        }
        Selection::All => {
            let own = |name: &str| !INTERNAL.contains(&name) && !name.starts_with("sys:");
            let wanted = |row: &&DatabaseRow| match row.kind.as_str() {
                "local" => own(&row.name),
                kind => shared && kind == "shared",
            };
            let database = |row: &DatabaseRow| Database {
                name: row.name.clone(),
                shared: row.kind == "shared",
            };
            rows.iter().filter(wanted).map(database).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(selection: &Selection, shared: bool) -> Vec<(String, bool)> {
        let row = |name: &str, kind: &str| DatabaseRow {
            name: name.into(),
            kind: kind.into(),
        };
        let rows = [
            row("awsdatacatalog", "auto mounted catalog"),
            row("dev", "local"),
            row("partner", "shared"),
            row("padb_harvest", "local"),
            row("sys:internal", "local"),
        ];
        let chosen = chosen(&rows, selection, shared);
        chosen.into_iter().map(|one| (one.name, one.shared)).collect()
    }

    #[test]
    fn a_star_is_all_local_ones_and_datashares_on_request() {
        assert_eq!(names(&Selection::All, false), [("dev".into(), false)]);
        assert_eq!(
            names(&Selection::All, true),
            [("dev".into(), false), ("partner".into(), true)]
        );
    }

    #[test]
    fn a_name_tells_itself_whether_it_is_a_datashare() {
        let named = Selection::Named(vec!["partner".into(), "gone".into()]);
        assert_eq!(
            names(&named, false),
            [("partner".into(), true), ("gone".into(), false)]
        );
        assert_eq!(entrances(&named), ["partner", "gone", "dev"]);
    }
}
