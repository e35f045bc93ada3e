//! Whatever befalls a manifest on its way, it is read whole or nothing of it is.

use crate::{common::artifact, parsed, whole::read_or_refuse};
use headwater_core::Path;
use proptest::{prelude::*, sample::Index};
use serde_json::{Value, json};
use std::{collections::BTreeSet, fs, sync::LazyLock};

static TEXT: LazyLock<Vec<u8>> = LazyLock::new(|| fs::read(artifact("manifest.json")).unwrap());
static MANIFEST: LazyLock<Value> = LazyLock::new(|| parsed(&artifact("manifest.json")));
static EXPECTED: LazyLock<BTreeSet<Path>> = LazyLock::new(|| read_or_refuse(&TEXT).paths());

/// The pointers of all places in a document.
fn places(value: &Value, at: &str, all: &mut Vec<String>) {
    let members: Vec<(String, &Value)> = match value {
        Value::Object(members) => members.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(elements) => elements
            .iter()
            .enumerate()
            .map(|(i, value)| (i.to_string(), value))
            .collect(),
        _ => return,
    };
    for (key, value) in members {
        let place = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
        places(value, &place, all);
        all.push(place);
    }
}

static PLACES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let mut all = Vec::new();
    places(&MANIFEST, "", &mut all);
    all
});

fn remove(document: &mut Value, place: &str) {
    let (around, key) = place.rsplit_once('/').unwrap();
    match document.pointer_mut(around).unwrap() {
        Value::Object(members) => drop(members.remove(&key.replace("~1", "/").replace("~0", "~"))),
        Value::Array(elements) => drop(elements.remove(key.parse().unwrap())),
        _ => unreachable!("places lie in objects and arrays"),
    }
}

/// Something that stands where something else was expected.
fn intruder() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        ".{0,8}".prop_map(Value::from),
        Just(json!([])),
        Just(json!({})),
        Just(json!([null, {"x": [1]}, "y"])),
        Just(json!({"nodes": {"": null}, "name": ["x"]})),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_manifest_that_is_cut_off_is_refused(at in any::<Index>()) {
        let run = read_or_refuse(&TEXT[..at.index(TEXT.trim_ascii_end().len())]);
        prop_assert!(run.failed.is_some());
    }

    #[test]
    fn bytes_that_changed_are_read_around_or_refused(
        changes in prop::collection::vec((any::<Index>(), any::<u8>()), 1..4)
    ) {
        let mut text = TEXT.clone();
        for (at, byte) in changes {
            let at = at.index(text.len());
            text[at] = byte;
        }
        read_or_refuse(&text);
    }

    #[test]
    fn a_field_of_another_type_costs_no_product(at in any::<Index>(), value in intruder()) {
        let place = at.get(&PLACES);
        let mut manifest = MANIFEST.clone();
        *manifest.pointer_mut(place).unwrap() = value;
        let run = read_or_refuse(manifest.to_string().as_bytes());
        // The sections, and what metadata says of the file and of its project, are none of a product's fields.
        if place.matches('/').count() > 2 {
            prop_assert_eq!(run.paths(), EXPECTED.clone(), "{}: {:?}", place, run.failed);
        }
    }

    #[test]
    fn a_field_that_is_missing_costs_no_other_product(at in any::<Index>()) {
        let place = at.get(&PLACES);
        let mut manifest = MANIFEST.clone();
        remove(&mut manifest, place);
        let run = read_or_refuse(manifest.to_string().as_bytes());
        if place.matches('/').count() > 1 {
            let left = run.paths();
            let lost = EXPECTED.iter().filter(|path| !left.contains(*path)).count();
            prop_assert!(lost <= 1, "{}: {} products lost", place, lost);
        }
    }
}
