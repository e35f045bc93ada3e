//! Compares a body with the published shape: the exact set of keys, and the type of each value.

use serde_json::Value;
use std::collections::BTreeSet;

/// A shape is JSON: objects and one-element arrays stand for themselves, a text names a type: `string`,
/// `integer`, `number`, `bool`, `object`, `any`, `time`, `uuid`, or one of several texts as `a|b`. With `?` the
/// value may be null.
#[track_caller]
pub(crate) fn assert_shape(body: &Value, shape: &Value) {
    let mut faults = Vec::new();
    compare(body, shape, "", &mut faults);
    assert!(faults.is_empty(), "{}\nin {body:#}", faults.join("\n"));
}

fn compare(body: &Value, shape: &Value, at: &str, faults: &mut Vec<String>) {
    match shape {
        Value::Object(shape) => {
            let Some(object) = body.as_object() else {
                return faults.push(format!("{at}: expected an object, found {body}"));
            };
            let (found, expected): (BTreeSet<_>, BTreeSet<_>) =
                (object.keys().collect(), shape.keys().collect());
            for key in found.symmetric_difference(&expected) {
                faults.push(format!("{at}/{key}: one of body and shape lacks it"));
            }
            for (key, shape) in shape {
                if let Some(value) = object.get(key) {
                    compare(value, shape, &format!("{at}/{key}"), faults);
                }
            }
        }
        Value::Array(shape) => {
            let Some(items) = body.as_array() else {
                return faults.push(format!("{at}: expected an array, found {body}"));
            };
            for (index, item) in items.iter().enumerate() {
                compare(item, &shape[0], &format!("{at}/{index}"), faults);
            }
        }
        Value::String(name) if !is(body, name) => faults.push(format!("{at}: expected {name}, found {body}")),
        _ => {}
    }
}

fn is(value: &Value, name: &str) -> bool {
    if let Some(name) = name.strip_suffix('?') {
        return value.is_null() || is(value, name);
    }
    match name {
        "any" => true,
        "string" => value.is_string(),
        "integer" => value.is_u64(),
        "number" => value.is_number(),
        "bool" => value.is_boolean(),
        "object" => value.is_object(),
        "time" => value.as_str().is_some_and(is_time),
        "uuid" => value.as_str().is_some_and(|text| text.len() == 36),
        choices => choices.split('|').any(|choice| value == choice),
    }
}

/// `2025-06-01T00:00:00Z`
fn is_time(text: &str) -> bool {
    let pattern = "0000-00-00T00:00:00Z";
    let fits = |(own, wanted): (char, char)| own == wanted || (wanted == '0' && own.is_ascii_digit());
    text.len() == pattern.len() && text.chars().zip(pattern.chars()).all(fits)
}
