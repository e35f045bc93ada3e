//! Walks a JSON file of any size and hands out its values one by one, each as a slice of the text.
//!
//! `json` judges each value, and mostly finds its end, too. Where a value is not plain, or goes on behind what was read,
//! only brackets and strings are told apart until it is whole, and serde_json judges. So the memory that is used is that of
//! the largest single value, and each byte still passes a real parser.

use super::{
    entry::{Entry, parse},
    json, skip,
};
use crate::error;
use headwater_core::Result;
use memchr::memchr2;
use serde::de::IgnoredAny;
use std::{io::Read, mem};

/// How much is read at one go, at least.
const CHUNK: usize = 256 * 1024;
/// How much is there when an entry is begun: nearly all entries are shorter, and need not be begun again.
const AHEAD: usize = 32 * 1024;
/// The largest single value: an entry of a section, or a member that is not walked into.
const LARGEST_VALUE: usize = 64 << 20;
/// The longest file, unpacked: what a small gzip file can be blown up to.
const LONGEST_FILE: u64 = 16 << 30;

/// A value, and where it stands in the unpacked file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Text<'a> {
    pub(crate) text: &'a str,
    pub(crate) offset: u64,
}

/// The place in a file up to which it was read.
pub(crate) struct Scanner<R> {
    input: R,
    buffer: String,
    /// The beginning of a character that the last reading cut, behind the buffer.
    cut: Vec<u8>,
    /// What is read of the buffer.
    start: usize,
    /// Where the buffer begins in the file.
    base: u64,
    /// Whether the file was read to its end.
    ended: bool,
}

impl<R: Read> Scanner<R> {
    pub(crate) fn new(input: R) -> Self {
        Self {
            input,
            buffer: String::with_capacity(2 * CHUNK),
            cut: Vec::new(),
            start: 0,
            base: 0,
            ended: false,
        }
    }

    /// The first byte of what comes next, which is left where it is; `None` at the end of the file.
    pub(crate) fn peek(&mut self) -> Result<Option<u8>> {
        loop {
            let unread = self.unread();
            match unread.bytes().position(|byte| !byte.is_ascii_whitespace()) {
                Some(space) => {
                    self.start += space;
                    return Ok(self.unread().bytes().next());
                }
                None => self.start = self.buffer.len(),
            }
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    /// The next value, whole and well-formed.
    pub(crate) fn valid(&mut self) -> Result<Text<'_>> {
        self.peek()?;
        if let Some((IgnoredAny, length)) = json::first(self.unread()) {
            return Ok(self.take_text(length));
        }
        let text = self.value()?;
        skip(text)?;
        Ok(text)
    }

    /// The next value as an entry, which is given to `keep`; what is left out of it is told to `fault`.
    pub(crate) fn entry<E: Entry, T>(
        &mut self,
        fault: &mut dyn FnMut(&str),
        keep: impl FnOnce(E::Of<'_>) -> T,
    ) -> Result<T> {
        self.peek()?;
        while self.unread().len() < AHEAD && self.fill()? {}
        let kept = match json::first(self.unread()) {
            Some((entry, length)) => Ok((keep(entry), length)),
            None => Err(keep),
        };
        match kept {
            Ok((kept, length)) => {
                self.start += length;
                Ok(kept)
            }
            Err(keep) => parse::<E, T>(self.value()?, fault, keep),
        }
    }

    /// The next value, whole; whether it is well-formed is not known yet.
    pub(crate) fn value(&mut self) -> Result<Text<'_>> {
        self.peek()?;
        let mut extent = Extent::default();
        let mut seen = 0;
        let length = loop {
            match extent.end(self.unread().as_bytes().get(seen..).unwrap_or_default()) {
                Some(length) => break seen + length,
                None => seen = self.unread().len(),
            }
            if seen > LARGEST_VALUE {
                return Err(error::invalid("one value is larger than 64 MiB", self.offset()));
            }
            if !self.fill()? {
                break seen;
            }
        };
        Ok(self.take_text(length))
    }

    fn take_text(&mut self, length: usize) -> Text<'_> {
        let offset = self.offset();
        let begin = self.start;
        self.start += length;
        Text {
            text: self.buffer.get(begin..self.start).unwrap_or_default(),
            offset,
        }
    }

    /// Walks an object: `each` gets the key of each member and reads its value from the scanner.
    pub(crate) fn members(&mut self, mut each: impl FnMut(&mut Self, &str) -> Result<()>) -> Result<()> {
        let mut key = String::new();
        self.walk(b'{', b'}', |scanner| {
            scanner.key(&mut key)?;
            scanner.take(b':')?;
            each(scanner, &key)
        })
    }

