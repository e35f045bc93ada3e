//! Texts that are borrowed from where they are read, in an artifact as in the spool.

use memchr::memchr;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Value, value::RawValue};
use std::{borrow::Cow, fmt, marker::PhantomData, ops::Deref};

/// A text: a piece of the artifact, or a copy where that spells it with escapes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct Str<'a>(Cow<'a, str>);

impl Str<'_> {
    pub(crate) fn into_owned(self) -> String {
        self.0.into_owned()
    }
}

impl From<String> for Str<'_> {
    fn from(text: String) -> Self {
        Self(Cow::Owned(text))
    }
}

impl<'a> From<&'a str> for Str<'a> {
    fn from(text: &'a str) -> Self {
        Self(Cow::Borrowed(text))
    }
}

impl Deref for Str<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Str<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Borrow<'a>(PhantomData<&'a str>);
        impl<'de: 'a, 'a> Visitor<'de> for Borrow<'a> {
            type Value = Str<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Str<'a>, E> {
                Ok(text.into())
            }

            fn visit_str<E>(self, text: &str) -> Result<Str<'a>, E> {
                Ok(text.to_owned().into())
            }

            fn visit_string<E>(self, text: String) -> Result<Str<'a>, E> {
                Ok(text.into())
            }
        }
        deserializer.deserialize_str(Borrow(PhantomData))
    }
}

/// A list of texts, for which one text may stand.
#[derive(Debug, Default, Serialize)]
#[serde(transparent)]
pub(crate) struct Names<'a>(pub(crate) Vec<Str<'a>>);

impl<'de: 'a, 'a> Deserialize<'de> for Names<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMany<'a>(PhantomData<&'a str>);
        impl<'de: 'a, 'a> Visitor<'de> for OneOrMany<'a> {
            type Value = Names<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a list of texts")
            }

            fn visit_borrowed_str<E>(self, one: &'de str) -> Result<Names<'a>, E> {
                Ok(Names(vec![one.into()]))
            }

            fn visit_str<E>(self, one: &str) -> Result<Names<'a>, E> {
                Ok(Names(vec![one.to_owned().into()]))
            }

            fn visit_string<E>(self, one: String) -> Result<Names<'a>, E> {
                Ok(Names(vec![one.into()]))
            }

            fn visit_unit<E>(self) -> Result<Names<'a>, E> {
                Ok(Names::default())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Names<'a>, A::Error> {
                let mut all = Vec::new();
                while let Some(one) = list.next_element()? {
                    all.push(one);
                }
                Ok(Names(all))
            }
        }
        match deserializer.is_human_readable() {
            true => deserializer.deserialize_any(OneOrMany(PhantomData)),
            false => deserializer.deserialize_seq(OneOrMany(PhantomData)),
        }
    }
}

/// The members of an object in their order, without those that are null.
#[derive(Debug)]
pub(crate) struct Members<'a, T>(pub(crate) Vec<(Str<'a>, T)>);

impl<'a, T> Members<'a, T> {
    /// The members of an object that may be missing.
    pub(crate) fn of(object: Option<&Self>) -> &[(Str<'a>, T)] {
        object.map_or(&[], |object| &object.0)
    }
}

impl<T: Serialize> Serialize for Members<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, Some(value))))
    }
}

impl<'de: 'a, 'a, T: Deserialize<'de>> Deserialize<'de> for Members<'a, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder<'a, T>(PhantomData<(&'a str, T)>);
        impl<'de: 'a, 'a, T: Deserialize<'de>> Visitor<'de> for InOrder<'a, T> {
            type Value = Members<'a, T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'a, T>, A::Error> {
                let mut members = Vec::with_capacity(map.size_hint().unwrap_or(16).min(64));
                while let Some((key, value)) = map.next_entry::<_, Option<T>>()? {
                    members.extend(value.map(|value| (key, value)));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(InOrder(PhantomData))
    }
}

/// The name of a type that stands for a value of any shape as the text that it is. serde_json has a name of its own for
/// that, which it keeps to itself.
pub(super) const RAW: &str = "headwater_dbt::Json";

/// A value of any shape, as the text that it is.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(transparent)]
pub(crate) struct Json<'a>(&'a str);

