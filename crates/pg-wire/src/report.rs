//! One report over several databases.

use headwater_core::{CheckReport, Error};
use std::collections::BTreeMap;

/// Databases that a report names; of more it tells the number.
const NAMED: usize = 20;

/// The worse of two reports, capability by capability.
pub fn merge(before: CheckReport, found: CheckReport) -> CheckReport {
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

/// A report over databases that the config names, of which some cannot be entered: nothing of them can be read.
pub fn without(mut report: CheckReport, refused: &[(String, Error)]) -> CheckReport {
    let detail = |(database, error): &(String, Error)| format!("database {database}: {}", error.message());
    let mut details: Vec<String> = refused.iter().take(NAMED).map(detail).collect();
    if let Some(more) = more(refused) {
        details.push(format!("{more} more databases cannot be entered"));
    }
    let grants = refused.iter().take(NAMED).filter_map(|(_, error)| error.grant());
    let grants: Vec<&str> = grants.collect();
    for readable in report.capabilities.values_mut() {
        readable.readable = false;
        let details = readable.detail.iter().chain(&details).map(String::as_str);
        readable.detail = Some(details.collect::<Vec<_>>().join("; "));
        let grants = readable
            .grant
            .as_deref()
            .into_iter()
            .chain(grants.iter().copied());
        let grants: Vec<&str> = grants.collect();
        readable.grant = (!grants.is_empty()).then(|| grants.join("; "));
    }
    report
}

/// A report over whatever the role may enter: the others are no fault, and worth knowing.
pub fn skipping(mut report: CheckReport, refused: &[(String, Error)]) -> CheckReport {
    let mut skipped: Vec<String> = refused
        .iter()
        .take(NAMED)
        .map(|(database, error)| match error.grant() {
            Some(grant) => format!("{database} (to read it, run: {grant})"),
            None => format!("{database} ({})", error.message()),
        })
        .collect();
    skipped.extend(more(refused).map(|more| format!("{more} more")));
    if !skipped.is_empty() {
        report.message = format!("{}; databases skipped: {}", report.message, skipped.join(", "));
    }
    report
}

/// How many there are beyond those that are named.
fn more(refused: &[(String, Error)]) -> Option<usize> {
    refused.len().checked_sub(NAMED).filter(|more| *more > 0)
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
            message: "PostgreSQL".into(),
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
        let told = without(report(), &refused(NAMED + 3));
        let (columns, lineage) = (&told.capabilities["columns"], &told.capabilities["lineage"]);
        assert!(!columns.readable && !lineage.readable);
        let detail = columns.detail.as_ref().unwrap();
        assert!(
            detail.starts_with("database d0: no; database d1: no; "),
            "{detail}"
        );
        assert!(
            detail.ends_with("; 3 more databases cannot be entered"),
            "{detail}"
        );
        let (detail, grant) = (lineage.detail.as_ref().unwrap(), lineage.grant.as_ref().unwrap());
        assert!(
            detail.starts_with("lineage cannot be read; database d0"),
            "{detail}"
        );
        assert!(grant.starts_with("GRANT a; GRANT 0; "), "{grant}");
    }

    #[test]
    fn of_all_databases_some_may_be_skipped() {
        assert_eq!(skipping(report(), &[]), report());
        let told = skipping(report(), &refused(NAMED + 3));
        assert_eq!(told.capabilities, report().capabilities);
        let message = &told.message;
        assert!(
            message.starts_with("PostgreSQL; databases skipped: d0 (to read it, run: GRANT 0), d1 "),
            "{message}"
        );
        assert!(
            message.ends_with("d19 (to read it, run: GRANT 19), 3 more"),
            "{message}"
        );
    }
}
