//! Which part of a database one statement asks for.

use crate::{quote, session::Session};
use headwater_core::{Path, Result};

/// Names in one slice of a schema that has too many for one statement.
const NAMES: usize = 1000;
/// The most rows that SHOW answers with: <https://docs.snowflake.com/en/sql-reference/sql/show-objects>.
pub(crate) const SHOWN: u64 = 10_000;

/// All tables of some schemas, or those of one schema whose names lie in a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Slice {
    /// At least one schema.
    Schemas(Vec<String>),
    /// From a name on, up to and without another.
    Names {
        schema: String,
        from: Option<String>,
        to: Option<String>,
    },
}

impl Slice {
    /// The condition, and the texts to bind.
    pub(crate) fn condition(&self) -> (String, Vec<&str>) {
        match self {
            Self::Schemas(names) => {
                let marks = vec!["?"; names.len()].join(", ");
                let names = names.iter().map(String::as_str).collect();
                (format!("TABLE_SCHEMA IN ({marks})"), names)
            }
            Self::Names { schema, from, to } => {
                let mut condition = "TABLE_SCHEMA = ?".to_owned();
                let mut bound = vec![schema.as_str()];
                for (name, operator) in [(from, ">="), (to, "<")] {
                    if let Some(name) = name {
                        condition.push_str(&format!(" AND TABLE_NAME {operator} ?"));
                        bound.push(name);
                    }
                }
                (condition, bound)
            }
        }
    }

    /// The schemas of it.
    pub(crate) fn schemas(&self) -> Vec<String> {
        match self {
            Self::Schemas(names) => names.clone(),
            Self::Names { schema, .. } => vec![schema.clone()],
        }
    }

    /// Smaller slices that are the same together, in the same order; `None` where there are none.
    pub(crate) async fn narrow(&self, database: &str, session: &Session<'_>) -> Result<Option<Vec<Self>>> {
        match self {
            Self::Schemas(names) => match names.as_slice() {
                [schema] => ranges(database, schema, session).await,
                several => {
                    let (first, second) = several.split_at(several.len() / 2);
                    let halves = [first, second];
                    Ok(Some(halves.map(|half| Self::Schemas(half.to_vec())).into()))
                }
            },
            Self::Names { .. } => Ok(None),
        }
    }
}

/// Ranges of a schema's names. SHOW lists the names without a warehouse; they only say where to cut.
async fn ranges(database: &str, schema: &str, session: &Session<'_>) -> Result<Option<Vec<Slice>>> {
    let mut cuts: Vec<String> = Vec::new();
    let place = quote::path(&Path::new([database, schema]));
    let mut after: Option<String> = None;
    let mut count = 0_usize;
    loop {
        let mut sql = format!("SHOW TERSE OBJECTS IN SCHEMA {place} LIMIT {SHOWN}");
        if let Some(name) = &after {
            sql.push_str(&format!(" FROM {}", quote::literal(name)));
        }
        let mut rows = session.query(&sql, &[]).await?;
        let (mut seen, before) = (0, after.clone());
        while let Some(mut row) = session.next(&mut rows).await? {
            let name = row.require("name")?;
            seen += 1;
            if after.as_ref().is_some_and(|last| *last >= name) {
                continue;
            }
            count += 1;
            if count.is_multiple_of(NAMES) {
                cuts.push(name.clone());
            }
            after = Some(name);
        }
        if seen < SHOWN || after == before {
            break;
        }
    }
    if cuts.is_empty() {
        return Ok(None);
    }
    let ends = cuts.iter().cloned().map(Some).chain([None]);
    let begins = [None].into_iter().chain(cuts.iter().cloned().map(Some));
    let range = |(from, to)| Slice::Names {
        schema: schema.to_owned(),
        from,
        to,
    };
    Ok(Some(begins.zip(ends).map(range).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_bound() {
        let schemas = Slice::Schemas(vec!["A".into(), "b'c".into()]);
        assert_eq!(
            schemas.condition(),
            ("TABLE_SCHEMA IN (?, ?)".to_owned(), vec!["A", "b'c"])
        );
        let range = |from: Option<&str>, to: Option<&str>| Slice::Names {
            schema: "S".into(),
            from: from.map(str::to_owned),
            to: to.map(str::to_owned),
        };
        assert_eq!(
            range(Some("D"), Some("H")).condition(),
            (
                "TABLE_SCHEMA = ? AND TABLE_NAME >= ? AND TABLE_NAME < ?".to_owned(),
                vec!["S", "D", "H"]
            )
        );
        assert_eq!(
            range(None, Some("H")).condition(),
            ("TABLE_SCHEMA = ? AND TABLE_NAME < ?".to_owned(), vec!["S", "H"])
        );
    }
}
