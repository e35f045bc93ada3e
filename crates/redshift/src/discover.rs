//! Which schemas there are, and how the work is cut.

use crate::{
    access::{Part, explained},
    databases::Database,
    error,
    payload::Work,
    rows::{SchemaRow, TextRow},
    session::Session,
    usage,
    visibility::Sight,
};
use headwater_core::{Container, Listing, Path, Reason, Result, Scope, Split, Visibility};
use std::collections::HashSet;

/// About as many relations are one split.
const RELATIONS: i64 = 5000;
/// So many schemas are one split, however small.
const SCHEMAS: usize = 250;
/// So many schemas whose tables nobody has counted are one split.
const UNCOUNTED: usize = 25;

/// What is known of a database before it is read.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) containers: Vec<Container>,
    pub(crate) splits: Vec<Split>,
    pub(crate) identity: Option<String>,
}

/// Lists the schemas in scope of the session's database.
pub(crate) async fn local(
    session: &Session,
    scope: &Scope,
    sight: &Sight,
    include_external: bool,
) -> Result<Found> {
    let database = session.facts.database.as_str();
    let path = Path::new([database]);
    let rows = session.query::<SchemaRow>(include_str!("queries/schemas.sql"), &[]);
    let user = &session.facts.user;
    let mut schemas = session
        .apart(rows)
        .await
        .map_err(|error| explained(Part::Relations, error, user))?;
    schemas.retain(|schema| scope.admits_namespace(&path.child(&*schema.name)));
    let external = external(session).await?;
    let is_external = |schema: &SchemaRow| external.as_ref().is_some_and(|all| all.contains(&schema.name));
    let usable = schemas.iter().filter(|schema| schema.usable);
    let of_schemas = sight.of_schemas(usable.map(|schema| schema.name.as_str()));
    let mut found = Found {
        containers: vec![container(path.clone(), of_schemas)],
        splits: Vec::new(),
        identity: identity(session).await?,
    };
    let (outside, inside): (Vec<SchemaRow>, Vec<SchemaRow>) = schemas.into_iter().partition(is_external);
    for schema in &inside {
        let visibility = match external {
            Some(_) => sight.of_local(schema.usable),
            // It may be one whose tables are elsewhere.
            None => sight.by_grants(schema.usable),
        };
        found
            .containers
            .push(container(path.child(&*schema.name), visibility));
    }
    let unsure = external.is_none();
    let cut = cut(database, "", &Work::Local { unsure }, RELATIONS, SCHEMAS, &inside);
    found.splits.extend(cut);
    for schema in &outside {
        let mut container = container(path.child(&*schema.name), sight.by_grants(schema.usable));
        if !include_external {
            container.children = Listing::Skipped(left_out());
        }
        found.containers.push(container);
    }
    if include_external {
        let cut = self::cut(
            database,
            "external ",
            &Work::External,
            i64::MAX,
            UNCOUNTED,
            &outside,
        );
        found.splits.extend(cut);
    }
    Ok(found)
}

/// Lists the schemas in scope of a database made of a datashare, in a session on a local one.
pub(crate) async fn shared(session: &Session, database: &str, scope: &Scope, sight: &Sight) -> Result<Found> {
    let path = Path::new([database]);
    let sql = include_str!("queries/shared_schemas.sql");
    let values = [database];
    let rows = session.query::<TextRow>(sql, &values);
    let user = &session.facts.user;
    let rows = session
        .apart(rows)
        .await
        .map_err(|error| explained(Part::Datashares, error, user))?;
    let schemas: Vec<SchemaRow> = rows
        .into_iter()
        .filter_map(|row| row.text)
        .filter(|name| scope.admits_namespace(&path.child(&**name)))
        .map(|name| SchemaRow {
            name,
            relations: 0,
            usable: true,
        })
        .collect();
    let through = session.facts.database.clone();
    let own = std::iter::once(path.clone());
    let inside = schemas.iter().map(|schema| path.child(&*schema.name));
    Ok(Found {
        containers: own
            .chain(inside)
            .map(|path| container(path, sight.by_grants(true)))
            .collect(),
        splits: cut(
            database,
            "",
            &Work::Shared { through },
            i64::MAX,
            UNCOUNTED,
            &schemas,
        ),
        identity: None,
    })
}

/// A database that could not be opened: what is known of its content stays.
pub(crate) fn unopened(database: &Database, children: Listing) -> Container {
    Container {
        path: Path::new([database.name.as_str()]),
        children,
        visibility: Visibility::Fingerprint("not opened".into()),
    }
}

/// The names of schemas whose tables are elsewhere; `None` where the list is refused.
async fn external(session: &Session) -> Result<Option<HashSet<String>>> {
    match usage::external_schemas(session).await {
        Ok(rows) => Ok(Some(rows.into_iter().map(|row| row.name).collect())),
        Err(error) if error::is_of_one_relation(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The id of the namespace that holds the databases: it stays when a cluster is resized or restored in place.
async fn identity(session: &Session) -> Result<Option<String>> {
    let rows = session.query::<TextRow>(include_str!("queries/namespace_id.sql"), &[]);
    match session.apart(rows).await {
        Ok(rows) => Ok(rows.into_iter().find_map(|row| row.text)),
        Err(error) if error::is_of_one_relation(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

fn left_out() -> Reason {
    Reason {
        code: "external_left_out".into(),
        detail: "the config leaves external schemas out: include_external is false".into(),
        grant: None,
    }
}

fn container(path: Path, visibility: Visibility) -> Container {
    Container {
        path,
        children: Listing::Complete,
        visibility,
    }
}

fn cut(
    database: &str,
    what: &str,
    work: &Work,
    relations: i64,
    count: usize,
    schemas: &[SchemaRow],
) -> Vec<Split> {
    let mut groups: Vec<(Vec<Path>, i64)> = Vec::new();
    for schema in schemas {
        let path = Path::new([database, schema.name.as_str()]);
        match groups.last_mut() {
            Some((paths, size)) if paths.len() < count && *size + schema.relations <= relations => {
                paths.push(path);
                *size += schema.relations;
            }
            _ => groups.push((vec![path], schema.relations)),
        }
    }
    let payload = serde_json::to_value(work).unwrap_or_default();
    let split = |(index, (namespaces, _))| Split {
        id: format!("{database}#{what}{}", index + 1),
        namespaces,
        payload: payload.clone(),
    };
    groups.into_iter().enumerate().map(split).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_are_bounded_by_relations_and_by_schemas() {
        let schemas: Vec<SchemaRow> = [3000, 3000, 1, 1, 20_000]
            .iter()
            .enumerate()
            .map(|(index, relations)| SchemaRow {
                name: format!("s{index}"),
                relations: *relations,
                usable: true,
            })
            .collect();
        let sizes = |relations, count| -> Vec<usize> {
            let splits = cut("dev", "", &Work::External, relations, count, &schemas);
            let mut ids: Vec<_> = splits.iter().map(|split| split.id.clone()).collect();
            ids.dedup();
            assert_eq!(ids.len(), splits.len());
            splits.iter().map(|split| split.namespaces.len()).collect()
        };
        assert_eq!(sizes(5000, 250), [1, 3, 1]);
        assert_eq!(sizes(i64::MAX, 2), [2, 2, 1]);
    }
}
