//! The types that columns have, read once each.

use super::rows::{ColumnRow, NativeTypeRow, TypeRow};
use crate::{
    session::Session,
    types::{Shape, Types},
};
use headwater_core::Result;
use headwater_pg_wire::Values;
use std::collections::{HashMap, HashSet};
use tokio_postgres::types::Type;

/// A column's type: the server's text and ours.
#[derive(Debug, Clone)]
pub(crate) struct ColumnType {
    pub(crate) native: String,
    pub(crate) shape: Shape,
}

/// The types met so far, by oid and modifier.
#[derive(Debug, Default)]
pub(crate) struct ColumnTypes {
    types: Types,
    known: HashMap<(u32, i32), ColumnType>,
}

impl ColumnTypes {
    /// The types of these columns that were not met before, as oid and modifier.
    pub(crate) fn unknown<'a>(&self, columns: impl Iterator<Item = &'a ColumnRow>) -> HashSet<(u32, i32)> {
        columns
            .map(|column| (column.type_oid, column.type_modifier))
            .filter(|key| !self.known.contains_key(key))
            .collect()
    }

    /// Reads types: rarely more than once in a split.
    pub(crate) async fn learn(&mut self, session: &Session, new: HashSet<(u32, i32)>) -> Result<()> {
        if new.is_empty() {
            return Ok(());
        }
        let (oids, modifiers): (Vec<u32>, Vec<i32>) = new.into_iter().unzip();
        let by_oid: Values<'_> = &[(&oids, Type::OID_ARRAY)];
        let by_both: Values<'_> = &[(&oids, Type::OID_ARRAY), (&modifiers, Type::INT4_ARRAY)];
        let (types, natives) = tokio::try_join!(
            session.query::<TypeRow>(include_str!("../queries/types.sql"), by_oid),
            session.query::<NativeTypeRow>(include_str!("../queries/native_types.sql"), by_both),
        )?;
        self.types.extend(types);
        for row in natives {
            let shape = self.types.shape(row.oid, row.modifier);
            let column_type = ColumnType {
                native: row.text,
                shape,
            };
            self.known.insert((row.oid, row.modifier), column_type);
        }
        Ok(())
    }

    pub(crate) fn get(&self, column: &ColumnRow) -> Option<&ColumnType> {
        self.known.get(&(column.type_oid, column.type_modifier))
    }
}
