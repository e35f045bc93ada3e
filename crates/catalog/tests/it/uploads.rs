//! Runs that read uploaded files: the files are on one node and nowhere else.

use crate::{
    careless::Nothing,
    support::{Bed, on_both_engines},
    toy::{ToyBed, add_tables, counts, id, options, run_engine},
};
use async_trait::async_trait;
use headwater_catalog::{
    Connector, Error, NewConnector, Run, RunId, RunRequest, RunStatus, Trigger,
    engine::{Engine, EngineOptions},
};
use headwater_core::{
    Capability, Case, CheckReport, Connect, Container, Cx, Discovery, Error as SourceError, ErrorKind, Facet,
    Family, Host, Listing, Path, Result, Scope, SourceConnector, Split, SplitSink, Visibility,
    model::{Asset, AssetKind},
};
use headwater_testkit::{Call, Gate};
use serde_json::{Value, json};
use std::{fs, path::PathBuf, time::Duration};
use tempfile::TempDir;

on_both_engines!(
    an_upload_is_read_and_its_files_are_gone,
    an_upload_waits_for_a_free_worker_and_keeps_its_lease,
    an_upload_that_waits_can_be_cancelled,
    an_upload_on_a_node_that_died_is_lost_and_archives_nothing,
    an_upload_on_a_node_that_stops_is_lost,
    a_second_upload_is_refused_while_one_is_read,
    a_start_removes_what_dead_uploads_left_and_spares_the_others,
);

/// A connector of the names in an uploaded list.
#[derive(Debug)]
pub(crate) struct Listed;

impl Connect for Listed {
    const KIND: &'static str = "listed";
    const NAME: &'static str = "Listed";
    const INPUTS: &'static [&'static str] = &["list_file"];
    const FAMILY: Family = Family {
        name: "listed",
        case: Case::Sensitive,
    };
    const CAPABILITIES: &'static [Capability] = &[];
    const DESTINATIONS: &'static [&'static str] = &[];
    type Config = Nothing;
    type Credentials = Nothing;

    fn scope(_config: &Nothing) -> Result<Scope> {
        Ok(Scope::default())
    }

    fn open(_config: Nothing, _credentials: Nothing, _host: &Host) -> Result<Self> {
        Ok(Self)
    }
}

fn schema() -> Path {
    Path::new(["shop", "public"])
}

fn list(cx: &Cx) -> Result<String> {
    let file = cx.input("list_file").unwrap();
    fs::read_to_string(file)
        .map_err(|error| SourceError::new(ErrorKind::NotFound, "no list").with_source(error))
}

#[async_trait]
impl SourceConnector for Listed {
    async fn check(&self, _cx: &Cx) -> Result<CheckReport> {
        Ok(CheckReport::default())
    }

    async fn discover(&self, _scope: &Scope, cx: &Cx) -> Result<Discovery> {
        list(cx)?;
        Ok(Discovery {
            identity: None,
            containers: vec![Container {
                path: schema(),
                children: Listing::Complete,
                visibility: Visibility::Everyone,
            }],
            splits: vec![Split {
                id: "all".into(),
                namespaces: vec![schema()],
                payload: Value::Null,
            }],
            max_parallel: None,
        })
    }

    async fn sync(&self, _split: &Split, out: &SplitSink) -> Result<()> {
        for name in list(out.cx())?.lines() {
            let mut table = Asset::new(schema().child(name), AssetKind::TABLE);
            table.fields = Facet::Read(vec![id()]);
            out.asset(table).await?;
        }
        out.close(&schema(), Listing::Complete).await
    }
}

/// A bed whose engine keeps uploads in a folder of its own.
struct Uploads {
    folder: TempDir,
    connector: Connector,
    toy: ToyBed,
}

fn keeping(folder: &TempDir) -> EngineOptions {
    EngineOptions {
        uploads: folder.path().join("uploads"),
        workers: 1,
        lease: Duration::from_secs(2),
        ..options()
    }
}

impl Uploads {
    async fn new(bed: Bed) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let toy = ToyBed::with_options(bed, keeping(&folder)).await;
        let new = NewConnector {
            name: "listed".into(),
            kind: "listed".into(),
            config: json!({}),
            credentials: json!({}),
            source_system_id: None,
            links_into: None,
        };
        let (store, space) = (&toy.bed.store, toy.bed.space);
        let connector = store.create_connector(space, new, &toy.bed.actor).await.unwrap();
        Self {
            folder,
            connector,
            toy,
        }
    }

    async fn submit(&self, names: &str) -> Result<Run, Error> {
        self.submit_to(&self.toy.engine, names).await
    }

    async fn submit_to(&self, engine: &Engine, names: &str) -> Result<Run, Error> {
        let mut upload = engine.new_upload().unwrap();
        fs::write(upload.file("list_file"), names).unwrap();
        let to = (self.toy.bed.space, self.connector.id);
        let request = RunRequest::default();
        engine.submit(to, upload, request, &self.toy.bed.actor).await
    }

    /// A run that keeps the only worker busy until its gate is opened.
    async fn busy(&self) -> (Run, Gate) {
        add_tables(&self.toy.source, "public", 1);
        let gate = self.toy.source.hold(Call::Assets);
        let run = self.toy.start(RunRequest::default()).await;
        gate.reached().await;
        (run, gate)
    }

    /// The folders of uploads that are there.
    fn kept(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.folder.path().join("uploads"));
        entries.unwrap().map(|entry| entry.unwrap().path()).collect()
    }
}