    /// Reads the next value, which must be a text, in place of what is in `key`.
    fn key(&mut self, key: &mut String) -> Result<()> {
        key.clear();
        self.peek()?;
        if let Some(plain) = plain_text(self.unread()) {
            key.push_str(plain);
            self.start += plain.len() + 2;
            return Ok(());
        }
        let text = self.value()?;
        *key = serde_json::from_str(text.text).map_err(|bad| error::syntax(&bad, text))?;
        Ok(())
    }

    /// Walks an array: `each` reads each element from the scanner.
    pub(crate) fn elements(&mut self, each: impl FnMut(&mut Self) -> Result<()>) -> Result<()> {
        self.walk(b'[', b']', each)
    }

    /// Insists that the file ends here.
    pub(crate) fn end(&mut self) -> Result<()> {
        match self.peek()? {
            None => Ok(()),
            Some(_) => Err(error::invalid("text after the end", self.offset())),
        }
    }

    fn walk(&mut self, open: u8, close: u8, mut each: impl FnMut(&mut Self) -> Result<()>) -> Result<()> {
        self.take(open)?;
        if self.peek()? == Some(close) {
            return self.take(close);
        }
        loop {
            each(self)?;
            if self.peek()? == Some(close) {
                return self.take(close);
            }
            self.take(b',')?;
        }
    }

    fn take(&mut self, wanted: u8) -> Result<()> {
        match self.peek()? {
            Some(found) if found == wanted => {
                self.start += 1;
                Ok(())
            }
            Some(_) => {
                let message = format!("expected `{}`", char::from(wanted));
                Err(error::invalid(message, self.offset()))
            }
            None => Err(error::invalid("the file is cut off", self.offset())),
        }
    }

    fn unread(&self) -> &str {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    pub(crate) fn offset(&self) -> u64 {
        self.base + self.start as u64
    }

    /// Reads on, and says whether there was more.
    fn fill(&mut self) -> Result<bool> {
        if self.ended {
            return Ok(false);
        }
        self.base += self.start as u64;
        self.buffer.drain(..self.start);
        self.start = 0;
        if self.base > LONGEST_FILE {
            return Err(error::invalid("the file is longer than 16 GiB", self.base));
        }
        let mut bytes = mem::take(&mut self.buffer).into_bytes();
        bytes.append(&mut self.cut);
        let known = bytes.len();
        // What is left over is checked again: as it grows, so must what is read beside it.
        let size = CHUNK.max(known) as u64;
        let read = (&mut self.input).take(size).read_to_end(&mut bytes);
        let more = read.map_err(|cause| error::unreadable(cause, self.base + bytes.len() as u64))?;
        self.ended = more == 0;
        self.check(bytes)?;
        Ok(!self.ended)
    }

    /// Takes what was read as text. A character may be cut where the reading ended, unless the file ends there.
    fn check(&mut self, bytes: Vec<u8>) -> Result<()> {
        let bad = match String::from_utf8(bytes) {
            Ok(text) => {
                self.buffer = text;
                return Ok(());
            }
            Err(bad) => bad,
        };
        let (fault, mut bytes) = (bad.utf8_error(), bad.into_bytes());
        let place = self.base + fault.valid_up_to() as u64;
        if fault.error_len().is_some() || self.ended {
            return Err(error::invalid("not UTF-8", place));
        }
        self.cut = bytes.split_off(fault.valid_up_to());
        self.buffer = String::from_utf8(bytes).unwrap_or_default();
        Ok(())
    }
}

/// What stands between the quotes at the start of a text, if the end was read and nothing in it is escaped or to be.
fn plain_text(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('"')?;
    let end = memchr2(b'"', b'\\', inner.as_bytes())?;
    let (plain, rest) = inner.split_at_checked(end)?;
    let sound = rest.starts_with('"') && plain.bytes().all(|byte| byte > 0x1f);
    sound.then_some(plain)
}

/// Finds the end of a value in text that arrives in pieces.
#[derive(Default)]
struct Extent {
    depth: usize,
    in_string: bool,
    escaped: bool,
    begun: bool,
}

impl Extent {
    /// The length of the value's rest, if it ends in this piece.
    fn end(&mut self, piece: &[u8]) -> Option<usize> {
        let mut at = 0;
        while let Some(&byte) = piece.get(at) {
            if self.in_string {
                at += self.string(piece.get(at..)?)?;
                if self.depth == 0 && !self.in_string {
                    return Some(at);
                }
                continue;
            }
            match byte {
                b'"' if self.begun && self.depth == 0 => return Some(at),
                b'"' => self.in_string = true,
                b'{' | b'[' if self.begun && self.depth == 0 => return Some(at),
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' if self.depth == 0 => return Some(at),
                b'}' | b']' if self.depth == 1 => return Some(at + 1),
                b'}' | b']' => self.depth -= 1,
                b',' | b':' if self.depth == 0 => return Some(at),
                _ if self.depth == 0 && byte.is_ascii_whitespace() => return Some(at),
                _ => {}
            }
            self.begun = true;
            at += 1;
        }
        None
    }

