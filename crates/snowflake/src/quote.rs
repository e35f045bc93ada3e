//! Names in SQL text: the only place where a name becomes part of a statement.

use headwater_core::Path;

/// A name as an SQL identifier, always quoted, so that its case is kept.
pub(crate) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The quoted identifiers of a path, joined with dots.
pub(crate) fn path(path: &Path) -> String {
    let parts: Vec<String> = path.segments().iter().map(|name| identifier(name)).collect();
    parts.join(".")
}

/// A text as a string literal, for the clauses of SHOW, which take no bound values.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

/// A name as Snowflake prints it: quoted only where it must be.
pub(crate) fn display(name: &str) -> String {
    let mut letters = name.chars();
    let plain = letters
        .next()
        .is_some_and(|first| first == '_' || first.is_ascii_uppercase())
        && letters.all(|next| matches!(next, '_' | '$' | 'A'..='Z' | '0'..='9'));
    if plain { name.to_owned() } else { identifier(name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_cannot_end_an_identifier() {
        assert_eq!(identifier("ORDERS"), r#""ORDERS""#);
        assert_eq!(
            identifier(r#"a"; DROP TABLE b; --"#),
            r#""a""; DROP TABLE b; --""#
        );
        assert_eq!(path(&Path::new(["SHOP", "a.b"])), r#""SHOP"."a.b""#);
    }

    #[test]
    fn neither_a_quote_nor_a_backslash_can_end_a_literal() {
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal(r"a\' OR 1=1 --"), r"'a\\'' OR 1=1 --'");
    }

    #[test]
    fn plain_names_are_shown_bare() {
        assert_eq!(display("CREATED_AT"), "CREATED_AT");
        for odd in ["created", "1ST", "A B", "GRÖSSE", ""] {
            assert_eq!(display(odd), identifier(odd));
        }
    }
}
