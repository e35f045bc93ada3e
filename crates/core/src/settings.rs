//! From JSON to typed settings, with errors that name the place and never quote the value.
//!
//! serde's own error text quotes values, and a value may be a password in the wrong field. So unknown and
//! missing keys are found by walking the JSON Schema beside the value, and for what is left serde gives
//! only the path; what was expected there is read from the schema.

use crate::{Error, ErrorKind, Result};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// One of the two halves of a connector's settings.
pub(crate) struct Settings<'a> {
    /// Pointer prefix: `/config` or `/credentials`.
    pub(crate) at: &'static str,
    /// JSON Schema of the half.
    pub(crate) schema: &'a Value,
    /// Schema of the half where secrets belong, if this is not it.
    pub(crate) secrets: Option<&'a Value>,
}

impl Settings<'_> {
    /// Parses the value.
    pub(crate) fn parse<T: DeserializeOwned>(&self, value: Value) -> Result<T> {
        let mut faults = Vec::new();
        self.walk(self.schema, &value, self.at, &mut faults);
        if faults.is_empty() {
            match serde_path_to_error::deserialize(value) {
                Ok(parsed) => return Ok(parsed),
                Err(error) => faults.push(self.explain(error.path())),
            }
        }
        Err(faults.into_iter().fold(
            Error::new(ErrorKind::ConfigInvalid, "invalid configuration"),
            |error, (pointer, detail)| error.with_field(pointer, detail),
        ))
    }

    fn walk(&self, schema: &Value, value: &Value, at: &str, faults: &mut Vec<(String, String)>) {
        let schema = self.resolve(schema);
        if is_out_of_bounds(schema, value) {
            faults.push((at.to_owned(), describe(schema)));
        }
        let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
            return;
        };
        let Some(object) = value.as_object() else {
            if !value.is_null() || at == self.at {
                faults.push((at.to_owned(), "expected an object".to_owned()));
            }
            return;
        };
        for (key, inner) in object {
            match properties.get(key) {
                Some(schema) => self.walk(schema, inner, &join(at, key), faults),
                None if schema.get("additionalProperties") == Some(&Value::Bool(false)) => {
                    faults.push(self.unknown(key, properties, at));
                }
                None => {}
            }
        }
        let required = schema
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        for key in required
            .filter_map(Value::as_str)
            .filter(|key| !object.contains_key(*key))
        {
            faults.push((join(at, key), "is missing".to_owned()));
        }
    }

    fn unknown(&self, key: &str, properties: &Map<String, Value>, at: &str) -> (String, String) {
        let is_credential =
            |schema: &Value| schema.pointer(&format!("/properties{}", join("", key))).is_some();
        if at == self.at && self.secrets.is_some_and(is_credential) {
            let detail =
                format!("belongs in credentials: move it from {at} to /credentials; it was not stored");
            return (join("/credentials", key), detail);
        }
        let nearest = properties
            .keys()
            .map(|name| (strsim::jaro_winkler(key, name), name))
            .filter(|(likeness, _)| *likeness > 0.75)
            .max_by(|a, b| a.0.total_cmp(&b.0));
        let known: Vec<&str> = properties.keys().map(String::as_str).collect();
        let detail = match nearest {
            Some((_, name)) => format!("unknown key; did you mean {name}?"),
            None if known.is_empty() => "unknown key; none is expected here".to_owned(),
            None => format!("unknown key; expected one of {}", known.join(", ")),
        };
        (join(at, key), detail)
    }

    /// Follows `$ref`, and an `anyOf` with null to its other side.
    fn resolve<'s>(&'s self, schema: &'s Value) -> &'s Value {
        if let Some(pointer) = schema.get("$ref").and_then(Value::as_str) {
            let target = pointer
                .strip_prefix('#')
                .and_then(|pointer| self.schema.pointer(pointer));
            return target.map_or(schema, |target| self.resolve(target));
        }
        let any = schema.get("anyOf").and_then(Value::as_array);
        let other = any.and_then(|any| any.iter().find(|one| one.get("type") != Some(&"null".into())));
        other.map_or(schema, |other| self.resolve(other))
    }

    /// What the schema expects at serde's path.
    fn explain(&self, path: &serde_path_to_error::Path) -> (String, String) {
        use serde_path_to_error::Segment;
        let (mut pointer, mut schema) = (self.at.to_owned(), self.schema);
        for segment in path {
            schema = self.resolve(schema);
            let next = match segment {
                Segment::Map { key } => {
                    pointer = join(&pointer, key);
                    schema
                        .get("properties")
                        .and_then(|properties| properties.get(key))
                }
                Segment::Seq { index } => {
                    pointer = join(&pointer, &index.to_string());
                    schema.get("items")
                }
                Segment::Enum { .. } | Segment::Unknown => None,
            };
            schema = next.unwrap_or(&Value::Null);
        }
        (pointer, describe(self.resolve(schema)))
    }
}

/// Parses JSON that is no connector's settings, a request's body say, with the same care: errors name each
/// bad place by its JSON pointer, the nearest known key, what was expected there, and never quote a value.
///
/// # Errors
/// `ConfigInvalid`.
pub fn from_json<T: DeserializeOwned + JsonSchema>(value: Value) -> Result<T> {
    let schema = schemars::schema_for!(T).to_value();
    let whole = Settings {
        at: "",
        schema: &schema,
        secrets: None,
    };
    whole.parse(value)
}

/// Both halves, or the faults of both in one error.
pub(crate) fn both<A, B>(first: Result<A>, second: Result<B>) -> Result<(A, B)> {
    match (first, second) {
        (Ok(first), Ok(second)) => Ok((first, second)),
        (Err(first), Err(second)) => Err(second.fields().iter().fold(first, |error, field| {
            error.with_field(&*field.pointer, &*field.detail)
        })),
        (Err(error), _) | (_, Err(error)) => Err(error),
    }
}

