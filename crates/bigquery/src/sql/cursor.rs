//! The result of a query, page by page.

use crate::{
    pages::Pages,
    session::{Job, Query, Results, Session},
};
use headwater_core::{Error, ErrorKind, Result, SplitSink};
use serde_json::Value;
use std::{collections::VecDeque, sync::Arc};

/// One row, by the names of its columns.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    names: Arc<[String]>,
    values: Vec<Value>,
}

impl Row {
    /// Whether the result has such a column.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.names.iter().any(|own| own == name)
    }

    /// A value; `None` for NULL and where there is no such column.
    pub(crate) fn value(&self, name: &str) -> Option<&Value> {
        let index = self.names.iter().position(|own| own == name)?;
        self.values.get(index).filter(|value| !value.is_null())
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.value(name)?.as_str()
    }

    /// A whole number, which stands as a text.
    pub(crate) fn number<N: std::str::FromStr>(&self, name: &str) -> Option<N> {
        self.text(name)?.parse().ok()
    }

    /// The texts of an array.
    pub(crate) fn texts(&self, name: &str) -> Vec<String> {
        let items = self.value(name).and_then(Value::as_array).into_iter().flatten();
        items
            .filter_map(|item| Some(item.get("v")?.as_str()?.to_owned()))
            .collect()
    }

    #[cfg(test)]
    pub(crate) fn of(values: &[(&str, Value)]) -> Self {
        Self {
            names: values.iter().map(|(name, _)| (*name).to_owned()).collect(),
            values: values.iter().map(|(_, value)| value.clone()).collect(),
        }
    }
}

/// Reads the rows of a query. Holds a page.
#[derive(Debug)]
pub(crate) struct Cursor {
    job: Option<Job>,
    names: Arc<[String]>,
    rows: VecDeque<Row>,
    pages: Pages,
    more: bool,
    seen: u64,
    total: Option<u64>,
}

impl Cursor {
    /// Runs a query and waits for its first page.
    ///
    /// # Errors
    /// What the refusal means; `DataInvalid` for an answer that cannot be followed.
    pub(crate) async fn open(session: &Session<'_>, query: &Query<'_>, out: &SplitSink) -> Result<Self> {
        let results = session.run(query, || out.beat()).await?;
        let mut cursor = Self {
            job: results.job_reference.clone(),
            names: results
                .schema
                .fields
                .iter()
                .map(|field| field.name.clone())
                .collect(),
            rows: VecDeque::new(),
            pages: Pages::default(),
            more: true,
            seen: 0,
            total: results.total_rows,
        };
        cursor.take(results)?;
        Ok(cursor)
    }

    /// How many rows the result has in all its pages.
    pub(crate) fn total(&self) -> u64 {
        self.total.unwrap_or(self.seen)
    }

    fn take(&mut self, results: Results) -> Result<()> {
        self.seen += results.rows.len() as u64;
        let names = &self.names;
        self.rows.extend(results.rows.into_iter().map(|row| Row {
            names: names.clone(),
            values: row.f.into_iter().map(|cell| cell.v).collect(),
        }));
        self.more = self.pages.turn(results.page_token)?;
        // A result that was cut would look like tables that are gone.
        match self.total {
            Some(total) if !self.more && self.seen != total => Err(lost("a query's result is not whole")),
            _ => Ok(()),
        }
    }

    async fn fill(&mut self, session: &Session<'_>, out: &SplitSink) -> Result<()> {
        while self.rows.is_empty() && self.more {
            let job = self.job.as_ref().ok_or_else(|| lost("a query has no job"))?;
            let results = session.results(job, self.pages.token()).await?;
            out.beat();
            self.take(results)?;
        }
        Ok(())
    }

    /// The next row, which stays.
    pub(crate) async fn peek(&mut self, session: &Session<'_>, out: &SplitSink) -> Result<Option<&Row>> {
        self.fill(session, out).await?;
        Ok(self.rows.front())
    }

    /// The next row.
    pub(crate) async fn next(&mut self, session: &Session<'_>, out: &SplitSink) -> Result<Option<Row>> {
        self.fill(session, out).await?;
        Ok(self.rows.pop_front())
    }
}

fn lost(what: &'static str) -> Error {
    Error::new(ErrorKind::DataInvalid, what)
}
