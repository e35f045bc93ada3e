//! What of a table is said by its DDL alone: how rows are partitioned, and the query of a materialized view.

use crate::resource::{Range, RangePartitioning, TimePartitioning};

/// How the rows of a table are partitioned.
#[derive(Debug, PartialEq)]
pub(super) enum Partitioning {
    Time(TimePartitioning),
    Range(RangePartitioning),
}

/// Reads the line `PARTITION BY ..`, which BigQuery writes by itself.
pub(super) fn partitioning(ddl: &str) -> Option<Partitioning> {
    let line = ddl.lines().find_map(|line| line.strip_prefix("PARTITION BY "))?;
    let text = line.trim().trim_end_matches(';');
    let Some((function, arguments)) = text.strip_suffix(')').and_then(|text| text.split_once('(')) else {
        return Some(by_time(text, "DAY"));
    };
    if function == "RANGE_BUCKET" {
        return by_range(arguments).map(Partitioning::Range);
    }
    match arguments.split_once(',') {
        Some((column, unit)) => Some(by_time(column, unit.trim())),
        None => Some(by_time(arguments, "DAY")),
    }
}

fn by_time(column: &str, unit: &str) -> Partitioning {
    let column = column.trim().trim_matches('`');
    let ingestion = matches!(column, "_PARTITIONTIME" | "_PARTITIONDATE");
    Partitioning::Time(TimePartitioning {
        unit: unit.to_owned(),
        field: (!ingestion).then(|| column.to_owned()),
        ..TimePartitioning::default()
    })
}

/// `id, GENERATE_ARRAY(0, 100, 10)`
fn by_range(arguments: &str) -> Option<RangePartitioning> {
    let (column, array) = arguments.split_once(',')?;
    let bounds = array.trim().strip_prefix("GENERATE_ARRAY(")?.strip_suffix(')')?;
    let mut numbers = bounds.split(',').map(|number| number.trim().parse().ok());
    Some(RangePartitioning {
        field: column.trim().trim_matches('`').to_owned(),
        range: Range {
            start: numbers.next()?,
            end: numbers.next()?,
            interval: numbers.next()?,
        },
    })
}

/// The query of a materialized view.
pub(super) fn query(ddl: &str) -> Option<&str> {
    let at = ddl.find("\nAS ")?;
    let query = ddl.get(at + 4..)?.trim();
    Some(query.strip_suffix(';').unwrap_or(query).trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> (Option<String>, String) {
        match partitioning(&format!(
            "CREATE TABLE `p.d.t`\n(\n  a INT64\n)\nPARTITION BY {text}\nCLUSTER BY a;"
        )) {
            Some(Partitioning::Time(time)) => (time.field, time.unit),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn partitioning_by_time() {
        let of = |field: &str, unit: &str| (Some(field.to_owned()), unit.to_owned());
        assert_eq!(time("at"), of("at", "DAY"));
        assert_eq!(time("DATE(at)"), of("at", "DAY"));
        assert_eq!(time("TIMESTAMP_TRUNC(at, HOUR)"), of("at", "HOUR"));
        assert_eq!(time("DATE_TRUNC(`at`, MONTH);"), of("at", "MONTH"));
        assert_eq!(time("_PARTITIONDATE"), (None, "DAY".to_owned()));
        assert_eq!(
            time("TIMESTAMP_TRUNC(_PARTITIONTIME, HOUR)"),
            (None, "HOUR".to_owned())
        );
        assert_eq!(partitioning("CREATE TABLE t"), None);
    }

    #[test]
    fn partitioning_by_a_range() {
        let ddl = "CREATE TABLE t\nPARTITION BY RANGE_BUCKET(id, GENERATE_ARRAY(0, 100, 10))";
        let Some(Partitioning::Range(range)) = partitioning(ddl) else {
            panic!()
        };
        assert_eq!((range.field.as_str(), range.range.end), ("id", Some(100)));
    }

    #[test]
    fn the_query_of_a_materialized_view() {
        let ddl =
            "CREATE MATERIALIZED VIEW `p.d.v`\nOPTIONS(\n  enable_refresh=true\n)\nAS SELECT a\nFROM t;";
        assert_eq!(query(ddl), Some("SELECT a\nFROM t"));
    }
}
