//! From the type names of the warehouses to the normalised vocabulary. dbt does not say whose words they are, and
//! the names hardly clash.

use headwater_core::model::DataType;
use memchr::memchr2;
use std::borrow::Cow;

/// The normalised type of a native one.
pub(crate) fn data_type(native: &str) -> DataType {
    let native = native.trim_ascii();
    let lower = match native.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => Cow::Owned(native.to_ascii_lowercase()),
        false => Cow::Borrowed(native),
    };
    if let Some(element) = lower.strip_suffix("[]") {
        return array(element);
    }
    let (name, inner) = split(&lower);
    let (length, second) = numbers(inner);
    let precision = length.and_then(|digits| u32::try_from(digits).ok());
    match &*name {
        "bool" | "boolean" => DataType::Boolean,
        "tinyint" | "int1" | "byteint" | "byte" => DataType::Integer { bits: 8 },
        "smallint" | "int2" | "short" => DataType::Integer { bits: 16 },
        "int" | "integer" | "int4" | "mediumint" => DataType::Integer { bits: 32 },
        "bigint" | "int8" | "int64" | "long" => DataType::Integer { bits: 64 },
        "hugeint" => DataType::Integer { bits: 128 },
        "real" | "float4" => DataType::Float { bits: 32 },
        "float" | "float8" | "float64" | "double" | "double precision" => DataType::Float { bits: 64 },
        "decimal" | "numeric" | "number" | "bignumeric" | "dec" => DataType::Decimal {
            precision,
            scale: second
                .and_then(|digits| i32::try_from(digits).ok())
                .or(precision.map(|_| 0)),
        },
        "money" => DataType::Money,
        "text" | "string" | "varchar" | "character varying" | "char" | "character" | "nvarchar"
        | "bpchar" => DataType::String { length },
        "binary" | "varbinary" | "bytea" | "bytes" | "blob" | "varbyte" => DataType::Binary { length },
        "bit" | "bit varying" => DataType::Bit { length },
        "date" => DataType::Date,
        "time" | "time without time zone" => DataType::Time {
            precision,
            timezone: false,
        },
        "timetz" | "time with time zone" => DataType::Time {
            precision,
            timezone: true,
        },
        "timestamp_tz" | "timestamp_ltz" | "timestamptz" | "timestamp with time zone" => {
            DataType::Timestamp {
                precision,
                timezone: true,
            }
        }
        "timestamp" | "timestamp_ntz" | "datetime" | "timestamp without time zone" => DataType::Timestamp {
            precision,
            timezone: false,
        },
        "interval" => DataType::Interval,
        "uuid" => DataType::Uuid,
        "json" | "jsonb" => DataType::Json,
        "xml" => DataType::Xml,
        "variant" | "super" | "object" => DataType::Variant,
        "array" | "list" if !inner.is_empty() => array(inner),
        "array" | "list" => array(""),
        "struct" | "record" | "row" => DataType::Struct,
        "map" => map(inner),
        "geometry" => DataType::Geometry,
        "geography" => DataType::Geography,
        "inet" | "cidr" | "macaddr" => DataType::Network,
        _ => DataType::Other,
    }
}

/// The first two parameters, up to one that is no number.
fn numbers(inner: &str) -> (Option<u64>, Option<u64>) {
    if inner.is_empty() {
        return (None, None);
    }
    let all = inner.split(',');
    let mut numbers = all.map_while(|number| number.trim_ascii().parse().ok());
    (numbers.next(), numbers.next())
}

fn array(element: &str) -> DataType {
    DataType::Array {
        element: Box::new(data_type(element)),
    }
}

/// `map<string, array<int>>`: the first comma is the one between key and value.
fn map(inner: &str) -> DataType {
    let (key, value) = inner.split_once(',').unwrap_or((inner, ""));
    DataType::Map {
        key: Box::new(data_type(key)),
        value: Box::new(data_type(value)),
    }
}

/// The name without its parameters, and what stands between the outermost brackets.
fn split(native: &str) -> (Cow<'_, str>, &str) {
    let bracket = memchr2(b'(', b'<', native.as_bytes());
    let Some((name, rest)) = bracket.and_then(|open| native.split_at_checked(open)) else {
        return (native.into(), "");
    };
    let close = if rest.starts_with('(') { ')' } else { '>' };
    let inner = rest.get(1..).unwrap_or_default();
    if let Some(inner) = inner.strip_suffix(close) {
        return (name.trim_ascii_end().into(), inner);
    }
    let (inner, after) = inner.rsplit_once(close).unwrap_or((inner, ""));
    match (name.trim(), after.trim()) {
        (name, "") | ("", name) => (name.into(), inner),
        (name, after) => (format!("{name} {after}").into(), inner),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_of_all_warehouses_are_known() {
        let text = DataType::String { length: None };
        for (native, expected) in [
            (
                "NUMBER(38,0)",
                DataType::Decimal {
                    precision: Some(38),
                    scale: Some(0),
                },
            ),
            (
                "decimal(12)",
                DataType::Decimal {
                    precision: Some(12),
                    scale: Some(0),
                },
            ),
            (
                "numeric",
                DataType::Decimal {
                    precision: None,
                    scale: None,
                },
            ),
            ("character varying(120)", DataType::String { length: Some(120) }),
            (
                "timestamp(3) with time zone",
                DataType::Timestamp {
                    precision: Some(3),
                    timezone: true,
                },
            ),
            (
                "TIMESTAMP_NTZ(9)",
                DataType::Timestamp {
                    precision: Some(9),
                    timezone: false,
                },
            ),
            ("ARRAY<INT64>", array("int64")),
            ("integer[]", array("integer")),
            ("STRUCT<a INT64, b STRING>", DataType::Struct),
            (
                "map<string,string>",
                DataType::Map {
                    key: Box::new(text.clone()),
                    value: Box::new(text.clone()),
                },
            ),
            ("VARIANT", DataType::Variant),
            ("", DataType::Other),
            ("((", DataType::Other),
            ("<é", DataType::Other),
        ] {
            assert_eq!(data_type(native), expected, "{native}");
        }
    }
}
