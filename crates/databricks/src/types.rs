//! Databricks' types.
//!
//! `type_json` holds a column as Spark writes it: a name of a simple type, or an object for a struct, an array, a map.
//! <https://docs.databricks.com/sql/language-manual/sql-ref-datatypes.html>

use headwater_core::{
    Facet,
    model::{DataType, Field},
};
use serde_json::Value;

/// A type, the text that SQL has for it, and the fields inside it.
#[derive(Debug, PartialEq)]
pub(crate) struct Parsed {
    pub(crate) data_type: DataType,
    pub(crate) native: String,
    pub(crate) fields: Vec<Field>,
}

/// Reads `type_json`: a whole struct field, or only its type. `None` where it is neither.
pub(crate) fn from_json(text: &str) -> Option<(Parsed, Value)> {
    let mut value: Value = serde_json::from_str(text).ok()?;
    let is_field = value.get("name").is_some() && value.get("type").is_some();
    let (of_type, metadata) = match is_field {
        true => (
            value.get_mut("type")?.take(),
            value.get_mut("metadata").map(Value::take),
        ),
        false => (value, None),
    };
    Some((parse(&of_type)?, metadata.unwrap_or_default()))
}

fn parse(value: &Value) -> Option<Parsed> {
    if let Some(name) = value.as_str() {
        return Some(simple(name));
    }
    match value.get("type")?.as_str()? {
        "struct" => structure(value),
        "array" => {
            let element = parse(value.get("elementType")?)?;
            Some(Parsed {
                native: format!("array<{}>", element.native),
                data_type: DataType::Array {
                    element: Box::new(element.data_type),
                },
                fields: element.fields,
            })
        }
        "map" => {
            let (key, inner) = (parse(value.get("keyType")?)?, parse(value.get("valueType")?)?);
            Some(Parsed {
                native: format!("map<{},{}>", key.native, inner.native),
                data_type: DataType::Map {
                    key: Box::new(key.data_type),
                    value: Box::new(inner.data_type),
                },
                fields: inner.fields,
            })
        }
        // A user-defined type is stored as another.
        "udt" => parse(value.get("sqlType")?),
        name => Some(simple(name)),
    }
}

fn structure(value: &Value) -> Option<Parsed> {
    let members = value.get("fields")?.as_array()?;
    let fields: Vec<Field> = members.iter().map(member).collect::<Option<_>>()?;
    let texts: Vec<String> = fields
        .iter()
        .map(|field| format!("{}:{}", field.name, field.native_type))
        .collect();
    Some(Parsed {
        native: format!("struct<{}>", texts.join(",")),
        data_type: DataType::Struct,
        fields,
    })
}

fn member(value: &Value) -> Option<Field> {
    let parsed = parse(value.get("type")?)?;
    let metadata = value.get("metadata").unwrap_or(&Value::Null);
    let native = text_in(metadata, "__CHAR_VARCHAR_TYPE_STRING").unwrap_or(parsed.native);
    let mut field = Field::new(
        value.get("name")?.as_str()?,
        &*native,
        bounded(&native).unwrap_or(parsed.data_type),
    );
    field.nullable = value.get("nullable").and_then(Value::as_bool);
    field.description = Facet::Read(text_in(metadata, "comment"));
    field.fields = parsed.fields;
    Some(field)
}

/// A text of a field's metadata.
pub(crate) fn text_in(metadata: &Value, key: &str) -> Option<String> {
    metadata.get(key)?.as_str().map(str::to_owned)
}

/// `char(n)` and `varchar(n)`, which Spark keeps as strings.
pub(crate) fn bounded(native: &str) -> Option<DataType> {
    let (name, arguments) = arguments(native);
    let length = arguments.first().and_then(|first| first.parse().ok());
    matches!(name.as_str(), "char" | "varchar").then_some(DataType::String { length })
}

/// A type without members, by the name that Spark, SQL or the API has for it.
pub(crate) fn simple(text: &str) -> Parsed {
    let (name, arguments) = arguments(text);
    let number = |place: usize| arguments.get(place).and_then(|text| text.parse::<u32>().ok());
    let integer = |bits| DataType::Integer { bits };
    let timestamp = |timezone| DataType::Timestamp {
        precision: Some(6),
        timezone,
    };
    let (native, data_type) = match name.as_str() {
        "byte" | "tinyint" => ("tinyint", integer(8)),
        "short" | "smallint" => ("smallint", integer(16)),
        "integer" | "int" => ("int", integer(32)),
        "long" | "bigint" => ("bigint", integer(64)),
        "float" | "real" => ("float", DataType::Float { bits: 32 }),
        "double" => ("double", DataType::Float { bits: 64 }),
        "boolean" => ("boolean", DataType::Boolean),
        "date" => ("date", DataType::Date),
        // A point in time; its twin without zone is a wall clock's reading.
        "timestamp" | "timestamp_ltz" => ("timestamp", timestamp(true)),
        "timestamp_ntz" => ("timestamp_ntz", timestamp(false)),
        "binary" => ("binary", DataType::Binary { length: None }),
        "variant" => ("variant", DataType::Variant),
        "decimal" | "dec" | "numeric" => {
            let precision = number(0);
            let scale = match precision {
                Some(_) => number(1).unwrap_or(0).try_into().ok(),
                None => None,
            };
            (text, DataType::Decimal { precision, scale })
        }
        "char" | "varchar" => (
            text,
            DataType::String {
                length: number(0).map(u64::from),
            },
        ),
        // A collation may stand behind it.
        name if name == "string" || name.starts_with("string ") => (text, DataType::String { length: None }),
        name if name.starts_with("interval") || name == "calendarinterval" => (text, DataType::Interval),
        "geometry" => (text, DataType::Geometry),
        "geography" => (text, DataType::Geography),
        "object" => (text, DataType::Json),
        _ => (text, DataType::Other),
    };
    Parsed {
        data_type,
        native: native.to_owned(),
        fields: Vec::new(),
    }
}

