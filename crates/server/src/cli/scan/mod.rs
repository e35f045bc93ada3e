//! `headwater scan`: a source's metadata as lines of JSON, without a server or a catalog.
//!
//! Lines are written as they are read. Nothing is held back, so what a split said before it was repeated
//! stays in the output: a later line of the same type and path replaces the earlier.

mod lines;
mod progress;
mod tally;

use super::{
    FAILED, INTERRUPTED, PARTIAL, SUCCESS, USAGE, fail,
    source::{Source, SourceArgs},
};
use clap::Args;
use futures_util::StreamExt;
use headwater_core::{Cx, Item, Opened, Options, Registry, SyncEvent};
use lines::{AssetLine, Body, Completeness, EdgeLine, Line, NamespaceLine};
use progress::Progress;
use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    process,
    time::Instant,
};
use tally::Tally;
use tokio_util::sync::CancellationToken;

/// Read a source's metadata and print it, one JSON object per line.
///
/// Namespaces, assets and lineage edges, then one line of type `end`; docs/scan.schema.json describes them.
/// Progress, warnings and a summary go to standard error. Exit code 0: everything was read; 2: something was
/// not; 1: failed; 130: interrupted.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  headwater scan postgres --url postgres://reader@db.example.com/shop > shop.ndjson
  headwater scan postgres --config @shop.json --credentials env:SHOP_CREDENTIALS --out shop.ndjson")]
pub(super) struct ScanArgs {
    #[command(flatten)]
    source: SourceArgs,
    /// Write the lines to a file instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Runs the command.
pub(super) async fn run(args: ScanArgs, registry: &Registry) -> u8 {
    let source = match args.source.load(registry) {
        Ok(source) => source,
        Err(error) => return fail(USAGE, error),
    };
    let out = match open_output(args.out.as_deref()) {
        Ok(out) => out,
        Err(error) => return fail(USAGE, format!("--out: {error}")),
    };
    let stop = CancellationToken::new();
    tokio::spawn(stop_on_signal(stop.clone()));
    match scan(source, BufWriter::new(out), &stop).await {
        Ok(_) if stop.is_cancelled() => INTERRUPTED,
        Ok(Completeness::Complete) => SUCCESS,
        Ok(Completeness::Partial) => PARTIAL,
        Ok(Completeness::Failed) => FAILED,
        Err(error) => fail(FAILED, format!("cannot write the output: {error}")),
    }
}

fn open_output(file: Option<&Path>) -> io::Result<Box<dyn Write>> {
    Ok(match file {
        Some(file) => Box::new(File::create(file)?),
        None => Box::new(io::stdout().lock()),
    })
}

/// The first signal stops the run in order; a second one ends the program at once.
async fn stop_on_signal(stop: CancellationToken) {
    signal().await;
    stop.cancel();
    signal().await;
    process::exit(INTERRUPTED.into());
}

async fn signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    let _received = tokio::signal::ctrl_c().await;
}

/// Reads the source and writes its lines, to the last.
async fn scan(source: Source, mut out: impl Write, stop: &CancellationToken) -> io::Result<Completeness> {
    let began = Instant::now();
    let mut progress = Progress::start();
    let mut tally = Tally::default();
    let family = source.kind.family.name;
    match source.open() {
        Ok(opened) => {
            opened.warnings.iter().for_each(|warning| progress.warn(warning));
            let mut events = events(opened, stop);
            while let Some(event) = events.next().await {
                tally.observe(&event);
                progress.update(&tally);
                write_event(&mut out, event, family, &mut progress)?;
            }
        }
        Err(error) => tally.failed(error),
    }
    let end = tally.end(stop.is_cancelled());
    write_line(&mut out, Body::End(&end))?;
    out.flush()?;
    progress.finish(&end, began.elapsed());
    Ok(end.completeness)
}

fn events(opened: Opened, stop: &CancellationToken) -> impl futures_util::Stream<Item = SyncEvent> + Unpin {
    let mut options = Options::default();
    options.scope = opened.scope;
    options.cx = Cx::new(stop.clone());
    headwater_core::sync(opened.connector, options)
}

fn write_event(
    out: &mut impl Write,
    event: SyncEvent,
    family: &str,
    progress: &mut Progress,
) -> io::Result<()> {
    let item = match event {
        SyncEvent::Item { item, .. } => item,
        SyncEvent::Discovered(discovery) => {
            discovery.skipped().for_each(|warning| progress.warn(&warning));
            return Ok(());
        }
        _ => return Ok(()),
    };
    match item {
        Item::Namespace(namespace) => write_line(out, Body::Namespace(NamespaceLine::from(*namespace))),
        Item::Asset(asset) => write_line(out, Body::Asset(Box::new(AssetLine::from(*asset)))),
        Item::Lineage { owner, edges } => edges
            .into_iter()
            .try_for_each(|edge| write_line(out, Body::Edge(EdgeLine::new(edge, family, owner.clone())))),
        Item::Warning(warning) => {
            progress.warn(&warning);
            Ok(())
        }
        Item::Unchanged(_) | Item::Cost(_) | Item::Closed(..) => Ok(()),
    }
}

fn write_line(out: &mut impl Write, body: Body<'_>) -> io::Result<()> {
    serde_json::to_writer(&mut *out, &Line::from(body))?;
    out.write_all(b"\n")
}