    /// Goes on inside a string: how much of the piece belongs to it, or `None` for all.
    fn string(&mut self, piece: &[u8]) -> Option<usize> {
        let mut at = usize::from(std::mem::take(&mut self.escaped));
        loop {
            at += memchr2(b'"', b'\\', piece.get(at..)?)?;
            if piece.get(at) == Some(&b'"') {
                self.in_string = false;
                return Some(at + 1);
            }
            at += 2;
            if at > piece.len() {
                self.escaped = true;
                return None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hands out a few bytes at a time.
    struct Trickle<'a>(&'a [u8], usize);

    impl Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let size = self.1.min(buffer.len()).min(self.0.len());
            let (now, later) = self.0.split_at(size);
            buffer[..size].copy_from_slice(now);
            self.0 = later;
            Ok(size)
        }
    }

    const ODD: &str =
        r#" {"a\"}": [1, {"x": "\\"}, "]"], "b" :-1.5e3, "c": "\u00e9\\\"", "d": {}, "e": null } "#;

    fn members(text: &[u8], step: usize) -> Result<Vec<(String, String)>> {
        let mut scanner = Scanner::new(Trickle(text, step));
        let mut found = Vec::new();
        scanner.members(|scanner, key| {
            found.push((key.to_owned(), scanner.value()?.text.to_owned()));
            Ok(())
        })?;
        scanner.end()?;
        Ok(found)
    }

    #[test]
    fn members_are_whole_however_the_text_arrives() {
        let expected = [
            ("a\"}", r#"[1, {"x": "\\"}, "]"]"#),
            ("b", "-1.5e3"),
            ("c", r#""\u00e9\\\"""#),
            ("d", "{}"),
            ("e", "null"),
        ];
        for step in 1..ODD.len() {
            let found = members(ODD.as_bytes(), step).unwrap();
            let found: Vec<_> = found.iter().map(|(key, value)| (&**key, &**value)).collect();
            assert_eq!(found, expected, "{step} bytes at a time");
        }
    }

    #[test]
    fn characters_are_whole_wherever_a_reading_ends() {
        let text = r#"{"é€": "😀", "a": "ü"}"#;
        for step in 1..text.len() {
            let found = members(text.as_bytes(), step).unwrap();
            let found: Vec<_> = found.iter().map(|(key, value)| (&**key, &**value)).collect();
            assert_eq!(
                found,
                [("é€", "\"😀\""), ("a", "\"ü\"")],
                "{step} bytes at a time"
            );
        }
        let cut = members(&text.as_bytes()[..13], 3).unwrap_err().to_string();
        assert!(cut.contains("not UTF-8") && cut.contains("byte 11"), "{cut}");
    }

    #[test]
    fn an_entry_longer_than_what_is_read_ahead_is_whole() {
        let long = "x".repeat(3 * CHUNK);
        let text = format!(r#"{{"long": {{"name": "{long}"}}, "short": {{"name": "y"}}}}"#);
        let mut scanner = Scanner::new(text.as_bytes());
        let mut names = Vec::new();
        let mut fault = |place: &str| panic!("{place}");
        let walked = scanner.members(|scanner, _| {
            scanner.entry::<super::super::Group<'_>, _>(&mut fault, |group| {
                names.push(group.name.map(|name| name.len()));
            })
        });
        walked.unwrap();
        assert_eq!(names, [Some(long.len()), Some(1)]);
    }

    #[test]
    fn a_string_ends_at_its_quote_wherever_a_piece_is_cut() {
        let text = r#""a\\\"b\\""#;
        for cut in 0..text.len() {
            let (first, second) = text.as_bytes().split_at(cut);
            let mut extent = Extent::default();
            assert_eq!(extent.end(first), None, "{cut}");
            assert_eq!(extent.end(second), Some(text.len() - cut), "{cut}");
        }
    }

    #[test]
    fn a_cut_or_broken_file_is_refused_with_the_place() {
        for end in 0..ODD.trim_end().len() {
            assert!(members(&ODD.as_bytes()[..end], 7).is_err(), "{end}");
        }
        for (text, place) in [
            (&b"{\"a\": 1} x"[..], "byte 9"),
            (b"[1]", "byte 0"),
            (b"{\"a\": \"\xff\"}", "byte 7"),
            (b"{\"a\" 1}", "byte 5"),
            (b"{\"a\x01\": 1}", "byte 3"),
            (b"{\"a\\q\": 1}", "not valid JSON: invalid escape ["),
            (b"{5551: 1}", "not valid JSON ["),
        ] {
            let error = members(text, 3).unwrap_err().to_string();
            assert!(error.contains(place), "{error}");
        }
    }
}
