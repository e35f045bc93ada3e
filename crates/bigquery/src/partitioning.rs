//! How the rows of a table are cut and ordered, as constraints.

use crate::resource::{Clustering, RangePartitioning, Table, TimePartitioning};
use headwater_core::{
    Facet,
    model::{Constraint, ConstraintKind},
};

/// The pseudo column of tables that are partitioned by the time of ingestion.
const INGESTION: &str = "_PARTITIONTIME";

/// The partition key and the clustering key.
pub(crate) fn keys(table: &Table) -> impl Iterator<Item = Constraint> {
    let time = table.time_partitioning.as_ref().map(by_time);
    let range = table.range_partitioning.as_ref().map(by_range);
    let clustering = table.clustering.as_ref().map(clustered);
    time.or(range).into_iter().chain(clustering)
}

/// `DAY (created_at)`
fn by_time(partitioning: &TimePartitioning) -> Constraint {
    let field = partitioning.field.as_deref().unwrap_or(INGESTION);
    let unit = match partitioning.unit.as_str() {
        "" => "DAY",
        unit => unit,
    };
    key(field, format!("{unit} ({field})"))
}

/// `RANGE (id) FROM 0 TO 100 BY 10`
fn by_range(partitioning: &RangePartitioning) -> Constraint {
    let field = partitioning.field.as_str();
    let range = &partitioning.range;
    let text = match (range.start, range.end, range.interval) {
        (Some(start), Some(end), Some(interval)) => {
            format!("RANGE ({field}) FROM {start} TO {end} BY {interval}")
        }
        _ => format!("RANGE ({field})"),
    };
    key(field, text)
}

fn key(field: &str, text: String) -> Constraint {
    Constraint {
        expression: Facet::Read(Some(text)),
        ..Constraint::new(None, ConstraintKind::PARTITION_KEY, [field])
    }
}

fn clustered(clustering: &Clustering) -> Constraint {
    Constraint::new(
        None,
        ConstraintKind::CLUSTERING_KEY,
        clustering.fields.iter().cloned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(table: Value) -> Vec<(String, Vec<String>, Option<String>)> {
        let table: Table = serde_json::from_value(table).unwrap();
        keys(&table)
            .map(|key| {
                (
                    key.kind.to_string(),
                    key.fields.clone(),
                    key.expression.value().cloned(),
                )
            })
            .collect()
    }

    #[test]
    fn keys_say_how_rows_are_cut() {
        let partition = |field: &str, text: &str| {
            (
                "partition_key".to_owned(),
                vec![field.to_owned()],
                Some(text.to_owned()),
            )
        };
        assert_eq!(
            read(json!({"timePartitioning": {"type": "HOUR", "field": "at"},
                        "clustering": {"fields": ["b", "a"]}})),
            [
                partition("at", "HOUR (at)"),
                ("clustering_key".into(), vec!["b".into(), "a".into()], None)
            ]
        );
        assert_eq!(
            read(json!({"timePartitioning": {"type": "DAY"}})),
            [partition("_PARTITIONTIME", "DAY (_PARTITIONTIME)")]
        );
        assert_eq!(
            read(json!({"rangePartitioning": {"field": "id",
                        "range": {"start": "0", "end": "100", "interval": "10"}}})),
            [partition("id", "RANGE (id) FROM 0 TO 100 BY 10")]
        );
        assert_eq!(read(json!({})), []);
    }
}
