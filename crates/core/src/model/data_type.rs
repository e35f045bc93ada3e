use serde::{Deserialize, Serialize};

/// A small vocabulary of types that all sources map to. The source's own text stays in
/// [`Field::native_type`](super::Field::native_type).
///
/// In JSON an object with `type` and the parameters: `{"type":"decimal","precision":12,"scale":2}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum DataType {
    /// True or false.
    Boolean,
    /// A whole number of a fixed width.
    Integer {
        /// Width in bits.
        bits: u16,
    },
    /// A binary floating-point number.
    Float {
        /// Width in bits.
        bits: u16,
    },
    /// An exact decimal number.
    Decimal {
        /// Total digits, where bounded.
        precision: Option<u32>,
        /// Digits after the point, where fixed.
        scale: Option<i32>,
    },
    /// An amount of money.
    Money,
    /// Text.
    String {
        /// Longest length in characters, where bounded.
        length: Option<u64>,
    },
    /// Bytes.
    Binary {
        /// Longest length in bytes, where bounded.
        length: Option<u64>,
    },
    /// A string of bits.
    Bit {
        /// Longest length in bits, where bounded.
        length: Option<u64>,
    },
    /// A calendar date.
    Date,
    /// A time of day.
    Time {
        /// Digits of the fraction of a second, where said.
        precision: Option<u32>,
        /// Whether it carries an offset.
        timezone: bool,
    },
    /// A date and time.
    Timestamp {
        /// Digits of the fraction of a second, where said.
        precision: Option<u32>,
        /// Whether it is a point in time (true) or a wall clock's reading.
        timezone: bool,
    },
    /// A span of time.
    Interval,
    /// A UUID.
    Uuid,
    /// A JSON document.
    Json,
    /// An XML document.
    Xml,
    /// A value of any type: VARIANT, SUPER.
    Variant,
    /// One of a list of labels.
    Enum {
        /// The labels in order; empty where they were not read.
        values: Vec<String>,
    },
    /// A record; its members are the field's nested fields.
    Struct,
    /// A list of elements; members of struct elements are the field's nested fields.
    Array {
        /// The type of an element.
        element: Box<DataType>,
    },
    /// Keys to values; members of struct values are the field's nested fields.
    Map {
        /// The type of a key.
        key: Box<DataType>,
        /// The type of a value.
        value: Box<DataType>,
    },
    /// A range between two bounds.
    Range {
        /// The type of a bound.
        element: Box<DataType>,
    },
    /// A shape on a plane.
    Geometry,
    /// A shape on the globe.
    Geography,
    /// A vector of numbers.
    Vector {
        /// Number of dimensions, where fixed.
        dimension: Option<u32>,
    },
    /// A network address.
    Network,
    /// A type without a match here; see the native text.
    Other,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_stand_beside_the_type() {
        let decimal = DataType::Decimal {
            precision: Some(12),
            scale: Some(2),
        };
        assert_eq!(
            serde_json::to_string(&decimal).unwrap(),
            r#"{"type":"decimal","precision":12,"scale":2}"#
        );
        let array = DataType::Array {
            element: Box::new(DataType::Integer { bits: 32 }),
        };
        let text = serde_json::to_string(&array).unwrap();
        assert_eq!(text, r#"{"type":"array","element":{"type":"integer","bits":32}}"#);
        assert_eq!(serde_json::from_str::<DataType>(&text).unwrap(), array);
    }
}
