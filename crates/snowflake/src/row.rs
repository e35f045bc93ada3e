//! Rows of a result: texts by the name of their column, in whatever format they came.

use crate::wire::ColumnType;
use headwater_core::{Error, ErrorKind, Result};
use jiff::Timestamp;
use std::{collections::HashMap, sync::Arc};

/// The columns of a result.
#[derive(Debug)]
pub(crate) struct Columns {
    pub(crate) types: Vec<ColumnType>,
    /// By their names in upper and in lower case: SHOW has the latter, the information schema the former, and a
    /// server that is not Snowflake may mix them.
    places: HashMap<String, usize>,
}

impl Columns {
    pub(crate) fn new(types: Vec<ColumnType>) -> Arc<Self> {
        let place = |(index, column): (usize, &ColumnType)| {
            [column.name.to_uppercase(), column.name.to_lowercase()].map(|name| (name, index))
        };
        Arc::new(Self {
            // The first of two columns of one name is meant.
            places: types.iter().enumerate().rev().flat_map(place).collect(),
            types,
        })
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.places.get(name).copied()
    }
}

/// A row. Each cell is the text that Snowflake's JSON has for it.
#[derive(Debug)]
pub(crate) struct Row {
    columns: Arc<Columns>,
    cells: Vec<Option<String>>,
}

impl Row {
    /// # Errors
    /// `DataInvalid` for a row of another width.
    pub(crate) fn new(columns: &Arc<Columns>, cells: Vec<Option<String>>) -> Result<Self> {
        if cells.len() != columns.types.len() {
            return Err(invalid(
                "a row has another number of cells than there are columns",
            ));
        }
        Ok(Self {
            columns: columns.clone(),
            cells,
        })
    }

    /// The text of a column.
    pub(crate) fn text(&self, column: &str) -> Option<&str> {
        self.cells.get(self.columns.place(column)?)?.as_deref()
    }

    /// Takes the text of a column; `None` where it is NULL, or where there is no such column.
    pub(crate) fn take(&mut self, column: &str) -> Option<String> {
        self.cells.get_mut(self.columns.place(column)?)?.take()
    }

    /// Takes a text that is not empty.
    pub(crate) fn take_text(&mut self, column: &str) -> Option<String> {
        self.take(column).filter(|text| !text.is_empty())
    }

    /// Takes a text without which the row says nothing.
    ///
    /// # Errors
    /// `DataInvalid` naming the column.
    pub(crate) fn require(&mut self, column: &str) -> Result<String> {
        self.take(column)
            .ok_or_else(|| invalid("a row lacks a value").with_context("column", column))
    }

    /// A whole number.
    pub(crate) fn number<T: std::str::FromStr>(&mut self, column: &str) -> Option<T> {
        let text = self.take(column)?;
        text.split('.').next()?.parse().ok()
    }

    /// Whether a flag is set, in any of the ways in which Snowflake writes that.
    pub(crate) fn flag(&mut self, column: &str) -> bool {
        let text = self.take(column).unwrap_or_default();
        ["YES", "Y", "TRUE", "ON", "1"]
            .iter()
            .any(|word| text.eq_ignore_ascii_case(word))
    }

    /// A time: seconds of the epoch with a fraction, and with an offset in TIMESTAMP_TZ.
    pub(crate) fn time(&mut self, column: &str) -> Option<Timestamp> {
        let text = self.take(column)?;
        let number = text.split(' ').next()?;
        let (seconds, fraction) = number.split_once('.').unwrap_or((number, ""));
        let nanoseconds: i32 = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
        Timestamp::new(seconds.parse().ok()?, nanoseconds).ok()
    }
}

pub(crate) fn invalid(message: &'static str) -> Error {
    Error::new(ErrorKind::DataInvalid, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cells: &[(&str, Option<&str>)]) -> Row {
        let column = |name: &str| ColumnType {
            name: name.into(),
            ..ColumnType::default()
        };
        let columns = Columns::new(cells.iter().map(|(name, _)| column(name)).collect());
        let texts = cells.iter().map(|(_, text)| text.map(str::to_owned)).collect();
        Row::new(&columns, texts).unwrap()
    }

    #[test]
    fn columns_are_found_whatever_their_case() {
        let mut shown = row(&[("name", Some("A")), ("Comment", Some("")), ("rows", None)]);
        assert_eq!(shown.require("NAME").unwrap(), "A");
        assert_eq!(shown.take_text("COMMENT"), None);
        assert_eq!(shown.take("ROWS"), None);
        let error = shown.require("OWNER").unwrap_err();
        assert!(error.to_string().contains("[column=OWNER]"), "{error}");
    }

    #[test]
    fn numbers_flags_and_times() {
        let mut row = row(&[
            ("N", Some("12")),
            ("D", Some("12.000")),
            ("Y", Some("YES")),
            ("F", Some("false")),
            ("T", Some("1700000000.123000000")),
            ("Z", Some("1700000000.5 1440")),
            ("S", Some("1700000000")),
        ]);
        assert_eq!(row.number("N"), Some(12_u64));
        assert_eq!(row.number("D"), Some(12_u64));
        assert!(row.flag("Y") && !row.flag("F") && !row.flag("MISSING"));
        assert_eq!(row.time("T").unwrap().to_string(), "2023-11-14T22:13:20.123Z");
        assert_eq!(row.time("Z").unwrap().to_string(), "2023-11-14T22:13:20.5Z");
        assert_eq!(row.time("S").unwrap().to_string(), "2023-11-14T22:13:20Z");
        assert_eq!(row.time("Y"), None);
    }

    #[test]
    fn a_row_of_another_width_is_an_error() {
        assert!(Row::new(&Columns::new(vec![ColumnType::default()]), vec![]).is_err());
    }
}
