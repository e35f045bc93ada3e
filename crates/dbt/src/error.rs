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

/// A value is no JSON. serde_json says what of it is not where it judged by the syntax alone; else its text may quote
/// the value, and only the place is told.
pub(crate) fn syntax(error: &serde_json::Error, text: Text<'_>) -> Error {
    if error.is_eof() {
        return invalid("the file is cut off", text.offset + text.text.len() as u64);
    }
    let lines = text
        .text
        .split_inclusive('\n')
        .take(error.line().saturating_sub(1));
    let within = lines.map(str::len).sum::<usize>() + error.column().saturating_sub(1);
    let offset = text.offset + within as u64;
    let said = error.to_string();
    match said.rsplit_once(" at line ") {
        Some((said, _)) if error.is_syntax() => invalid(format!("not valid JSON: {said}"), offset),
        _ => invalid("not valid JSON", offset),
    }
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
