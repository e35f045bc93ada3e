use crate::{
    support::{Bed, LEASE, Place, on_both_engines},
    toy::{ToyBed, add_tables, connect, counts, id, options, run_engine, text},
};
use headwater_catalog::{
    Completeness, ConnectorPatch, Error, NewConnector, Run, RunRequest, RunStatus, Trigger,
};
use headwater_core::{Error as SourceError, ErrorKind, Path};
use headwater_testkit::{Action, Call, Gate, ToySource};
use serde_json::json;
use std::time::Duration;

on_both_engines!(
    a_cancelled_run_stops_the_connector,
    a_run_cancelled_while_nobody_looked_ends_when_it_is_claimed,
    a_lost_lease_writes_nothing_more,
    an_engine_that_stops_hands_its_run_back_and_another_resumes_the_splits_left,
    a_dead_engines_run_is_taken_over_and_completes,
    a_run_that_broke_off_before_its_last_step_is_finished,
    a_deleted_connectors_run_ends,
    another_source_is_refused_before_anything_is_written,
    a_source_that_cannot_be_listed_fails_the_run,
    refused_credentials_fail_the_run_without_a_word_of_them,
    settings_that_no_longer_parse_fail_the_run,
    a_run_whose_splits_all_fail_fails,
    a_connector_that_panics_fails_its_split_only,
    an_empty_source_completes,
    runs_wait_for_a_free_worker,
    a_run_that_broke_off_too_often_fails,
);

fn error_of(run: &Run) -> (&str, &str) {
    let error = run.error.as_ref().unwrap();
    (&error.code, &error.detail)
}

async fn a_cancelled_run_stops_the_connector(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    add_tables(&toy.source, "public", 2);
    toy.source.on(Call::Assets, 1, Action::Hang);
    let run = toy.start(RunRequest::default()).await;
    toy.until(run.id, |run| run.progress.splits_total == 1).await;
    let store = &toy.bed.store;
    let asked = store
        .cancel_run(toy.bed.space, run.id, &toy.bed.actor)
        .await
        .unwrap();
    assert_eq!(asked.status, RunStatus::Running);
    toy.engine.wake();
    let ended = toy.ended(run.id).await;
    assert_eq!((ended.status, ended.error.as_ref()), (RunStatus::Cancelled, None));
    assert!(ended.completed_at.is_some() && ended.phase.is_none());
    assert_eq!(
        counts(&toy.sync().await),
        [2, 0, 0, 0],
        "the connector is free again"
    );
}

async fn a_run_cancelled_while_nobody_looked_ends_when_it_is_claimed(bed: Bed) {
    let source = ToySource::new();
    let connector = connect(&bed, bed.space, &source, source.config()).await;
    let run = bed.start(connector.id).await;
    bed.claim("dead").await.unwrap();
    bed.store.cancel_run(bed.space, run.id, &bed.actor).await.unwrap();
    bed.end_leases().await;
    let toy = ToyBed::new(bed).await;
    assert_eq!(toy.ended(run.id).await.status, RunStatus::Cancelled);
    assert_eq!(source.calls(Call::Schemas), 0);
}

async fn a_lost_lease_writes_nothing_more(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    add_tables(&toy.source, "public", 2);
    let gate = toy.source.hold(Call::Assets);
    let run = toy.start(RunRequest::default()).await;
    gate.reached().await;
    // Another node takes the run over while this one waits for its source.
    toy.bed.end_leases().await;
    let taken = loop {
        if let Some(claim) = toy.bed.store.claim_run("other", LEASE).await.unwrap() {
            break claim;
        }
        toy.bed.end_leases().await;
    };
    assert_eq!(taken.id(), run.id);
    toy.watch_writes().await;
    toy.source.heal();
    gate.open();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(toy.writes().await, [""; 0]);
    let still = toy.bed.store.get_run(toy.bed.space, run.id).await.unwrap();
    assert_eq!(
        (still.status, still.progress.splits_done),
        (RunStatus::Running, 0)
    );
}

