//! The tables that the benchmark prints.

use super::measure::Used;

/// One run of everything.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    /// The four COPYs.
    pub(super) floor: Used,
    /// CPU seconds of the bare insert.
    pub(super) insert: f64,
    pub(super) scan: Used,
    pub(super) first: Used,
    pub(super) second: Used,
}

/// Prints a table of medians.
pub(super) fn samples(title: &str, samples: &[Sample]) {
    println!("{title}\n");
    println!("| | CPU client | CPU PostgreSQL | CPU | wall | peak RSS | ratio of CPU |");
    println!("|---|--:|--:|--:|--:|--:|--:|");
    row("R: four COPYs by psql", samples, |one| one.floor, |_| None);
    row(
        "`scan` to /dev/null",
        samples,
        |one| one.scan,
        |one| Some((one.scan.cpu() / one.floor.cpu(), "R")),
    );
    let insert = median(samples.iter().map(|one| one.insert));
    println!("| I: bare insert of the same rows | {insert:.3} s | | {insert:.3} s | | | |");
    row(
        "first sync into SQLite",
        samples,
        |one| one.first,
        |one| Some((one.first.cpu() / (one.floor.cpu() + one.insert), "(R + I)")),
    );
    row(
        "second sync, nothing changed",
        samples,
        |one| one.second,
        |one| Some((one.second.cpu() / one.floor.cpu(), "R")),
    );
    println!();
}

/// The median of the scans' peak memory, in bytes.
pub(super) fn scan_peak(samples: &[Sample]) -> f64 {
    median(samples.iter().map(|one| one.scan.peak as f64))
}

/// Prints how memory grows with the database.
pub(super) fn peaks(sizes: &[usize], peaks: &[f64], wide: &str) {
    if let ([small, .., large], [least, .., most]) = (sizes, peaks) {
        println!(
            "peak RSS of `scan` at {large} relations to that at {small}: {:.2}",
            most / least
        );
    }
    println!("{wide}");
}

pub(super) fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / 1_048_576.0)
}

fn row(
    name: &str,
    samples: &[Sample],
    used: impl Fn(&Sample) -> Used,
    ratio: impl Fn(&Sample) -> Option<(f64, &'static str)>,
) {
    let of = |value: fn(Used) -> f64| median(samples.iter().map(|one| value(used(one))));
    let ratios: Vec<(f64, &str)> = samples.iter().filter_map(ratio).collect();
    let ratio = match ratios.first() {
        Some((_, of)) => format!("{:.2} {of}", median(ratios.iter().map(|(ratio, _)| *ratio))),
        None => String::new(),
    };
    println!(
        "| {name} | {:.3} s | {:.3} s | {:.3} s | {:.2} s | {:.1} MiB | {ratio} |",
        of(|used| used.client),
        of(|used| used.postgres),
        of(|used| used.cpu()),
        of(|used| used.wall),
        of(|used| used.peak as f64 / 1_048_576.0),
    );
}

pub(super) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() % 2 {
        1 => values[middle],
        _ if values.is_empty() => f64::NAN,
        _ => (values[middle - 1] + values[middle]) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median([3.0, 1.0, 2.0].into_iter()), 2.0);
        assert_eq!(median([4.0, 1.0, 2.0, 3.0].into_iter()), 2.5);
    }
}
