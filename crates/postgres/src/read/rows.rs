//! The rows of the statements in `queries/`, column by column.

use super::cursor::OfRelation;
use crate::options;
use headwater_pg_wire::{FromRow, optional_text, text, texts};
use serde_json::{Map, Value};
use tokio_postgres::{Error, Row};

/// A single byte of PostgreSQL's type `"char"`.
fn letter(row: &Row, index: usize) -> Result<char, Error> {
    Ok(char::from(row.try_get::<_, i8>(index)?.cast_unsigned()))
}

/// A schema, or with oid 0 the database.
#[derive(Debug)]
pub(crate) struct NamespaceRow {
    pub(crate) oid: u32,
    pub(crate) name: String,
    pub(crate) owner: String,
    pub(crate) comment: Option<String>,
}

impl FromRow for NamespaceRow {
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            oid: row.try_get(0)?,
            name: text(row, 1)?,
            owner: text(row, 2)?,
            comment: optional_text(row, 3)?,
        })
    }
}

/// A database of the server.
#[derive(Debug)]
pub(crate) struct DatabaseRow {
    pub(crate) name: String,
    pub(crate) allows_connections: bool,
    pub(crate) may_connect: bool,
}

impl FromRow for DatabaseRow {
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            name: text(row, 0)?,
            allows_connections: row.try_get(1)?,
            may_connect: row.try_get(2)?,
        })
    }
}

/// A schema and its number of relations.
#[derive(Debug)]
pub(crate) struct SchemaRow {
    pub(crate) name: String,
    pub(crate) relations: i64,
}

impl FromRow for SchemaRow {
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            name: text(row, 0)?,
            relations: row.try_get(1)?,
        })
    }
}

/// One text.
#[derive(Debug)]
pub(crate) struct TextRow(pub(crate) String);

impl FromRow for TextRow {
    fn from_row(row: &Row) -> Result<Self, Error> {
        text(row, 0).map(Self)
    }
}

#[derive(Debug)]
pub(crate) struct ListingRow {
    pub(crate) oid: u32,
    pub(crate) namespace: u32,
    pub(crate) name: String,
    pub(crate) kind: char,
}

impl FromRow for ListingRow {
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            oid: row.try_get(0)?,
            namespace: row.try_get(1)?,
            name: text(row, 2)?,
            kind: letter(row, 3)?,
        })
    }
}

#[derive(Debug, Clone)]
pub(crate) struct RelationRow {
    pub(crate) oid: u32,
    pub(crate) namespace: u32,
    pub(crate) name: String,
    pub(crate) kind: char,
    pub(crate) persistence: char,
    pub(crate) owner: String,
    pub(crate) rows: f32,
    pub(crate) pages: i32,
    pub(crate) row_security: bool,
}

impl FromRow for RelationRow {
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            oid: row.try_get(0)?,
            namespace: row.try_get(1)?,
            name: text(row, 2)?,
            kind: letter(row, 3)?,
            persistence: letter(row, 4)?,
            owner: text(row, 5)?,
            rows: row.try_get(6)?,
            pages: row.try_get(7)?,
            row_security: row.try_get(8)?,
        })
    }
}

impl OfRelation for RelationRow {
    fn relation(&self) -> u32 {
        self.oid
    }
}

#[derive(Debug, Clone)]
pub(crate) struct ColumnRow {
    pub(crate) relation: u32,
    pub(crate) number: i16,
    pub(crate) name: String,
    pub(crate) type_oid: u32,
    pub(crate) type_modifier: i32,
    pub(crate) not_null: bool,
    pub(crate) identity: char,
    pub(crate) generated: char,
    pub(crate) has_default: bool,
}

impl FromRow for ColumnRow {
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            relation: row.try_get(0)?,
            number: row.try_get(1)?,
            name: text(row, 2)?,
            type_oid: row.try_get(3)?,
            type_modifier: row.try_get(4)?,
            not_null: row.try_get(5)?,
            identity: letter(row, 6)?,
            generated: letter(row, 7)?,
            has_default: row.try_get(8)?,
        })
    }
}

impl OfRelation for ColumnRow {
    fn relation(&self) -> u32 {
        self.relation
    }
}

#[derive(Debug, Clone)]
pub(crate) struct CommentRow {
    pub(crate) relation: u32,
    /// 0 for the relation itself.
    pub(crate) column: i32,
    pub(crate) text: String,
}

impl FromRow for CommentRow {
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            relation: row.try_get(0)?,
            column: row.try_get(1)?,
            text: text(row, 2)?,
        })
    }
}

impl OfRelation for CommentRow {
    fn relation(&self) -> u32 {
        self.relation
    }
}

#[derive(Debug, Clone)]
pub(crate) struct ConstraintRow {
    pub(crate) relation: u32,
    pub(crate) oid: u32,
    pub(crate) name: String,
    pub(crate) kind: char,
    pub(crate) columns: Vec<i16>,
    pub(crate) referred: Option<Referred>,
}

/// The other side of a foreign key.
#[derive(Debug, Clone)]
pub(crate) struct Referred {
    pub(crate) schema: String,
    pub(crate) table: String,
    pub(crate) columns: Vec<String>,
}

impl FromRow for ConstraintRow {
    fn from_row(row: &Row) -> Result<Self, Error> {
        let referred = match (optional_text(row, 5)?, optional_text(row, 6)?) {
            (Some(schema), Some(table)) => Some(Referred {
                schema,
                table,
                columns: texts(row, 7)?,
            }),
            _ => None,
        };
        Ok(Self {
            relation: row.try_get(0)?,
            oid: row.try_get(1)?,
            name: text(row, 2)?,
            kind: letter(row, 3)?,
            columns: row.try_get::<_, Option<Vec<i16>>>(4)?.unwrap_or_default(),
            referred,
        })
    }
}

