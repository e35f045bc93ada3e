//! One report over several databases.

use headwater_core::{CheckReport, Error};
use std::collections::BTreeMap;

/// Databases that a report names; of more it tells the number.
const NAMED: usize = 20;

/// The worse of two reports, capability by capability.
pub(crate) fn merge(before: CheckReport, found: CheckReport) -> CheckReport {
    let mut capabilities: BTreeMap<_, _> = found.capabilities;
    for (name, readable) in before.capabilities {
        if !readable.readable {
            capabilities.insert(name, readable);
        }
    }
    CheckReport {
        message: found.message,
        latency: before.latency.max(found.latency),
        capabilities,
    }
}

/// A report that says of each capability which databases cannot be entered. That is a fault where they were
/// `named`; where all are asked for, it is no more than something to know.
pub(crate) fn without(mut report: CheckReport, refused: &[(String, Error)], named: bool) -> CheckReport {
    let mut details: Vec<String> = refused
        .iter()
        .take(NAMED)
        .map(|(database, error)| format!("database {database}: {}", error.message()))
        .collect();
    if let Some(more) = refused.len().checked_sub(NAMED).filter(|more| *more > 0) {
        details.push(format!("{more} more databases cannot be entered"));
    }
    let grants: Vec<&str> = refused
        .iter()
        .take(NAMED)
        .filter_map(|(_, error)| error.grant())
        .collect();
    for readable in report.capabilities.values_mut() {
        readable.readable &= !named;
        let before = readable.detail.take();
        let all: Vec<String> = before.into_iter().chain(details.iter().cloned()).collect();
        readable.detail = Some(all.join("; "));
        let before = readable.grant.take();
        let all: Vec<&str> = before
            .as_deref()
            .into_iter()
            .chain(grants.iter().copied())
            .collect();
        readable.grant = (!all.is_empty()).then(|| all.join("; "));
    }
    report
}

#[cfg(test)]
mod tests {
    use super::*;
    use headwater_core::{ErrorKind, Readable};

    fn refused(count: usize) -> Vec<(String, Error)> {
        let one = |n| {
            let error = Error::new(ErrorKind::PermissionDenied, "no").with_grant(format!("GRANT {n}"));
            (format!("d{n}"), error)
        };
        (0..count).map(one).collect()
    }

    fn report() -> CheckReport {
        CheckReport {
            capabilities: [
                ("columns", Readable::yes()),
                ("lineage", Readable::no("lineage cannot be read", "GRANT a")),
            ]
            .into(),
            ..CheckReport::default()
        }
    }

    #[test]
    fn a_named_database_that_is_refused_is_a_fault() {
        let told = without(report(), &refused(2), true);
        let columns = &told.capabilities["columns"];
        assert_eq!(
            (columns.readable, columns.grant.as_deref()),
            (false, Some("GRANT 0; GRANT 1"))
        );
        assert_eq!(
            columns.detail.as_deref(),
            Some("database d0: no; database d1: no")
        );
    }

    #[test]
    fn of_all_databases_some_may_be_refused() {
        let told = without(report(), &refused(NAMED + 3), false);
        let (columns, lineage) = (&told.capabilities["columns"], &told.capabilities["lineage"]);
        assert!(columns.readable && !lineage.readable);
        let detail = columns.detail.as_ref().unwrap();
        assert!(
            detail.ends_with("database d19: no; 3 more databases cannot be entered"),
            "{detail}"
        );
        assert!(
            lineage
                .detail
                .as_ref()
                .unwrap()
                .starts_with("lineage cannot be read; database d0")
        );
        assert!(lineage.grant.as_ref().unwrap().starts_with("GRANT a; GRANT 0; "));
    }
}