/// `decimal(12,2)` as its name in lower case and its arguments.
fn arguments(text: &str) -> (String, Vec<&str>) {
    let (name, rest) = text.split_once('(').unwrap_or((text, ""));
    let inner = rest.trim_end().strip_suffix(')').unwrap_or_default();
    let arguments = inner.split(',').map(str::trim).filter(|one| !one.is_empty());
    (name.trim().to_ascii_lowercase(), arguments.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(value: Value) -> Parsed {
        from_json(&value.to_string()).unwrap().0
    }

    #[test]
    fn simple_types_by_all_their_names() {
        for (name, native, data_type) in [
            ("long", "bigint", DataType::Integer { bits: 64 }),
            ("bigint", "bigint", DataType::Integer { bits: 64 }),
            ("LONG", "bigint", DataType::Integer { bits: 64 }),
            (
                "decimal(12,2)",
                "decimal(12,2)",
                DataType::Decimal {
                    precision: Some(12),
                    scale: Some(2),
                },
            ),
            (
                "decimal(5)",
                "decimal(5)",
                DataType::Decimal {
                    precision: Some(5),
                    scale: Some(0),
                },
            ),
            (
                "timestamp_ntz",
                "timestamp_ntz",
                DataType::Timestamp {
                    precision: Some(6),
                    timezone: false,
                },
            ),
            (
                "varchar(20)",
                "varchar(20)",
                DataType::String { length: Some(20) },
            ),
            (
                "string collate UNICODE_CI",
                "string collate UNICODE_CI",
                DataType::String { length: None },
            ),
            (
                "interval day to second",
                "interval day to second",
                DataType::Interval,
            ),
            ("geography(4326)", "geography(4326)", DataType::Geography),
            ("variant", "variant", DataType::Variant),
            ("void", "void", DataType::Other),
        ] {
            let parsed = simple(name);
            assert_eq!(
                (parsed.native.as_str(), &parsed.data_type),
                (native, &data_type),
                "{name}"
            );
        }
    }

    #[test]
    fn nested_types_are_a_tree() {
        let parsed = read(
            json!({"name": "lines", "nullable": true, "metadata": {"comment": "of an order"}, "type": {
            "type": "array", "containsNull": true, "elementType": {"type": "struct", "fields": [
                {"name": "sku", "type": "string", "nullable": false, "metadata": {"comment": "the article"}},
                {"name": "code", "type": "string", "nullable": true, "metadata": {"__CHAR_VARCHAR_TYPE_STRING": "varchar(8)"}},
                {"name": "price", "type": "decimal(10,2)", "nullable": true, "metadata": {}},
                {"name": "tags", "nullable": true, "metadata": {}, "type": {
                    "type": "map", "keyType": "string", "valueType": "long", "valueContainsNull": true}},
            ]}}}),
        );
        assert_eq!(
            parsed.native,
            "array<struct<sku:string,code:varchar(8),price:decimal(10,2),tags:map<string,bigint>>>"
        );
        assert_eq!(
            parsed.data_type,
            DataType::Array {
                element: Box::new(DataType::Struct)
            }
        );
        let [sku, code, price, tags] = &parsed.fields[..] else {
            panic!("{parsed:?}")
        };
        assert_eq!(
            (sku.nullable, sku.description.value().map(String::as_str)),
            (Some(false), Some("the article"))
        );
        assert_eq!(
            (code.native_type.as_str(), &code.data_type),
            ("varchar(8)", &DataType::String { length: Some(8) })
        );
        assert_eq!(
            price.data_type,
            DataType::Decimal {
                precision: Some(10),
                scale: Some(2)
            }
        );
        let (key, value) = (
            Box::new(DataType::String { length: None }),
            Box::new(DataType::Integer { bits: 64 }),
        );
        assert_eq!(tags.data_type, DataType::Map { key, value });
    }

    #[test]
    fn a_type_alone_is_read_and_nonsense_is_not() {
        assert_eq!(read(json!("long")).native, "bigint");
        assert_eq!(read(json!({"type": "struct", "fields": []})).native, "struct<>");
        assert_eq!(
            read(json!({"type": "udt", "class": "x", "sqlType": "double"})).native,
            "double"
        );
        for text in [
            "",
            "long",
            "{}",
            "[1]",
            r#"{"type":"struct"}"#,
            r#"{"name":"a","type":{"type":"array"}}"#,
        ] {
            assert!(from_json(text).is_none(), "{text}");
        }
    }
}
