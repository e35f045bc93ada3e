//! Mode `rest`: the list of a dataset's tables, and one request for each of them.

use crate::{
    convert,
    lineage::{self, Origin},
    pages::Pages,
    resource::{Table, TableEntry},
    session::{Place, Session},
    shards::{self, Series, Shards},
};
use futures_util::{StreamExt, stream};
use headwater_core::{
    Error, ErrorKind, Path, Result, Scope, SplitSink,
    model::{Asset, Version},
};

/// How one dataset is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading<'a> {
    pub(crate) place: Place<'a>,
    pub(crate) path: &'a Path,
    pub(crate) scope: &'a Scope,
    pub(crate) collapse: bool,
    pub(crate) concurrency: usize,
}

/// Reports all tables of a dataset. Holds one page of names, and as many tables as there are requests at once.
pub(crate) async fn read(session: &Session<'_>, reading: Reading<'_>, out: &SplitSink) -> Result<()> {
    let mut pages = Pages::default();
    let mut shards = Shards::default();
    loop {
        let page = session.all_tables(reading.place, &pages).await?;
        out.beat();
        let mut single = Vec::with_capacity(page.tables.len());
        for entry in page.tables {
            let name = entry.table_reference.table_id.as_str();
            let is_shard = reading.collapse && entry.kind == "TABLE";
            if !reading.scope.admits_table(&shards::name(name, is_shard)) {
                continue;
            }
            if !(is_shard && shards.take(name)) {
                single.push(entry);
            }
        }
        read_page(session, reading, single, out).await?;
        if !pages.turn(page.next_page_token)? {
            break;
        }
    }
    let mut all = stream::iter(shards.into_series())
        .map(|(prefix, series)| read_series(session, reading, prefix, series, out))
        .buffer_unordered(reading.concurrency);
    while let Some(done) = all.next().await {
        done?;
    }
    Ok(())
}

async fn read_page(
    session: &Session<'_>,
    reading: Reading<'_>,
    entries: Vec<TableEntry>,
    out: &SplitSink,
) -> Result<()> {
    let key = |entry: &TableEntry| reading.path.child(entry.table_reference.table_id.as_str());
    let keys: Vec<Path> = entries.iter().map(key).collect();
    let stored = out.versions(&keys).await?;
    let known = entries.into_iter().zip(stored);
    let mut all = stream::iter(known)
        .map(|(entry, version)| read_table(session, reading, entry, version, out))
        .buffer_unordered(reading.concurrency);
    while let Some(done) = all.next().await {
        done?;
    }
    Ok(())
}

async fn read_table(
    session: &Session<'_>,
    reading: Reading<'_>,
    entry: TableEntry,
    stored: Option<Version>,
    out: &SplitSink,
) -> Result<()> {
    let name = entry.table_reference.table_id.as_str();
    let key = reading.path.child(name);
    let etag = stored.as_ref().map(|version| &*version.0);
    match session.table(reading.place, name, etag).await {
        Ok(Some(table)) => report(key, table, reading.collapse, out).await,
        Ok(None) => out.unchanged(key).await,
        // Dropped since it was listed.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) if is_of_one_table(&error) => {
            warn_unread(&error, &key, out).await?;
            out.asset(Asset::new(key, convert::kind(&entry.kind))).await
        }
        Err(error) => Err(error),
    }
}

async fn report(key: Path, table: Table, collapse: bool, out: &SplitSink) -> Result<()> {
    let origin = Origin::of(&table);
    out.asset(convert::asset(key.clone(), table)).await?;
    match origin {
        Some(origin) => lineage::report(key, origin, collapse, out).await,
        None => Ok(()),
    }
}

/// A series is described by its latest shard, the only one that is asked for.
async fn read_series(
    session: &Session<'_>,
    reading: Reading<'_>,
    prefix: String,
    series: Series,
    out: &SplitSink,
) -> Result<()> {
    let key = reading.path.child(shards::wildcard(&prefix));
    let latest = format!("{prefix}{}", series.last);
    let table = match session.table(reading.place, &latest, None).await {
        Ok(table) => table,
        Err(error) if error.kind() == ErrorKind::NotFound || is_of_one_table(&error) => {
            warn_unread(&error, &key, out).await?;
            None
        }
        Err(error) => return Err(error),
    };
    out.asset(convert::series(key, series, table)).await
}

/// Whether it is this table that cannot be read, and not BigQuery or the principal.
fn is_of_one_table(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::PermissionDenied
            | ErrorKind::DataInvalid
            | ErrorKind::Unexpected
            | ErrorKind::Unsupported
            | ErrorKind::ConfigInvalid
    )
}

async fn warn_unread(error: &Error, key: &Path, out: &SplitSink) -> Result<()> {
    out.warn("table_unread", error.to_string(), Some(key.clone()))
        .await
}
