//! A file of JSON texts, written once and read many times: those of the artifacts as they stand there, and records of
//! our own. It has no name: the system takes it back when it is dropped, and when the program dies.

use crate::error;
use headwater_core::{Error, ErrorKind, Result};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    fs::File,
    io::{BufWriter, Read, Seek, SeekFrom, Write},
    path::Path as FilePath,
};

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
    file: BufWriter<File>,
    offset: u64,
    record: Vec<u8>,
}

/// A spool that was written.
#[derive(Debug)]
pub(crate) struct Spool {
    file: File,
    record: Vec<u8>,
}

impl SpoolWriter {
    /// A spool on the disk of this folder, else on that of the system's temporary files.
    pub(crate) fn new(folder: Option<&FilePath>) -> Result<Self> {
        let file = folder.map_or_else(tempfile::tempfile, tempfile::tempfile_in);
        let file = file.map_err(|cause| error::io("no temporary file can be made", cause))?;
        Ok(Self {
            file: BufWriter::with_capacity(256 * 1024, file),
            offset: 0,
            record: Vec::new(),
        })
    }

    pub(crate) fn append(&mut self, record: &impl Serialize) -> Result<Slot> {
        let mut text = std::mem::take(&mut self.record);
        text.clear();
        serde_json::to_writer(&mut text, record).map_err(broken)?;
        let slot = self.append_text(&text);
        self.record = text;
        slot
    }

    pub(crate) fn append_text(&mut self, text: &[u8]) -> Result<Slot> {
        let written = self.file.write_all(text);
        written.map_err(|cause| error::io("the temporary file cannot be written", cause))?;
        let slot = Slot {
            offset: self.offset,
            length: u32::try_from(text.len()).map_err(broken)?,
        };
        self.offset += u64::from(slot.length);
        Ok(slot)
    }

    pub(crate) fn finish(self) -> Result<Spool> {
        let file = self
            .file
            .into_inner()
            .map_err(|cause| error::io("the temporary file cannot be written", cause.into_error()))?;
        Ok(Spool {
            file,
            record: Vec::new(),
        })
    }
}

impl Spool {
    pub(crate) fn read<T: DeserializeOwned>(&mut self, slot: Slot) -> Result<T> {
        serde_json::from_str(self.text(slot)?).map_err(broken)
    }

    pub(crate) fn text(&mut self, slot: Slot) -> Result<&str> {
        self.record.resize(slot.length as usize, 0);
        let sought = self.file.seek(SeekFrom::Start(slot.offset));
        let read = sought.and_then(|_| self.file.read_exact(&mut self.record));
        read.map_err(|cause| error::io("the temporary file cannot be read", cause))?;
        std::str::from_utf8(&self.record).map_err(broken)
    }
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
        let mut spool = writer.finish().unwrap();
        for (slot, text) in slots.iter().zip(["a", "ü", ""]).rev() {
            assert_eq!(spool.read::<String>(*slot).unwrap(), text);
        }
    }
}
