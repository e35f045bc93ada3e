//! Holds lines against `docs/scan.schema.json`, and the schema against the lines: a key that the schema does
//! not name fails as much as one that is missing.

use serde_json::Value;
use std::fs;

/// Checks one line.
pub(crate) fn check(line: &Value) {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/scan.schema.json");
    let root: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    let kind = line["type"].as_str().unwrap();
    if let Err(fault) = matches(&root, &root["$defs"][kind], line) {
        panic!("{fault}\nin {line}");
    }
}

/// The part of JSON Schema that the file uses.
fn matches(root: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    if let Some(target) = schema["$ref"].as_str() {
        return matches(root, root.pointer(&target[1..]).ok_or(target)?, value);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let faults: Vec<String> = choices
            .iter()
            .filter_map(|choice| matches(root, choice, value).err())
            .collect();
        return if faults.len() == choices.len() - 1 {
            Ok(())
        } else {
            Err(faults.join("; or "))
        };
    }
    let is = |name: &Value| match name.as_str() {
        Some("null") => value.is_null(),
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.is_u64(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        _ => panic!("unknown type {name}"),
    };
    let type_fits = match &schema["type"] {
        Value::Null => true,
        Value::Array(names) => names.iter().any(is),
        name => is(name),
    };
    let const_fits = schema.get("const").is_none_or(|only| only == value);
    let enum_fits = schema["enum"].as_array().is_none_or(|all| all.contains(value));
    if !(type_fits && const_fits && enum_fits) {
        return Err(format!("{value} does not fit {schema}"));
    }
    for item in value.as_array().into_iter().flatten() {
        matches(root, &schema["items"], item)?;
    }
    match (value.as_object(), schema["properties"].as_object()) {
        (Some(object), Some(properties)) => {
            for key in schema["required"].as_array().into_iter().flatten() {
                value
                    .get(key.as_str().unwrap())
                    .ok_or(format!("{key} is missing"))?;
            }
            let is_open = schema["additionalProperties"] == true;
            object
                .iter()
                .try_for_each(|(key, inner)| match properties.get(key) {
                    Some(schema) => matches(root, schema, inner),
                    None if is_open => Ok(()),
                    None => Err(format!("the schema does not name {key}")),
                })
        }
        _ => Ok(()),
    }
}

#[test]
fn the_check_sees_what_does_not_fit() {
    let end = |change: &dyn Fn(&mut Value)| {
        let mut end = serde_json::json!({
            "v": 1, "type": "end", "completeness": "complete", "namespaces": 1, "assets": 2, "edges": 0,
            "warnings": 0, "partial": [], "error": null
        });
        change(&mut end);
        std::panic::catch_unwind(|| check(&end)).is_ok()
    };
    assert!(end(&|_| {}));
    assert!(!end(&|end| end["completeness"] = "mostly".into()));
    assert!(!end(&|end| end["assets"] = "2".into()));
    assert!(!end(&|end| end["extra"] = 1.into()));
    assert!(!end(&|end| drop(end.as_object_mut().unwrap().remove("error"))));
    assert!(!end(
        &|end| end["partial"] = serde_json::json!([{"path": ["shop"]}])
    ));
}
