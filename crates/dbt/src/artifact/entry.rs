//! From the text of one value to its type.

use super::Text;
use crate::error;
use headwater_core::Result;
use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Deserializer, Value};
use serde_path_to_error::Segment;

/// The most fields of one value that are left out before it is given up.
const MOST_FAULTS: usize = 32;

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
    match serde_json::from_str(text.text) {
        Ok(value @ Value::Object(_)) => Ok(parse_around_faults::<E, T>(value, fault, keep)),
        _ => {
            fault("");
            Ok(keep(E::Of::default()))
        }
    }
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
            Segment::Map { key } => {
                pointer.push('/');
                pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
            }
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            _ => {}
        }
    }
    pointer
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
        for text in ["5", "[]", "\"x\""] {
            let (node, faults) = node(text);
            assert!(node.unwrap().0.is_none());
            assert_eq!(faults.last().map(String::as_str), Some(""), "{text}");
        }
    }

    #[test]
    fn what_is_well_formed_breaks_no_file() {
        let (listed, faults) = node(r#"{"name": "x", "depends_on": [null, {}, "y"]}"#);
        assert_eq!(
            (listed.unwrap().0.as_deref(), &*faults),
            (Some("x"), &["/depends_on".to_owned()][..])
        );
        for text in [r#"{"meta": 1e999}"#, r#"{"name": "\ud800"}"#] {
            let (node, faults) = node(text);
            assert!(node.unwrap().0.is_none());
            assert_eq!(faults, [""], "{text}");
        }
    }

    #[test]
    fn broken_json_is_an_error_at_its_place() {
        let error = node("{\"name\": \n tru}").0.unwrap_err().to_string();
        assert!(error.contains("byte 11") && !error.contains("tru"), "{error}");
    }
}