async fn an_engine_that_stops_hands_its_run_back_and_another_resumes_the_splits_left(bed: Bed) {
    let source = ToySource::new();
    source.set_max_parallel(Some(1));
    for schema in ["a", "b", "c"] {
        add_tables(&source, schema, 2);
    }
    let connector = connect(&bed, bed.space, &source, source.config()).await;
    let (_first, stop) = run_engine(&bed, options());
    let gate = Gate::default();
    source.on(Call::Assets, 2, Action::Hold(gate.clone()));
    let run = bed.start(connector.id).await;
    gate.reached().await;
    let progress = async || bed.store.get_run(bed.space, run.id).await.unwrap();
    while progress().await.progress.splits_done < 1 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    stop.cancel();
    while progress()
        .await
        .phase
        .is_none_or(|phase| phase.as_str() != "queued")
    {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let (pages, discoveries) = (source.calls(Call::Assets), source.calls(Call::Schemas));
    // What was read before is not read again: only what it claimed stands.
    source.remove(["shop", "a", "t0"]);

    let toy = ToyBed::new(bed).await;
    let ended = toy.ended(run.id).await;
    assert_eq!(
        (ended.status, counts(&ended)),
        (RunStatus::Completed, [6, 0, 0, 0])
    );
    assert_eq!(ended.progress.splits_done, 3);
    assert_eq!(
        source.calls(Call::Schemas),
        discoveries,
        "the stored cut is resumed"
    );
    assert_eq!(source.calls(Call::Assets), pages + 2, "two splits were left");
    assert_eq!(counts(&toy.sync_of(connector.id).await), [0, 0, 5, 1]);
}

async fn a_dead_engines_run_is_taken_over_and_completes(bed: Bed) {
    let toy = ToyBed::with_options(bed, {
        let mut options = options();
        options.workers = 1;
        options
    })
    .await;
    add_tables(&toy.source, "public", 2);
    // A node claims the run and dies: its lease ends.
    let dead = toy.connect(&toy.source).await;
    let run = loop {
        let run = toy.bed.start(dead.id).await;
        match toy.bed.store.claim_run("dead", LEASE).await.unwrap() {
            Some(_) => break run,
            None => drop(toy.ended(run.id).await),
        }
    };
    tokio::time::sleep(Duration::from_millis(300)).await;
    let held = toy.bed.store.get_run(toy.bed.space, run.id).await.unwrap();
    assert_eq!(held.status, RunStatus::Running, "a held run is left alone");
    toy.bed.end_leases().await;
    assert_eq!(toy.ended(run.id).await.status, RunStatus::Completed);
}

async fn a_run_that_broke_off_before_its_last_step_is_finished(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    add_tables(&toy.source, "public", 2);
    toy.sync().await;
    let done = toy
        .bed
        .place
        .values("SELECT id AS value FROM run")
        .await
        .remove(0);
    let end_in_finishing = format!(
        "UPDATE run SET status = 'running', phase = 'finishing', completed_at = NULL, products_created = 0,
             completeness = NULL WHERE id = '{done}'"
    );
    let pages = toy.source.calls(Call::Assets);
    toy.bed.place.execute(&end_in_finishing).await;
    let ended = toy.ended(done.parse().unwrap()).await;
    assert_eq!(
        (ended.status, counts(&ended)),
        (RunStatus::Completed, [2, 0, 0, 0])
    );
    assert_eq!(ended.completeness, Some(Completeness::Complete));
    assert_eq!(toy.source.calls(Call::Assets), pages, "nothing is read again");
}

async fn a_deleted_connectors_run_ends(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    add_tables(&toy.source, "public", 2);
    let gate = toy.source.hold(Call::Assets);
    let run = toy.start(RunRequest::default()).await;
    gate.reached().await;
    let store = &toy.bed.store;
    store
        .delete_connector(toy.bed.space, toy.connector.id, &toy.bed.actor)
        .await
        .unwrap();
    gate.open();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(toy.ended(run.id).await.status, RunStatus::Cancelled);
    assert_eq!(
        toy.all_products().await.len(),
        0,
        "nothing is written for a deleted connector"
    );
}

async fn another_source_is_refused_before_anything_is_written(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    toy.source.set_identity(Some("production"));
    add_tables(&toy.source, "public", 2);
    toy.sync().await;
    toy.source.set_identity(Some("staging"));
    toy.source.alter(["shop", "public", "t0"], |table| {
        table.fields.as_mut().unwrap().push(text("more"))
    });
    toy.watch_writes().await;
    let run = toy.sync().await;
    assert_eq!(
        (run.status, error_of(&run).0),
        (RunStatus::Failed, "source_changed")
    );
    assert!(
        error_of(&run).1.contains("sync with {\"accept_source\": true}"),
        "{run:?}"
    );
    assert_eq!(toy.writes().await, [""; 0]);

    let accept = RunRequest {
        accept_source: true,
        ..RunRequest::default()
    };
    assert_eq!(counts(&toy.sync_with(accept).await), [0, 1, 1, 0]);
    assert_eq!(
        toy.sync().await.status,
        RunStatus::Completed,
        "it is the source from now on"
    );
}

async fn a_source_that_cannot_be_listed_fails_the_run(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    add_tables(&toy.source, "public", 2);
    toy.sync().await;
    let last = toy
        .bed
        .store
        .get_connector(toy.bed.space, toy.connector.id)
        .await
        .unwrap()
        .last_sync;
    let error =
        SourceError::new(ErrorKind::PermissionDenied, "schemas cannot be listed").with_grant("GRANT ALL");
    toy.source.on_each(Call::Schemas, Action::Fail(error));
    let run = toy.sync().await;
    assert_eq!(run.status, RunStatus::Failed);
    assert_eq!(
        error_of(&run),
        ("permission_denied", "schemas cannot be listed; run: GRANT ALL")
    );
    assert_eq!(counts(&run), [0, 0, 0, 0]);
    assert_eq!(toy.products().await.len(), 2);
    let connector = toy
        .bed
        .store
        .get_connector(toy.bed.space, toy.connector.id)
        .await
        .unwrap();
    assert_eq!(connector.last_sync, last, "a failed run is no sync");
}

async fn refused_credentials_fail_the_run_without_a_word_of_them(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    toy.source.set_token("another-token-9c2e");
    let run = toy.sync().await;
    assert_eq!(
        (run.status, error_of(&run).0),
        (RunStatus::Failed, "unauthenticated")
    );
    assert!(!format!("{run:?}").contains(ToySource::TOKEN));
}

async fn settings_that_no_longer_parse_fail_the_run(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    let patch = ConnectorPatch {
        config: Some(json!({"source": toy.source.config()["source"], "unheard_of": 1})),
        ..ConnectorPatch::default()
    };
    let store = &toy.bed.store;
    store
        .update_connector(toy.bed.space, toy.connector.id, patch, &toy.bed.actor)
        .await
        .unwrap();
    let run = toy.sync().await;
    assert_eq!(error_of(&run).0, "config_invalid");
    assert!(error_of(&run).1.contains("/config/unheard_of"), "{run:?}");

    let unknown = NewConnector {
        name: "old".into(),
        kind: "oracle".into(),
        config: json!({}),
        credentials: json!({}),
        source_system_id: None,
        links_into: None,
    };
    let unknown = store
        .create_connector(toy.bed.space, unknown, &toy.bed.actor)
        .await
        .unwrap();
    assert_eq!(error_of(&toy.sync_of(unknown.id).await).0, "config_invalid");
}

async fn a_run_whose_splits_all_fail_fails(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    add_tables(&toy.source, "a", 1);
    add_tables(&toy.source, "b", 1);
    let error = SourceError::new(ErrorKind::Unavailable, "broke off");
    toy.source.on_each(Call::Assets, Action::Fail(error));
    let run = toy.sync().await;
    assert_eq!(
        (run.status, error_of(&run)),
        (RunStatus::Failed, ("unavailable", "broke off"))
    );
    assert_eq!(run.partial.len(), 2);
    assert_eq!(run.completeness, None);
}

async fn a_connector_that_panics_fails_its_split_only(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    toy.source.set_max_parallel(Some(1));
    add_tables(&toy.source, "a", 1);
    add_tables(&toy.source, "b", 1);
    toy.source.on(Call::Assets, 1, Action::Panic);
    let run = toy.sync().await;
    assert_eq!((run.status, counts(&run)), (RunStatus::Completed, [1, 0, 0, 0]));
    assert_eq!(run.partial[0].path, Path::new(["shop", "a"]));
    assert_eq!(run.partial[0].code, "unexpected");
}

async fn an_empty_source_completes(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    let run = toy.sync().await;
    assert_eq!((run.status, counts(&run)), (RunStatus::Completed, [0, 0, 0, 0]));
    toy.source.add_table(["shop", "public", "t"], [id()]);
    assert_eq!(counts(&toy.sync().await), [1, 0, 0, 0]);
}

async fn runs_wait_for_a_free_worker(bed: Bed) {
    let toy = ToyBed::with_options(bed, {
        let mut options = options();
        options.workers = 1;
        options
    })
    .await;
    add_tables(&toy.source, "public", 1);
    let gate = toy.source.hold(Call::Assets);
    let first = toy.start(RunRequest::default()).await;
    gate.reached().await;
    let other = toy.connect(&ToySource::new()).await;
    let second = toy.bed.start(other.id).await;
    toy.engine.wake();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let waiting = toy.bed.store.get_run(toy.bed.space, second.id).await.unwrap();
    assert_eq!(waiting.phase.unwrap().as_str(), "queued");
    let store = &toy.bed.store;
    let request = RunRequest::default();
    let refused = store
        .start_run(
            toy.bed.space,
            toy.connector.id,
            request,
            Trigger::Api,
            &toy.bed.actor,
        )
        .await;
    assert!(matches!(refused, Err(Error::SyncInProgress { run, .. }) if run == first.id));
    gate.open();
    assert_eq!(toy.ended(first.id).await.status, RunStatus::Completed);
    assert_eq!(toy.ended(second.id).await.status, RunStatus::Completed);
}

async fn a_run_that_broke_off_too_often_fails(bed: Bed) {
    let source = ToySource::new();
    let connector = connect(&bed, bed.space, &source, source.config()).await;
    let run = bed.start(connector.id).await;
    bed.place.execute("UPDATE run SET epoch = 12").await;
    let toy = ToyBed::new(bed).await;
    let run = toy.ended(run.id).await;
    assert_eq!((run.status, error_of(&run).0), (RunStatus::Failed, "unexpected"));
}

/// The database is there and does not answer: it is not known who holds the lease.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_cannot_renew_its_lease_stops() {
    let bed = Bed::open(Place::postgres().await).await;
    let toy = ToyBed::with_options(bed, {
        let mut options = options();
        options.lease = Duration::from_secs(1);
        options
    })
    .await;
    add_tables(&toy.source, "public", 2);
    let gate = toy.source.hold(Call::Assets);
    let run = toy.start(RunRequest::default()).await;
    gate.reached().await;
    let silent = "BEGIN; LOCK TABLE run IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(4); COMMIT";
    toy.bed.place.execute(silent).await;
    toy.source.heal();
    assert_eq!(toy.ended(run.id).await.status, RunStatus::Completed);
    let epoch = toy.bed.place.values("SELECT epoch::text AS value FROM run").await;
    assert_eq!(epoch, ["2"], "it was given up, and claimed again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_survives_a_restart_of_the_catalogs_database() {
    let bed = Bed::open(Place::postgres().await).await;
    let toy = ToyBed::with_options(bed, {
        let mut options = options();
        options.lease = Duration::from_secs(2);
        options
    })
    .await;
    add_tables(&toy.source, "public", 2);
    let gate = toy.source.hold(Call::Assets);
    let run = toy.start(RunRequest::default()).await;
    gate.reached().await;
    // What a restart does to its clients.
    let end_all = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()";
    toy.bed.place.execute(end_all).await;
    toy.source.heal();
    gate.open();
    let store = &toy.bed.store;
    store.get_run(toy.bed.space, run.id).await.unwrap();
    let ended = toy.ended(run.id).await;
    assert_eq!(
        (ended.status, counts(&ended)),
        (RunStatus::Completed, [2, 0, 0, 0])
    );
    assert_eq!(counts(&toy.sync().await), [0, 0, 2, 0]);
}
