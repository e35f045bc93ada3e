use super::{
    super::{
        Args, CatalogEntry, FreshnessResult, Group, Header, Json, Node, RunResult, Scanner, Test,
        entry::Entry,
    },
    *,
};
use proptest::{collection::vec, prelude::*, sample::Index, test_runner::TestRunner};
use serde::de::IgnoredAny;
use serde_json::Value;
use std::{cell::Cell, fmt::Debug, fs};

fn skipped(text: &str) -> Option<usize> {
    first::<IgnoredAny>(text).map(|(_, end)| end)
}

/// The first value of a text, to serde_json, and where it ends.
fn expected<'a, T: Deserialize<'a>>(text: &'a str) -> Option<(T, usize)> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter();
    let value = values.next()?.ok()?;
    Some((value, values.byte_offset()))
}

/// Insists that serde_json takes what is taken, as the same, and says whether anything is.
fn agree(text: &str) -> bool {
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
    agree_on::<Node<'_>>(text);
    agree_on::<Test<'_>>(text);
    agree_on::<CatalogEntry<'_>>(text);
    agree_on::<RunResult>(text);
    agree_on::<FreshnessResult>(text);
    agree_on::<Header>(text);
    agree_on::<Args>(text);
    agree_on::<Group<'_>>(text);
    skipped(text).is_some()
}