impl OfRelation for ConstraintRow {
    fn relation(&self) -> u32 {
        self.relation
    }
}

/// A relation that a view reads.
#[derive(Debug, Clone)]
pub(crate) struct UpstreamRow {
    pub(crate) view: u32,
    pub(crate) schema: String,
    pub(crate) name: String,
}

impl FromRow for UpstreamRow {
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            view: row.try_get(0)?,
            schema: text(row, 1)?,
            name: text(row, 2)?,
        })
    }
}

impl OfRelation for UpstreamRow {
    fn relation(&self) -> u32 {
        self.view
    }
}

/// Where the rows of a foreign table are.
#[derive(Debug, Clone)]
pub(crate) struct ForeignTableRow {
    pub(crate) relation: u32,
    pub(crate) server: String,
    pub(crate) wrapper: String,
    pub(crate) options: Map<String, Value>,
    pub(crate) server_options: Map<String, Value>,
}

impl FromRow for ForeignTableRow {
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            relation: row.try_get(0)?,
            server: text(row, 1)?,
            wrapper: text(row, 2)?,
            options: options::shown(texts(row, 3)?),
            server_options: options::shown(texts(row, 4)?),
        })
    }
}

impl OfRelation for ForeignTableRow {
    fn relation(&self) -> u32 {
        self.relation
    }
}

/// How a partitioned table is cut.
#[derive(Debug, Clone)]
pub(crate) struct PartitioningRow {
    pub(crate) relation: u32,
    pub(crate) strategy: char,
    /// Numbers of the key's columns; 0 stands for an expression.
    pub(crate) columns: Vec<i16>,
    pub(crate) leaves: i64,
    /// Rows of the leaves that were ever analysed.
    pub(crate) rows: Option<f64>,
    pub(crate) pages: Option<i64>,
    /// Partitions of the table itself, not of its partitions.
    pub(crate) children: i64,
}

impl FromRow for PartitioningRow {
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            relation: row.try_get(0)?,
            strategy: letter(row, 1)?,
            columns: row.try_get(2)?,
            leaves: row.try_get(3)?,
            rows: row.try_get(4)?,
            pages: row.try_get(5)?,
            children: row.try_get(6)?,
        })
    }
}

impl OfRelation for PartitioningRow {
    fn relation(&self) -> u32 {
        self.relation
    }
}

/// A partition of a partitioned table.
#[derive(Debug, Clone)]
pub(crate) struct BoundRow {
    pub(crate) relation: u32,
    pub(crate) partition: String,
    pub(crate) bound: Option<String>,
}

impl FromRow for BoundRow {
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            relation: row.try_get(0)?,
            partition: text(row, 1)?,
            bound: optional_text(row, 2)?,
        })
    }
}

impl OfRelation for BoundRow {
    fn relation(&self) -> u32 {
        self.relation
    }
}

#[derive(Debug)]
pub(crate) struct NativeTypeRow {
    pub(crate) oid: u32,
    pub(crate) modifier: i32,
    pub(crate) text: String,
}

impl FromRow for NativeTypeRow {
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            oid: row.try_get(0)?,
            modifier: row.try_get(1)?,
            text: text(row, 2)?,
        })
    }
}

/// A type, and what it is made of.
#[derive(Debug, Clone, Default)]
pub(crate) struct TypeRow {
    pub(crate) oid: u32,
    pub(crate) name: String,
    /// `b`ase, `c`omposite, `d`omain, `e`num, `p`seudo, `r`ange, `m`ultirange.
    pub(crate) kind: char,
    pub(crate) not_null: bool,
    /// What a domain restricts, else 0.
    pub(crate) base: u32,
    pub(crate) base_modifier: i32,
    /// What an array repeats, else 0.
    pub(crate) element: u32,
    /// What a range or multirange spans, else 0.
    pub(crate) bound: u32,
    /// Labels of an enum.
    pub(crate) labels: Vec<String>,
    /// Attributes of a composite.
    pub(crate) members: Vec<Member>,
}

/// An attribute of a composite type.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) type_oid: u32,
    pub(crate) type_modifier: i32,
    pub(crate) native: String,
}

impl FromRow for TypeRow {
    fn from_row(row: &Row) -> Result<Self, Error> {
        let types: Option<Vec<u32>> = row.try_get(10)?;
        let modifiers: Option<Vec<i32>> = row.try_get(11)?;
        let members = texts(row, 9)?
            .into_iter()
            .zip(types.unwrap_or_default())
            .zip(modifiers.unwrap_or_default())
            .zip(texts(row, 12)?)
            .map(|(((name, type_oid), type_modifier), native)| Member {
                name,
                type_oid,
                type_modifier,
                native,
            })
            .collect();
        Ok(Self {
            oid: row.try_get(0)?,
            name: text(row, 1)?,
            kind: letter(row, 2)?,
            not_null: row.try_get(3)?,
            base: row.try_get(4)?,
            base_modifier: row.try_get(5)?,
            element: row.try_get(6)?,
            bound: row.try_get(7)?,
            labels: texts(row, 8)?,
            members,
        })
    }
}

/// A text that may have waited for a lock.
#[derive(Debug)]
pub(crate) struct TextOfRow {
    pub(crate) part: char,
    pub(crate) relation: u32,
    /// The column's number or the constraint's oid.
    pub(crate) place: i64,
    pub(crate) text: Option<String>,
}

impl FromRow for TextOfRow {
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            part: letter(row, 0)?,
            relation: row.try_get(1)?,
            place: row.try_get(2)?,
            text: optional_text(row, 3)?,
        })
    }
}
