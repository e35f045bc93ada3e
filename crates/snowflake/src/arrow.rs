//! Rows that come as Arrow streams.
//!
//! Each cell becomes the text that Snowflake's JSON would have for it, so that whoever reads rows need not know how
//! they came. The column's type in the answer says what the stored numbers mean.

use crate::{row::invalid, wire::ColumnType};
use arrow_array::{
    Array, BooleanArray, Decimal128Array, Float32Array, Float64Array, Int8Array, Int16Array, Int32Array,
    Int64Array, LargeStringArray, RecordBatch, StringArray, StructArray, cast::AsArray,
};
use arrow_ipc::reader::StreamReader;
use headwater_core::{Error, ErrorKind, Result};
use std::{fmt::Write, io::Read};

/// Cells of one row.
pub(crate) type Cells = Vec<Option<String>>;

/// Reads all rows of a stream.
///
/// # Errors
/// `DataInvalid` for what is no Arrow stream, and for a type that metadata does not have.
pub(crate) fn rows(stream: impl Read, types: &[ColumnType]) -> Result<Vec<Cells>> {
    let unreadable =
        |error| Error::new(ErrorKind::DataInvalid, "an Arrow result that cannot be read").with_source(error);
    let mut rows = Vec::new();
    for batch in StreamReader::try_new(stream, None).map_err(unreadable)? {
        add(&batch.map_err(unreadable)?, types, &mut rows)?;
    }
    Ok(rows)
}

fn add(batch: &RecordBatch, types: &[ColumnType], rows: &mut Vec<Cells>) -> Result<()> {
    if batch.num_columns() != types.len() {
        return Err(invalid(
            "an Arrow result has another number of columns than it said",
        ));
    }
    let columns: Vec<Column<'_>> = batch
        .columns()
        .iter()
        .zip(types)
        .map(|(array, kind)| Column::new(array, kind))
        .collect::<Result<_>>()?;
    rows.reserve(batch.num_rows());
    for row in 0..batch.num_rows() {
        rows.push(columns.iter().map(|column| column.cell(row)).collect());
    }
    Ok(())
}

/// A column, and how its cells are written down.
struct Column<'a> {
    array: &'a dyn Array,
    values: Values<'a>,
    scale: usize,
}