/// The same for a type of entries; whether the text is taken.
fn agree_on<E: Entry>(text: &str) -> bool
where
    for<'a> E::Of<'a>: Debug,
{
    let told = |found: Option<(E::Of<'_>, usize)>| found.map(|(entry, end)| (format!("{entry:?}"), end));
    let taken = told(first(text));
    if taken.is_some() {
        assert_eq!(taken, told(expected(text)), "{text}");
    }
    taken.is_some()
}

/// Insists that a text is not taken, whatever is asked for.
fn refused(text: &str) {
    assert!(skipped(text).is_none(), "{text}");
    assert!(first::<Json<'_>>(text).is_none(), "{text}");
    assert!(first::<Value>(text).is_none(), "{text}");
}

/// Values without fractions, with texts of all kinds.
fn value() -> impl Strategy<Value = Value> {
    let names = "name description columns tags meta config contract enforced depends_on nodes raw_code raw_sql \
                 freshness warn_after count period owner email test_metadata severity where type index comment stats \
                 value unique_id failures which entities version";
    let names: Vec<&str> = names.split(' ').collect();
    let text = prop_oneof![
        "[ -~]{0,40}",
        any::<String>(),
        Just("\\\"\n\u{1f600}".to_owned()),
        prop::sample::select(names).prop_map(str::to_owned),
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
            let text = format!("[{text}\n]");
            let taken = first::<Value>(&format!("{text}, 1"));
            prop_assert_eq!(taken, Some((Value::Array(vec![value.clone()]), text.len())));
            prop_assert_eq!(skipped(&text), Some(text.len()));
            let raw = first::<Json<'_>>(&text).map(|(raw, _)| raw.text());
            prop_assert_eq!(raw, Some(text.as_str()));
        }
    }
}

#[test]
fn nothing_is_taken_that_serde_json_refuses() {
    let changes = vec(
        (any::<Index>(), "[\\[\\]{}\",:\\\\ue0-9.trfn\u{1}é -]{0,2}"),
        1..4,
    );
    let (taken, broken) = (Cell::new(0), Cell::new(0));
    let config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let cases = config.cases;
    let run = TestRunner::new(config).run(&(value(), changes), |(value, changes)| {
        let mut text = value.to_string();
        for (at, put) in changes {
            let at = at.index(text.len() + 1);
            let at = text.floor_char_boundary(at);
            let end = text.ceil_char_boundary(text.len().min(at + 1));
            text.replace_range(at..end, &put);
        }
        for text in [text.as_str(), &ascii(&text), &text.replace("na", "n\\u0061")] {
            agree(text);
            let entry = format!(r#"{{"name": {text}, "failures": {text}, "columns": {{"a": {text}}}}}"#);
            agree(&entry);
            let in_list = format!("[{text}]");
            let count = match agree(&in_list) {
                true => &taken,
                false => &broken,
            };
            count.set(count.get() + 1);
        }
        Ok(())
    });
    run.unwrap();
    // Some changes break a text, and some leave it well-formed.
    let few = cases / 10;
    assert!(
        taken.get() > few && broken.get() > few,
        "{taken:?} taken, {broken:?} not"
    );
}

#[test]
fn a_text_ends_where_it_ends_wherever_blocks_do() {
    let put = ["", "é", r#"\""#, r"\\", r"\n", r"\u00e9", r"\ud83d\ude00"];
    let bad = ["\u{1f}", "\0", r"\x", r"\ud83d", r"\u12"];
    for length in 0..3 * BLOCK {
        for at in 0..=length {
            let text = |put: &str| format!(r#"["{}{put}{}"]"#, "x".repeat(at), "y".repeat(length - at));
            for put in put {
                let text = text(put);
                assert_eq!(first::<Value>(&text), expected(&text), "{text}");
                assert_eq!(skipped(&text), Some(text.len()), "{text}");
            }
            for bad in bad {
                refused(&text(bad));
            }
            assert!(!agree(&text("\"")), "a text that ends too early");
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
    let long = format!("[{}]", "9".repeat(LONGEST_NUMBER + 1));
    for text in surrogates.split(' ').chain(["[1e5]", "[1.5E-3]", &long]) {
        refused(text);
        assert!(expected::<IgnoredAny>(text).is_some(), "{text}");
    }
    let [deepest, deeper] = [0, 1].map(|more| {
        let depth = usize::from(DEEPEST) + more;
        format!("{}{}", "[".repeat(depth), "]".repeat(depth))
    });
    assert_eq!(skipped(&deepest), Some(deepest.len()));
    assert!(first::<Value>(&deepest).is_some());
    refused(&deeper);
    assert!(expected::<Value>(&deeper).is_some());
    // serde_json takes an array for a struct.
    assert!(first::<Node<'_>>(r#"["a"]"#).is_none());
    assert!(expected::<Args>(r#"["a"]"#).is_some() && first::<Args>(r#"["a"]"#).is_none());
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
    let mut taken = 0;
    let mut take = |file: &str, section: &str, text: &str| {
        agree(text);
        let is_taken = match (file, section) {
            (_, "metadata") => agree_on::<Header>(text),
            ("manifest.json", "nodes" | "sources" | "exposures" | "metrics" | "semantic_models") => {
                agree_on::<Node<'_>>(text) && agree_on::<Test<'_>>(text)
            }
            ("catalog.json", "nodes" | "sources") => agree_on::<CatalogEntry<'_>>(text),
            ("run_results.json", "results") => agree_on::<RunResult>(text),
            ("sources.json", "results") => agree_on::<FreshnessResult>(text),
            _ => return,
        };
        assert!(is_taken && skipped(text) == Some(text.len()), "{file}: {text}");
        taken += 1;
    };
    for file in [
        "manifest.json",
        "catalog.json",
        "run_results.json",
        "sources.json",
    ] {
        let text = fs::read(format!("{folder}/{file}")).unwrap();
        let mut scanner = Scanner::new(text.as_slice());
        let sections = scanner.members(|scanner, section| match (section, scanner.peek()?) {
            ("metadata", _) => scanner.value().map(|value| take(file, section, value.text)),
            (_, Some(b'{')) => {
                scanner.members(|scanner, _| scanner.value().map(|value| take(file, section, value.text)))
            }
            (_, Some(b'[')) => {
                scanner.elements(|scanner| scanner.value().map(|value| take(file, section, value.text)))
            }
            _ => scanner.value().map(drop),
        });
        sections.unwrap();
    }
    assert!(taken > 40, "{taken} entries");
}
