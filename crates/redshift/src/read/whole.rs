//! What is read once for a split: few and short rows, by name.

use super::{over_schemas, unless_refused};
use crate::{
    access::Part,
    payload::Task,
    rows::{MaterializedKeyRow, MaterializedRow, TableInfoRow},
    session::Session,
};
use headwater_core::{Result, SplitSink};
use std::collections::HashMap;

/// A schema and a name in it.
pub(crate) type Key = (String, String);

/// Sizes, states and keys of the split's relations. `None` was not read.
#[derive(Debug, Default)]
pub(crate) struct Whole {
    pub(crate) sizes: Option<HashMap<Key, TableInfoRow>>,
    pub(crate) materialized: Option<HashMap<Key, MaterializedRow>>,
    /// By the materialized view's own name.
    pub(crate) keys: HashMap<Key, Vec<MaterializedKeyRow>>,
}

/// The materialized view that a table of this name holds the rows of: `mv_tbl__NAME__0`.
pub(crate) fn view_behind(table: &str) -> Option<&str> {
    let (name, number) = table.strip_prefix("mv_tbl__")?.rsplit_once("__")?;
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then_some(name)
}

impl Whole {
    pub(super) async fn read(
        session: &Session,
        task: &Task<'_>,
        views: bool,
        out: &SplitSink,
    ) -> Result<Self> {
        let sql = over_schemas(include_str!("../queries/table_info.sql"), 0, &task.schemas);
        let sizes =
            unless_refused::<TableInfoRow>(session, Part::Sizes, &sql, &task.schemas, task, out).await?;
        out.beat();
        let mut whole = Self {
            sizes: sizes.map(|rows| {
                let keyed = rows
                    .into_iter()
                    .map(|row| ((row.schema.clone(), row.name.clone()), row));
                keyed.collect()
            }),
            ..Self::default()
        };
        if !views {
            whole.materialized = Some(HashMap::new());
            return Ok(whole);
        }
        let sql = over_schemas(
            include_str!("../queries/materialized_views.sql"),
            1,
            &task.schemas,
        );
        let values: Vec<&str> = std::iter::once(task.database)
            .chain(task.schemas.iter().copied())
            .collect();
        let part = Part::MaterializedViews;
        let states = unless_refused::<MaterializedRow>(session, part, &sql, &values, task, out).await?;
        whole.materialized = states.map(|rows| {
            let keyed = rows
                .into_iter()
                .map(|row| ((row.schema.clone(), row.name.clone()), row));
            keyed.collect()
        });
        let sql = over_schemas(include_str!("../queries/materialized_keys.sql"), 0, &task.schemas);
        let keys =
            unless_refused::<MaterializedKeyRow>(session, Part::Columns, &sql, &task.schemas, task, out)
                .await?;
        for row in keys.into_iter().flatten() {
            if let Some(view) = view_behind(&row.table) {
                let key = (row.schema.clone(), view.to_owned());
                whole.keys.entry(key).or_default().push(row);
            }
        }
        Ok(whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tables_of_that_form_are_behind_a_view() {
        assert_eq!(view_behind("mv_tbl__daily__0"), Some("daily"));
        assert_eq!(view_behind("mv_tbl__a__b__12"), Some("a__b"));
        for other in [
            "mv_tbl__daily",
            "mv_tbl__daily__x",
            "mv_tbl__daily__",
            "my_mv_tbl__a__0",
        ] {
            assert_eq!(view_behind(other), None, "{other}");
        }
    }
}
