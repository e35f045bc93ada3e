use super::{
    super::{Json, Node, Scanner},
    *,
};
use proptest::{collection::vec, prelude::*, sample::Index};
use serde::de::IgnoredAny;
use serde_json::Value;
use std::fs;

fn skipped(text: &str) -> Option<usize> {
    first::<IgnoredAny>(text).map(|(_, end)| end)
}

/// The first value of a text, to serde_json, and where it ends.
fn expected<'a, T: Deserialize<'a>>(text: &'a str) -> Option<(T, usize)> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter();
    let value = values.next()?.ok()?;
    Some((value, values.byte_offset()))
}

/// Insists that serde_json takes what is taken, as the same.
fn agree(text: &str) {
    if let Some(taken) = first::<Value>(text) {
        assert_eq!(Some(taken), expected(text), "{text}");
    }
    if let Some((raw, end)) = first::<Json<'_>>(text) {
        let sound = expected::<Json<'_>>(text).map(|(raw, end)| (raw.text(), end));
        assert_eq!(Some((raw.text(), end)), sound, "{text}");
    }
    if let Some(end) = skipped(text) {
        assert_eq!(first::<Json<'_>>(text).map(|(_, end)| end), Some(end), "{text}");
    }
    let node = |found: Option<(Node<'_>, usize)>| found.map(|(node, end)| (format!("{node:?}"), end));
    if let Some(taken) = node(first(text)) {
        assert_eq!(Some(taken), node(expected(text)), "{text}");
    }
}

/// Insists that a text is not taken, whatever is asked for.
fn refused(text: &str) {
    assert!(skipped(text).is_none(), "{text}");
    assert!(first::<Json<'_>>(text).is_none(), "{text}");
    assert!(first::<Value>(text).is_none(), "{text}");
}

/// Values without fractions, with texts of all kinds.
fn value() -> impl Strategy<Value = Value> {
    let words = ["\\\"\n\u{1f600}", "name", "columns", "depends_on"];
    let text = prop_oneof![
        "[ -~]{0,40}",
        any::<String>(),
        prop::sample::select(words.to_vec()).prop_map(str::to_owned)
    ];
    let plain = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        text.clone().prop_map(Value::from),
    ];
    plain.prop_recursive(4, 64, 8, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..8).prop_map(Value::from),
            vec((text.clone(), inner), 0..8).prop_map(|all| Value::Object(all.into_iter().collect())),
        ]
    })
}

