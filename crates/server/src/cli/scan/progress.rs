//! What a person sees of a scan on standard error: a bar on a terminal, warnings, and the summary.

use super::{
    lines::{Completeness, EndLine},
    tally::Tally,
};
use headwater_core::Warning;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{collections::HashMap, time::Duration};

/// Most warnings of one code, and most containers that were not read, that are shown one by one.
const SHOWN: u64 = 100;

/// The bar and the warnings.
#[derive(Debug)]
pub(super) struct Progress {
    bar: ProgressBar,
    warnings: HashMap<String, u64>,
}

impl Progress {
    /// Begins. Where standard error is no terminal, the bar draws nothing.
    pub(super) fn start() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} {msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        bar.set_message("discovering");
        Self {
            bar,
            warnings: HashMap::new(),
        }
    }

    /// Shows how far the run is.
    pub(super) fn update(&self, tally: &Tally) {
        if !self.bar.is_hidden() {
            let (done, all) = tally.progress();
            self.bar
                .set_message(format!("{} assets, {done} of {all} splits done", tally.assets()));
        }
    }

    /// Shows a warning.
    pub(super) fn warn(&mut self, warning: &Warning) {
        let count = self.warnings.entry(warning.code.clone()).or_default();
        *count += 1;
        if *count <= SHOWN {
            let path = warning
                .path
                .as_ref()
                .map(|path| format!(" [{path}]"))
                .unwrap_or_default();
            self.bar
                .suspend(|| eprintln!("warning: {}: {}{path}", warning.code, warning.detail));
        }
    }

    /// Ends the bar and prints the summary.
    pub(super) fn finish(self, end: &EndLine, took: Duration) {
        self.bar.finish_and_clear();
        for (code, count) in self.warnings.iter().filter(|(_, count)| **count > SHOWN) {
            eprintln!("warning: {code}: {} more", count - SHOWN);
        }
        for one in end.partial.iter().take(SHOWN as usize) {
            let grant = one
                .grant
                .as_ref()
                .map(|grant| format!("; run: {grant}"))
                .unwrap_or_default();
            // The detail of an error ends with its grant already.
            let grant = if one.detail.ends_with(&grant) { "" } else { &grant };
            eprintln!("not read: {}: {}: {}{grant}", one.path, one.code, one.detail);
        }
        if let Some(error) = &end.error {
            eprintln!("headwater: {}: {}", error.code, error.detail);
        }
        eprintln!("{}", summary(end, took));
    }
}

fn summary(end: &EndLine, took: Duration) -> String {
    let completeness = match end.completeness {
        Completeness::Complete => "complete",
        Completeness::Partial => "partial",
        Completeness::Failed => "failed",
    };
    format!(
        "{completeness}: {} namespaces, {} assets, {} edges, {} warnings in {:.1} s",
        end.namespaces,
        end.assets,
        end.edges,
        end.warnings,
        took.as_secs_f64()
    )
}
