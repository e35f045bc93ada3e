//! From the text of a type to the normalised one: Redshift's own words, and those of Hive in external tables.

use headwater_core::model::{DataType, Field};

/// A type, and the fields of its structs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Shape {
    pub(crate) data_type: DataType,
    pub(crate) fields: Vec<Field>,
}

impl From<DataType> for Shape {
    fn from(data_type: DataType) -> Self {
        Self {
            data_type,
            fields: Vec::new(),
        }
    }
}

/// Whose words a type's text is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Words {
    /// `character varying(10)`, `timestamp without time zone`.
    Redshift,
    /// `string`, `struct<a:int,b:array<string>>`; a float is 4 bytes wide.
    Hive,
}

/// Structs within structs that are looked into.
const DEPTH: usize = 32;

/// The normalised type. One that is unknown here is `Other`.
pub(crate) fn shape(text: &str, words: Words) -> Shape {
    nested(text.trim(), words, 0)
}

fn nested(text: &str, words: Words, depth: usize) -> Shape {
    let lower = text.to_ascii_lowercase();
    let inner = |name: &str| {
        let rest = lower.strip_prefix(name)?.trim_start();
        let start = text.len() - rest.len();
        let inside = rest.starts_with('<') && rest.ends_with('>');
        inside.then(|| text.get(start + 1..text.len() - 1)).flatten()
    };
    if depth >= DEPTH {
        return DataType::Other.into();
    }
    if let Some(inside) = inner("array") {
        let element = nested(inside.trim(), words, depth + 1);
        return Shape {
            data_type: DataType::Array {
                element: Box::new(element.data_type),
            },
            fields: element.fields,
        };
    }
    if let Some(inside) = inner("map") {
        let mut parts = split(inside).into_iter();
        let key = nested(parts.next().unwrap_or_default().trim(), words, depth + 1);
        let value = nested(parts.next().unwrap_or_default().trim(), words, depth + 1);
        return Shape {
            data_type: DataType::Map {
                key: Box::new(key.data_type),
                value: Box::new(value.data_type),
            },
            fields: value.fields,
        };
    }
    if let Some(inside) = inner("struct") {
        let fields = split(inside).into_iter().filter_map(|member| {
            let (name, native) = member.split_once(':')?;
            let shape = nested(native.trim(), words, depth + 1);
            let mut field = Field::new(name.trim(), native.trim(), shape.data_type);
            field.fields = shape.fields;
            Some(field)
        });
        return Shape {
            data_type: DataType::Struct,
            fields: fields.collect(),
        };
    }
    scalar(&lower, words).into()
}

