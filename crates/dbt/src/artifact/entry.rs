//! From the text of one value to its type.

use super::{Members, Text};
use crate::error;
use headwater_core::Result;
use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Deserializer, Value, value::RawValue};
use serde_path_to_error::Segment;

/// The most fields of one value that are left out before it is given up.
const MOST_FAULTS: usize = 32;
/// How deep a value is searched for what cannot be read.
const DEEPEST: usize = 32;

/// A type of entries, all of whose fields are optional, by what it is as it borrows from a text.
pub(crate) trait Entry {
    type Of<'a>: Deserialize<'a> + Default;
}

/// Parses an entry for `keep`. A field of the wrong type is left out and told to `fault` by its place within the
/// entry; the empty place stands for the entry itself, of which then nothing is read.
pub(crate) fn parse<E: Entry, T>(
    text: Text<'_>,
    fault: &mut dyn FnMut(&str),
    keep: impl FnOnce(E::Of<'_>) -> T,
) -> Result<T> {
    // serde takes an array for a struct, field by field.
    if text.text.starts_with('{')
        && let Ok(parsed) = serde_json::from_str(text.text)
    {
        return Ok(keep(parsed));
    }
    // What serde calls a fault of syntax may be a list too long for a struct, a number beyond all range or half a
    // surrogate pair: the text is well-formed all the same.
    skip(text)?;
    match readable(text.text, "", fault) {
        Some(value @ Value::Object(_)) => Ok(parse_around_faults::<E, T>(value, fault, keep)),
        _ => {
            fault("");
            Ok(keep(E::Of::default()))
        }
    }
}

/// A well-formed value, unless it cannot be read: a number beyond all range, half a surrogate pair, what is nested too
/// deep. Within it null stands for what cannot, which is told to `fault` by its place.
fn readable(text: &str, place: &str, fault: &mut dyn FnMut(&str)) -> Option<Value> {
    if let Ok(value) = serde_json::from_str(text) {
        return Some(value);
    }
    if place.matches('/').count() >= DEEPEST {
        return None;
    }
    let mut within = |key: &str, value: &RawValue| {
        let place = format!("{place}/{key}");
        readable(value.get(), &place, fault).unwrap_or_else(|| {
            fault(&place);
            Value::Null
        })
    };
    if let Ok(Members(members)) = serde_json::from_str::<Members<'_, &RawValue>>(text) {
        let members = members.into_iter();
        let members = members.map(|(key, value)| (key.to_string(), within(&escaped(&key), value)));
        return Some(Value::Object(members.collect()));
    }
    let elements: Vec<&RawValue> = serde_json::from_str(text).ok()?;
    let elements = elements.into_iter().enumerate();
    Some(
        elements
            .map(|(at, value)| within(&at.to_string(), value))
            .collect(),
    )
}

/// Insists that a value is well-formed, and drops it.
pub(crate) fn skip(text: Text<'_>) -> Result<()> {
    serde_json::from_str::<IgnoredAny>(text.text)
        .map(drop)
        .map_err(|bad| error::syntax(&bad, text))
}

fn parse_around_faults<E: Entry, T>(
    mut value: Value,
    fault: &mut dyn FnMut(&str),
    keep: impl FnOnce(E::Of<'_>) -> T,
) -> T {
    for _ in 0..MOST_FAULTS {
        let text = value.to_string();
        let bad = match serde_path_to_error::deserialize(&mut Deserializer::from_str(&text)) {
            Ok(parsed) => return keep(parsed),
            Err(bad) => pointer(bad.path()),
        };
        // A list of texts takes no null for an element: then the list itself is left out.
        let mut place = bad.as_str();
        while value.pointer(place).is_none_or(Value::is_null) && !place.is_empty() {
            place = place.rsplit_once('/').map_or("", |(around, _)| around);
        }
        match value.pointer_mut(place) {
            Some(bad) if !place.is_empty() => *bad = Value::Null,
            _ => break,
        }
        fault(place);
    }
    fault("");
    keep(E::Of::default())
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Map { key } => pointer.push_str(&format!("/{}", escaped(key))),
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            _ => {}
        }
    }
    pointer
}

fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::super::{Node, borrowed::Str};
    use super::*;

    /// Name, schema and how many columns there are.
    type Kept = (Option<String>, Option<String>, Option<usize>);

    fn node(text: &str) -> (Result<Kept>, Vec<String>) {
        let mut faults = Vec::new();
        let mut fault = |place: &str| faults.push(place.to_owned());
        let keep = |node: Node<'_>| {
            let columns = node.columns.map(|columns| columns.0.len());
            (
                node.name.map(Str::into_owned),
                node.schema.map(Str::into_owned),
                columns,
            )
        };
        let node = parse::<Node<'_>, _>(Text { text, offset: 100 }, &mut fault, keep);
        (node, faults)
    }

    #[test]
    fn a_field_of_the_wrong_type_is_left_out_and_named() {
        let (node, faults) =
            node(r#"{"name": 5, "schema": "s", "columns": {"a/b": {"description": []}, "c": {}}, "fqn": 1}"#);
        assert_eq!(faults, ["/columns/a~1b/description", "/name"]);
        assert_eq!(node.unwrap(), (None, Some("s".to_owned()), Some(2)));
    }

    #[test]
    fn an_entry_of_the_wrong_type_is_empty_and_told() {
        for text in ["5", "null", "[]", "\"x\"", r#"{"\ud800": 1}"#] {
            let (node, faults) = node(text);
            assert!(node.unwrap().0.is_none());
            assert_eq!(faults, [""], "{text}");
        }
    }

    #[test]
    fn what_is_well_formed_breaks_no_file() {
        let (listed, faults) = node(r#"{"name": "x", "depends_on": [null, {}, "y"]}"#);
        assert_eq!(
            (listed.unwrap().0.as_deref(), &*faults),
            (Some("x"), &["/depends_on".to_owned()][..])
        );
    }

    #[test]
    fn a_value_that_cannot_be_read_is_left_out_and_named() {
        let deep = format!(
            r#"{{"name": "x", "meta": {{"a": {}{}}}}}"#,
            "[".repeat(200),
            "]".repeat(200)
        );
        let place = format!("/meta/a{}", "/0".repeat(DEEPEST - 2));
        for (text, place) in [
            (r#"{"name": "x", "meta": {"a": [1, -1e999]}}"#, "/meta/a/1"),
            (r#"{"name": "x", "description": "\ud800"}"#, "/description"),
            (
                r#"{"name": "x", "columns": {"a/b": {"tags": ["\ude00"]}}}"#,
                "/columns/a~1b/tags/0",
            ),
            (r#"{"name": "x", "meta": {"\ud800": 1}}"#, "/meta"),
            (&deep, &place),
        ] {
            let (node, faults) = node(text);
            assert_eq!(node.unwrap().0.as_deref(), Some("x"), "{text}");
            assert_eq!(faults.first().map(String::as_str), Some(place), "{text}");
        }
        let (unnamed, faults) = node(r#"{"name": "\ud800", "schema": "s"}"#);
        assert_eq!(
            (unnamed.unwrap().1.as_deref(), &*faults),
            (Some("s"), &["/name".to_owned()][..])
        );
    }

    #[test]
    fn broken_json_is_an_error_at_its_place() {
        let error = node("{\"name\": \n tru}").0.unwrap_err().to_string();
        assert!(error.contains("byte 11") && !error.contains("tru"), "{error}");
        assert!(error.contains("not valid JSON: expected ident"), "{error}");
    }
}
