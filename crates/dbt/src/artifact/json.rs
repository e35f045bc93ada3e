//! A reader of JSON that takes what is plain and refuses the rest. Who reads with it asks serde_json about what it
//! refuses, so it tells neither faults nor their places, and needs no way to go on behind them.
//!
//! A value is taken only if serde_json takes it, too, as the same. What is refused may be well-formed all the same: a value
//! of another type than is asked for, half a surrogate pair, a number with an exponent, what is nested too deep.

use super::borrowed::{self, RAW};
use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor},
    forward_to_deserialize_any,
};
use std::fmt;
use wide::u8x16;

/// Less than serde_json's 127, which hold for what is wanted only: here, what is passed over takes a stack, too.
const DEEPEST: u8 = 100;
/// A number of more bytes may be beyond the range of serde_json's.
const LONGEST_NUMBER: usize = 300;
/// How many bytes of a text are looked at together.
const BLOCK: usize = 16;

/// The value that a text begins with, if it is plain, and where it ends. No word or number, which might go on.
pub(super) fn first<'a, T: Deserialize<'a>>(text: &'a str) -> Option<(T, usize)> {
    if !text.starts_with(['{', '[', '"']) {
        return None;
    }
    let mut reader = Reader {
        text,
        at: 0,
        depth: 0,
    };
    let value = T::deserialize(&mut reader).ok()?;
    Some((value, reader.at))
}

/// The value was not taken.
#[derive(Debug)]
struct Refused;

type Result<T> = std::result::Result<T, Refused>;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not plain enough")
    }
}

impl std::error::Error for Refused {}

impl de::Error for Refused {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

/// A place in a text of JSON.
struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: u8,
}

impl<'a> Reader<'a> {
    /// Reads a value that is not wanted.
    fn skip(&mut self) -> Result<()> {
        match self.peek()? {
            b'"' => self.string().map(drop),
            b'{' => {
                self.descend()?;
                let mut members = Within::new(self);
                while members.follows(b'}')? {
                    members.reader.string()?;
                    members.reader.take(b':')?;
                    members.reader.skip()?;
                }
                self.ascend(b'}')
            }
            b'[' => {
                self.descend()?;
                let mut elements = Within::new(self);
                while elements.follows(b']')? {
                    elements.reader.skip()?;
                }
                self.ascend(b']')
            }
            _ => self.scalar().map(drop),
        }
    }

    /// Goes in behind the bracket that stands here.
    fn descend(&mut self) -> Result<()> {
        self.at += 1;
        self.depth += 1;
        (self.depth <= DEEPEST).then_some(()).ok_or(Refused)
    }

    fn ascend(&mut self, close: u8) -> Result<()> {
        self.depth -= 1;
        self.take(close)
    }

    /// The next byte that is no space, which is left where it is.
    #[inline]
    fn peek(&mut self) -> Result<u8> {
        loop {
            match self.text.as_bytes().get(self.at) {
                Some(b' ' | b'\n' | b'\t' | b'\r') => self.at += 1,
                Some(byte) => return Ok(*byte),
                None => return Err(Refused),
            }
        }
    }

    #[inline]
    fn take(&mut self, wanted: u8) -> Result<()> {
        if self.peek()? != wanted {
            return Err(Refused);
        }
        self.at += 1;
        Ok(())
    }

    /// What stands between the quotes of a text, and whether some of it is escaped.
    #[inline]
    fn string(&mut self) -> Result<(&'a str, bool)> {
        self.take(b'"')?;
        let start = self.at;
        let behind = self.text.as_bytes().get(start..).unwrap_or_default();
        // Most end within the first block.
        match behind.first_chunk().and_then(special) {
            Some(end) if behind.get(end) == Some(&b'"') => self.string_to(start + end, false),
            _ => self.long_string(),
        }
    }

