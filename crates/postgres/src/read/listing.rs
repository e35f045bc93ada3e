//! What a snapshot holds of a split: its schemas, and the relations that are still to be read.

use super::rows::{ListingRow, NamespaceRow};
use crate::{access::Part, convert, session::Session};
use headwater_core::{Path, Result, Scope, Split, model::Namespace};
use headwater_pg_wire::Values;
use std::collections::{BTreeMap, HashMap, HashSet};
use tokio_postgres::types::Type;

/// The schemas of a split as one snapshot has them.
#[derive(Debug, Default)]
pub(super) struct Schemas {
    /// The database's own description and those of the schemas.
    pub(super) described: Vec<Namespace>,
    /// By oid.
    pub(super) paths: HashMap<u32, Path>,
}

/// Reads the schemas by name: one that was replaced by another has a new oid.
pub(super) async fn schemas(session: &Session, database: &str, split: &Split) -> Result<Schemas> {
    let names: Vec<&str> = split.namespaces.iter().filter_map(Path::name).collect();
    let access = &session.facts.access;
    let (commented, shared) = (access.may(Part::Comments), access.may(Part::DatabaseComments));
    let values: Values<'_> = &[
        (&names, Type::TEXT_ARRAY),
        (&commented, Type::BOOL),
        (&shared, Type::BOOL),
    ];
    let rows: Vec<NamespaceRow> = session
        .query(include_str!("../queries/namespaces.sql"), values)
        .await?;
    let mut schemas = Schemas::default();
    for row in rows {
        schemas.described.push(if row.oid == 0 {
            convert::namespace(Path::new([database]), "database", row, shared)
        } else {
            let path = Path::new([database, row.name.as_str()]);
            schemas.paths.insert(row.oid, path.clone());
            convert::namespace(path, "schema", row, commented)
        });
    }
    Ok(schemas)
}

/// The names that were read, by schema. An oid would not do: a table that was read and then takes the name of
/// another stands at a path that was not read.
#[derive(Debug, Default)]
pub(super) struct Seen(HashMap<Path, HashSet<String>>);

impl Seen {
    pub(super) fn insert(&mut self, schema: &Path, name: &str) {
        match self.0.get_mut(schema) {
            Some(names) => names.insert(name.to_owned()),
            None => self.0.entry(schema.clone()).or_default().insert(name.to_owned()),
        };
    }

    fn holds(&self, schema: Option<&Path>, name: &str) -> bool {
        let names = schema.and_then(|schema| self.0.get(schema));
        names.is_some_and(|names| names.contains(name))
    }
}

/// The relations of a snapshot.
#[derive(Debug, Default)]
pub(super) struct Relations {
    /// In scope, and not seen before.
    pub(super) listed: Vec<Listed>,
    /// The number of those of a kind that is unknown.
    pub(super) unknown: BTreeMap<char, usize>,
}

/// A relation that becomes an asset.
#[derive(Debug, Clone, Copy)]
pub(super) struct Listed {
    pub(super) oid: u32,
    pub(super) kind: char,
}

/// Lists the relations of these schemas.
pub(super) async fn relations(
    session: &Session,
    schemas: &HashMap<u32, Path>,
    scope: &Scope,
    seen: &Seen,
) -> Result<Relations> {
    let oids: Vec<u32> = schemas.keys().copied().collect();
    let values: Values<'_> = &[(&oids, Type::OID_ARRAY)];
    let rows: Vec<ListingRow> = session
        .query(include_str!("../queries/listing.sql"), values)
        .await?;
    let mut relations = Relations::default();
    for row in rows {
        if convert::kind(row.kind).is_none() {
            *relations.unknown.entry(row.kind).or_default() += 1;
        } else if scope.admits_table(&row.name) && !seen.holds(schemas.get(&row.namespace), &row.name) {
            relations.listed.push(Listed {
                oid: row.oid,
                kind: row.kind,
            });
        }
    }
    Ok(relations)
}
