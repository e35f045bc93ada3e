//! The keys of a table, from the rows of `queries/keys.sql`.

use super::cursor::Row;
use crate::resource::{ColumnReference, ForeignKey, PrimaryKey, TableConstraints, TableReference};

/// The keys in the rows of one table.
pub(super) fn constraints(rows: &[Row]) -> TableConstraints {
    let mut all = TableConstraints::default();
    for row in rows {
        let column = row.text("column_name").unwrap_or_default().to_owned();
        match row.text("constraint_type") {
            Some("PRIMARY KEY") => all.primary_key.get_or_insert_default().columns.push(column),
            Some("FOREIGN KEY") => add_reference(&mut all.foreign_keys, row, column),
            _ => {}
        }
    }
    all.primary_key = all.primary_key.filter(|key: &PrimaryKey| !key.columns.is_empty());
    all
}

/// The API gives the name of a foreign key without that of its table: `fk` for `orders.fk`.
fn add_reference(keys: &mut Vec<ForeignKey>, row: &Row, column: String) {
    let of = |name| row.text(name).unwrap_or_default().to_owned();
    let (table, full) = (of("table_name"), of("constraint_name"));
    let prefix = format!("{table}.");
    let name = full.strip_prefix(&prefix).unwrap_or(&full).to_owned();
    if keys.last().is_none_or(|last| last.name.as_ref() != Some(&name)) {
        keys.push(ForeignKey {
            name: Some(name),
            referenced_table: TableReference {
                project_id: of("referenced_project"),
                dataset_id: of("referenced_dataset"),
                table_id: of("referenced_table"),
            },
            column_references: Vec::new(),
        });
    }
    if let Some(key) = keys.last_mut() {
        key.column_references.push(ColumnReference {
            referencing_column: column,
            referenced_column: of("referenced_column"),
        });
    }
}
