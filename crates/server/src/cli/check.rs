//! `headwater check`: whether the settings work, and what the role can read.

use super::{FAILED, PARTIAL, SUCCESS, USAGE, fail, source::SourceArgs};
use clap::Args;
use headwater_core::{CheckReport, Cx, Registry};
use std::fmt::Write;

/// Connect to a source and say what its role can read, and which grant is missing.
///
/// Exit code 0: all can be read; 2: something cannot; 1: the source cannot be used.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  headwater check postgres --url postgres://reader@db.example.com/shop")]
pub(super) struct CheckArgs {
    #[command(flatten)]
    source: SourceArgs,
}

/// Runs the command.
pub(super) async fn run(args: CheckArgs, registry: &Registry) -> u8 {
    let source = match args.source.load(registry) {
        Ok(source) => source,
        Err(error) => return fail(USAGE, error),
    };
    let checked = match source.open() {
        Ok(opened) => {
            for warning in &opened.warnings {
                eprintln!("warning: {}: {}", warning.code, warning.detail);
            }
            opened.connector.check(&Cx::default()).await
        }
        Err(error) => Err(error),
    };
    match checked {
        Ok(report) => {
            print!("{}", render(&report));
            let all = report.capabilities.values().all(|one| one.readable);
            if all { SUCCESS } else { PARTIAL }
        }
        Err(error) => fail(FAILED, error),
    }
}

fn render(report: &CheckReport) -> String {
    let mut text = format!("{} ({} ms)\n", report.message, report.latency.as_millis());
    let width = report
        .capabilities
        .keys()
        .map(|name| name.len())
        .max()
        .unwrap_or_default();
    for (name, readable) in &report.capabilities {
        let state = if readable.readable {
            "readable"
        } else {
            "not readable"
        };
        let detail = readable
            .detail
            .as_ref()
            .map(|detail| format!(": {detail}"))
            .unwrap_or_default();
        let _written = writeln!(text, "  {name:<width$}  {state}{detail}");
        if let Some(grant) = &readable.grant {
            let _written = writeln!(text, "  {:<width$}  run: {grant}", "");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use headwater_core::Readable;
    use std::time::Duration;

    #[test]
    fn a_missing_grant_stands_below_its_capability() {
        let report = CheckReport {
            message: "PostgreSQL 18.1 at db:5432".to_owned(),
            latency: Duration::from_millis(3),
            capabilities: [
                ("columns", Readable::yes()),
                (
                    "definitions",
                    Readable::no("pg_rewrite is closed", "GRANT SELECT ON pg_rewrite TO r"),
                ),
            ]
            .into(),
        };
        assert_eq!(
            render(&report),
            "PostgreSQL 18.1 at db:5432 (3 ms)\n  \
               columns      readable\n  \
               definitions  not readable: pg_rewrite is closed\n               \
               run: GRANT SELECT ON pg_rewrite TO r\n"
        );
    }
}
