//! Columns and their types.

use crate::resource::FieldSchema;
use headwater_core::{
    Facet,
    model::{DataType, Field},
};

/// A column, or a field within one, as a field of the model.
pub(crate) fn field(schema: FieldSchema) -> Field {
    let repeated = schema.mode.as_deref() == Some("REPEATED");
    let element = element(&schema);
    let (native, data_type) = match repeated {
        true => {
            let array = DataType::Array {
                element: Box::new(element),
            };
            (format!("ARRAY<{}>", native(&schema)), array)
        }
        false => (native(&schema), element),
    };
    let mut field = Field::new(schema.name, native, data_type);
    // A repeated field is an empty list where there is nothing, and never NULL.
    field.nullable = Some(!matches!(schema.mode.as_deref(), Some("REQUIRED" | "REPEATED")));
    field.description = Facet::Read(schema.description.filter(|text| !text.is_empty()));
    field.default = Facet::Read(schema.default_value_expression);
    field.tags = Facet::Read(schema.policy_tags.unwrap_or_default().names);
    field.fields = schema.fields.into_iter().map(self::field).collect();
    field
}

/// The name in GoogleSQL, whichever the API uses.
fn name(kind: &str) -> &str {
    match kind {
        "INTEGER" => "INT64",
        "FLOAT" => "FLOAT64",
        "BOOLEAN" => "BOOL",
        "RECORD" => "STRUCT",
        other => other,
    }
}

/// The type's text. The members of a struct stand in its nested fields: repeated here, a change of one would show
/// as a change of all that is around it.
fn native(schema: &FieldSchema) -> String {
    let name = name(&schema.kind);
    match (name, schema.precision, schema.scale) {
        ("NUMERIC" | "BIGNUMERIC", Some(precision), None | Some(0)) => format!("{name}({precision})"),
        ("NUMERIC" | "BIGNUMERIC", Some(precision), Some(scale)) => format!("{name}({precision}, {scale})"),
        ("STRING" | "BYTES", ..) => match schema.max_length {
            Some(length) => format!("{name}({length})"),
            None => name.to_owned(),
        },
        ("TIMESTAMP", ..) => match schema.timestamp_precision {
            Some(precision) if precision != 6 => format!("TIMESTAMP({precision})"),
            _ => name.to_owned(),
        },
        ("RANGE", ..) => match &schema.range_element_type {
            Some(element) => format!("RANGE<{}>", self::name(&element.kind)),
            None => name.to_owned(),
        },
        _ => name.to_owned(),
    }
}

/// The type of one value, be the field repeated or not.
fn element(schema: &FieldSchema) -> DataType {
    let decimal = |precision, scale| match schema.precision {
        Some(own) => DataType::Decimal {
            precision: Some(own),
            scale: Some(schema.scale.unwrap_or(0)),
        },
        None => DataType::Decimal {
            precision: Some(precision),
            scale: Some(scale),
        },
    };
    match name(&schema.kind) {
        "NUMERIC" => decimal(38, 9),
        "BIGNUMERIC" => decimal(76, 38),
        "STRING" => DataType::String {
            length: schema.max_length,
        },
        "BYTES" => DataType::Binary {
            length: schema.max_length,
        },
        "RANGE" => match &schema.range_element_type {
            Some(element) => DataType::Range {
                element: Box::new(plain(name(&element.kind))),
            },
            None => DataType::Other,
        },
        "TIMESTAMP" => DataType::Timestamp {
            precision: schema.timestamp_precision,
            timezone: true,
        },
        other => plain(other),
    }
}

