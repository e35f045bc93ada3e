//! Names in SQL text: the only place where a name becomes part of a statement.

/// A name as an SQL identifier, always quoted.
pub fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A name as PostgreSQL prints it: quoted only where it must be.
pub fn display(name: &str) -> String {
    let mut letters = name.chars();
    let plain = letters
        .next()
        .is_some_and(|first| first == '_' || first.is_ascii_lowercase())
        && letters.all(|next| matches!(next, '_' | '$' | 'a'..='z' | '0'..='9'));
    if plain { name.to_owned() } else { identifier(name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_cannot_end_an_identifier() {
        assert_eq!(identifier("reader"), r#""reader""#);
        assert_eq!(identifier(r#"a"; DROP ROLE b; --"#), r#""a""; DROP ROLE b; --""#);
        assert_eq!(identifier("Größe.1"), "\"Größe.1\"");
    }

    #[test]
    fn plain_names_are_shown_bare() {
        assert_eq!(display("created_at"), "created_at");
        for odd in ["Created", "1st", "a b", "größe", ""] {
            assert_eq!(display(odd), identifier(odd));
        }
    }
}