fn join(at: &str, key: &str) -> String {
    format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"))
}

/// Whether a number is none that the schema allows: serde knows the bounds of the type only.
fn is_out_of_bounds(schema: &Value, value: &Value) -> bool {
    let bound = |name| schema.get(name).and_then(Value::as_f64);
    value.as_f64().is_some_and(|number| {
        bound("minimum").is_some_and(|least| number < least)
            || bound("maximum").is_some_and(|most| number > most)
    })
}

/// `expected an integer from 0 to 65535`, `expected one of disable, require`.
fn describe(schema: &Value) -> String {
    let texts = |list: &Value| -> Option<String> {
        let names = list
            .as_array()?
            .iter()
            .map(|one| one.get("const").unwrap_or(one).as_str());
        Some(names.collect::<Option<Vec<_>>>()?.join(", "))
    };
    if let Some(names) = schema.get("enum").or_else(|| schema.get("oneOf")).and_then(texts) {
        return format!("expected one of {names}");
    }
    let types = match schema.get("type") {
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).find(|name| *name != "null"),
        Some(one) => one.as_str(),
        None => None,
    };
    let bounds = (schema.get("minimum"), schema.get("maximum"));
    match (types, bounds) {
        (Some("integer"), (Some(least), Some(most))) => format!("expected an integer from {least} to {most}"),
        (Some("integer"), (Some(least), None)) => format!("expected an integer of at least {least}"),
        (Some(name @ ("integer" | "object" | "array")), _) => format!("expected an {name}"),
        (Some(name), _) => format!("expected a {name}"),
        (None, _) => "does not match the schema".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Filters, Secret};
    use serde::Deserialize;
    use serde_json::json;

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "parsed only")]
    struct Config {
        host: String,
        port: Option<u16>,
        #[schemars(range(min = 1, max = 600))]
        timeout: Option<u64>,
        mode: Option<Mode>,
        #[serde(default)]
        filters: Filters,
    }

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(rename_all = "kebab-case")]
    enum Mode {
        /// Never.
        Never,
        /// Always, with a doc line of its own.
        VerifyFull,
    }

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "parsed only")]
    struct Credentials {
        password: Secret,
    }

    fn faults(value: Value) -> Vec<(String, String)> {
        let (schema, secrets) = (
            schemars::schema_for!(Config).to_value(),
            schemars::schema_for!(Credentials).to_value(),
        );
        let settings = Settings {
            at: "/config",
            schema: &schema,
            secrets: Some(&secrets),
        };
        let error = settings.parse::<Config>(value).unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
        error
            .fields()
            .iter()
            .map(|field| (field.pointer.clone(), field.detail.clone()))
            .collect()
    }

    fn fault(value: Value) -> (String, String) {
        let mut all = faults(value);
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }

    #[test]
    fn each_fault_names_place_and_remedy() {
        let at = |pointer: &str, detail: &str| (pointer.to_owned(), detail.to_owned());
        for (value, expected) in [
            (
                json!({"hots": "x", "host": "y"}),
                at("/config/hots", "unknown key; did you mean host?"),
            ),
            (
                json!({"host": "y", "port": "hunter2"}),
                at("/config/port", "expected an integer from 0 to 65535"),
            ),
            (
                json!({"host": "y", "port": 70000}),
                at("/config/port", "expected an integer from 0 to 65535"),
            ),
            (
                json!({"host": "y", "timeout": 0}),
                at("/config/timeout", "expected an integer from 1 to 600"),
            ),
            (
                json!({"host": "y", "timeout": 601}),
                at("/config/timeout", "expected an integer from 1 to 600"),
            ),
            (
                json!({"host": "y", "mode": "hunter2"}),
                at("/config/mode", "expected one of never, verify-full"),
            ),
            (
                json!({"host": "y", "filters": {"include_tabels": []}}),
                at(
                    "/config/filters/include_tabels",
                    "unknown key; did you mean include_tables?",
                ),
            ),
            (
                json!({"host": "y", "filters": {"include_tables": [1]}}),
                at("/config/filters/include_tables/0", "expected a string"),
            ),
            (json!("hunter2"), at("/config", "expected an object")),
            (json!({}), at("/config/host", "is missing")),
            (
                json!({"host": "y", "password": "hunter2"}),
                at(
                    "/credentials/password",
                    "belongs in credentials: move it from /config to /credentials; it was not stored",
                ),
            ),
        ] {
            assert_eq!(fault(value.clone()), expected, "{value}");
        }
    }

    #[test]
    fn all_unknown_and_missing_keys_are_told_at_once() {
        assert_eq!(faults(json!({"a": 1, "b": 2})).len(), 3);
    }

    #[test]
    fn a_body_is_told_where_it_is_wrong() {
        let error = from_json::<Config>(json!({"host": "y", "fliters": {}, "port": 1})).unwrap_err();
        assert_eq!(
            error.fields()[0].pointer,
            "/fliters",
            "pointers start at the body's root"
        );
        let error = from_json::<Config>(json!(["hunter2"])).unwrap_err();
        assert_eq!(
            (error.fields()[0].pointer.as_str(), error.fields().len()),
            ("", 1)
        );
    }

    #[test]
    fn null_stands_for_an_absent_option() {
        let schema = schemars::schema_for!(Config).to_value();
        let settings = Settings {
            at: "/config",
            schema: &schema,
            secrets: None,
        };
        let read = settings
            .parse::<Config>(json!({"host": "y", "port": null}))
            .unwrap();
        assert_eq!((read.host.as_str(), read.port), ("y", None));
    }
}
