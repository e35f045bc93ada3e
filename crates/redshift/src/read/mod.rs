//! Reads one split: whole schemas of one database.
//!
//! Schemas of the database itself are listed once and then read page by page, each page in one read-only transaction:
//! all statements of a page see the same catalog, and no transaction waits for a slow consumer. Tables of external
//! schemas and of datashares come as a list, and their columns as one stream beside it. Relations of the leader node
//! (`pg_*`) and of the compute nodes (`svv_redshift_*`, `svv_table_info`, ..) are never in one statement.

mod external;
mod local;
mod page;
mod shared;
mod texts;
pub(crate) mod whole;

use crate::{
    access::{Part, Refusal, Refused, explained},
    error,
    payload::{Task, Work},
    rows::NamespaceRow,
    session::Session,
};
use headwater_core::{Error, Listing, Path, Result, Scope, Split, SplitSink};
use headwater_pg_wire::FromRow;

/// Reads a split to its end.
pub(crate) async fn read(session: &Session, task: &Task<'_>, scope: &Scope, out: &SplitSink) -> Result<()> {
    match &task.work {
        Work::Local { unsure } => local::read(session, task, scope, *unsure, out).await?,
        Work::External => external::read(session, task, scope, out).await?,
        Work::Shared { .. } => shared::read(session, task, scope, out).await?,
    }
    out.cost(session.take_cost()).await
}

/// Closes a split of which nothing can be read.
pub(crate) async fn close_unread(split: &Split, error: &Error, out: &SplitSink) -> Result<()> {
    for path in &split.namespaces {
        out.close(path, Listing::failed(error)).await?;
    }
    Ok(())
}

/// The schemas that there are, and whether their comments and owners were read. Where those are refused, all that the
/// split names are taken to be there: what is gone has no relations.
async fn describe(
    session: &Session,
    task: &Task<'_>,
    refused: &mut Refused,
) -> Result<(Vec<NamespaceRow>, bool)> {
    let sql = over_schemas(include_str!("../queries/namespaces.sql"), 0, &task.schemas);
    match session.apart(session.query(&sql, &task.schemas)).await {
        Ok(rows) => Ok((rows, true)),
        Err(error) => {
            let part = Part::Comments;
            refused.note(Refusal { part, error }, &session.facts.user)?;
            let name = |schema: &&str| NamespaceRow {
                name: (*schema).to_owned(),
                ..NamespaceRow::default()
            };
            Ok((task.schemas.iter().map(name).collect(), false))
        }
    }
}

/// Tells what was refused, each part once.
async fn warn_all(refused: &Refused, task: &Task<'_>, out: &SplitSink) -> Result<()> {
    for detail in refused.details() {
        let path = Path::new([task.database]);
        out.warn("permission_denied", detail, Some(path)).await?;
    }
    Ok(())
}

/// A statement over schemas: `{schemas}` becomes placeholders that follow `before` others.
fn over_schemas(sql: &str, before: usize, schemas: &[&str]) -> String {
    let places: Vec<String> = (1..=schemas.len())
        .map(|place| format!("${}", before + place))
        .collect();
    sql.replace("{schemas}", &places.join(", "))
}

/// All rows of a statement in a transaction of its own; `None`, and a warning, where it is refused.
async fn unless_refused<T: FromRow>(
    session: &Session,
    part: Part,
    sql: &str,
    values: &[&str],
    task: &Task<'_>,
    out: &SplitSink,
) -> Result<Option<Vec<T>>> {
    match session.apart(session.query(sql, values)).await {
        Ok(rows) => Ok(Some(rows)),
        Err(error) if error::is_of_one_relation(&error) => {
            warn_refused(part, error, session, task, out).await?;
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

async fn warn_refused(
    part: Part,
    error: Error,
    session: &Session,
    task: &Task<'_>,
    out: &SplitSink,
) -> Result<()> {
    let code = error.code();
    let error = explained(part, error, &session.facts.user);
    let detail = format!("{} are not read: {error}", part.name());
    out.warn(code, detail, task.split.namespaces.first().and_then(Path::parent))
        .await
}