/// The parts between commas that stand in no brackets.
fn split(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0_i32, 0, Vec::new());
    for (at, letter) in text.char_indices() {
        match letter {
            '<' | '(' => depth += 1,
            '>' | ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.extend(text.get(start..at));
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.extend(text.get(start..));
    parts
}

fn scalar(text: &str, words: Words) -> DataType {
    let (name, parameters) = parameters(text);
    let first = parameters.first().copied();
    match name.as_str() {
        "boolean" | "bool" => DataType::Boolean,
        "tinyint" => DataType::Integer { bits: 8 },
        "smallint" | "int2" => DataType::Integer { bits: 16 },
        "integer" | "int" | "int4" => DataType::Integer { bits: 32 },
        "bigint" | "int8" | "long" => DataType::Integer { bits: 64 },
        "real" | "float4" => DataType::Float { bits: 32 },
        "float" if words == Words::Hive => DataType::Float { bits: 32 },
        "float" | "float8" | "double" | "double precision" => DataType::Float { bits: 64 },
        "numeric" | "decimal" => DataType::Decimal {
            precision: first.and_then(|digits| u32::try_from(digits).ok()),
            scale: parameters.get(1).and_then(|digits| i32::try_from(*digits).ok()),
        },
        "character varying" | "varchar" | "nvarchar" | "character" | "char" | "nchar" | "bpchar" | "text"
        | "string" | "name" => DataType::String { length: first },
        "varbyte" | "varbinary" | "binary varying" | "binary" => DataType::Binary { length: first },
        "date" => DataType::Date,
        "time" | "time without time zone" => time(false),
        "timetz" | "time with time zone" => time(true),
        "timestamp" | "timestamp without time zone" => timestamp(false),
        "timestamptz" | "timestamp with time zone" => timestamp(true),
        "super" => DataType::Variant,
        "geometry" => DataType::Geometry,
        "geography" => DataType::Geography,
        name if name.starts_with("interval") => DataType::Interval,
        _ => DataType::Other,
    }
}

fn time(timezone: bool) -> DataType {
    DataType::Time {
        precision: None,
        timezone,
    }
}

fn timestamp(timezone: bool) -> DataType {
    DataType::Timestamp {
        precision: None,
        timezone,
    }
}

/// `timestamp(6) without time zone` is the name without its brackets, and what stands in them.
fn parameters(text: &str) -> (String, Vec<u64>) {
    let Some((before, rest)) = text.split_once('(') else {
        return (text.to_owned(), Vec::new());
    };
    let (inside, after) = rest.split_once(')').unwrap_or((rest, ""));
    let numbers = inside.split(',').filter_map(|number| number.trim().parse().ok());
    let name = [before.trim(), after.trim()].join(" ");
    (name.trim().to_owned(), numbers.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redshift(text: &str) -> DataType {
        shape(text, Words::Redshift).data_type
    }

    #[test]
    fn redshifts_types_are_known() {
        let text = |length| DataType::String { length };
        for (native, expected) in [
            ("integer", DataType::Integer { bits: 32 }),
            (
                "numeric(12,2)",
                DataType::Decimal {
                    precision: Some(12),
                    scale: Some(2),
                },
            ),
            ("character varying(65535)", text(Some(65535))),
            ("character(3)", text(Some(3))),
            ("\"char\"", DataType::Other),
            ("timestamp without time zone", timestamp(false)),
            ("timestamp with time zone", timestamp(true)),
            ("time with time zone", time(true)),
            ("double precision", DataType::Float { bits: 64 }),
            ("float", DataType::Float { bits: 64 }),
            ("super", DataType::Variant),
            ("geometry", DataType::Geometry),
            ("geography", DataType::Geography),
            ("hllsketch", DataType::Other),
            ("binary varying(64)", DataType::Binary { length: Some(64) }),
            ("varbyte(64)", DataType::Binary { length: Some(64) }),
            ("interval day to second (6)", DataType::Interval),
        ] {
            assert_eq!(redshift(native), expected, "{native}");
        }
    }

    #[test]
    fn structs_of_external_tables_become_fields() {
        let shape = shape(
            "array<struct<id:int,Tags:map<string,struct<a:float>>,price:decimal(10,2)>>",
            Words::Hive,
        );
        let DataType::Array { element } = &shape.data_type else {
            panic!("{shape:?}")
        };
        assert_eq!(**element, DataType::Struct);
        let names: Vec<_> = shape.fields.iter().map(|field| field.name.as_str()).collect();
        assert_eq!(names, ["id", "Tags", "price"]);
        assert_eq!(shape.fields[1].native_type, "map<string,struct<a:float>>");
        assert_eq!(shape.fields[1].fields[0].data_type, DataType::Float { bits: 32 });
        assert_eq!(shape.fields[2].native_type, "decimal(10,2)");
    }

    #[test]
    fn broken_and_endless_texts_are_other() {
        for text in ["array<", "struct<a>", "map<>", "", "struct<:>"] {
            let _any = shape(text, Words::Hive);
        }
        let deep = format!("{}int{}", "array<".repeat(10_000), ">".repeat(10_000));
        assert!(matches!(
            shape(&deep, Words::Hive).data_type,
            DataType::Array { .. }
        ));
        assert_eq!(shape("İ<", Words::Hive).data_type, DataType::Other);
    }
}
