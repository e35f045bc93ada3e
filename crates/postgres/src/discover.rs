//! Which schemas there are, and how the work is cut.

use crate::{
    access::Part,
    read::rows::{SchemaRow, TextRow},
    session::Session,
};
use headwater_core::{Container, Listing, Path, Result, Scope, Split, Visibility};

/// A database of fewer relations is one split; a larger one is cut into splits of about as many.
const SPLIT: i64 = 5000;

/// What is known of a database before it is read.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) containers: Vec<Container>,
    pub(crate) splits: Vec<Split>,
    pub(crate) identity: Option<String>,
}

/// Lists the schemas in scope of the session's database.
pub(crate) async fn list(session: &Session, database: &str, scope: &Scope) -> Result<Found> {
    session.facts.access.require_relations()?;
    let mut schemas: Vec<SchemaRow> = session.query(include_str!("queries/schemas.sql"), &[]).await?;
    let path = Path::new([database]);
    schemas.retain(|schema| scope.admits_namespace(&path.child(&*schema.name)));
    let container = |path| Container {
        path,
        children: Listing::Complete,
        visibility: Visibility::Everyone,
    };
    let own = std::iter::once(container(path.clone()));
    let inside = schemas.iter().map(|schema| container(path.child(&*schema.name)));
    Ok(Found {
        containers: own.chain(inside).collect(),
        splits: cut(database, &schemas),
        identity: identity(session).await?,
    })
}

/// A database that could not be opened: what is known of its content stays.
pub(crate) fn unopened(database: &str, children: Listing) -> Container {
    Container {
        path: Path::new([database]),
        children,
        visibility: Visibility::Everyone,
    }
}

/// The cluster's own number. A replica has that of its primary.
async fn identity(session: &Session) -> Result<Option<String>> {
    if !session.facts.access.may(Part::Identity) {
        return Ok(None);
    }
    let rows: Vec<TextRow> = session.query(include_str!("queries/identity.sql"), &[]).await?;
    Ok(rows.into_iter().next().map(|row| row.0))
}

fn cut(database: &str, schemas: &[SchemaRow]) -> Vec<Split> {
    let mut groups: Vec<(Vec<Path>, i64)> = Vec::new();
    for schema in schemas {
        let path = Path::new([database, schema.name.as_str()]);
        match groups.last_mut() {
            Some((paths, size)) if *size + schema.relations <= SPLIT => {
                paths.push(path);
                *size += schema.relations;
            }
            _ => groups.push((vec![path], schema.relations)),
        }
    }
    let split = |(index, (namespaces, _))| Split {
        id: format!("{database}#{}", index + 1),
        namespaces,
        payload: serde_json::Value::Null,
    };
    groups.into_iter().enumerate().map(split).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut_sizes(sizes: &[i64]) -> Vec<usize> {
        let schemas: Vec<SchemaRow> = sizes
            .iter()
            .enumerate()
            .map(|(index, relations)| SchemaRow {
                name: format!("s{index}"),
                relations: *relations,
            })
            .collect();
        cut("shop", &schemas)
            .iter()
            .map(|split| split.namespaces.len())
            .collect()
    }

    #[test]
    fn small_databases_are_one_split_and_large_schemas_stay_whole() {
        assert_eq!(cut_sizes(&[]), [0; 0]);
        assert_eq!(cut_sizes(&[10, 0, 4000]), [3]);
        assert_eq!(cut_sizes(&[3000, 3000, 1000, 20_000, 1]), [1, 2, 1, 1]);
    }

    #[test]
    fn split_ids_differ() {
        let schemas = [("a", 5000), ("b", 5000)].map(|(name, relations)| SchemaRow {
            name: name.into(),
            relations,
        });
        let ids: Vec<String> = cut("shop", &schemas).into_iter().map(|split| split.id).collect();
        assert_eq!(ids, ["shop#1", "shop#2"]);
    }
}
