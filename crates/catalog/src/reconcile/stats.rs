//! When statistics are worth a write.

use headwater_core::model::{Stat, Stats};
use jiff::Timestamp;
use serde_json::Value;

/// A day in microseconds: after it any difference is written.
const DAY: i64 = 24 * 60 * 60 * 1_000_000;

/// Whether to write what was measured over what is stored. Numbers drift all day; a catalog that writes
/// each of them writes every product at every sync.
pub(crate) fn is_due(stored: Option<(&Stats, i64)>, measured: &Stats, now: i64) -> bool {
    let Some((stored, written_at)) = stored else {
        return *measured != Stats::default();
    };
    let old = now.saturating_sub(written_at) >= DAY;
    *stored != *measured && (old || has_moved(stored, measured))
}

fn has_moved(stored: &Stats, measured: &Stats) -> bool {
    number_moved(stored.row_count, measured.row_count)
        || number_moved(stored.size_bytes, measured.size_bytes)
        || origin(stored.last_altered) != origin(measured.last_altered)
        || !facts(stored).eq(facts(measured))
}

/// What is no number does not drift: the result of a test, the bounds of a partition.
fn facts(stats: &Stats) -> impl Iterator<Item = (&str, &Value)> {
    let all = stats.properties.iter().map(|(name, value)| (&**name, value));
    all.filter(|(_, value)| !value.is_number())
}

/// By 5 % or more, or from another origin.
fn number_moved(stored: Option<Stat<u64>>, measured: Option<Stat<u64>>) -> bool {
    match (stored, measured) {
        (Some(stored), Some(measured)) => {
            let distance = u128::from(stored.value.abs_diff(measured.value));
            stored.origin != measured.origin
                || (distance > 0 && distance * 20 >= u128::from(stored.value.max(measured.value)))
        }
        (stored, measured) => stored.is_some() != measured.is_some(),
    }
}

fn origin(time: Option<Stat<Timestamp>>) -> Option<headwater_core::model::Origin> {
    time.map(|time| time.origin)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rows(count: u64) -> Stats {
        Stats {
            row_count: Some(Stat::estimate(count)),
            ..Stats::default()
        }
    }

    #[test]
    fn a_number_is_written_when_it_moves_by_a_twentieth() {
        for (before, after, due) in [
            (1000, 1000, false),
            (1000, 1040, false),
            (1000, 1060, true),
            (1000, 950, true),
            (0, 1, true),
            (u64::MAX, u64::MAX - 1, false),
        ] {
            let stored = rows(before);
            assert_eq!(
                is_due(Some((&stored, 0)), &rows(after), 1),
                due,
                "{before} -> {after}"
            );
        }
    }

    #[test]
    fn after_a_day_any_difference_is_written_and_no_difference_never() {
        let stored = rows(1000);
        assert!(is_due(Some((&stored, 0)), &rows(1001), DAY));
        assert!(!is_due(Some((&stored, 0)), &rows(1000), DAY * 9));
    }

    #[test]
    fn a_result_is_written_at_once_and_a_number_beside_it_is_not() {
        let with = |result: &str, seconds: u64| {
            let mut stats = rows(1000);
            stats.properties.insert("result".into(), json!(result));
            stats.properties.insert("seconds".into(), json!(seconds));
            stats
        };
        let stored = with("pass", 3);
        assert!(is_due(Some((&stored, 0)), &with("fail", 3), 1));
        assert!(!is_due(Some((&stored, 0)), &with("pass", 4), 1));
    }

    #[test]
    fn a_first_measurement_is_written_unless_it_is_empty() {
        assert!(is_due(None, &rows(0), 0));
        assert!(!is_due(None, &Stats::default(), 0));
    }

    #[test]
    fn a_number_that_becomes_exact_is_written() {
        let exact = Stats {
            row_count: Some(Stat::exact(1000)),
            ..Stats::default()
        };
        assert!(is_due(Some((&rows(1000), 0)), &exact, 1));
    }
}
