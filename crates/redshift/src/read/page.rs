//! The lists of one page of relations, as one transaction sees them.

use super::over_schemas;
use crate::{
    access::{Part, Refusal, Refused},
    rows::{ColumnRow, CommentRow, ConstraintRow, CreatedRow, RelationRow, UpstreamRow},
    session::Session,
};
use headwater_core::Result;
use headwater_pg_wire::FromRow;
use std::collections::HashMap;

/// Which relations: ids from the first to the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) first: i64,
    pub(super) last: i64,
}

/// What the lists say, by relation. A list that is `None` was refused.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) relations: Vec<RelationRow>,
    pub(super) columns: Option<HashMap<i64, Vec<ColumnRow>>>,
    pub(super) comments: Option<HashMap<i64, Vec<CommentRow>>>,
    pub(super) constraints: Option<HashMap<i64, Vec<ConstraintRow>>>,
    pub(super) upstreams: Option<HashMap<i64, Vec<UpstreamRow>>>,
    pub(super) created: Option<HashMap<i64, Vec<CreatedRow>>>,
}

/// A page of some schemas.
#[derive(Debug, Clone, Copy)]
pub(super) struct Of<'a> {
    pub(super) session: &'a Session,
    pub(super) schemas: &'a [&'a str],
    pub(super) range: Range,
}

impl Of<'_> {
    /// Reads the lists. What is refused is noted, and the page read again without it: Redshift ends a transaction
    /// with its first error.
    pub(super) async fn read(self, refused: &mut Refused) -> Result<Page> {
        loop {
            match self.session.apart(self.lists(refused)).await {
                Ok(page) => return Ok(page),
                Err(refusal) => refused.note(refusal, &self.session.facts.user)?,
            }
        }
    }

    async fn lists(self, refused: &Refused) -> Result<Page, Refusal> {
        let relations = include_str!("../queries/relations.sql");
        let constraints = include_str!("../queries/constraints.sql");
        Ok(Page {
            relations: self.rows(Part::Relations, relations).await?,
            columns: self
                .list(
                    Part::Columns,
                    include_str!("../queries/columns.sql"),
                    refused,
                    |row: &ColumnRow| row.relation,
                )
                .await?,
            comments: self
                .list(
                    Part::Comments,
                    include_str!("../queries/comments.sql"),
                    refused,
                    |row: &CommentRow| row.relation,
                )
                .await?,
            constraints: self
                .list(Part::Constraints, constraints, refused, |row: &ConstraintRow| {
                    row.relation
                })
                .await?,
            upstreams: self
                .list(
                    Part::Lineage,
                    include_str!("../queries/upstreams.sql"),
                    refused,
                    |row: &UpstreamRow| row.view,
                )
                .await?,
            created: self
                .list(
                    Part::Created,
                    include_str!("../queries/created.sql"),
                    refused,
                    |row: &CreatedRow| row.relation,
                )
                .await?,
        })
    }

    async fn list<T: FromRow>(
        self,
        part: Part,
        sql: &str,
        refused: &Refused,
        relation: impl Fn(&T) -> i64,
    ) -> Result<Option<HashMap<i64, Vec<T>>>, Refusal> {
        if refused.holds(part) {
            return Ok(None);
        }
        let mut by_relation: HashMap<i64, Vec<T>> = HashMap::new();
        for row in self.rows(part, sql).await? {
            by_relation.entry(relation(&row)).or_default().push(row);
        }
        Ok(Some(by_relation))
    }

    /// All rows of a statement over the page.
    pub(super) async fn rows<T: FromRow>(self, part: Part, sql: &str) -> Result<Vec<T>, Refusal> {
        let (first, last) = (self.range.first.to_string(), self.range.last.to_string());
        let values: Vec<&str> = [first.as_str(), last.as_str()]
            .into_iter()
            .chain(self.schemas.iter().copied())
            .collect();
        let sql = over_schemas(sql, 2, self.schemas);
        let rows = self.session.query(&sql, &values);
        rows.await.map_err(|error| Refusal { part, error })
    }
}
