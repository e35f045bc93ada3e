//! The rows of the statements in `queries/`, column by column: texts, int8s and bools.

use headwater_pg_wire::{FromRow, optional_text, text};
use tokio_postgres::{Error, Row};

/// Declares a row and how its columns are read, in their order.
macro_rules! row {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $field:ident: $kind:ty = $read:ident,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Default, PartialEq)]
        pub(crate) struct $name {
            $($(#[$doc])* pub(crate) $field: $kind,)*
        }

        impl FromRow for $name {
            fn from_row(row: &Row) -> Result<Self, Error> {
                let mut columns = 0..;
                let mut next = || columns.next().unwrap_or_default();
                Ok(Self { $($field: $read(row, next())?,)* })
            }
        }
    };
}

fn number(row: &Row, index: usize) -> Result<i64, Error> {
    row.try_get(index)
}

fn optional_number(row: &Row, index: usize) -> Result<Option<i64>, Error> {
    row.try_get(index)
}

fn flag(row: &Row, index: usize) -> Result<bool, Error> {
    row.try_get(index)
}

/// Absent is no.
fn optional_flag(row: &Row, index: usize) -> Result<bool, Error> {
    Ok(row.try_get::<_, Option<bool>>(index)?.unwrap_or_default())
}

row! {
    /// One text.
    TextRow { text: Option<String> = optional_text, }
}
/// Anything: whether a relation can be read.
#[derive(Debug)]
pub(crate) struct ProbeRow;

impl FromRow for ProbeRow {
    fn from_row(_: &Row) -> Result<Self, Error> {
        Ok(Self)
    }
}

row! {
    /// The user, and a group that it is in.
    PrincipalRow { superuser: bool = flag, group: Option<String> = optional_text, }
}
row! {
    /// A user or a role.
    IdentityRow { kind: String = text, name: String = text, }
}
row! {
    /// A database, `local` or `shared`.
    DatabaseRow { name: String = text, kind: String = text, }
}
row! {
    /// A schema, its number of relations, and whether the user may look into it.
    SchemaRow { name: String = text, relations: i64 = number, usable: bool = flag, }
}
row! {
    /// A schema whose tables are elsewhere, and whether the user sees them.
    ExternalSchemaRow {
        name: String = text,
        kind: i64 = number,
        database: Option<String> = optional_text,
        usable: bool = flag,
    }
}
row! {
    /// A schema's owner and comment.
    NamespaceRow { name: String = text, owner: Option<String> = optional_text, comment: Option<String> = optional_text, }
}
row! {
    /// What is there to be read.
    ListingRow {
        oid: i64 = number,
        schema: String = text,
        name: String = text,
        kind: String = text,
        columns: i64 = number,
    }
}
row! {
    /// A relation of the database itself.
    RelationRow {
        oid: i64 = number,
        schema: String = text,
        name: String = text,
        kind: String = text,
        owner: Option<String> = optional_text,
        dist_style: Option<i64> = optional_number,
    }
}
row! {
    /// A comment on a relation (0) or a column.
    CommentRow { relation: i64 = number, column: i64 = number, text: Option<String> = optional_text, }
}
row! {
    /// A column of a relation.
    ColumnRow {
        relation: i64 = number,
        number: i64 = number,
        name: String = text,
        native: String = text,
        not_null: bool = flag,
        default: Option<String> = optional_text,
        encoding: Option<String> = optional_text,
        dist_key: bool = optional_flag,
        /// From 1, alternating in its sign where interleaved; 0 is none.
        sort_key: Option<i64> = optional_number,
    }
}
row! {
    /// A constraint, and one of the columns that it refers to.
    ConstraintRow {
        relation: i64 = number,
        oid: i64 = number,
        name: String = text,
        kind: String = text,
        columns: Option<String> = optional_text,
        referred_columns: Option<String> = optional_text,
        schema: Option<String> = optional_text,
        table: Option<String> = optional_text,
        column_number: Option<i64> = optional_number,
        column: Option<String> = optional_text,
    }
}
row! {
    /// What a view reads.
    UpstreamRow { view: i64 = number, schema: String = text, name: String = text, }
}
row! {
    /// When a relation was made, and how it is distributed now.
    CreatedRow { relation: i64 = number, at: Option<String> = optional_text, dist_style: Option<i64> = optional_number, }
}
row! {
    /// A column of a late-binding view.
    LateBindingRow { relation: i64 = number, number: i64 = number, name: String = text, native: String = text, }
}
row! {
    /// The text that makes a view.
    DefinitionRow { relation: i64 = number, text: Option<String> = optional_text, }
}
row! {
    /// A key column of a table behind a materialized view.
    MaterializedKeyRow {
        schema: String = text,
        table: String = text,
        dist_style: Option<i64> = optional_number,
        column: String = text,
        dist_key: bool = optional_flag,
        sort_key: Option<i64> = optional_number,
    }
}
row! {
    /// How large a table is; in blocks of 1 MiB.
    TableInfoRow {
        schema: String = text,
        name: String = text,
        blocks: Option<i64> = optional_number,
        rows: Option<i64> = optional_number,
        visible_rows: Option<i64> = optional_number,
    }
}
row! {
    /// The state of a materialized view.
    MaterializedRow {
        schema: String = text,
        name: String = text,
        stale: Option<String> = optional_text,
        state: Option<i64> = optional_number,
        autorefresh: Option<String> = optional_text,
        autorewrite: Option<String> = optional_text,
    }
}
row! {
    /// A table of an external schema.
    ExternalTableRow {
        schema: String = text,
        name: String = text,
        kind: Option<String> = optional_text,
        location: Option<String> = optional_text,
        input_format: Option<String> = optional_text,
        output_format: Option<String> = optional_text,
        serialization: Option<String> = optional_text,
        compressed: Option<i64> = optional_number,
    }
}
row! {
    /// A column of such a table.
    ExternalColumnRow {
        schema: String = text,
        table: String = text,
        name: String = text,
        native: String = text,
        number: i64 = number,
        /// From 1; 0 is none.
        part_key: Option<i64> = optional_number,
        nullable: Option<String> = optional_text,
    }
}
row! {
    /// A table or view of a datashare.
    SharedTableRow {
        schema: String = text,
        name: String = text,
        kind: Option<String> = optional_text,
        remarks: Option<String> = optional_text,
        owner: Option<String> = optional_text,
    }
}
row! {
    /// A column of it.
    SharedColumnRow {
        schema: String = text,
        table: String = text,
        name: String = text,
        native: String = text,
        default: Option<String> = optional_text,
        nullable: Option<String> = optional_text,
        encoding: Option<String> = optional_text,
        dist_key: bool = optional_flag,
        sort_key: Option<i64> = optional_number,
        remarks: Option<String> = optional_text,
    }
}
