//! From the text of one value to its type.

use super::Text;
use crate::error;
use headwater_core::Result;
use serde::{
    Deserializer,
    de::{DeserializeOwned, IgnoredAny, SeqAccess, Visitor},
};
use serde_json::Value;
use serde_path_to_error::Segment;
use std::fmt;

/// The most fields of one value that are left out before it is given up.
const MOST_FAULTS: usize = 32;

/// Parses a value all of whose fields are optional. A field of the wrong type is left out and told to `fault`
/// by its place within the value; the empty place stands for the value itself, of which then nothing is read.
pub(crate) fn parse<T: DeserializeOwned + Default>(text: Text<'_>, mut fault: impl FnMut(&str)) -> Result<T> {
    // serde takes an array for a struct, field by field.
    if !text.text.starts_with('{') {
        skip(text)?;
        fault("");
        return Ok(T::default());
    }
    if let Ok(parsed) = serde_json::from_str(text.text) {
        return Ok(parsed);
    }
    // What serde calls a fault of syntax may be a list too long for a struct, a number beyond all range or half a
    // surrogate pair: the text is well-formed all the same.
    skip(text)?;
    match serde_json::from_str(text.text) {
        Ok(value) => Ok(parse_around_faults(value, &mut fault)),
        Err(_no_value) => {
            fault("");
            Ok(T::default())
        }
    }
}

/// Insists that a value is well-formed, and drops it.
pub(crate) fn skip(text: Text<'_>) -> Result<()> {
    serde_json::from_str::<IgnoredAny>(text.text)
        .map(drop)
        .map_err(|bad| error::syntax(&bad, text))
}

fn parse_around_faults<T: DeserializeOwned + Default>(mut value: Value, fault: &mut impl FnMut(&str)) -> T {
    for _ in 0..MOST_FAULTS {
        let bad = match serde_path_to_error::deserialize::<_, T>(&value) {
            Ok(parsed) => return parsed,
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
    T::default()
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

/// One text, or a list of them.
pub(super) fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    struct OneOrMany;
    impl<'de> Visitor<'de> for OneOrMany {
        type Value = Vec<String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a text or a list of texts")
        }

        fn visit_str<E>(self, one: &str) -> Result<Vec<String>, E> {
            Ok(vec![one.to_owned()])
        }

        fn visit_unit<E>(self) -> Result<Vec<String>, E> {
            Ok(Vec::new())
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<String>, A::Error> {
            let mut all = Vec::new();
            while let Some(one) = list.next_element()? {
                all.push(one);
            }
            Ok(all)
        }
    }
    deserializer.deserialize_any(OneOrMany)
}

#[cfg(test)]
mod tests {
    use super::super::Node;
    use super::*;

    fn node(text: &str) -> (Result<Node>, Vec<String>) {
        let mut faults = Vec::new();
        let node = parse(Text { text, offset: 100 }, |place| faults.push(place.to_owned()));
        (node, faults)
    }

    #[test]
    fn a_field_of_the_wrong_type_is_left_out_and_named() {
        let (node, faults) =
            node(r#"{"name": 5, "schema": "s", "columns": {"a/b": {"description": []}, "c": {}}, "fqn": 1}"#);
        let node = node.unwrap();
        assert_eq!(faults, ["/columns/a~1b/description", "/name"]);
        assert_eq!((node.name, node.schema.as_deref()), (None, Some("s")));
        assert_eq!(node.columns.unwrap().0.len(), 2);
    }

    #[test]
    fn an_entry_of_the_wrong_type_is_empty_and_told() {
        for text in ["5", "[]", "\"x\""] {
            let (node, faults) = node(text);
            assert!(node.unwrap().name.is_none());
            assert_eq!(faults.last().map(String::as_str), Some(""), "{text}");
        }
    }

    #[test]
    fn what_is_well_formed_breaks_no_file() {
        let (listed, faults) = node(r#"{"name": "x", "depends_on": [null, {}, "y"]}"#);
        assert_eq!(
            (listed.unwrap().name.as_deref(), &*faults),
            (Some("x"), &["/depends_on".to_owned()][..])
        );
        for text in [r#"{"meta": 1e999}"#, r#"{"name": "\ud800"}"#] {
            let (node, faults) = node(text);
            assert!(node.unwrap().name.is_none());
            assert_eq!(faults, [""], "{text}");
        }
    }

    #[test]
    fn broken_json_is_an_error_at_its_place() {
        let error = node("{\"name\": \n tru}").0.unwrap_err().to_string();
        assert!(error.contains("byte 11") && !error.contains("tru"), "{error}");
    }
}
