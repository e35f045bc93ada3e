use crate::artifact::Text;
use headwater_core::{Error, ErrorKind};
use std::{borrow::Cow, io};

/// An artifact is broken at a byte of its unpacked text.
pub(crate) fn invalid(message: impl Into<Cow<'static, str>>, offset: u64) -> Error {
    invalid_manifest(message).with_context("at", format_args!("byte {offset}"))
}

/// An artifact is not what it is taken for.
pub(crate) fn invalid_manifest(message: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::DataInvalid, message).with_code("invalid_manifest")
}

/// A value is no JSON. serde's own text may quote it, so only the place is told.
pub(crate) fn syntax(error: &serde_json::Error, text: Text<'_>) -> Error {
    if error.is_eof() {
        return invalid("the file is cut off", text.offset + text.text.len() as u64);
    }
    let lines = text
        .text
        .split_inclusive('\n')
        .take(error.line().saturating_sub(1));
    let within = lines.map(str::len).sum::<usize>() + error.column().saturating_sub(1);
    invalid("not valid JSON", text.offset + within as u64)
}

/// A file breaks off while it is read, or is no gzip after its first bytes.
pub(crate) fn unreadable(error: io::Error, offset: u64) -> Error {
    match error.kind() {
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
            invalid("the gzip file is damaged", offset).with_source(error)
        }
        io::ErrorKind::UnexpectedEof => invalid("the gzip file is cut off", offset).with_source(error),
        _ => io("the file cannot be read", error),
    }
}

/// What the operating system said, as something a caller can act on.
pub(crate) fn io(message: &'static str, error: io::Error) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => ErrorKind::NotFound,
        io::ErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
        _ => ErrorKind::Unexpected,
    };
    Error::new(kind, message)
        .with_context("reason", error.kind())
        .with_source(error)
}
