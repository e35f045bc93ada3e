//! The tables of a schema: the list, and what only an answer for one table holds.

use super::{Extra, Reader, Volumes, extras::TableExtra, unclear};
use crate::{
    access::is_of_one_object, client::Row, config::Constraints, convert, lineage, lineage::Upstreams,
    rows::TableRow,
};
use futures_util::stream::{FuturesUnordered, StreamExt};
use headwater_core::{
    Error, Facet, Path, Reason, Result,
    model::{Asset, Constraint, LineageEdge},
};

/// What is known of a table beyond its list: keys, and the dependencies of a view.
enum Details {
    /// There is nothing more to know.
    None,
    /// They are as they were stored.
    Unchanged,
    Read(Box<TableRow>),
    Failed(Error),
}

impl Reader<'_> {
    /// Lists the tables of a schema and reports them, page by page.
    pub(super) async fn tables(
        &self,
        path: &Path,
        extra: &mut Extra,
        volumes: &mut Volumes,
        reasons: &mut Vec<Reason>,
    ) -> Result<()> {
        let query = self.of_schema(path);
        let mut pages = self.workspace.list::<TableRow>(&query);
        loop {
            let page = match pages.next().await {
                Ok(Some(page)) => page,
                Ok(None) => return Ok(()),
                Err(error) if is_of_one_object(&error) => {
                    reasons.push(self.reason(error, path));
                    return Ok(());
                }
                Err(error) => return Err(error),
            };
            self.out.beat();
            let mut rows = Vec::with_capacity(page.len());
            for row in page {
                match row {
                    Row::Read(row) => rows.push(row),
                    Row::Broken(raw) => match convert::unclear(path, &raw) {
                        Some(asset) => self.report_unclear(asset).await?,
                        None => reasons.push(unclear("table")),
                    },
                }
            }
            rows.retain(|row| self.scope.admits_table(&row.name));
            for row in &rows {
                self.give_way(path, row, volumes).await?;
            }
            self.page(path, rows, extra).await?;
        }
    }

    /// A table and a volume may have one name, and a path stands for one of them.
    async fn give_way(&self, path: &Path, row: &TableRow, volumes: &mut Volumes) -> Result<()> {
        if volumes.remove(&row.name).is_none() {
            return Ok(());
        }
        let detail = "a volume has the name of a table, and is left out";
        self.out
            .warn("volume_left_out", detail, Some(path.child(row.name.as_str())))
            .await
    }

    async fn report_unclear(&self, asset: Asset) -> Result<()> {
        let detail = "the table is there, and what Databricks says of it cannot be understood";
        self.out
            .warn("table_unclear", detail, Some(asset.key.clone()))
            .await?;
        self.out.asset(asset).await
    }

    async fn page(&self, path: &Path, rows: Vec<TableRow>, extra: &mut Extra) -> Result<()> {
        let keys: Vec<Path> = rows.iter().map(|row| path.child(row.name.as_str())).collect();
        let stored = match rows.iter().any(|row| self.has_details(row)) {
            true => self.out.versions(&keys).await?,
            false => vec![None; rows.len()],
        };
        let mut running = FuturesUnordered::new();
        for (row, stored) in rows.into_iter().zip(stored) {
            let own = extra.of_table(&row.name);
            let moved = stored.is_none() || stored != convert::version(&row);
            running.push(self.with_details(path, row, own, moved));
        }
        while let Some(done) = running.next().await {
            let (row, own, details) = done?;
            self.report(path, &row, own, details).await?;
        }
        Ok(())
    }

    /// Whether an answer for the table alone says more than the list.
    fn has_details(&self, row: &TableRow) -> bool {
        convert::is_view(row)
            || (self.settings.constraints == Constraints::Get && convert::may_have_keys(row))
    }

    async fn with_details(
        &self,
        path: &Path,
        row: TableRow,
        own: TableExtra,
        moved: bool,
    ) -> Result<(TableRow, TableExtra, Details)> {
        // Edges into an asset are replaced together: with events to tell, the dependencies must be told too.
        let has_events = matches!(&own.events, Some(Facet::Read(events)) if !events.is_empty());
        let must_read = moved || (has_events && convert::is_view(&row));
        let details = match (self.has_details(&row), must_read) {
            (false, _) => Details::None,
            (true, false) => Details::Unchanged,
            (true, true) => self.details(path, &row).await?,
        };
        Ok((row, own, details))
    }

    async fn details(&self, path: &Path, row: &TableRow) -> Result<Details> {
        let full_name = match &row.full_name {
            Some(full_name) => full_name.clone(),
            None => path.child(row.name.as_str()).to_string(),
        };
        let query = [("include_browse", self.settings.browse)];
        match self.workspace.get(&["tables", &full_name], &query).await {
            Ok(read) => Ok(Details::Read(Box::new(read))),
            // Also one that is gone by now: the next list will not have it.
            Err(error) if is_of_one_object(&error) => Ok(Details::Failed(error)),
            Err(error) => Err(error),
        }
    }

    async fn report(&self, path: &Path, row: &TableRow, own: TableExtra, details: Details) -> Result<()> {
        let mut asset = convert::table(path, row);
        let is_hidden = row.browse_only == Some(true);
        asset.constraints = match is_hidden {
            true => Facet::Unread,
            false => self.constraints(row, own.keys, &details),
        };
        if let Facet::Read(tags) = own.tags {
            convert::tag(&mut asset, tags.own, tags.columns);
        }
        if let Details::Failed(error) = &details {
            let detail = format!("keys and dependencies cannot be read: {error}");
            self.out
                .warn("details_unread", detail, Some(asset.key.clone()))
                .await?;
        } else if !is_hidden {
            asset.version = convert::version(row);
        }
        let key = asset.key.clone();
        self.out.asset(asset).await?;
        match edges(row, own.events, &details) {
            Some(edges) => self.out.lineage(key, edges).await,
            None => Ok(()),
        }
    }

    fn constraints(
        &self,
        row: &TableRow,
        keys: Facet<Vec<Constraint>>,
        details: &Details,
    ) -> Facet<Vec<Constraint>> {
        let keys = match (self.settings.constraints, details) {
            (Constraints::None, _) => return Facet::Unread,
            (Constraints::Sql, _) => keys,
            (Constraints::Get, _) if !convert::may_have_keys(row) => Facet::Read(Vec::new()),
            (Constraints::Get, Details::Read(read)) => Facet::Read(convert::keys(
                read.table_constraints.as_deref().unwrap_or_default(),
            )),
            (Constraints::Get, _) => Facet::Unread,
        };
        match keys {
            Facet::Read(keys) => Facet::Read(convert::constraints(row, keys)),
            Facet::Unread => Facet::Unread,
        }
    }
}

/// All edges into a table, or `None` where they are not all known: then those that are stored stay.
fn edges(row: &TableRow, events: Option<Facet<Upstreams>>, details: &Details) -> Option<Vec<LineageEdge>> {
    let events = match events {
        None => Upstreams::new(),
        Some(Facet::Read(events)) => events,
        Some(Facet::Unread) => return None,
    };
    let dependencies = match details {
        Details::Read(read) => read.view_dependencies.as_ref(),
        Details::None => None,
        Details::Unchanged if !convert::is_view(row) => None,
        Details::Unchanged | Details::Failed(_) => return None,
    };
    // No event is no proof that there is no edge.
    (dependencies.is_some() || !events.is_empty()).then(|| lineage::edges(dependencies, events))
}
