use crate::convert::{self, Guess};
use csv::{ByteRecord, Reader, ReaderBuilder};
use headwater_core::model::{Field, Stat, Stats};
use std::{fs::File, path::Path as FilePath};

/// A CSV file on its way to be read: one record is in memory at a time.
#[derive(Debug)]
pub(crate) struct Table {
    reader: Reader<File>,
    record: ByteRecord,
    names: Vec<String>,
    guesses: Vec<Guess>,
    sample: u64,
    rows: u64,
    bytes: u64,
}

impl Table {
    /// Opens a file and reads its header.
    pub(crate) fn open(file: &FilePath, delimiter: u8, sample: u64) -> csv::Result<Self> {
        let file = File::open(file)?;
        let bytes = file.metadata()?.len();
        let mut reader = ReaderBuilder::new().delimiter(delimiter).from_reader(file);
        let names = convert::unique_names(reader.headers()?);
        Ok(Self {
            guesses: vec![Guess::Unknown; names.len()],
            record: ByteRecord::new(),
            reader,
            names,
            sample,
            rows: 0,
            bytes,
        })
    }

    /// Reads up to this many rows.
    pub(crate) fn read_rows(mut self, most: u64) -> csv::Result<Self> {
        for _ in 0..most {
            if !self.reader.read_byte_record(&mut self.record)? {
                break;
            }
            if self.rows < self.sample {
                for (guess, value) in self.guesses.iter_mut().zip(&self.record) {
                    *guess = guess.widened(value);
                }
            }
            self.rows += 1;
        }
        Ok(self)
    }

    /// Whether all rows were read.
    pub(crate) fn is_read(&self) -> bool {
        self.reader.is_done()
    }

    pub(crate) fn fields(&self) -> Vec<Field> {
        let columns = self.names.iter().zip(&self.guesses);
        columns.map(|(name, guess)| guess.field(name)).collect()
    }

    pub(crate) fn stats(&self) -> Stats {
        Stats {
            row_count: Some(Stat::exact(self.rows)),
            size_bytes: Some(Stat::exact(self.bytes)),
            ..Stats::default()
        }
    }
}
