//! Servers on one PostgreSQL wake each other. What happens here happens while a test waits for it; by
//! looking it would take longer than that.

use crate::{
    support::{Bed, Place},
    toy::{ToyBed, add_tables, options, run_engine},
};
use headwater_catalog::{Run, RunRequest, RunStatus, Store, Trigger, engine::EngineOptions};
use headwater_testkit::{Action, Call};
use std::time::Duration;

/// An engine that hardly ever looks by itself.
async fn drowsy() -> ToyBed {
    let bed = Bed::open(Place::postgres().await).await;
    let toy = ToyBed::with_options(bed, drowsy_options()).await;
    add_tables(&toy.source, "public", 2);
    toy
}

fn drowsy_options() -> EngineOptions {
    EngineOptions {
        lease: Duration::from_secs(600),
        heartbeat: Duration::from_secs(600),
        poll: Duration::from_secs(600),
        ..options()
    }
}

/// Another server's store on the same database.
async fn another_server(toy: &ToyBed) -> Store {
    let place = &toy.bed.place;
    Store::open(&place.url(), place.keys()).await.unwrap()
}

async fn start_there(store: &Store, toy: &ToyBed) -> Run {
    let (space, connector, actor) = (toy.bed.space, toy.connector.id, &toy.bed.actor);
    let run = store.start_run(space, connector, RunRequest::default(), Trigger::Api, actor);
    run.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_asked_for_at_one_server_is_done_by_another() {
    let toy = drowsy().await;
    let there = another_server(&toy).await;
    for _ in 0..2 {
        let run = start_there(&there, &toy).await;
        assert_eq!(toy.ended(run.id).await.status, RunStatus::Completed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_at_one_server_reaches_the_worker_at_another() {
    let toy = drowsy().await;
    let there = another_server(&toy).await;
    toy.source.on(Call::Assets, 1, Action::Hang);
    let run = start_there(&there, &toy).await;
    toy.until(run.id, |run| run.progress.splits_total == 1).await;
    let (space, actor) = (toy.bed.space, &toy.bed.actor);
    there.cancel_run(space, run.id, actor).await.unwrap();
    assert_eq!(toy.ended(run.id).await.status, RunStatus::Cancelled);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_hands_over_at_once() {
    let toy = drowsy().await;
    let gate = toy.source.hold(Call::Assets);
    let run = start_there(&another_server(&toy).await, &toy).await;
    gate.reached().await;
    let (_second, stop) = run_engine(&toy.bed, drowsy_options());
    toy.stop();
    toy.source.heal();
    assert_eq!(toy.ended(run.id).await.status, RunStatus::Completed);
    stop.cancel();
}

/// As the transaction of a worker does that finds out that its run was handed back.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_a_transaction_holds_for_a_moment_is_not_forgotten() {
    let toy = drowsy().await;
    toy.stop();
    let run = start_there(&another_server(&toy).await, &toy).await;
    let place = &toy.bed.place;
    let holding = place.execute("BEGIN; SELECT id FROM run FOR UPDATE; SELECT pg_sleep(3); COMMIT");
    let working = async {
        let held = "SELECT wait_event AS value FROM pg_stat_activity
                    WHERE datname = current_database() AND wait_event = 'PgSleep'";
        while place.values(held).await.is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(toy.bed.claim("other").await.is_none(), "it is passed over");
        let (_second, stop) = run_engine(&toy.bed, drowsy_options());
        assert_eq!(toy.ended(run.id).await.status, RunStatus::Completed);
        stop.cancel();
    };
    let both = async { tokio::join!(holding, working) };
    tokio::time::timeout(Duration::from_secs(100), both)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_listener_is_replaced() {
    let toy = drowsy().await;
    let there = another_server(&toy).await;
    let first = start_there(&there, &toy).await;
    toy.ended(first.id).await;
    for _ in 0..2 {
        let ended = toy.bed.place.values(
            "SELECT pg_terminate_backend(pid)::text AS value FROM pg_stat_activity
             WHERE datname = current_database() AND query LIKE 'LISTEN%'",
        );
        assert_eq!(ended.await, ["true"], "each server has one listener");
        let run = start_there(&there, &toy).await;
        assert_eq!(toy.ended(run.id).await.status, RunStatus::Completed);
        let run = start_there(&there, &toy).await;
        assert_eq!(toy.ended(run.id).await.status, RunStatus::Completed);
    }
}