fn lost(run: &Run) {
    let error = run.error.as_ref().unwrap();
    assert_eq!(
        (run.status, &*error.code),
        (RunStatus::Failed, "input_lost"),
        "{run:?}"
    );
    assert!(error.detail.contains("upload them again"), "{error:?}");
}

async fn an_upload_is_read_and_its_files_are_gone(bed: Bed) {
    let uploads = Uploads::new(bed).await;
    let run = uploads.submit("a\nb").await.unwrap();
    assert_eq!((run.status, run.trigger), (RunStatus::Running, Trigger::Upload));
    let run = uploads.toy.ended(run.id).await;
    assert_eq!((run.status, counts(&run)), (RunStatus::Completed, [2, 0, 0, 0]));
    let again = uploads.submit("b").await.unwrap();
    assert_eq!(counts(&uploads.toy.ended(again.id).await), [0, 0, 1, 1]);
    // The last of it goes when the worker does.
    for _ in 0..100 {
        if uploads.kept().is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{:?}", uploads.kept());
}

async fn an_upload_waits_for_a_free_worker_and_keeps_its_lease(bed: Bed) {
    let uploads = Uploads::new(bed).await;
    let (busy, gate) = uploads.busy().await;
    let run = uploads.submit("a").await.unwrap();
    // Longer than a lease: nobody takes the run from the node that has the files.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let waiting = uploads
        .toy
        .bed
        .store
        .get_run(uploads.toy.bed.space, run.id)
        .await
        .unwrap();
    assert_eq!(waiting.status, RunStatus::Running);
    gate.open();
    assert_eq!(uploads.toy.ended(busy.id).await.status, RunStatus::Completed);
    assert_eq!(counts(&uploads.toy.ended(run.id).await), [1, 0, 0, 0]);
}

async fn an_upload_that_waits_can_be_cancelled(bed: Bed) {
    let uploads = Uploads::new(bed).await;
    let (_busy, gate) = uploads.busy().await;
    let run = uploads.submit("a").await.unwrap();
    let (store, space) = (&uploads.toy.bed.store, uploads.toy.bed.space);
    store
        .cancel_run(space, run.id, &uploads.toy.bed.actor)
        .await
        .unwrap();
    uploads.toy.engine.wake();
    assert_eq!(uploads.toy.ended(run.id).await.status, RunStatus::Cancelled);
    gate.open();
}

async fn an_upload_on_a_node_that_died_is_lost_and_archives_nothing(bed: Bed) {
    let uploads = Uploads::new(bed).await;
    let run = uploads.submit("a\nb").await.unwrap();
    uploads.toy.ended(run.id).await;
    // An engine that nobody runs is as good as dead: it renews no lease.
    let (dead, stop) = run_engine(&uploads.toy.bed, keeping(&uploads.folder));
    stop.cancel();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let run = uploads.submit_to(&dead, "c").await.unwrap();
    lost(&uploads.toy.ended(run.id).await);
    let states = uploads.toy.states().await;
    assert!(
        states.values().all(|state| state == "active") && states.len() == 2,
        "{states:?}"
    );
}

async fn an_upload_on_a_node_that_stops_is_lost(bed: Bed) {
    let uploads = Uploads::new(bed).await;
    let (_busy, gate) = uploads.busy().await;
    let run = uploads.submit("a").await.unwrap();
    uploads.toy.stop();
    let (_other, _stop) = run_engine(&uploads.toy.bed, keeping(&uploads.folder));
    gate.open();
    lost(&uploads.toy.ended(run.id).await);
}

async fn a_second_upload_is_refused_while_one_is_read(bed: Bed) {
    let uploads = Uploads::new(bed).await;
    let (_busy, gate) = uploads.busy().await;
    let first = uploads.submit("a").await.unwrap();
    match uploads.submit("b").await {
        Err(Error::SyncInProgress { run, .. }) => assert_eq!(run, first.id),
        other => panic!("{other:?}"),
    }
    assert_eq!(uploads.kept().len(), 1, "the files of the refused one are gone");
    gate.open();
    uploads.toy.ended(first.id).await;
}

async fn a_start_removes_what_dead_uploads_left_and_spares_the_others(bed: Bed) {
    let uploads = Uploads::new(bed).await;
    let ended = uploads.submit("a").await.unwrap();
    uploads.toy.ended(ended.id).await;
    let (_busy, gate) = uploads.busy().await;
    let live = uploads.submit("b").await.unwrap();
    let folder = uploads.folder.path().join("uploads");
    let unknown = RunId::new();
    for run in [ended.id, unknown] {
        fs::create_dir_all(folder.join(run.to_string())).unwrap();
    }
    let (_other, _stop) = run_engine(&uploads.toy.bed, keeping(&uploads.folder));
    for _ in 0..100 {
        if !folder.join(ended.id.to_string()).exists() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let mut kept = uploads.kept();
    kept.sort();
    let mut expected = [live.id, unknown]
        .map(|run| folder.join(run.to_string()))
        .to_vec();
    expected.sort();
    assert_eq!(
        kept, expected,
        "the run that waits, and what may be another catalog's"
    );
    gate.open();
    assert_eq!(counts(&uploads.toy.ended(live.id).await), [1, 0, 0, 1]);
}