    /// The same, of any length, from behind its first quote.
    fn long_string(&mut self) -> Result<(&'a str, bool)> {
        let bytes = self.text.as_bytes();
        let mut end = self.at;
        let mut escaped = false;
        loop {
            end += plain(bytes.get(end..).unwrap_or_default());
            match bytes.get(end..) {
                Some([b'"', ..]) => return self.string_to(end, escaped),
                Some([b'\\', behind @ ..]) => end += escape(behind).ok_or(Refused)?,
                _ => return Err(Refused),
            }
            escaped = true;
        }
    }

    /// The text from here to this quote, which is read, too.
    #[inline]
    fn string_to(&mut self, end: usize, escaped: bool) -> Result<(&'a str, bool)> {
        let text = self.text.get(self.at..end).ok_or(Refused)?;
        self.at = end + 1;
        Ok((text, escaped))
    }

    /// A number or a word.
    fn scalar(&mut self) -> Result<&'a str> {
        let rest = self.text.get(self.at..).ok_or(Refused)?;
        let words = ["null", "true", "false"];
        let word = words.iter().find(|word| rest.starts_with(**word));
        let length = word.map_or_else(|| number(rest.as_bytes()), |word| Some(word.len()));
        let scalar = length.and_then(|length| rest.get(..length)).ok_or(Refused)?;
        self.at += scalar.len();
        Ok(scalar)
    }
}

/// How many bytes come before one that is not simply part of a text: a quote, a backslash or a control character.
#[inline]
fn plain(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    while let Some((block, behind)) = rest.split_first_chunk() {
        if let Some(end) = special(block) {
            return bytes.len() - rest.len() + end;
        }
        rest = behind;
    }
    let special = |byte: &u8| matches!(byte, b'"' | b'\\' | ..=0x1f);
    bytes.len() - rest.len() + rest.iter().position(special).unwrap_or(rest.len())
}

/// Where the first of these stands in a block.
#[inline]
fn special(block: &[u8; BLOCK]) -> Option<usize> {
    let block = u8x16::new(*block);
    let quote = block.simd_eq(u8x16::splat(b'"'));
    let backslash = block.simd_eq(u8x16::splat(b'\\'));
    let control = block.simd_eq(block.min(u8x16::splat(0x1f)));
    let special = (quote | backslash | control).to_bitmask();
    (special != 0).then_some(special.trailing_zeros() as usize)
}

/// How long an escape is, with its backslash, by what stands behind that.
fn escape(behind: &[u8]) -> Option<usize> {
    match behind {
        [b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => Some(2),
        [b'u', behind @ ..] => match code_unit(behind)? {
            (0xd800..=0xdbff, [b'\\', b'u', behind @ ..]) => {
                matches!(code_unit(behind)?.0, 0xdc00..=0xdfff).then_some(12)
            }
            (0xd800..=0xdfff, _) => None,
            _ => Some(6),
        },
        _ => None,
    }
}

/// The four hexadecimal digits that begin here, and what stands behind them.
fn code_unit(digits: &[u8]) -> Option<(u32, &[u8])> {
    let (digits, behind) = digits.split_first_chunk::<4>()?;
    let unit = digits.iter().try_fold(0, |unit, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        Some(unit << 4 | digit)
    });
    Some((unit?, behind))
}

