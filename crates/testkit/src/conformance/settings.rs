use super::{connector_type, open, secrets::secret_names};
use crate::Fixture;
use headwater_core::{ConnectorType, Error, ErrorKind};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// A text that is wrong in every place, and easy to find in an answer.
const WRONG: &str = "wrong-4711-value";

/// Settings are typed and documented, and a fault in them is answered with its place and never its value.
pub async fn settings<F: Fixture>(fixture: &F) {
    let kind = connector_type::<F>();
    open("settings", fixture);
    for (half, schema) in [
        ("config", &kind.config_schema),
        ("credentials", &kind.credentials_schema),
    ] {
        assert_documented(half, schema);
        assert_unknown_is_named(fixture, &kind, half, schema);
        assert_value_is_hidden(fixture, &kind, half, schema);
    }
    assert_secret_is_sent_to_credentials(fixture, &kind);
    for pointer in kind.destinations.iter().chain(&kind.links_into) {
        assert!(
            has_property(&kind.config_schema, &kind.config_schema, pointer),
            "settings: DESTINATIONS or LINKS_INTO names {pointer}, which is no property of the config"
        );
    }
}

fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(Map::iter)
}

fn assert_documented(half: &str, schema: &Value) {
    assert!(
        schema.get("additionalProperties") == Some(&json!(false)),
        "settings: {half} takes unknown keys: put #[serde(deny_unknown_fields)] on its type"
    );
    for (name, property) in properties(schema) {
        assert!(
            property.get("description").is_some(),
            "settings: /{half}/{name} has no description: write a doc line on the field"
        );
    }
}

fn assert_unknown_is_named<F: Fixture>(fixture: &F, kind: &ConnectorType, half: &str, schema: &Value) {
    let error = refused(fixture, kind, half, "zz_unknown", json!(WRONG));
    assert_points_at(&error, &format!("/{half}/zz_unknown"), "an unknown key");
    let known: BTreeSet<&String> = properties(schema).map(|(name, _)| name).collect();
    for name in &known {
        let misspelt = format!("{name}x");
        if name.len() < 4 || known.contains(&misspelt) {
            continue;
        }
        let pointer = format!("/{half}/{misspelt}");
        let error = refused(fixture, kind, half, &misspelt, json!(WRONG));
        assert_points_at(&error, &pointer, "a misspelt key");
        assert!(
            error.to_string().contains(name.as_str()),
            "settings: {pointer} is refused without naming the nearest known key, {name}: {error}"
        );
    }
}

fn assert_value_is_hidden<F: Fixture>(fixture: &F, kind: &ConnectorType, half: &str, schema: &Value) {
    for (name, _) in properties(schema) {
        for wrong in [json!(WRONG), json!([WRONG]), json!([[WRONG]])] {
            let Err(error) = open_half(fixture, kind, half, name, wrong) else {
                continue;
            };
            assert!(
                !format!("{error:?}").contains(WRONG),
                "settings: the error about /{half}/{name} quotes the value"
            );
            assert!(
                error.kind() == ErrorKind::ConfigInvalid && !error.fields().is_empty(),
                "settings: a wrong value at /{half}/{name} is answered by {} without a pointer: {error}",
                error.kind()
            );
        }
        let error = refused(fixture, kind, half, name, json!([[[WRONG]]]));
        assert_points_at(&error, &format!("/{half}/{name}"), "a value of a wrong type");
    }
}

fn assert_secret_is_sent_to_credentials<F: Fixture>(fixture: &F, kind: &ConnectorType) {
    let mut secrets = BTreeSet::new();
    secret_names(&kind.credentials_schema, &mut secrets);
    let outer: BTreeSet<&String> = properties(&kind.credentials_schema)
        .map(|(name, _)| name)
        .collect();
    for name in secrets.iter().filter(|name| outer.contains(name)) {
        let error = refused(fixture, kind, "config", name, json!(WRONG));
        assert_points_at(&error, &format!("/credentials/{name}"), "a secret in the config");
    }
}

/// Opens with one key of one half set, and insists that this is refused as `ConfigInvalid`.
fn refused<F: Fixture>(fixture: &F, kind: &ConnectorType, half: &str, key: &str, value: Value) -> Error {
    match open_half(fixture, kind, half, key, value) {
        Ok(()) => panic!("settings: a wrong value at /{half}/{key} is accepted"),
        Err(error) => {
            assert!(
                error.kind() == ErrorKind::ConfigInvalid,
                "settings: a wrong value at /{half}/{key} is answered by {} instead of config_invalid",
                error.kind()
            );
            assert!(
                !format!("{error:?}").contains(WRONG),
                "settings: the error about /{half}/{key} quotes the value"
            );
            error
        }
    }
}

fn open_half<F: Fixture>(
    fixture: &F,
    kind: &ConnectorType,
    half: &str,
    key: &str,
    value: Value,
) -> Result<(), Error> {
    let (mut config, mut credentials) = (fixture.config(), fixture.credentials());
    let changed = if half == "config" {
        &mut config
    } else {
        &mut credentials
    };
    match changed.as_object_mut() {
        Some(object) => object.insert(key.to_owned(), value),
        None => panic!("settings: the fixture's {half} is no JSON object"),
    };
    kind.open(config, credentials, &fixture.host()).map(|_| ())
}

fn assert_points_at(error: &Error, pointer: &str, what: &str) {
    let within =
        |at: &str| at == pointer || at.strip_prefix(pointer).is_some_and(|rest| rest.starts_with('/'));
    assert!(
        error.fields().iter().any(|field| within(&field.pointer)),
        "settings: {what} at {pointer} is refused without pointing there: {error}"
    );
}

/// Whether a JSON pointer leads to a property, through `$ref` and `anyOf`.
fn has_property(root: &Value, schema: &Value, pointer: &str) -> bool {
    let Some(rest) = pointer.strip_prefix('/') else {
        return pointer.is_empty();
    };
    let (name, rest) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let target = schema
        .get("$ref")
        .and_then(Value::as_str)
        .and_then(|target| target.strip_prefix('#'));
    if let Some(target) = target.and_then(|target| root.pointer(target)) {
        return has_property(root, target, pointer);
    }
    let any = schema.get("anyOf").and_then(Value::as_array);
    let own = schema.get("properties").and_then(|all| all.get(name));
    own.is_some_and(|inner| has_property(root, inner, rest))
        || any
            .into_iter()
            .flatten()
            .any(|inner| has_property(root, inner, pointer))
}