fn plain(name: &str) -> DataType {
    match name {
        "INT64" => DataType::Integer { bits: 64 },
        "FLOAT64" => DataType::Float { bits: 64 },
        "BOOL" => DataType::Boolean,
        "STRUCT" => DataType::Struct,
        "DATE" => DataType::Date,
        "TIME" => DataType::Time {
            precision: None,
            timezone: false,
        },
        "DATETIME" => DataType::Timestamp {
            precision: None,
            timezone: false,
        },
        "TIMESTAMP" => DataType::Timestamp {
            precision: None,
            timezone: true,
        },
        "INTERVAL" => DataType::Interval,
        "GEOGRAPHY" => DataType::Geography,
        "JSON" => DataType::Json,
        _ => DataType::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(schema: Value) -> Field {
        field(serde_json::from_value(schema).unwrap())
    }

    #[test]
    fn types_have_the_names_of_googlesql() {
        for (schema, native, expected) in [
            (
                json!({"type": "INTEGER"}),
                "INT64",
                json!({"type": "integer", "bits": 64}),
            ),
            (
                json!({"type": "FLOAT"}),
                "FLOAT64",
                json!({"type": "float", "bits": 64}),
            ),
            (json!({"type": "BOOLEAN"}), "BOOL", json!({"type": "boolean"})),
            (
                json!({"type": "NUMERIC", "precision": "10", "scale": "2"}),
                "NUMERIC(10, 2)",
                json!({"type": "decimal", "precision": 10, "scale": 2}),
            ),
            (
                json!({"type": "NUMERIC"}),
                "NUMERIC",
                json!({"type": "decimal", "precision": 38, "scale": 9}),
            ),
            (
                json!({"type": "BIGNUMERIC", "precision": "50"}),
                "BIGNUMERIC(50)",
                json!({"type": "decimal", "precision": 50, "scale": 0}),
            ),
            (
                json!({"type": "STRING", "maxLength": "20", "mode": "REPEATED"}),
                "ARRAY<STRING(20)>",
                json!({"type": "array", "element": {"type": "string", "length": 20}}),
            ),
            (
                json!({"type": "RANGE", "rangeElementType": {"type": "DATE"}}),
                "RANGE<DATE>",
                json!({"type": "range", "element": {"type": "date"}}),
            ),
            (
                json!({"type": "TIMESTAMP", "timestampPrecision": "12"}),
                "TIMESTAMP(12)",
                json!({"type": "timestamp", "precision": 12, "timezone": true}),
            ),
            (
                json!({"type": "DATETIME"}),
                "DATETIME",
                json!({"type": "timestamp", "precision": null, "timezone": false}),
            ),
            (
                json!({"type": "GEOGRAPHY"}),
                "GEOGRAPHY",
                json!({"type": "geography"}),
            ),
            (json!({"type": "JSON"}), "JSON", json!({"type": "json"})),
            (
                json!({"type": "INTERVAL"}),
                "INTERVAL",
                json!({"type": "interval"}),
            ),
            (json!({"type": "TENSOR"}), "TENSOR", json!({"type": "other"})),
        ] {
            let field = read(schema.clone());
            assert_eq!(field.native_type, native, "{schema}");
            assert_eq!(
                serde_json::to_value(&field.data_type).unwrap(),
                expected,
                "{schema}"
            );
        }
    }

    #[test]
    fn records_are_trees() {
        let items = read(
            json!({"name": "items", "type": "RECORD", "mode": "REPEATED", "description": "lines",
            "fields": [
                {"name": "sku", "type": "STRING", "mode": "REQUIRED", "policyTags": {"names": ["projects/p/x"]}},
                {"name": "price", "type": "RECORD", "fields": [{"name": "net", "type": "NUMERIC"}]}
            ]}),
        );
        assert_eq!(
            (items.native_type.as_str(), items.nullable),
            ("ARRAY<STRUCT>", Some(false))
        );
        assert_eq!(items.description, Facet::Read(Some("lines".into())));
        let [sku, price] = items.fields.as_slice() else {
            panic!()
        };
        assert_eq!(
            (sku.nullable, &sku.tags),
            (Some(false), &Facet::Read(vec!["projects/p/x".into()]))
        );
        assert_eq!(
            (price.native_type.as_str(), price.nullable),
            ("STRUCT", Some(true))
        );
        assert_eq!(price.fields[0].name, "net");
    }
}
