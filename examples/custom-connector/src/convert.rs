use csv::StringRecord;
use headwater_core::model::{DataType, Field};
use std::collections::BTreeSet;

/// The type of a column, as far as its values tell. Empty values tell nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Guess {
    Unknown,
    Boolean,
    Integer,
    Number,
    Text,
}

impl Guess {
    /// The narrowest type that also takes this value.
    pub(crate) fn widened(self, value: &[u8]) -> Self {
        use Guess::{Integer, Number, Text, Unknown};
        match (self, Self::of(value)) {
            (before, Unknown) => before,
            (Unknown, now) => now,
            (before, now) if before == now => now,
            (Integer | Number, Integer | Number) => Number,
            _ => Text,
        }
    }

    fn of(value: &[u8]) -> Self {
        match std::str::from_utf8(value).map(str::trim) {
            Ok("") => Self::Unknown,
            Ok("true" | "false") => Self::Boolean,
            Ok(text) if text.parse::<i64>().is_ok() => Self::Integer,
            Ok(text) if text.parse::<f64>().is_ok_and(f64::is_finite) => Self::Number,
            _ => Self::Text,
        }
    }

    /// A column of this type. A file says nothing of keys, defaults or NULL.
    pub(crate) fn field(self, name: &str) -> Field {
        let (native, data_type) = match self {
            Self::Boolean => ("boolean", DataType::Boolean),
            Self::Integer => ("integer", DataType::Integer { bits: 64 }),
            Self::Number => ("number", DataType::Float { bits: 64 }),
            Self::Unknown | Self::Text => ("text", DataType::String { length: None }),
        };
        Field::new(name, native, data_type)
    }
}

/// The names of a header. A column is known by its name, so an empty one is called by its place, and one
/// that was there before gets its place added.
pub(crate) fn unique_names(header: &StringRecord) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let mut names = Vec::new();
    for (index, name) in header.iter().enumerate() {
        let mut name = match name.trim_start_matches('\u{feff}') {
            "" => format!("column_{}", index + 1),
            name => name.to_owned(),
        };
        while !taken.insert(name.clone()) {
            name = format!("{name}_{}", index + 1);
        }
        names.push(name);
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_has_the_narrowest_type_that_takes_all_its_values() {
        for (values, guess) in [
            (&["1", "", "-2"][..], Guess::Integer),
            (&["1", "2.5", "3"], Guess::Number),
            (&["true", "false"], Guess::Boolean),
            (&["true", "1"], Guess::Text),
            (&["", ""], Guess::Unknown),
            (&["1", "NaN"], Guess::Text),
            (&["99999999999999999999"], Guess::Number),
        ] {
            let all = values
                .iter()
                .fold(Guess::Unknown, |guess, value| guess.widened(value.as_bytes()));
            assert_eq!(all, guess, "{values:?}");
        }
        assert_eq!(Guess::Unknown.widened(b"\xff"), Guess::Text);
    }

    #[test]
    fn each_column_has_a_name_of_its_own() {
        let header = StringRecord::from(vec!["\u{feff}id", "", "id", "id_3", "id"]);
        assert_eq!(
            unique_names(&header),
            ["id", "column_2", "id_3", "id_3_4", "id_5"]
        );
    }
}