/// How long the number is that begins here. One that the text ends with may go on.
fn number(bytes: &[u8]) -> Option<usize> {
    let digits = |from: usize| {
        let digits = bytes.iter().skip(from);
        digits.take_while(|byte| byte.is_ascii_digit()).count()
    };
    let start = usize::from(bytes.first() == Some(&b'-'));
    let whole = digits(start);
    let leading_zero = whole > 1 && bytes.get(start) == Some(&b'0');
    let mut end = start + whole;
    if bytes.get(end) == Some(&b'.') {
        let fraction = digits(end + 1);
        end += if fraction == 0 { return None } else { fraction + 1 };
    }
    let sound = whole > 0 && !leading_zero && end <= LONGEST_NUMBER;
    match bytes.get(end)? {
        b'e' | b'E' => None,
        _ => sound.then_some(end),
    }
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Refused;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.peek()? {
            b'"' => self.deserialize_str(visitor),
            b'{' => self.deserialize_map(visitor),
            b'[' => self.deserialize_seq(visitor),
            _ => match self.scalar()? {
                "null" => visitor.visit_unit(),
                "true" => visitor.visit_bool(true),
                "false" => visitor.visit_bool(false),
                // To serde_json, no integer.
                "-0" => Err(Refused),
                number => match number.parse() {
                    Ok(number) => visitor.visit_u64(number),
                    Err(_) => number
                        .parse()
                        .map_or(Err(Refused), |number| visitor.visit_i64(number)),
                },
            },
        }
    }

    #[inline]
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.peek()?;
        let start = self.at;
        match self.string()? {
            (text, false) => visitor.visit_borrowed_str(text),
            _ => {
                let literal = self.text.get(start..self.at);
                visitor.visit_string(literal.and_then(borrowed::text).ok_or(Refused)?)
            }
        }
    }

    #[inline]
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_str(visitor)
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        if self.peek()? != b'n' {
            return visitor.visit_some(self);
        }
        self.scalar()?;
        visitor.visit_none()
    }

    /// Under the name of [`RAW`], the value as the text that it is.
    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &str, visitor: V) -> Result<V::Value> {
        if name != RAW {
            return visitor.visit_newtype_struct(self);
        }
        self.peek()?;
        let start = self.at;
        self.skip()?;
        visitor.visit_borrowed_str(self.text.get(start..self.at).ok_or(Refused)?)
    }

    #[inline]
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        if self.peek()? != b'[' {
            return Err(Refused);
        }
        self.descend()?;
        let value = visitor.visit_seq(Within::new(self))?;
        self.ascend(b']')?;
        Ok(value)
    }

    #[inline]
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        if self.peek()? != b'{' {
            return Err(Refused);
        }
        self.descend()?;
        let value = visitor.visit_map(Within::new(self))?;
        self.ascend(b'}')?;
        Ok(value)
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(self, _: &str, _: &[&str], visitor: V) -> Result<V::Value> {
        self.deserialize_map(visitor)
    }

    #[inline]
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.skip()?;
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct tuple tuple_struct
        enum identifier
    }
}

/// What stands within an object or an array, from behind its opening bracket.
struct Within<'r, 'de> {
    reader: &'r mut Reader<'de>,
    begun: bool,
}

impl<'r, 'de> Within<'r, 'de> {
    fn new(reader: &'r mut Reader<'de>) -> Self {
        Self { reader, begun: false }
    }

    /// Whether another member or element follows, which must stand behind a comma unless it is the first.
    #[inline]
    fn follows(&mut self, close: u8) -> Result<bool> {
        if self.reader.peek()? == close {
            return Ok(false);
        }
        if self.begun {
            self.reader.take(b',')?;
        }
        self.begun = true;
        Ok(true)
    }
}

impl<'de> SeqAccess<'de> for Within<'_, 'de> {
    type Error = Refused;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>> {
        match self.follows(b']')? {
            true => seed.deserialize(&mut *self.reader).map(Some),
            false => Ok(None),
        }
    }
}

impl<'de> MapAccess<'de> for Within<'_, 'de> {
    type Error = Refused;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>> {
        match self.follows(b'}')? {
            true => seed.deserialize(Key(self.reader)).map(Some),
            false => Ok(None),
        }
    }

    #[inline]
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value> {
        self.reader.take(b':')?;
        seed.deserialize(&mut *self.reader)
    }
}

/// The key of a member, which is taken for a text.
struct Key<'r, 'de>(&'r mut Reader<'de>);

impl<'de> Deserializer<'de> for Key<'_, 'de> {
    type Error = Refused;

    #[inline]
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.0.deserialize_str(visitor)
    }

    /// Refused: a literal might be asked for.
    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &str, _: V) -> Result<V::Value> {
        Err(Refused)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct seq
        tuple tuple_struct map struct enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests;
