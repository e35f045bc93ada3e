use super::Scanner;
use crate::{error, files::Input};
use flate2::bufread::MultiGzDecoder;
use headwater_core::Result;
use std::io::{BufRead, BufReader, Read};

/// An artifact's text, unpacked.
pub(crate) type Source = Box<dyn Read>;

const GZIP: &[u8] = &[0x1f, 0x8b];
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Opens an artifact, plain or gzip as its first bytes tell.
pub(crate) fn open(input: &Input) -> Result<Scanner<Source>> {
    let unopened = |cause| {
        let error = error::io("the file cannot be opened", cause);
        match input {
            Input::Path(path) => error.with_context("path", path.display()),
            Input::Fetched(_) => error,
        }
    };
    let mut file = BufReader::new(input.open().map_err(unopened)?);
    let packed = file.fill_buf().map_err(unopened)?.starts_with(GZIP);
    let source: Source = if packed {
        Box::new(MultiGzDecoder::new(file))
    } else {
        Box::new(file)
    };
    let mut text = BufReader::new(source);
    let start = text.fill_buf().map_err(|cause| error::unreadable(cause, 0))?;
    if start.starts_with(BYTE_ORDER_MARK) {
        text.consume(BYTE_ORDER_MARK.len());
    }
    Ok(Scanner::new(Box::new(text)))
}
