//! Which datasets there are, and how the work is cut: one split for each.

use crate::{pages::Pages, resource::DatasetEntry, session::Session};
use headwater_core::{
    Container, Discovery, Error, ErrorKind, Listing, Path, Reason, Result, Scope, Split, Visibility,
};
use serde_json::json;

/// Splits at once. How many requests run at once is bounded apart from that.
const SPLITS: usize = 4;

/// What decides which datasets of a project its principal sees, and what it needs to read them.
pub(crate) const PERMISSIONS: [&str; 6] = [
    "bigquery.datasets.get",
    "bigquery.tables.list",
    "bigquery.tables.get",
    "bigquery.routines.list",
    "bigquery.models.list",
    "bigquery.jobs.create",
];

/// The datasets in scope of some projects.
pub(crate) async fn discover(session: &Session<'_>, projects: &[String], scope: &Scope) -> Result<Discovery> {
    let mut discovery = Discovery {
        // Each path begins with its project: settings that lead elsewhere have other paths.
        identity: None,
        containers: vec![Container {
            path: Path::root(),
            // The config names the projects: there are no others to miss.
            children: Listing::Complete,
            visibility: Visibility::Everyone,
        }],
        splits: Vec::new(),
        max_parallel: Some(SPLITS),
    };
    let mut refused: Option<Error> = None;
    let mut listed = 0;
    for project in projects {
        match discover_project(session, project, scope, &mut discovery).await {
            Ok(()) => listed += 1,
            Err(error) if is_of_one_project(&error) => {
                discovery.containers.push(Container {
                    path: Path::new([project.as_str()]),
                    children: Listing::failed(&error),
                    visibility: Visibility::Fingerprint("unread".to_owned()),
                });
                refused.get_or_insert(error);
            }
            Err(error) => return Err(error),
        }
    }
    match refused {
        Some(error) if listed == 0 => Err(error),
        _ => Ok(discovery),
    }
}

/// Whether other projects may be open to the principal although this one is not.
pub(crate) fn is_of_one_project(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::NotFound | ErrorKind::PermissionDenied | ErrorKind::DataInvalid
    )
}

async fn discover_project(
    session: &Session<'_>,
    project: &str,
    scope: &Scope,
    discovery: &mut Discovery,
) -> Result<()> {
    let (datasets, unreachable) = list(session, project).await?;
    let visibility = Visibility::Fingerprint(fingerprint(session, project).await?);
    let path = Path::new([project]);
    let container = |path: Path, children| Container {
        path,
        children,
        visibility: visibility.clone(),
    };
    discovery
        .containers
        .push(container(path.clone(), reached(&unreachable)));
    for entry in datasets {
        let dataset = path.child(entry.dataset_reference.dataset_id);
        if !scope.admits_namespace(&dataset) {
            continue;
        }
        discovery
            .containers
            .push(container(dataset.clone(), Listing::Complete));
        discovery.splits.push(Split {
            id: dataset.to_string(),
            namespaces: vec![dataset],
            payload: json!({"location": entry.location}),
        });
    }
    Ok(())
}

/// All datasets of a project, and the locations that are missing from the list.
pub(crate) async fn list(session: &Session<'_>, project: &str) -> Result<(Vec<DatasetEntry>, Vec<String>)> {
    let mut pages = Pages::default();
    let (mut datasets, mut unreachable) = (Vec::new(), Vec::new());
    loop {
        let page = session.datasets(project, &pages).await?;
        datasets.extend(page.datasets);
        unreachable.extend(page.unreachable);
        if !pages.turn(page.next_page_token)? {
            break;
        }
    }
    datasets.sort_by(|a, b| {
        a.dataset_reference
            .dataset_id
            .cmp(&b.dataset_reference.dataset_id)
    });
    datasets.dedup_by(|a, b| a.dataset_reference.dataset_id == b.dataset_reference.dataset_id);
    unreachable.sort_unstable();
    unreachable.dedup();
    Ok((datasets, unreachable))
}

/// How far a project's datasets were listed: an answer of 200 may say that locations are missing from it.
fn reached(unreachable: &[String]) -> Listing {
    if unreachable.is_empty() {
        return Listing::Complete;
    }
    Listing::Partial(vec![Reason {
        code: "location_unreachable".to_owned(),
        detail: format!(
            "BigQuery could not list the datasets in {}",
            unreachable.join(", ")
        ),
        grant: None,
    }])
}

/// The principal and what it may do in a project. Grants on single datasets cannot be asked for.
async fn fingerprint(session: &Session<'_>, project: &str) -> Result<String> {
    let principal = &session.api.principal;
    if principal.auth.is_none() {
        return Ok(principal.name.clone());
    }
    let granted = match session.permissions(project, &PERMISSIONS).await {
        Ok(granted) => granted.join(" "),
        // The API of permissions may be switched off. That it is, is part of the view as well.
        Err(error) if is_unanswerable(&error) => "unknown".to_owned(),
        Err(error) => return Err(error),
    };
    Ok(format!("{}: {granted}", principal.name))
}

/// Whether asking again would give the same refusal.
pub(crate) fn is_unanswerable(error: &Error) -> bool {
    !error.kind().is_retryable() && !matches!(error.kind(), ErrorKind::Unauthenticated | ErrorKind::Stopped)
}