enum Values<'a> {
    Text(&'a StringArray),
    LargeText(&'a LargeStringArray),
    Boolean(&'a BooleanArray),
    Int8(&'a Int8Array),
    Int16(&'a Int16Array),
    Int32(&'a Int32Array),
    Int64(&'a Int64Array),
    Decimal(&'a Decimal128Array),
    Float32(&'a Float32Array),
    Float64(&'a Float64Array),
    Time {
        epoch: &'a Int64Array,
        fraction: Option<&'a Int32Array>,
        offset: Option<&'a Int32Array>,
    },
}

impl<'a> Column<'a> {
    fn new(array: &'a dyn Array, kind: &ColumnType) -> Result<Self> {
        let values = values(array).ok_or_else(|| {
            invalid("an Arrow result has a column of a type that is not expected")
                .with_context("column", &kind.name)
                .with_context("type", array.data_type())
        })?;
        let scale = kind.scale.and_then(|scale| usize::try_from(scale).ok());
        Ok(Self {
            array,
            values,
            scale: scale.unwrap_or(0),
        })
    }

    fn cell(&self, row: usize) -> Option<String> {
        if self.array.is_null(row) {
            return None;
        }
        Some(match &self.values {
            Values::Text(array) => array.value(row).to_owned(),
            Values::LargeText(array) => array.value(row).to_owned(),
            Values::Boolean(array) => if array.value(row) { "true" } else { "false" }.to_owned(),
            Values::Int8(array) => self.scaled(array.value(row).into()),
            Values::Int16(array) => self.scaled(array.value(row).into()),
            Values::Int32(array) => self.scaled(array.value(row).into()),
            Values::Int64(array) => self.scaled(array.value(row).into()),
            Values::Decimal(array) => self.scaled(array.value(row)),
            Values::Float32(array) => array.value(row).to_string(),
            Values::Float64(array) => array.value(row).to_string(),
            Values::Time {
                epoch,
                fraction,
                offset,
            } => {
                let mut text = epoch.value(row).to_string();
                if let Some(fraction) = fraction {
                    let _infallible = write!(text, ".{:09}", fraction.value(row));
                }
                if let Some(offset) = offset {
                    let _infallible = write!(text, " {}", offset.value(row));
                }
                text
            }
        })
    }

    /// A number that is stored without its point.
    fn scaled(&self, value: i128) -> String {
        if self.scale == 0 {
            return value.to_string();
        }
        let digits = format!("{:0>width$}", value.unsigned_abs(), width = self.scale + 1);
        let (whole, fraction) = digits.split_at(digits.len() - self.scale);
        let sign = if value < 0 { "-" } else { "" };
        format!("{sign}{whole}.{fraction}")
    }
}

fn values(array: &dyn Array) -> Option<Values<'_>> {
    let any = array.as_any();
    macro_rules! first_of {
        ($($variant:ident => $kind:ty),* $(,)?) => {
            $(if let Some(array) = any.downcast_ref::<$kind>() {
                return Some(Values::$variant(array));
            })*
        };
    }
    first_of! {
        Text => StringArray,
        LargeText => LargeStringArray,
        Boolean => BooleanArray,
        Int8 => Int8Array,
        Int16 => Int16Array,
        Int32 => Int32Array,
        Int64 => Int64Array,
        Decimal => Decimal128Array,
        Float32 => Float32Array,
        Float64 => Float64Array,
    }
    let parts = any.downcast_ref::<StructArray>()?;
    Some(Values::Time {
        epoch: parts.column_by_name("epoch")?.as_primitive_opt()?,
        fraction: parts
            .column_by_name("fraction")
            .and_then(|part| part.as_primitive_opt()),
        offset: parts
            .column_by_name("timezone")
            .and_then(|part| part.as_primitive_opt()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::{ArrayRef, NullArray};
    use arrow_ipc::writer::StreamWriter;
    use std::sync::Arc;

    fn stream(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let mut bytes = Vec::new();
        let mut writer = StreamWriter::try_new(&mut bytes, &batch.schema()).unwrap();
        writer.write(&batch).unwrap();
        writer.write(&batch).unwrap();
        writer.finish().unwrap();
        drop(writer);
        bytes
    }

    fn kind(scale: Option<i64>) -> ColumnType {
        ColumnType {
            scale,
            ..ColumnType::default()
        }
    }

    #[test]
    fn cells_are_what_json_would_say() {
        let time = StructArray::try_from(vec![
            (
                "epoch",
                Arc::new(Int64Array::from(vec![1_700_000_000, 0])) as ArrayRef,
            ),
            (
                "fraction",
                Arc::new(Int32Array::from(vec![5_000_000, 0])) as ArrayRef,
            ),
            (
                "timezone",
                Arc::new(Int32Array::from(vec![1440, 1440])) as ArrayRef,
            ),
        ]);
        let bytes = stream(vec![
            ("T", Arc::new(StringArray::from(vec![Some("ä"), None]))),
            ("N", Arc::new(Int16Array::from(vec![Some(1234), None]))),
            ("M", Arc::new(Int64Array::from(vec![-5, 7]))),
            ("B", Arc::new(BooleanArray::from(vec![true, false]))),
            ("Z", Arc::new(time.unwrap())),
        ]);
        let types = [
            kind(None),
            kind(Some(2)),
            kind(Some(3)),
            kind(None),
            kind(Some(9)),
        ];
        let rows = rows(bytes.as_slice(), &types).unwrap();
        let texts = |row: &Cells| {
            row.iter()
                .map(|cell| cell.clone().unwrap_or("-".into()))
                .collect::<Vec<_>>()
        };
        assert_eq!(rows.len(), 4);
        assert_eq!(
            texts(&rows[0]),
            ["ä", "12.34", "-0.005", "true", "1700000000.005000000 1440"]
        );
        assert_eq!(texts(&rows[1]), ["-", "-", "0.007", "false", "0.000000000 1440"]);
        assert_eq!(texts(&rows[2]), texts(&rows[0]));
    }

    #[test]
    fn what_cannot_be_read_is_an_error_and_never_fewer_rows() {
        let one = || -> (_, ArrayRef) { ("T", Arc::new(StringArray::from(vec!["x"]))) };
        let whole = stream(vec![one()]);
        assert!(rows(&whole[..whole.len() / 2], &[kind(None)]).is_err());
        assert!(rows(&b"no arrow"[..], &[kind(None)]).is_err());
        assert!(rows(whole.as_slice(), &[]).is_err());
        let odd = stream(vec![("X", Arc::new(NullArray::new(1)))]);
        assert_eq!(
            rows(odd.as_slice(), &[kind(None)]).unwrap_err().kind(),
            ErrorKind::DataInvalid
        );
    }
}
