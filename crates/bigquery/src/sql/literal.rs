//! The values of `TABLE_OPTIONS`, which are literals of GoogleSQL: `"text"`, `[STRUCT("key", "value")]`.

/// All string literals in a text, in order.
pub(super) fn strings(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut characters = text.chars();
    while let Some(quote) = characters.next() {
        if !matches!(quote, '"' | '\'') {
            continue;
        }
        let mut literal = String::new();
        while let Some(next) = characters.next().filter(|next| *next != quote) {
            match next {
                '\\' => literal.extend(escaped(&mut characters)),
                other => literal.push(other),
            }
        }
        found.push(literal);
    }
    found
}

/// A text as a literal in a query.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn escaped(characters: &mut std::str::Chars<'_>) -> Option<char> {
    let digits = |characters: &mut std::str::Chars<'_>, count: usize| {
        let code: String = characters.take(count).collect();
        u32::from_str_radix(&code, 16).ok().and_then(char::from_u32)
    };
    match characters.next()? {
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        'x' | 'X' => digits(characters, 2),
        'u' => digits(characters, 4),
        'U' => digits(characters, 8),
        other => Some(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_text_is_read_as_it_was() {
        assert_eq!(quoted("sales"), "'sales'");
        for text in [r"a'b\", "it's", r"\'"] {
            assert_eq!(strings(&quoted(text)), [text]);
        }
    }

    #[test]
    fn texts_and_their_escapes() {
        assert_eq!(strings(r#""a \"b\"\n\\ \u00e9""#), ["a \"b\"\n\\ é"]);
        assert_eq!(
            strings(r#"[STRUCT("tier", "gold"), STRUCT("pii", "")]"#),
            ["tier", "gold", "pii", ""]
        );
        assert_eq!(strings("12"), [""; 0]);
        assert_eq!(strings(r#""open"#), ["open"]);
    }
}
