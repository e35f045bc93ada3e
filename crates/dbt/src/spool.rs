//! A file of records, written once and read in any order. It has no name: the system takes it back when it is dropped,
//! and when the program dies.

use crate::error;
use headwater_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use std::{
    fs::File,
    io::{self, Write},
    mem,
    path::Path as FilePath,
};

/// How much is written at one go.
const CHUNK: usize = 256 * 1024;

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
        let buffer = postcard::to_extend(record, mem::take(&mut self.buffer));
        self.buffer = buffer.map_err(broken)?;
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
        Ok(Spool { file: self.file })
    }

    fn flush(&mut self) -> Result<()> {
        let written = self.file.write_all(&self.buffer);
        written.map_err(|cause| error::io("the temporary file cannot be written", cause))?;
        self.base += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}

impl Spool {
    /// Reads a record, which borrows its texts from the buffer.
    pub(crate) fn read<'a, T: Deserialize<'a>>(&self, slot: Slot, buffer: &'a mut Vec<u8>) -> Result<T> {
        buffer.resize(slot.length as usize, 0);
        let read = read_at(&self.file, buffer, slot.offset);
        read.map_err(|cause| error::io("the temporary file cannot be read", cause))?;
        postcard::from_bytes(buffer).map_err(broken)
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
        let mut writer = SpoolWriter::new(None).unwrap();
        let slots: Vec<Slot> = ["a", "ü", ""]
            .iter()
            .map(|text| writer.append(text).unwrap())
            .collect();
        let spool = writer.finish().unwrap();
        let mut buffer = Vec::new();
        for (slot, text) in slots.iter().zip(["a", "ü", ""]).rev() {
            assert_eq!(spool.read::<&str>(*slot, &mut buffer).unwrap(), text);
        }
    }
}
