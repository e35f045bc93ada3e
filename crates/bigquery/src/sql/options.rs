//! What of a table is told by `TABLE_OPTIONS`.

use super::{cursor::Row, literal};
use crate::resource::{Encryption, ExternalData, Labels, Table};
use jiff::Timestamp;

/// Adds the options of a table to it.
pub(super) fn add(table: &mut Table, rows: &[Row]) {
    let mut external = ExternalData::default();
    for row in rows {
        let (Some(name), Some(value)) = (row.text("option_name"), row.text("option_value")) else {
            continue;
        };
        let text = || literal::strings(value).into_iter().next();
        match name {
            "description" => table.description = text(),
            "friendly_name" => table.friendly_name = text(),
            "kms_key_name" => table.encryption_configuration = Some(Encryption { kms_key_name: text() }),
            "max_staleness" => table.max_staleness = text(),
            "labels" => table.labels = labels(value),
            "expiration_timestamp" => {
                let time = text().and_then(|text| text.parse::<Timestamp>().ok());
                table.expiration_time = time.map(|time| time.as_millisecond());
            }
            "require_partition_filter" => table.require_partition_filter = Some(value == "true"),
            "partition_expiration_days" => {
                if let Some(time) = &mut table.time_partitioning {
                    time.expiration_ms = days(value);
                }
            }
            "format" => external.source_format = text(),
            "uris" => external.source_uris = literal::strings(value),
            _ => {}
        }
    }
    if table.kind == "EXTERNAL" {
        table.external_data_configuration = Some(external);
    }
}

fn labels(value: &str) -> Labels {
    let texts = literal::strings(value);
    let pair = |pair: &[String]| match pair {
        [key, value] => Some((key.clone(), value.clone())),
        _ => None,
    };
    texts.chunks(2).filter_map(pair).collect()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "days become whole milliseconds, saturating at both ends"
)]
fn days(value: &str) -> Option<u64> {
    let days: f64 = value.parse().ok()?;
    Some((days * 86_400_000.0).round() as u64)
}
