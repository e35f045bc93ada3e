//! Types: Snowflake's own text of them, and the normalised ones.

use headwater_core::model::DataType;

/// What the information schema says of a type.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TypeRow {
    /// The name alone: `TEXT`, `NUMBER`, `ARRAY`.
    pub(crate) name: String,
    pub(crate) length: Option<u64>,
    pub(crate) precision: Option<u32>,
    pub(crate) scale: Option<i32>,
    /// Digits of the fraction of a second.
    pub(crate) fraction: Option<u32>,
    /// What its nested types are found by.
    pub(crate) identifier: Option<String>,
}

impl TypeRow {
    /// The type as SQL writes it: `NUMBER(38,0)`, `VARCHAR(20)`.
    pub(crate) fn native(&self) -> String {
        let name = self.name.as_str();
        match (name, self.length, self.precision, self.scale, self.fraction) {
            ("TEXT" | "VARCHAR", Some(length), ..) => format!("VARCHAR({length})"),
            ("TEXT", None, ..) => "VARCHAR".to_owned(),
            ("BINARY", Some(length), ..) => format!("BINARY({length})"),
            ("NUMBER", _, Some(precision), scale, _) => format!("NUMBER({precision},{})", scale.unwrap_or(0)),
            (_, _, _, _, Some(fraction)) if is_time(name) => format!("{name}({fraction})"),
            _ => name.to_owned(),
        }
    }

    /// The normalised type; that of elements, keys and values comes from elsewhere.
    pub(crate) fn normalised(&self) -> DataType {
        let precision = self.fraction;
        match self.name.split('(').next().unwrap_or_default().trim() {
            "TEXT" | "VARCHAR" | "CHAR" | "STRING" => DataType::String { length: self.length },
            "NUMBER" | "DECIMAL" | "NUMERIC" => DataType::Decimal {
                precision: self.precision,
                scale: self.scale,
            },
            "DECFLOAT" => DataType::Decimal {
                precision: None,
                scale: None,
            },
            "FLOAT" | "REAL" | "DOUBLE" => DataType::Float { bits: 64 },
            "BOOLEAN" => DataType::Boolean,
            "BINARY" => DataType::Binary { length: self.length },
            "DATE" => DataType::Date,
            "TIME" => DataType::Time {
                precision,
                timezone: false,
            },
            "TIMESTAMP_NTZ" => DataType::Timestamp {
                precision,
                timezone: false,
            },
            "TIMESTAMP_LTZ" | "TIMESTAMP_TZ" => DataType::Timestamp {
                precision,
                timezone: true,
            },
            "VARIANT" => DataType::Variant,
            "OBJECT" => DataType::Struct,
            "ARRAY" => DataType::Array {
                element: Box::new(DataType::Variant),
            },
            "MAP" => DataType::Map {
                key: Box::new(DataType::Variant),
                value: Box::new(DataType::Variant),
            },
            "GEOGRAPHY" => DataType::Geography,
            "GEOMETRY" => DataType::Geometry,
            "VECTOR" => DataType::Vector {
                dimension: dimension(&self.name),
            },
            "UUID" => DataType::Uuid,
            _ => DataType::Other,
        }
    }

    /// Whether it may be made of other types.
    pub(crate) fn is_nested(&self) -> bool {
        matches!(self.name.as_str(), "OBJECT" | "ARRAY" | "MAP") && self.identifier.is_some()
    }
}

fn is_time(name: &str) -> bool {
    name == "TIME" || name.starts_with("TIMESTAMP")
}

/// The number in `VECTOR(FLOAT, 256)`. The information schema says `VECTOR` alone:
/// <https://docs.snowflake.com/en/sql-reference/info-schema/columns> has no place for more. DESCRIBE TABLE says it, of one
/// table, and SHOW COLUMNS, which ends at 10,000 columns and cannot be paged:
/// <https://docs.snowflake.com/en/sql-reference/sql/show-columns>.
fn dimension(text: &str) -> Option<u32> {
    let (_, rest) = text.rsplit_once(',')?;
    rest.trim_end_matches(')').trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str) -> TypeRow {
        TypeRow {
            name: name.into(),
            ..TypeRow::default()
        }
    }

    #[test]
    fn texts_are_those_of_sql() {
        let text = TypeRow {
            length: Some(20),
            ..row("TEXT")
        };
        assert_eq!(
            (text.native().as_str(), text.normalised()),
            ("VARCHAR(20)", DataType::String { length: Some(20) })
        );
        let number = TypeRow {
            precision: Some(38),
            scale: Some(0),
            ..row("NUMBER")
        };
        assert_eq!(number.native(), "NUMBER(38,0)");
        assert_eq!(
            number.normalised(),
            DataType::Decimal {
                precision: Some(38),
                scale: Some(0)
            }
        );
        let time = TypeRow {
            fraction: Some(9),
            ..row("TIMESTAMP_TZ")
        };
        assert_eq!(time.native(), "TIMESTAMP_TZ(9)");
        assert_eq!(
            time.normalised(),
            DataType::Timestamp {
                precision: Some(9),
                timezone: true
            }
        );
        assert_eq!(row("DATE").native(), "DATE");
        assert_eq!(row("SOMETHING NEW").normalised(), DataType::Other);
    }

    #[test]
    fn vectors_have_a_dimension_where_it_is_said() {
        let said = row("VECTOR(FLOAT, 256)");
        assert_eq!(said.native(), "VECTOR(FLOAT, 256)");
        assert_eq!(said.normalised(), DataType::Vector { dimension: Some(256) });
        assert_eq!(row("VECTOR").normalised(), DataType::Vector { dimension: None });
    }
}