impl<'a> Json<'a> {
    /// The text.
    #[cfg(test)]
    pub(super) fn text(self) -> &'a str {
        self.0
    }

    /// The value, unless it says nothing: null, an empty list, an object without members.
    pub(crate) fn told(self) -> Option<Value> {
        if matches!(self.0, "null" | "[]" | "{}") {
            return None;
        }
        let value = serde_json::from_str(self.0).ok();
        value.filter(|value| match value {
            Value::Null => false,
            Value::Array(all) => !all.is_empty(),
            Value::Object(all) => !all.is_empty(),
            _ => true,
        })
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Json<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Raw<'a>(PhantomData<&'a str>);
        impl<'de: 'a, 'a> Visitor<'de> for Raw<'a> {
            type Value = Json<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value that can be read")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Json<'a>, E> {
                Ok(Json(text))
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(
                self,
                deserializer: D,
            ) -> Result<Json<'a>, D::Error> {
                let text = <&'a RawValue>::deserialize(deserializer)?.get();
                match serde_json::from_str(text) {
                    Ok(Sound) => Ok(Json(text)),
                    Err(_) => Err(de::Error::custom("a value that cannot be read")),
                }
            }
        }
        match deserializer.is_human_readable() {
            true => deserializer.deserialize_newtype_struct(RAW, Raw(PhantomData)),
            false => deserializer.deserialize_str(Raw(PhantomData)),
        }
    }
}

/// A long text, as the literal that stands in the artifact.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(transparent)]
pub(crate) struct Literal<'a>(&'a str);

impl Literal<'_> {
    pub(crate) fn text(self) -> Option<String> {
        text(self.0)
    }
}

/// The text that a well-formed literal stands for, unless it holds half a surrogate pair.
pub(super) fn text(literal: &str) -> Option<String> {
    let between = literal.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    let unescaped = between.and_then(unescaped);
    unescaped.or_else(|| serde_json::from_str(literal).ok())
}

/// What stands between the quotes of a well-formed literal, where it has no other than the short escapes. serde would
/// put a text together piece by piece and then copy it.
fn unescaped(literal: &str) -> Option<String> {
    let mut text = String::with_capacity(literal.len());
    let mut rest = literal;
    while let Some((before, escape)) = memchr(b'\\', rest.as_bytes()).and_then(|at| rest.split_at_checked(at))
    {
        text.push_str(before);
        text.push(match escape.as_bytes().get(1)? {
            b'n' => '\n',
            b't' => '\t',
            b'r' => '\r',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            same @ (b'"' | b'\\' | b'/') => char::from(*same),
            _ => return None,
        });
        rest = escape.get(2..)?;
    }
    text.push_str(rest);
    Some(text)
}

impl<'de: 'a, 'a> Deserialize<'de> for Literal<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Json(text) = Json::deserialize(deserializer)?;
        match text.starts_with('"') {
            true => Ok(Self(text)),
            false => Err(de::Error::custom("expected a text")),
        }
    }
}

/// Any value of which every number and text can be read; it is not kept.
struct Sound;

impl<'de> Deserialize<'de> for Sound {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Sound;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_unit<E>(self) -> Result<Sound, E> {
                Ok(Sound)
            }

            fn visit_bool<E>(self, _: bool) -> Result<Sound, E> {
                Ok(Sound)
            }

            fn visit_i64<E>(self, _: i64) -> Result<Sound, E> {
                Ok(Sound)
            }

            fn visit_u64<E>(self, _: u64) -> Result<Sound, E> {
                Ok(Sound)
            }

            fn visit_f64<E>(self, _: f64) -> Result<Sound, E> {
                Ok(Sound)
            }

            fn visit_str<E>(self, _: &str) -> Result<Sound, E> {
                Ok(Sound)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Sound, A::Error> {
                while list.next_element::<Sound>()?.is_some() {}
                Ok(Sound)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Sound, A::Error> {
                while map.next_entry::<Sound, Sound>()?.is_some() {}
                Ok(Sound)
            }
        }
        deserializer.deserialize_any(All)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_is_the_text_that_serde_reads() {
        for literal in [
            r#""""#,
            r#""plain ü""#,
            r#""select \"a\"\n\tfrom b\\c\/d\r\b\f""#,
            r#""\u00e9 and \ud83d\ude00\n""#,
        ] {
            let read: Literal<'_> = serde_json::from_str(literal).unwrap();
            let text: String = serde_json::from_str(literal).unwrap();
            assert_eq!(read.text().as_deref(), Some(text.as_str()), "{literal}");
        }
        for no_text in [r#""\ud83d""#, "5", "null", "{}"] {
            assert!(serde_json::from_str::<Literal<'_>>(no_text).is_err(), "{no_text}");
        }
    }
}
