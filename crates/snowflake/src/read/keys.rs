//! Primary, unique and foreign keys.

use super::shown::{List, Shown};
use crate::{row::Row, session::Session};
use headwater_core::{
    Error, Path, Result,
    model::{Constraint, ConstraintKind, Reference},
};
use std::collections::{BTreeMap, HashMap};

const PRIMARY: List = List {
    what: "PRIMARY KEYS",
    schema: "schema_name",
    paged: false,
};
const UNIQUE: List = List {
    what: "UNIQUE KEYS",
    schema: "schema_name",
    paged: false,
};
const FOREIGN: List = List {
    what: "IMPORTED KEYS",
    schema: "fk_schema_name",
    paged: false,
};

/// One column of a key.
#[derive(Debug)]
struct KeyColumn {
    sequence: u32,
    column: String,
    /// The column that a foreign key refers to.
    referred: Option<String>,
}

#[derive(Debug)]
struct Draft {
    kind: ConstraintKind,
    columns: Vec<KeyColumn>,
    /// The table that a foreign key refers to.
    referred: Option<Path>,
}

/// The keys of the tables of some schemas.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    /// By schema and table, then by the key's kind and name.
    tables: HashMap<(String, String), BTreeMap<(String, String), Draft>>,
    /// The schemas whose keys could not be read, and why.
    pub(crate) refused: BTreeMap<String, Error>,
}

impl Keys {
    /// Reads all keys: three statements where SHOW answers for the whole database.
    pub(crate) async fn read(
        session: &Session<'_>,
        database: &str,
        schemas: &[String],
        whole: bool,
    ) -> Result<Self> {
        let mut keys = Self::default();
        for list in [PRIMARY, UNIQUE, FOREIGN] {
            let mut shown = Shown::new(session, database, list, schemas.to_vec(), whole);
            while let Some((schema, row)) = shown.next().await? {
                match list.what {
                    "PRIMARY KEYS" => keys.add(schema, ConstraintKind::PRIMARY_KEY, row)?,
                    "UNIQUE KEYS" => keys.add(schema, ConstraintKind::UNIQUE, row)?,
                    _ => keys.add_foreign(schema, row)?,
                }
            }
            keys.refused.extend(shown.refused);
        }
        Ok(keys)
    }

    fn add(&mut self, schema: String, kind: ConstraintKind, mut row: Row) -> Result<()> {
        let table = row.require("table_name")?;
        let name = row.take("constraint_name").unwrap_or_default();
        let column = KeyColumn {
            sequence: row.number("key_sequence").unwrap_or(0),
            column: row.require("column_name")?,
            referred: None,
        };
        self.push((schema, table), kind, name, column, None);
        Ok(())
    }

    fn add_foreign(&mut self, schema: String, mut row: Row) -> Result<()> {
        let table = row.require("fk_table_name")?;
        let name = row.take("fk_name").unwrap_or_default();
        let path =
            ["pk_database_name", "pk_schema_name", "pk_table_name"].map(|column| row.take_text(column));
        let [Some(database), Some(referred_schema), Some(referred_table)] = path else {
            // The other side is out of the role's sight.
            return Ok(());
        };
        let column = KeyColumn {
            sequence: row.number("key_sequence").unwrap_or(0),
            column: row.require("fk_column_name")?,
            referred: row.take("pk_column_name"),
        };
        let referred = Path::new([database, referred_schema, referred_table]);
        self.push(
            (schema, table),
            ConstraintKind::FOREIGN_KEY,
            name,
            column,
            Some(referred),
        );
        Ok(())
    }

    fn push(
        &mut self,
        table: (String, String),
        kind: ConstraintKind,
        name: String,
        column: KeyColumn,
        referred: Option<Path>,
    ) {
        let keys = self.tables.entry(table).or_default();
        let draft = keys.entry((kind.to_string(), name)).or_insert_with(|| Draft {
            kind,
            columns: Vec::new(),
            referred,
        });
        draft.columns.push(column);
    }

    /// The keys of a table; `None` where they were not read.
    pub(crate) fn take(&mut self, schema: &str, table: &str) -> Option<Vec<Constraint>> {
        if self.refused.contains_key(schema) {
            return None;
        }
        let drafts = self.tables.remove(&(schema.to_owned(), table.to_owned()));
        let keys = drafts.unwrap_or_default().into_iter();
        Some(
            keys.map(|((_, name), draft)| draft.into_constraint(name))
                .collect(),
        )
    }
}

impl Draft {
    fn into_constraint(mut self, name: String) -> Constraint {
        self.columns.sort_by_key(|column| column.sequence);
        let fields = self.columns.iter().map(|column| column.column.clone());
        let mut constraint = Constraint::new(Some(name).filter(|name| !name.is_empty()), self.kind, fields);
        constraint.references = self.referred.map(|path| Reference {
            path,
            fields: self
                .columns
                .iter()
                .filter_map(|column| column.referred.clone())
                .collect(),
        });
        constraint
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{row::Columns, wire::ColumnType};

    fn row(cells: &[(&str, &str)]) -> Row {
        let types = cells.iter().map(|(name, _)| ColumnType {
            name: (*name).into(),
            ..ColumnType::default()
        });
        let columns = Columns::new(types.collect());
        Row::new(
            &columns,
            cells.iter().map(|(_, text)| Some((*text).into())).collect(),
        )
        .unwrap()
    }

    #[test]
    fn composite_keys_are_in_their_own_order_on_both_sides() {
        let mut keys = Keys::default();
        let part = |sequence, column, referred| {
            row(&[
                ("fk_table_name", "LINES"),
                ("fk_column_name", column),
                ("fk_name", "LINES_FK"),
                ("pk_database_name", "OTHER"),
                ("pk_schema_name", "S"),
                ("pk_table_name", "ORDERS"),
                ("pk_column_name", referred),
                ("key_sequence", sequence),
            ])
        };
        keys.add_foreign("S".into(), part("2", "LINE", "NO")).unwrap();
        keys.add_foreign("S".into(), part("1", "ORDER_ID", "ID")).unwrap();
        let found = keys.take("S", "LINES").unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].fields, ["ORDER_ID", "LINE"]);
        let other = found[0].references.as_ref().unwrap();
        assert_eq!(other.path, Path::new(["OTHER", "S", "ORDERS"]));
        assert_eq!(other.fields, ["ID", "NO"]);
        assert_eq!(keys.take("S", "LINES").unwrap(), []);
    }

    #[test]
    fn keys_that_were_not_read_are_not_none() {
        let mut keys = Keys::default();
        keys.refused.insert("S".into(), Error::stopped());
        assert_eq!(keys.take("S", "T"), None);
        assert_eq!(keys.take("OTHER", "T"), Some(vec![]));
    }
}
