//! Paths as they are stored: segments joined with U+001F. Where a name has that character itself, or
//! U+001B, U+001B stands before it.

use headwater_core::Path;

const SEPARATOR: char = '\u{1f}';
const ESCAPE: char = '\u{1b}';

/// The text of a path.
pub(crate) fn key(path: &Path) -> String {
    let mut text = String::with_capacity(64);
    for (index, segment) in path.segments().iter().enumerate() {
        if index > 0 {
            text.push(SEPARATOR);
        }
        if segment.contains([SEPARATOR, ESCAPE]) {
            push_escaped(&mut text, segment);
        } else {
            text.push_str(segment);
        }
    }
    text
}

fn push_escaped(text: &mut String, segment: &str) {
    for character in segment.chars() {
        if matches!(character, SEPARATOR | ESCAPE) {
            text.push(ESCAPE);
        }
        text.push(character);
    }
}

/// The path of a text.
pub(crate) fn path(key: &str) -> Path {
    match key {
        "" => Path::root(),
        key if key.contains(ESCAPE) => unescaped(key),
        key => Path::new(key.split(SEPARATOR)),
    }
}

fn unescaped(key: &str) -> Path {
    let (mut segments, mut segment) = (Vec::new(), String::new());
    let mut characters = key.chars();
    while let Some(character) = characters.next() {
        match character {
            SEPARATOR => segments.push(std::mem::take(&mut segment)),
            ESCAPE => segment.extend(characters.next()),
            other => segment.push(other),
        }
    }
    segments.push(segment);
    Path::new(segments)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_comes_back_as_it_was() {
        for segments in [
            vec![],
            vec!["shop"],
            vec!["shop", "a.b", "c d"],
            vec!["", "x"],
            vec!["a\u{1f}b", "\u{1b}"],
            vec!["a\u{1b}", "b"],
        ] {
            let before = Path::new(segments);
            assert_eq!(path(&key(&before)), before);
        }
    }
}
