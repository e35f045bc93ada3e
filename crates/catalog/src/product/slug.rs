//! A product's name in addresses.

const MAX_LENGTH: usize = 200;

/// The slug of a folded path: lower-case ASCII letters and digits, everything between them a dash.
pub(crate) fn slug(path: &str) -> String {
    let mut slug = String::with_capacity(path.len());
    for character in path.chars().flat_map(char::to_lowercase) {
        match character {
            'a'..='z' | '0'..='9' => slug.push(character),
            _ if slug.ends_with('-') || slug.is_empty() => {}
            _ => slug.push('-'),
        }
    }
    slug.truncate(MAX_LENGTH);
    match slug.trim_end_matches('-') {
        "" => "product".to_owned(),
        slug => slug.to_owned(),
    }
}

/// The slug of the `number`th product of one slug: `orders`, `orders-2`, `orders-3`.
pub(crate) fn numbered(slug: &str, number: usize) -> String {
    match number {
        0 | 1 => slug.to_owned(),
        number => format!("{slug}-{number}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_letters_and_digits_stay() {
        for (path, expected) in [
            ("shop\u{1f}public\u{1f}orders", "shop-public-orders"),
            ("Shop.\"Odd  Name\"", "shop-odd-name"),
            ("größe", "gr-e"),
            ("данные", "product"),
            ("", "product"),
        ] {
            assert_eq!(slug(path), expected, "{path}");
        }
        assert_eq!(slug(&"ab-".repeat(100)).len(), MAX_LENGTH);
        assert_eq!(numbered("orders", 1), "orders");
        assert_eq!(numbered("orders", 2), "orders-2");
    }
}
