//! The text of a type in GoogleSQL, such as `ARRAY<STRUCT<sku STRING(20), price NUMERIC(10, 2)>>`.

use crate::resource::{FieldSchema, RangeElement};

/// BigQuery allows 15 levels.
const DEEPEST: usize = 32;

/// A field of a name and the text of its type. A text that cannot be read is a type by that name.
pub(super) fn field(name: &str, text: &str) -> FieldSchema {
    let mut parser = Parser { rest: text };
    let parsed = parser.field(DEEPEST).filter(|_| parser.rest.trim().is_empty());
    let mut field = parsed.unwrap_or_else(|| FieldSchema {
        kind: text.to_owned(),
        ..FieldSchema::default()
    });
    field.name = name.to_owned();
    field
}

struct Parser<'t> {
    rest: &'t str,
}

impl<'t> Parser<'t> {
    fn take(&mut self, token: &str) -> bool {
        let rest = self.rest.trim_start();
        let taken = rest.strip_prefix(token);
        self.rest = taken.unwrap_or(rest);
        taken.is_some()
    }

    fn word(&mut self) -> Option<&'t str> {
        let text = self.rest.trim_start();
        if let Some(quoted) = text.strip_prefix('`') {
            let (word, rest) = quoted.split_once('`')?;
            self.rest = rest;
            return Some(word);
        }
        let end = text
            .find(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '(' | ')' | ','))
            .unwrap_or(text.len());
        let (word, rest) = text.split_at_checked(end)?;
        self.rest = rest;
        Some(word).filter(|word| !word.is_empty())
    }

    /// A type, as a field without a name.
    fn field(&mut self, levels: usize) -> Option<FieldSchema> {
        let levels = levels.checked_sub(1)?;
        let mut field = FieldSchema {
            kind: self.word()?.to_owned(),
            ..FieldSchema::default()
        };
        match field.kind.as_str() {
            "ARRAY" if self.take("<") => {
                let mut element = self.field(levels)?;
                element.mode = Some("REPEATED".to_owned());
                return self.take(">").then_some(element);
            }
            "STRUCT" if self.take("<") => field.fields = self.members(levels)?,
            "RANGE" if self.take("<") => {
                let kind = self.word()?.to_owned();
                field.range_element_type = Some(RangeElement { kind });
                self.take(">").then_some(())?;
            }
            _ => self.parameters(&mut field)?,
        }
        Some(field)
    }

    fn members(&mut self, levels: usize) -> Option<Vec<FieldSchema>> {
        let mut members = Vec::new();
        loop {
            let name = self.word()?.to_owned();
            let mut member = self.field(levels)?;
            if self.take("NOT NULL") {
                member.mode = Some("REQUIRED".to_owned());
            }
            member.name = name;
            members.push(member);
            if self.take(">") {
                return Some(members);
            }
            self.take(",").then_some(())?;
        }
    }

    /// `(20)`, `(10, 2)`.
    fn parameters(&mut self, field: &mut FieldSchema) -> Option<()> {
        if !self.take("(") {
            return Some(());
        }
        let first = self.word()?;
        let second = match self.take(",") {
            true => Some(self.word()?),
            false => None,
        };
        self.take(")").then_some(())?;
        match field.kind.as_str() {
            "STRING" | "BYTES" => field.max_length = Some(first.parse().ok()?),
            "TIMESTAMP" => field.timestamp_precision = Some(first.parse().ok()?),
            _ => {
                field.precision = Some(first.parse().ok()?);
                field.scale = second.map(str::parse).transpose().ok()?;
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_types_are_taken_apart() {
        let items = field(
            "items",
            "ARRAY<STRUCT<sku STRING(20), price NUMERIC(10, 2), `odd name` RANGE<DATE>, deep STRUCT<a ARRAY<INT64>>>>",
        );
        assert_eq!(
            (items.kind.as_str(), items.mode.as_deref()),
            ("STRUCT", Some("REPEATED"))
        );
        let [sku, price, odd, deep] = items.fields.as_slice() else {
            panic!("{items:?}")
        };
        assert_eq!((sku.kind.as_str(), sku.max_length), ("STRING", Some(20)));
        assert_eq!((price.precision, price.scale), (Some(10), Some(2)));
        assert_eq!(odd.name, "odd name");
        assert_eq!(odd.range_element_type.as_ref().unwrap().kind, "DATE");
        assert_eq!(deep.fields[0].mode.as_deref(), Some("REPEATED"));
    }

    #[test]
    fn what_cannot_be_read_is_kept_as_it_is() {
        for text in ["STRUCT<a", "STRING(x)", "ARRAY<", "INT64 INT64", ""] {
            assert_eq!(field("f", text).kind, text);
        }
        let deep = "STRUCT<a ".repeat(100) + "INT64" + &">".repeat(100);
        assert_eq!(field("f", &deep).kind, deep);
    }
}
