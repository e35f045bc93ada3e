//! An HTTP client may hang up at any moment: the future of its request is dropped where it stands.

use crate::support::{Bed, Place, on_both_engines};
use headwater_catalog::Store;
use std::{
    pin::pin,
    task::{Context, Waker},
    time::Duration,
};

on_both_engines!(
    a_dropped_call_leaves_no_transaction_open,
    a_store_outlives_the_runtime_that_first_used_it,
);

async fn a_dropped_call_leaves_no_transaction_open(bed: Bed) {
    for polls in 1..12 {
        let slug = format!("s{polls}");
        let mut call = Box::pin(bed.store.create_space(&slug, "dropped", &bed.actor));
        for _ in 0..polls {
            if call
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()))
                .is_ready()
            {
                break;
            }
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
        drop(call);
        let next = bed
            .store
            .create_space(&format!("n{polls}"), "next", &bed.actor)
            .await;
        assert!(next.is_ok(), "after {polls} polls: {next:?}");
    }
}

/// An actix worker is a single-threaded runtime that ends before the store does.
async fn a_store_outlives_the_runtime_that_first_used_it(bed: Bed) {
    let (store, actor) = (bed.store.clone(), bed.actor.clone());
    let worker = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            store.create_space("from-worker", "w", &actor).await.unwrap();
            let mut dropped = pin!(store.create_space("dropped", "d", &actor));
            let _state = dropped.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        });
    });
    tokio::task::spawn_blocking(move || worker.join().unwrap())
        .await
        .unwrap();
    assert!(bed.store.find_space("from-worker").await.unwrap().is_some());
    bed.store.create_space("later", "l", &bed.actor).await.unwrap();
}

async fn open_on_a_single_thread(place: Place) {
    let url = place.url();
    let keys = place.keys();
    let opening = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async { Store::open(&url, keys).await.unwrap().ready().await.unwrap() });
    });
    tokio::task::spawn_blocking(move || opening.join().unwrap())
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_opens_on_a_single_threaded_runtime() {
    open_on_a_single_thread(Place::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_opens_on_a_single_threaded_runtime() {
    open_on_a_single_thread(Place::postgres().await).await;
}
