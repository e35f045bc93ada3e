//! Runs as people see them.

use super::{Run, RunRow, RunStatus, row};
use crate::{
    ConnectorId, Error, Page, PageRequest, Result, RunId, SpaceId, Store,
    db::{on_conn, queries},
    schema::{run, run_warning},
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use headwater_core::Warning;

/// Which runs of a space: all of them, unless told otherwise.
#[derive(Debug, Clone, Copy, Default)]
pub struct RunFilter {
    /// Those of one connector.
    pub connector_id: Option<ConnectorId>,
    /// Those that stand like this.
    pub status: Option<RunStatus>,
}

impl Store {
    /// The runs of a space, newest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn list_runs(&self, space: SpaceId, filter: RunFilter, page: PageRequest) -> Result<Page<Run>> {
        let space = space.to_string();
        let (rows, total) = on_conn!(self.db(), |c| {
            let matching = || {
                let mut query = run::table.filter(run::space_id.eq(&space)).into_boxed();
                if let Some(connector) = filter.connector_id {
                    query = query.filter(run::connector_id.eq(connector.to_string()));
                }
                if let Some(status) = filter.status {
                    query = query.filter(run::status.eq(status.as_str()));
                }
                query
            };
            let rows: Vec<RunRow> = matching()
                .order((run::started_at.desc(), run::id.desc()))
                .limit(page.limit())
                .offset(page.offset())
                .select(RunRow::as_select())
                .load(c)
                .await?;
            let total: i64 = matching().count().get_result(c).await?;
            Ok((rows, total))
        })?;
        let runs = rows.into_iter().map(Run::try_from).collect::<Result<_>>()?;
        Ok(page.of(runs, total))
    }

    /// One run.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get_run(&self, space: SpaceId, run: RunId) -> Result<Run> {
        let (space, id) = (space.to_string(), run.to_string());
        on_conn!(self.db(), |c| c.run_of_space(&space, &id).await)?.try_into()
    }

    /// The stored warnings of a run, in order. The total counts those too that were not stored: of each
    /// code only the first 100 are.
    ///
    /// # Errors
    /// The database's.
    pub async fn run_warnings(&self, run: RunId, page: PageRequest) -> Result<Page<Warning>> {
        let id = run.to_string();
        let (rows, total) = on_conn!(self.db(), |c| {
            let rows: Vec<(String, String, Option<String>)> = run_warning::table
                .filter(run_warning::run_id.eq(&id))
                .order(run_warning::ordinal)
                .limit(page.limit())
                .offset(page.offset())
                .select((run_warning::code, run_warning::detail, run_warning::path))
                .load(c)
                .await?;
            let total: Option<i64> = run::table
                .find(&id)
                .select(run::warnings_count)
                .first(c)
                .await
                .optional()?;
            Ok((rows, total.unwrap_or(0)))
        })?;
        let warnings = rows
            .into_iter()
            .map(|(code, detail, path)| {
                let path = path
                    .map(|text| row::json(&text, "run_warning.path"))
                    .transpose()?;
                Ok(Warning { code, detail, path })
            })
            .collect::<Result<_>>()?;
        Ok(page.of(warnings, total))
    }
}

queries! {
    /// Reads of runs.
    pub(crate) trait HistoryQueries {
        /// The run, if it is of this space.
        async fn run_of_space(&mut self, space: &str, id: &str) -> Result<RunRow> {
            run::table
                .find(id)
                .filter(run::space_id.eq(space))
                .select(RunRow::as_select())
                .first(self)
                .await
                .optional()?
                .ok_or(Error::NotFound("sync job"))
        }
    }
}
