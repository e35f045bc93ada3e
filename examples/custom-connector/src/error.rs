use headwater_core::{Error, ErrorKind};
use std::io;

/// What the operating system said, as something a caller can act on.
pub(crate) fn io(message: &'static str, error: io::Error) -> Error {
    Error::new(kind(error.kind()), message)
        .with_context("reason", error.kind())
        .with_source(error)
}

/// A file that cannot be opened, breaks off or is no CSV. The text of the error holds lines and places, no values.
pub(crate) fn csv(error: csv::Error) -> Error {
    let kind = match error.kind() {
        csv::ErrorKind::Io(error) => kind(error.kind()),
        _ => ErrorKind::DataInvalid,
    };
    Error::new(kind, "the file cannot be read as CSV in UTF-8").with_context("reason", error)
}

fn kind(kind: io::ErrorKind) -> ErrorKind {
    match kind {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => ErrorKind::NotFound,
        io::ErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => ErrorKind::DataInvalid,
        _ => ErrorKind::Unavailable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_says_what_to_do() {
        for (from, to) in [
            (io::ErrorKind::NotFound, ErrorKind::NotFound),
            (io::ErrorKind::PermissionDenied, ErrorKind::PermissionDenied),
            (io::ErrorKind::InvalidData, ErrorKind::DataInvalid),
            (io::ErrorKind::TimedOut, ErrorKind::Unavailable),
        ] {
            assert_eq!(io("x", from.into()).kind(), to, "{from}");
        }
    }
}
