//! JSON as Python writes it, piece by piece.

use serde::Serialize;
use serde_json::{Serializer, Value, json, ser::Formatter};
use std::io::{self, Write};

/// A JSON object that is written member by member.
pub(super) struct Object<'a> {
    out: &'a mut dyn Write,
    first: bool,
}

impl<'a> Object<'a> {
    pub(super) fn new(out: &'a mut dyn Write) -> io::Result<Self> {
        out.write_all(b"{")?;
        Ok(Self { out, first: true })
    }

    pub(super) fn member(&mut self, key: &str, value: &Value) -> io::Result<()> {
        self.key(key)?;
        let mut serializer = Serializer::with_formatter(&mut *self.out, Spaced);
        value.serialize(&mut serializer).map_err(io::Error::from)
    }

    pub(super) fn open(&mut self, key: &str) -> io::Result<()> {
        self.key(key)?;
        self.first = true;
        self.out.write_all(b"{")
    }

    pub(super) fn close(&mut self) -> io::Result<()> {
        self.first = false;
        self.out.write_all(b"}")
    }

    fn key(&mut self, key: &str) -> io::Result<()> {
        let comma = if self.first { "" } else { ", " };
        self.first = false;
        write!(self.out, "{comma}{}: ", json!(key))
    }
}

/// Writes JSON as Python does.
struct Spaced;

impl Formatter for Spaced {
    fn begin_array_value<W: Write + ?Sized>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        out.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_key<W: Write + ?Sized>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.begin_array_value(out, first)
    }

    fn begin_object_value<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(b": ")
    }
}
