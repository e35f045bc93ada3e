//! A file of records, written once and read in any order. It has no name: the system takes it back when it is dropped,
//! and when the program dies.

use crate::error;
use headwater_core::{Error, ErrorKind, Result};
use postcard::ser_flavors::Flavor;
use serde::{Deserialize, Serialize};
use std::{
    fs::File,
    io::{self, Write},
    ops::Range,
    path::Path as FilePath,
};

/// How much is written at one go.
const CHUNK: usize = 256 * 1024;
/// How much is read at one go, where records are read one behind the other.
const AHEAD: u32 = 64 * 1024;

/// Where a record stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Slot {
    offset: u64,
    length: u32,
}

impl Slot {
    /// How many bytes the record has.
    pub(crate) fn size(self) -> u64 {
        u64::from(self.length)
    }
}

/// A spool that is being written.
#[derive(Debug)]
pub(crate) struct SpoolWriter {
    file: File,
    /// What is not written yet.
    buffer: Vec<u8>,
    /// Where the buffer begins in the file.
    base: u64,
}

/// A spool that was written.
#[derive(Debug)]
pub(crate) struct Spool {
    file: File,
    size: u64,
}

/// The piece of a spool that was read last.
#[derive(Debug, Default)]
pub(crate) struct Window {
    /// The piece, and what is left of longer ones.
    bytes: Vec<u8>,
    length: usize,
    /// Where it begins in the file.
    base: u64,
}

impl SpoolWriter {
    /// A spool on the disk of this folder, else on that of the system's temporary files.
    pub(crate) fn new(folder: Option<&FilePath>) -> Result<Self> {
        let file = folder.map_or_else(tempfile::tempfile, tempfile::tempfile_in);
        let file = file.map_err(|cause| error::io("no temporary file can be made", cause))?;
        Ok(Self {
            file,
            buffer: Vec::with_capacity(2 * CHUNK),
            base: 0,
        })
    }

    pub(crate) fn append(&mut self, record: &impl Serialize) -> Result<Slot> {
        let start = self.buffer.len();
        postcard::serialize_with_flavor(record, Appended(&mut self.buffer)).map_err(broken)?;
        let length = self.buffer.len() - start;
        let slot = Slot {
            offset: self.base + start as u64,
            length: u32::try_from(length).map_err(broken)?,
        };
        if self.buffer.len() >= CHUNK {
            self.flush()?;
        }
        Ok(slot)
    }

    pub(crate) fn finish(mut self) -> Result<Spool> {
        self.flush()?;
        Ok(Spool {
            file: self.file,
            size: self.base,
        })
    }

    fn flush(&mut self) -> Result<()> {
        let written = self.file.write_all(&self.buffer);
        written.map_err(|cause| error::io("the temporary file cannot be written", cause))?;
        self.base += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}

/// Appends texts whole; postcard's own way to extend a vector goes byte by byte.
struct Appended<'a>(&'a mut Vec<u8>);

impl Flavor for Appended<'_> {
    type Output = ();

    fn try_extend(&mut self, data: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(data);
        Ok(())
    }

    fn try_push(&mut self, data: u8) -> postcard::Result<()> {
        self.0.push(data);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

impl Spool {
    /// Appends a record, as it was written, to others.
    pub(crate) fn append_to(&self, records: &mut Vec<u8>, slot: Slot, window: &mut Window) -> Result<()> {
        records.extend_from_slice(self.record(slot, window)?);
        Ok(())
    }

    /// A record as it was written.
    fn record<'a>(&self, slot: Slot, window: &'a mut Window) -> Result<&'a [u8]> {
        if window.range(slot).is_none() {
            let ahead = match window.leads_to(slot) {
                true => slot.length.max(AHEAD),
                false => slot.length,
            };
            let length = u64::from(ahead).min(self.size.saturating_sub(slot.offset));
            let length = usize::try_from(length).map_err(broken)?;
            if window.bytes.len() < length {
                window.bytes.resize(length, 0);
            }
            // Where reading fails, the window holds nothing.
            window.length = 0;
            let piece = window.bytes.get_mut(..length).unwrap_or_default();
            let read = read_at(&self.file, piece, slot.offset);
            read.map_err(|cause| error::io("the temporary file cannot be read", cause))?;
            (window.base, window.length) = (slot.offset, length);
        }
        let range = window.range(slot).unwrap_or_default();
        Ok(window.bytes.get(range).unwrap_or_default())
    }
}

impl Window {
    /// Where a record stands in the window, if all of it does.
    fn range(&self, slot: Slot) -> Option<Range<usize>> {
        let start = usize::try_from(slot.offset.checked_sub(self.base)?).ok()?;
        let end = start.checked_add(slot.length as usize)?;
        (end <= self.length).then_some(start..end)
    }

    /// Whether a record stands where one comes by reading on.
    fn leads_to(&self, slot: Slot) -> bool {
        let end = self.base + self.length as u64;
        (end..end + u64::from(AHEAD)).contains(&slot.offset)
    }
}

/// Takes the first of some records, which borrows its texts from them.
pub(crate) fn take<'a, T: Deserialize<'a>>(records: &mut &'a [u8]) -> Result<T> {
    let (record, rest) = postcard::take_from_bytes(records).map_err(broken)?;
    *records = rest;
    Ok(record)
}

#[cfg(unix)]
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, offset)
}

#[cfg(not(unix))]
fn read_at(mut file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    io::Seek::seek(&mut file, io::SeekFrom::Start(offset))?;
    io::Read::read_exact(&mut file, buffer)
}

fn broken(cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Unexpected, "a record of the temporary file is broken").with_source(cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back_in_any_order() {
        let texts: Vec<String> = (0..3 * AHEAD / 100).map(|n| format!("{n:0100}ü")).collect();
        let mut writer = SpoolWriter::new(None).unwrap();
        let slots: Vec<Slot> = texts.iter().map(|text| writer.append(text).unwrap()).collect();
        let spool = writer.finish().unwrap();
        let all: Vec<_> = slots.into_iter().zip(&texts).collect();
        let mut window = Window::default();
        let mut records = Vec::new();
        let jumps = [&all[5], &all[0], &all[5], &all[texts.len() - 1]];
        let order: Vec<_> = all.iter().chain(all.iter().rev()).chain(jumps).collect();
        for (slot, _) in &order {
            spool.append_to(&mut records, *slot, &mut window).unwrap();
        }
        let mut rest = records.as_slice();
        for (_, text) in order {
            assert_eq!(take::<&str>(&mut rest).unwrap(), *text);
        }
        assert!(rest.is_empty() && take::<&str>(&mut rest).is_err());
    }

    #[test]
    fn what_follows_is_read_ahead_and_what_stands_apart_is_not() {
        let mut writer = SpoolWriter::new(None).unwrap();
        let text = "x".repeat(1000);
        let slots: Vec<Slot> = (0..1000).map(|_| writer.append(&text).unwrap()).collect();
        let spool = writer.finish().unwrap();
        let mut window = Window::default();
        for (place, read) in [
            (0, AHEAD as usize),
            (1, AHEAD as usize),
            (500, 1002),
            (400, 1002),
            (401, AHEAD as usize),
            (999, 1002),
        ] {
            spool
                .append_to(&mut Vec::new(), slots[place], &mut window)
                .unwrap();
            assert_eq!(window.length, read, "{place}");
        }
    }
}
