//! Paths as they are stored: segments joined with U+001F, which no source allows in a name.

use headwater_core::Path;

const SEPARATOR: char = '\u{1f}';

/// The text of a path.
pub(crate) fn key(path: &Path) -> String {
    let mut text = String::with_capacity(64);
    for (index, segment) in path.segments().iter().enumerate() {
        if index > 0 {
            text.push(SEPARATOR);
        }
        text.push_str(segment);
    }
    text
}

/// The path of a text.
pub(crate) fn path(key: &str) -> Path {
    match key {
        "" => Path::root(),
        key => Path::new(key.split(SEPARATOR)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_comes_back_as_it_was() {
        for segments in [vec![], vec!["shop"], vec!["shop", "a.b", "c d"], vec!["", "x"]] {
            let before = Path::new(segments);
            assert_eq!(path(&key(&before)), before);
        }
    }
}
