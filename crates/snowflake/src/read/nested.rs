//! The types inside structured columns: fields of objects, elements of arrays, keys and values of maps.

use crate::{quote, row::Row, session::Session, types::TypeRow};
use headwater_core::{
    Result,
    model::{DataType, Field},
};
use std::collections::HashMap;

/// How deep types are followed.
const DEPTH: usize = 16;

/// A type inside another.
#[derive(Debug, Clone)]
struct Inner {
    ordinal: u32,
    name: String,
    kind: TypeRow,
}

/// The inner types of a database, by the identifier of what they are inside of.
#[derive(Debug, Default)]
pub(crate) struct Nested(HashMap<(String, String, String), Vec<Inner>>);

/// A type with all that is inside of it.
#[derive(Debug, PartialEq)]
pub(crate) struct Shape {
    pub(crate) native: String,
    pub(crate) data_type: DataType,
    pub(crate) fields: Vec<Field>,
}

impl Nested {
    /// Reads the inner types of all structured columns of a database: there are few.
    pub(crate) async fn read(session: &Session<'_>, database: &str) -> Result<Self> {
        let sql = include_str!("../queries/nested.sql").replace("{database}", &quote::identifier(database));
        let mut rows = session.query(&sql, &[]).await?;
        let mut nested = Self::default();
        while let Some(row) = session.next(&mut rows).await? {
            nested.add(row)?;
        }
        for inner in nested.0.values_mut() {
            inner.sort_by_key(|inner| inner.ordinal);
        }
        Ok(nested)
    }

    fn add(&mut self, mut row: Row) -> Result<()> {
        let key = (
            row.require("OBJECT_SCHEMA")?,
            row.require("OBJECT_NAME")?,
            row.require("OWNER_IDENTIFIER")?,
        );
        let inner = Inner {
            ordinal: row.number("ORDINAL_POSITION").unwrap_or(0),
            name: row.take("FIELD_NAME").unwrap_or_default(),
            kind: type_row(&mut row)?,
        };
        self.0.entry(key).or_default().push(inner);
        Ok(())
    }

    /// The whole type of a column.
    pub(crate) fn shape(&self, schema: &str, table: &str, kind: &TypeRow) -> Shape {
        self.shape_at(schema, table, kind, 0)
    }

    fn shape_at(&self, schema: &str, table: &str, kind: &TypeRow, depth: usize) -> Shape {
        let inner = match &kind.identifier {
            Some(identifier) if kind.is_nested() && depth < DEPTH => {
                let key = (schema.to_owned(), table.to_owned(), identifier.clone());
                self.0.get(&key).map(Vec::as_slice).unwrap_or_default()
            }
            _ => &[],
        };
        let shapes: Vec<(&Inner, Shape)> = inner
            .iter()
            .map(|inner| (inner, self.shape_at(schema, table, &inner.kind, depth + 1)))
            .collect();
        match (kind.name.as_str(), shapes.as_slice()) {
            (_, []) => Shape {
                native: kind.native(),
                data_type: kind.normalised(),
                fields: Vec::new(),
            },
            ("OBJECT", _) => object(shapes),
            ("ARRAY", _) => array(shapes),
            _ => map(shapes, kind),
        }
    }
}

fn object(shapes: Vec<(&Inner, Shape)>) -> Shape {
    let texts: Vec<String> = shapes
        .iter()
        .map(|(inner, shape)| format!("{} {}", inner.name, shape.native))
        .collect();
    let field = |(inner, shape): (&Inner, Shape)| {
        let mut field = Field::new(&inner.name, shape.native, shape.data_type);
        field.fields = shape.fields;
        field
    };
    Shape {
        native: format!("OBJECT({})", texts.join(", ")),
        data_type: DataType::Struct,
        fields: shapes.into_iter().map(field).collect(),
    }
}

fn array(shapes: Vec<(&Inner, Shape)>) -> Shape {
    let element = shapes.into_iter().next().map(|(_, shape)| shape);
    let element = element.unwrap_or_else(unknown);
    Shape {
        native: format!("ARRAY({})", element.native),
        data_type: DataType::Array {
            element: Box::new(element.data_type),
        },
        fields: element.fields,
    }
}

fn map(shapes: Vec<(&Inner, Shape)>, kind: &TypeRow) -> Shape {
    let mut shapes = shapes.into_iter().map(|(_, shape)| shape);
    let (key, value) = (
        shapes.next().unwrap_or_else(unknown),
        shapes.next().unwrap_or_else(unknown),
    );
    Shape {
        native: format!("{}({}, {})", kind.name, key.native, value.native),
        data_type: DataType::Map {
            key: Box::new(key.data_type),
            value: Box::new(value.data_type),
        },
        fields: value.fields,
    }
}

fn unknown() -> Shape {
    Shape {
        native: "VARIANT".to_owned(),
        data_type: DataType::Variant,
        fields: Vec::new(),
    }
}

/// What a row of the information schema says of a type.
pub(crate) fn type_row(row: &mut Row) -> Result<TypeRow> {
    Ok(TypeRow {
        name: row.require("DATA_TYPE")?.to_uppercase(),
        length: row.number("CHARACTER_MAXIMUM_LENGTH"),
        precision: row.number("NUMERIC_PRECISION"),
        scale: row.number("NUMERIC_SCALE"),
        fraction: row.number("DATETIME_PRECISION"),
        identifier: row.take_text("DTD_IDENTIFIER"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(name: &str, identifier: Option<&str>) -> TypeRow {
        TypeRow {
            name: name.into(),
            identifier: identifier.map(str::to_owned),
            ..TypeRow::default()
        }
    }

    fn nested(inner: &[(&str, &str, TypeRow)]) -> Nested {
        let mut nested = Nested::default();
        for (owner, name, kind) in inner {
            let key = ("S".to_owned(), "T".to_owned(), (*owner).to_owned());
            let inner = Inner {
                ordinal: 0,
                name: (*name).to_owned(),
                kind: kind.clone(),
            };
            nested.0.entry(key).or_default().push(inner);
        }
        nested
    }

    #[test]
    fn an_array_of_objects_has_their_fields() {
        let nested = nested(&[
            ("1", "", kind("OBJECT", Some("2"))),
            ("2", "city", kind("DATE", None)),
            ("2", "tags", kind("MAP", Some("3"))),
            ("3", "KEY", kind("TEXT", None)),
            ("3", "VALUE", kind("BOOLEAN", None)),
        ]);
        let shape = nested.shape("S", "T", &kind("ARRAY", Some("1")));
        assert_eq!(
            shape.native,
            "ARRAY(OBJECT(city DATE, tags MAP(VARCHAR, BOOLEAN)))"
        );
        assert_eq!(
            shape.data_type,
            DataType::Array {
                element: Box::new(DataType::Struct)
            }
        );
        let names: Vec<&str> = shape.fields.iter().map(|field| field.name.as_str()).collect();
        assert_eq!(names, ["city", "tags"]);
    }

    #[test]
    fn what_is_not_declared_stays_open() {
        let shape = Nested::default().shape("S", "T", &kind("OBJECT", Some("1")));
        assert_eq!((shape.native.as_str(), shape.fields.len()), ("OBJECT", 0));
        let endless = nested(&[("1", "", kind("ARRAY", Some("1")))]);
        assert!(
            endless
                .shape("S", "T", &kind("ARRAY", Some("1")))
                .native
                .starts_with("ARRAY(ARRAY(")
        );
    }
}
