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
/// How much is read at most, between two records, that nobody asked for, rather than to read once more.
const GAP: u64 = 1024;

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

    fn end(self) -> u64 {
        self.offset + u64::from(self.length)
    }

    /// Whether this record is followed by the other, or nearly.
    fn is_close_to(self, other: Self) -> bool {
        other.offset <= self.end() + GAP
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
pub(crate) struct Spool(File);

/// Records that were read together.
#[derive(Debug, Default)]
pub(crate) struct Records {
    /// What was read, and what is left of more.
    bytes: Vec<u8>,
    /// Where each record stands in it, in the order in which they were asked for.
    ranges: Vec<Range<usize>>,
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
        Ok(Spool(self.file))
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
    /// Reads these records in place of others. Those that stand close to each other are read at one go. May wait for
    /// the disk.
    pub(crate) fn read(&self, slots: &[Slot], records: &mut Records) -> Result<()> {
        let read = self.read_by(read_at, slots, records);
        read.map_err(|cause| error::io("the temporary file cannot be read", cause))
    }

    /// Reads the same without waiting, and says whether it could: whether the system holds the records in memory.
    pub(crate) fn read_cached(&self, slots: &[Slot], records: &mut Records) -> bool {
        self.read_by(read_cached_at, slots, records).is_ok()
    }

    fn read_by(&self, read_at: ReadAt, slots: &[Slot], records: &mut Records) -> io::Result<()> {
        let Records { bytes, ranges } = records;
        ranges.clear();
        ranges.resize(slots.len(), 0..0);
        let mut in_order: Vec<(Slot, &mut Range<usize>)> = slots.iter().copied().zip(ranges).collect();
        in_order.sort_unstable_by_key(|(slot, _)| slot.offset);
        let mut begin = 0;
        for close in in_order.chunk_by_mut(|(before, _), (slot, _)| before.is_close_to(*slot)) {
            begin += self.read_piece(read_at, close, bytes, begin)?;
        }
        Ok(())
    }

    /// Reads from the first to the last of these records, tells where they stand, and how much was read.
    fn read_piece(
        &self,
        read_at: ReadAt,
        records: &mut [(Slot, &mut Range<usize>)],
        bytes: &mut Vec<u8>,
        begin: usize,
    ) -> io::Result<usize> {
        let offset = records.first().map_or(0, |(slot, _)| slot.offset);
        let end = records.iter().map(|(slot, _)| slot.end()).max();
        for (slot, range) in &mut *records {
            let start = begin + usize::try_from(slot.offset - offset).map_err(io::Error::other)?;
            **range = start..start + slot.length as usize;
        }
        let length = usize::try_from(end.unwrap_or(offset) - offset).map_err(io::Error::other)?;
        if bytes.len() < begin + length {
            bytes.resize(begin + length, 0);
        }
        let piece = bytes.get_mut(begin..begin + length).unwrap_or_default();
        read_at(&self.0, piece, offset)?;
        Ok(length)
    }
}

impl Records {
    /// The records as they were written, in the order in which they were asked for.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let ranges = self.ranges.iter().cloned();
        ranges.map(|range| self.bytes.get(range).unwrap_or_default())
    }
}

/// A record, which borrows its texts from what was read.
pub(crate) fn record<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T> {
    postcard::from_bytes(bytes).map_err(broken)
}

/// Fills a buffer from this place of a file.
type ReadAt = fn(&File, &mut [u8], u64) -> io::Result<()>;

#[cfg(unix)]
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, offset)
}

#[cfg(not(unix))]
fn read_at(mut file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    io::Seek::seek(&mut file, io::SeekFrom::Start(offset))?;
    io::Read::read_exact(&mut file, buffer)
}

/// Fills a buffer if no disk need be waited for; else this is an error, whatever the reason.
#[cfg(target_os = "linux")]
fn read_cached_at(file: &File, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
    use rustix::io::{ReadWriteFlags, preadv2};
    while !buffer.is_empty() {
        let mut rest = [io::IoSliceMut::new(buffer)];
        match preadv2(file, &mut rest, offset, ReadWriteFlags::NOWAIT)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => {
                buffer = buffer.get_mut(read..).unwrap_or_default();
                offset += read as u64;
            }
        }
    }
    Ok(())
}

/// Only Linux tells what it holds in memory.
#[cfg(not(target_os = "linux"))]
fn read_cached_at(_: &File, _: &mut [u8], _: u64) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

fn broken(cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Unexpected, "a record of the temporary file is broken").with_source(cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// These texts as records, and where they stand.
    fn written(texts: &[String]) -> (Spool, Vec<Slot>) {
        let mut writer = SpoolWriter::new(None).unwrap();
        let slots = texts.iter().map(|text| writer.append(text).unwrap()).collect();
        (writer.finish().unwrap(), slots)
    }

    #[test]
    fn records_come_back_in_the_order_in_which_they_are_asked_for() {
        let texts: Vec<String> = (0..2000).map(|n| format!("{n:0500}ü")).collect();
        let (spool, slots) = written(&texts);
        let mut records = Records::default();
        let all = 0..texts.len();
        for asked in [
            all.clone().collect::<Vec<_>>(),
            all.rev().step_by(3).collect(),
            vec![5, 0, 5, 1999, 6],
            vec![1000],
            Vec::new(),
        ] {
            let wanted: Vec<Slot> = asked.iter().map(|place| slots[*place]).collect();
            for read_at in [read_at as ReadAt, read_cached_at] {
                match spool.read_by(read_at, &wanted, &mut records) {
                    // Not every system says what it has in memory; one that does has what was just written.
                    Err(error) if error.kind() == io::ErrorKind::Unsupported => continue,
                    read => read.unwrap(),
                }
                let read: Vec<&str> = records.iter().map(|bytes| record(bytes).unwrap()).collect();
                assert_eq!(read, asked.iter().map(|place| &texts[*place]).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn what_the_file_lacks_cannot_be_read() {
        let (spool, slots) = written(&["x".repeat(100), "y".repeat(100)]);
        spool.0.set_len(150).unwrap();
        let mut records = Records::default();
        assert!(!spool.read_cached(&slots, &mut records));
        let error = spool.read(&slots, &mut records).unwrap_err().to_string();
        assert!(error.contains("temporary file cannot be read"), "{error}");
    }

    #[test]
    fn what_stands_between_is_read_unless_it_is_long() {
        let texts = [1000, 1000, 1000, 1100, 1000].map(|length| "x".repeat(length));
        let (spool, slots) = written(&texts);
        let mut records = Records::default();
        spool.read(&[slots[4], slots[2], slots[0]], &mut records).unwrap();
        assert_eq!(records.bytes.len(), 1002 + 1002 + 1002 + 1002);
    }
}
