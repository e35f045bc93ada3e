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
    bytes: Vec<u8>,
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
    /// Reads a record, which borrows its texts from the window.
    pub(crate) fn read<'a, T: Deserialize<'a>>(&self, slot: Slot, window: &'a mut Window) -> Result<T> {
        postcard::from_bytes(self.record(slot, window)?).map_err(broken)
    }

    /// Reads records, which borrow their texts from the buffer.
    pub(crate) fn read_all<'a, T: Deserialize<'a>>(
        &self,
        slots: impl Iterator<Item = Slot>,
        window: &mut Window,
        buffer: &'a mut Vec<u8>,
    ) -> Result<Vec<T>> {
        buffer.clear();
        let mut count = 0;
        for slot in slots {
            buffer.extend_from_slice(self.record(slot, window)?);
            count += 1;
        }
        let mut rest = buffer.as_slice();
        let mut records = Vec::with_capacity(count);
        for _ in 0..count {
            let (record, after) = postcard::take_from_bytes(rest).map_err(broken)?;
            records.push(record);
            rest = after;
        }
        Ok(records)
    }

    /// A record as it was written.
    fn record<'a>(&self, slot: Slot, window: &'a mut Window) -> Result<&'a [u8]> {
        if window.range(slot).is_none() {
            let ahead = match window.leads_to(slot) {
                true => slot.length.max(AHEAD),
                false => slot.length,
            };
            let length = u64::from(ahead).min(self.size.saturating_sub(slot.offset));
            window.base = slot.offset;
            window.bytes.resize(usize::try_from(length).map_err(broken)?, 0);
            let read = read_at(&self.file, &mut window.bytes, slot.offset);
            read.map_err(|cause| error::io("the temporary file cannot be read", cause))?;
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
        (end <= self.bytes.len()).then_some(start..end)
    }

    /// Whether a record stands where one comes by reading on.
    fn leads_to(&self, slot: Slot) -> bool {
        let end = self.base + self.bytes.len() as u64;
        (end..end + u64::from(AHEAD)).contains(&slot.offset)
    }
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
        for (slot, text) in all.iter().chain(all.iter().rev()) {
            assert_eq!(spool.read::<&str>(*slot, &mut window).unwrap(), *text);
        }
        let mut buffer = Vec::new();
        let some = [&all[5], &all[0], &all[5], &all[texts.len() - 1]];
        let slots = some.iter().map(|(slot, _)| *slot);
        let found: Vec<&str> = spool.read_all(slots, &mut window, &mut buffer).unwrap();
        assert_eq!(found, some.map(|(_, text)| text.as_str()));
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
            spool.read::<&str>(slots[place], &mut window).unwrap();
            assert_eq!(window.bytes.len(), read, "{place}");
        }
    }
}
