//! The rows of a statement, part by part as they are asked for.
//!
//! The first rows may stand in the answer itself, the others lie in chunks. Each chunk must hold as many rows as the
//! answer says, and all together as many as its total: fewer rows are an error, never a shorter list.

use crate::{
    arrow,
    channel::Channel,
    row::{Columns, Row, invalid},
    wire::{ChunkLink, Format, ResultData},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use flate2::read::GzDecoder;
use headwater_core::{Error, ErrorKind, Result, Secret};
use std::{
    collections::{BTreeMap, VecDeque},
    io::Read,
    sync::Arc,
};

/// The largest chunk, decompressed.
const LARGEST: u64 = 512 << 20;

/// The rows of one statement.
#[derive(Debug)]
pub(crate) struct Rows {
    columns: Arc<Columns>,
    format: Format,
    ready: VecDeque<arrow::Cells>,
    chunks: VecDeque<ChunkLink>,
    headers: BTreeMap<String, Secret>,
    total: Option<u64>,
    seen: u64,
}

impl Rows {
    /// # Errors
    /// `DataInvalid` for first rows that cannot be read.
    pub(crate) fn new(answer: ResultData) -> Result<Self> {
        let format = answer.query_result_format.unwrap_or(Format::Json);
        let inline = match (answer.rowset, answer.rowset_base64) {
            (Some(rows), _) => rows,
            (None, Some(text)) if !text.is_empty() => {
                let bytes = BASE64_STANDARD
                    .decode(text)
                    .map_err(|_bytes| invalid("first rows that are not base64"))?;
                arrow::rows(bytes.as_slice(), &answer.rowtype)?
            }
            _ => Vec::new(),
        };
        let headers = match (answer.chunk_headers, answer.qrmk) {
            (Some(headers), _) => headers,
            (None, Some(key)) => BTreeMap::from([
                (
                    "x-amz-server-side-encryption-customer-algorithm".to_owned(),
                    Secret::new("AES256"),
                ),
                ("x-amz-server-side-encryption-customer-key".to_owned(), key),
            ]),
            (None, None) => BTreeMap::new(),
        };
        Ok(Self {
            columns: Columns::new(answer.rowtype),
            format,
            ready: inline.into(),
            chunks: answer.chunks.into(),
            headers,
            total: answer.total,
            seen: 0,
        })
    }

    /// How many rows there are in all, where the answer says it.
    pub(crate) fn total(&self) -> Option<u64> {
        self.total
    }

    /// The next row; `None` at the end.
    ///
    /// # Errors
    /// `DataInvalid` when there are fewer or more rows than the answer said, `Unavailable` for a chunk that is gone.
    pub(crate) async fn next(&mut self, channel: &Channel<'_>) -> Result<Option<Row>> {
        while self.ready.is_empty() {
            let Some(chunk) = self.chunks.pop_front() else {
                return self.end().map(|()| None);
            };
            self.ready = self.fetch(&chunk, channel).await?.into();
        }
        self.seen += 1;
        let cells = self.ready.pop_front().unwrap_or_default();
        Row::new(&self.columns, cells).map(Some)
    }

    fn end(&self) -> Result<()> {
        match self.total {
            Some(total) if total != self.seen => Err(invalid("the rows are not as many as the answer said")
                .with_context("expected", total)
                .with_context("found", self.seen)),
            _ => Ok(()),
        }
    }

    async fn fetch(&self, chunk: &ChunkLink, channel: &Channel<'_>) -> Result<Vec<arrow::Cells>> {
        let body = channel.download(chunk, &self.headers).await?;
        let (columns, format) = (self.columns.clone(), self.format);
        let decoded = tokio::task::spawn_blocking(move || decode(&body, format, &columns)).await;
        let rows = decoded.map_err(|error| {
            Error::new(ErrorKind::Unexpected, "the reading of a chunk broke off").with_source(error)
        })??;
        if rows.len() as u64 != chunk.row_count {
            return Err(invalid("a chunk has not as many rows as the answer said")
                .with_context("expected", chunk.row_count)
                .with_context("found", rows.len()));
        }
        Ok(rows)
    }
}

fn decode(body: &Bytes, format: Format, columns: &Columns) -> Result<Vec<arrow::Cells>> {
    let opened = open(body)?;
    match format {
        Format::Arrow => arrow::rows(opened.as_ref(), &columns.types),
        Format::Json => {
            // A fragment: rows with commas between them, without the brackets around all.
            let mut text = Vec::with_capacity(opened.len() + 2);
            text.push(b'[');
            text.extend_from_slice(&opened);
            text.push(b']');
            serde_json::from_slice(&text).map_err(|_quotes_values| invalid("a chunk of rows that is no JSON"))
        }
    }
}

/// Decompresses what is still compressed: not every store says so in a header.
fn open(body: &Bytes) -> Result<Bytes> {
    if !body.starts_with(&[0x1f, 0x8b]) {
        return Ok(body.clone());
    }
    let mut opened = Vec::new();
    let read = GzDecoder::new(body.as_ref())
        .take(LARGEST)
        .read_to_end(&mut opened);
    match read {
        Ok(length) if (length as u64) < LARGEST => Ok(opened.into()),
        Ok(_) => Err(invalid("a chunk is larger than is held in memory")),
        Err(error) => Err(invalid("a chunk that cannot be decompressed").with_source(error)),
    }
}
