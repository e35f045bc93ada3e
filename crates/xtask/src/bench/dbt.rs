//! The dbt connector: imports of generated artifacts.

use super::{
    manifest,
    measure::{self, Used, cpu_of, peak_of},
    report::{mebibytes, median},
};
use crate::{Result, server::Server, workspace};
use serde_json::json;
use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};
use tempfile::TempDir;

const USAGE: &str = "usage: cargo xtask bench dbt [--nodes 1000 10000 50000] [--imports 2] [--repeat 5]";

/// What to measure, and how often.
#[derive(Debug, PartialEq)]
pub(super) struct Options {
    nodes: Vec<usize>,
    /// How often each server imports the same artifacts.
    imports: usize,
    repeat: usize,
}

impl Options {
    pub(super) fn parse(args: &[&str]) -> Result<Self> {
        let mut options = Self {
            nodes: Vec::new(),
            imports: 2,
            repeat: 5,
        };
        let mut args = args.iter().peekable();
        while let Some(arg) = args.next() {
            let mut numbers = Vec::new();
            while let Some(number) = args.peek().and_then(|word| word.parse().ok()) {
                numbers.push(number);
                args.next();
            }
            match (*arg, numbers.as_slice()) {
                ("--nodes", [_, ..]) => options.nodes = numbers,
                ("--imports", [imports]) => options.imports = *imports,
                ("--repeat", [repeat]) => options.repeat = *repeat,
                _ => return Err(USAGE.into()),
            }
        }
        if options.nodes.is_empty() {
            options.nodes = vec![1_000, 10_000, 50_000];
        }
        match options.nodes.contains(&0) || options.imports == 0 || options.repeat == 0 {
            true => Err("--nodes, --imports and --repeat must be 1 or more".into()),
            false => Ok(options),
        }
    }
}

/// One run of everything: the bare read, the connector, then each import.
type Sample = Vec<Used>;

/// The programs to measure.
struct Bench {
    server: PathBuf,
    measure: PathBuf,
    dir: TempDir,
}

/// Measures each size and prints the tables.
pub(super) fn run(options: &Options) -> Result {
    let bench = Bench {
        server: workspace::build_release("headwater-server")?,
        measure: workspace::build_release_example("headwater-dbt", "measure")?,
        dir: tempfile::Builder::new().prefix("headwater-").tempdir()?,
    };
    for nodes in &options.nodes {
        let artifacts = bench.generate(*nodes)?;
        let times = u32::try_from((40_000 / nodes).clamp(1, 40))?;
        let samples: Vec<Sample> = (0..options.repeat)
            .map(|_| bench.sample(&artifacts, times, options.imports))
            .collect::<Result<_>>()?;
        print(*nodes, &artifacts, &samples)?;
    }
    Ok(())
}

/// The generated files.
struct Artifacts {
    manifest: PathBuf,
    catalog: PathBuf,
}

impl Bench {
    fn generate(&self, nodes: usize) -> Result<Artifacts> {
        eprintln!("making a project of {nodes} nodes");
        let artifacts = Artifacts {
            manifest: self.dir.path().join("manifest.json"),
            catalog: self.dir.path().join("catalog.json"),
        };
        let mut manifest = BufWriter::new(File::create(&artifacts.manifest)?);
        let mut catalog = BufWriter::new(File::create(&artifacts.catalog)?);
        manifest::write(nodes, &mut manifest, &mut catalog)?;
        manifest.flush()?;
        catalog.flush()?;
        Ok(artifacts)
    }

    /// Everything once, so that all of it meets the same machine.
    fn sample(&self, artifacts: &Artifacts, times: u32, imports: usize) -> Result<Sample> {
        let read = measure::in_turn(times, ["bare", "connector"], |mode| self.measure(mode, artifacts))?;
        let mut sample = Sample::from(read);
        let server = Server::start(&self.server)?;
        let created = server.client.post(
            "/catalog/spaces/default/connectors",
            &json!({"name": "bench", "connector_type": "dbt"}),
        )?;
        let connector_id = created["id"].as_str().ok_or("the connector has no id")?;
        for _ in 0..imports {
            sample.push(import(&server, connector_id, artifacts)?);
        }
        Ok(sample)
    }

    fn measure(&self, mode: &str, artifacts: &Artifacts) -> Command {
        let mut command = Command::new(&self.measure);
        command.arg(mode).arg(&artifacts.manifest).arg(&artifacts.catalog);
        command.stdout(Stdio::null());
        command
    }
}

/// Uploads the artifacts and waits for the end of the sync that reads them.
fn import(server: &Server, connector: &str, artifacts: &Artifacts) -> Result<Used> {
    let before = cpu_of(server.id())?;
    let began = Instant::now();
    let started = server.client.upload(
        &format!("/catalog/spaces/default/connectors/{connector}/dbt-manifest"),
        &[
            ("manifest_file", &artifacts.manifest),
            ("catalog_file", &artifacts.catalog),
        ],
    )?;
    let job = server.ended(&started)?;
    if job["completeness"] != "complete" || job["warnings_count"] != 0 {
        return Err(format!("the import is not complete: {job}").into());
    }
    Ok(Used {
        wall: began.elapsed().as_secs_f64(),
        client: cpu_of(server.id())? - before,
        postgres: 0.0,
        peak: peak_of(server.id())?,
    })
}

fn print(nodes: usize, artifacts: &Artifacts, samples: &[Sample]) -> Result {
    let size = |file: &Path| -> Result<f64> { Ok(fs::metadata(file)?.len() as f64 / 1e6) };
    println!(
        "{nodes} nodes, manifest {:.1} MB, catalog {:.1} MB, medians of {} runs\n",
        size(&artifacts.manifest)?,
        size(&artifacts.catalog)?,
        samples.len()
    );
    println!("| | CPU | wall | peak RSS | ratio of CPU |");
    println!("|---|--:|--:|--:|--:|");
    for row in 0..samples.first().map_or(0, Vec::len) {
        let all: Vec<(Used, Used)> = samples
            .iter()
            .filter_map(|one| Some((*one.first()?, *one.get(row)?)))
            .collect();
        let of = |value: fn(Used) -> f64| median(all.iter().map(|(_, used)| value(*used)));
        println!(
            "| {} | {:.3} s | {:.2} s | {} | {:.2} B |",
            name(row),
            of(|used| used.cpu()),
            of(|used| used.wall),
            mebibytes(of(|used| used.peak as f64) as u64),
            median(all.iter().map(|(bare, used)| used.cpu() / bare.cpu())),
        );
    }
    println!();
    Ok(())
}

/// What a row of the table is of.
fn name(row: usize) -> String {
    match row {
        0 => "B: bare read, serde_json over a slice".to_owned(),
        1 => "the connector: read and convert".to_owned(),
        2 => "first import into SQLite".to_owned(),
        _ => format!("import {}, nothing changed", row - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_a_list() {
        let chosen = Options::parse(&["--nodes", "100", "200", "--imports", "5", "--repeat", "3"]).unwrap();
        assert_eq!(
            (chosen.repeat, chosen.imports, chosen.nodes),
            (3, 5, vec![100, 200])
        );
        assert_eq!(Options::parse(&[]).unwrap().nodes.len(), 3);
        for bad in [
            &["--nodes"][..],
            &["--nodes", "many"],
            &["--repeat", "0"],
            &["--imports", "0"],
            &["100"],
            &["--fast", "1"],
        ] {
            assert!(Options::parse(bad).is_err(), "{bad:?}");
        }
    }
}