/// The same text in ASCII, as Python writes it.
fn ascii(text: &str) -> String {
    let mut all = String::new();
    for char in text.chars() {
        match char.is_ascii() {
            true => all.push(char),
            false => {
                let units = char.encode_utf16(&mut [0; 2]).to_vec();
                all.extend(units.iter().map(|unit| format!("\\u{unit:04x}")));
            }
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn plain_values_are_taken_as_what_they_are(value in value()) {
        for text in [value.to_string(), ascii(&value.to_string()), format!("{value:#}")] {
            // A comma, because a number that the text ends with may go on.
            let more = format!("\n{text},");
            let end = text.len() + 1;
            prop_assert_eq!(first::<Value>(&more), Some((value.clone(), end)));
            prop_assert_eq!(skipped(&more), Some(end));
            let raw = first::<Json<'_>>(&more).map(|(raw, _)| raw.text());
            prop_assert_eq!(raw, Some(text.as_str()));
        }
    }

    #[test]
    fn nothing_is_taken_that_serde_json_refuses(
        value in value(),
        changes in vec((any::<Index>(), "[\\[\\]{}\",:\\\\ue0-9.trfn\u{1}é -]{0,2}"), 1..4),
    ) {
        let mut text = ascii(&value.to_string());
        for (at, put) in changes {
            let at = at.index(text.len() + 1);
            text.replace_range(at..text.len().min(at + 1), &ascii(&put));
        }
        for text in [format!("[{text}]"), format!(r#"{{"name": {text}}}"#)] {
            agree(&text);
        }
    }
}

#[test]
fn what_is_not_well_formed_is_refused() {
    let brackets =
        r#"{ [ {] [} [1} [1,] [,1] [1_2] {"a":1,} {,"a":1} {"a"_1} {"a":} {"a"} {1:2} {null:2} {[]:1}"#;
    let members = r#"{"a":1_"b":2} {"a":1"b":2} {"a":1,,"b":2} {"a"::1} {"a":1,"b"}"#;
    let numbers = "[01] [-] [+1] [.5] [1.] [1.e5] [-01] [--1] [1.5.5] [0x1] [1";
    let words = "[nul] [nullx] [True] [NaN] [Infinity] ['a'] [a] [truefalse]";
    let texts = r#"" "a "\" "\x" "\u12" "\u12g4" "\u+123" ["a\]"#;
    for cases in [brackets, members, numbers, words, texts] {
        for text in cases.split(' ') {
            let text = text.replace('_', " ");
            refused(&text);
            assert!(expected::<Value>(&text).is_none(), "{text}");
        }
    }
    for text in [
        "",
        " ",
        "\"a\nb\"",
        "\"\0\"",
        "\"\u{1f}0123456789abcdef\"",
        "\u{feff}[]",
        "\u{a0}[]",
    ] {
        refused(text);
        assert!(expected::<Value>(text).is_none(), "{text:?}");
    }
}

#[test]
fn what_could_mean_something_else_is_refused() {
    let surrogates = r#"["\ud83d"] ["\ude00\ud83d"] ["\ud83dx"] ["\ud83d\n"] ["\ud83d\u0041"]"#;
    let long = format!("[{}]", "9".repeat(LONGEST_NUMBER));
    for text in surrogates.split(' ').chain(["[1e5]", "[1.5E-3]", &long]) {
        refused(text);
    }
    let [deepest, deeper] = [0, 1].map(|more| {
        let depth = usize::from(DEEPEST) + more;
        format!("{}{}", "[".repeat(depth), "]".repeat(depth))
    });
    assert_eq!(skipped(&deepest), Some(deepest.len()));
    assert!(first::<Value>(&deepest).is_some());
    refused(&deeper);
    // serde_json takes an array for a struct.
    assert!(first::<Node<'_>>(r#"["a"]"#).is_none());
}

#[test]
fn numbers_are_what_they_are() {
    for text in ["[0]", "[-1]", "[18446744073709551615]", "[-9223372036854775808]"] {
        let number = first::<Value>(text);
        assert!(number.is_some(), "{text}");
        assert_eq!(number, expected(text), "{text}");
    }
    for text in [
        "[-0]",
        "[0.5]",
        "[18446744073709551616]",
        "[-9223372036854775809]",
    ] {
        assert_eq!(skipped(text), Some(text.len()), "{text}");
        assert!(first::<Value>(text).is_none(), "{text}");
    }
}

#[test]
fn what_dbt_writes_is_taken() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/artifacts");
    let mut nodes = 0;
    for file in [
        "manifest.json",
        "catalog.json",
        "run_results.json",
        "sources.json",
    ] {
        let text = fs::read(format!("{folder}/{file}")).unwrap();
        let mut scanner = Scanner::new(text.as_slice());
        let sections = scanner.members(|scanner, section| {
            if scanner.peek()? != Some(b'{') {
                return scanner.value().map(|value| agree(value.text));
            }
            scanner.members(|scanner, id| {
                let text = scanner.value()?.text;
                agree(text);
                if file == "manifest.json" && section == "nodes" {
                    assert_eq!(skipped(text), Some(text.len()), "{id}");
                    assert!(first::<Node<'_>>(text).is_some(), "{id}");
                    nodes += 1;
                }
                Ok(())
            })
        });
        sections.unwrap();
    }
    assert!(nodes > 10, "{nodes} nodes");
}
