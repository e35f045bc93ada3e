//! Series of tables with a date at the end of their names: `events_20260131` is part of `events_*`.

use std::collections::BTreeMap;

/// The shards of one dataset, by the prefix of their names. Holds three numbers for each series, not its tables.
#[derive(Debug, Default)]
pub(crate) struct Shards(BTreeMap<String, Series>);

/// What is known of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Series {
    pub(crate) count: u64,
    /// The dates as numbers: 20260131.
    pub(crate) first: u32,
    pub(crate) last: u32,
}

impl Series {
    /// A series of one shard.
    pub(crate) fn of(date: u32) -> Self {
        Self {
            count: 1,
            first: date,
            last: date,
        }
    }

    /// The series with one shard more.
    #[must_use]
    pub(crate) fn with(self, date: u32) -> Self {
        Self {
            count: self.count + 1,
            first: self.first.min(date),
            last: self.last.max(date),
        }
    }
}

impl Shards {
    /// Takes a table that is a shard; `false` for any other.
    pub(crate) fn take(&mut self, table: &str) -> bool {
        let Some((prefix, date)) = split(table) else {
            return false;
        };
        let series = self.0.entry(prefix.to_owned());
        series
            .and_modify(|series| *series = series.with(date))
            .or_insert(Series::of(date));
        true
    }

    /// All series, by prefix.
    pub(crate) fn into_series(self) -> impl Iterator<Item = (String, Series)> {
        self.0.into_iter()
    }
}

/// The name of a series, as a query names it. No table can have it.
pub(crate) fn wildcard(prefix: &str) -> String {
    format!("{prefix}*")
}

/// The name that a table is known by: that of its series, or its own.
pub(crate) fn name(table: &str, collapse: bool) -> String {
    match split(table).filter(|_| collapse) {
        Some((prefix, _)) => wildcard(prefix),
        None => table.to_owned(),
    }
}

/// The prefix with its underscore, and the date.
pub(crate) fn split(table: &str) -> Option<(&str, u32)> {
    let (prefix, digits) = table.split_at_checked(table.len().checked_sub(8)?)?;
    if !prefix.ends_with('_') || prefix.len() < 2 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let date: u32 = digits.parse().ok()?;
    let (month, day) = (date / 100 % 100, date % 100);
    let valid =
        (1900..=2199).contains(&(date / 10_000)) && (1..=12).contains(&month) && (1..=31).contains(&day);
    valid.then_some((prefix, date))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_date_behind_an_underscore_makes_a_shard() {
        assert_eq!(split("events_20260131"), Some(("events_", 20_260_131)));
        assert_eq!(split("events_intraday_20260131").unwrap().0, "events_intraday_");
        for table in [
            "events",
            "events20260131",
            "events_20261301",
            "events_20260132",
            "events_99990101",
            "_20260131",
            "20260131",
            "events_2026013é",
            "tüv_2026",
        ] {
            assert_eq!(split(table), None, "{table}");
        }
        assert_eq!(name("events_20260131", true), "events_*");
        assert_eq!(name("events_20260131", false), "events_20260131");
    }

    #[test]
    fn a_series_keeps_its_number_and_range() {
        let mut shards = Shards::default();
        for table in ["a_20260102", "a_20260101", "b_20260101", "a_20251231"] {
            assert!(shards.take(table));
        }
        assert!(!shards.take("a"));
        let all: Vec<_> = shards.into_series().collect();
        let a = Series {
            count: 3,
            first: 20_251_231,
            last: 20_260_102,
        };
        assert_eq!((all.len(), &all[0]), (2, &("a_".to_owned(), a)));
    }
}
