use crate::support::{Bed, LEASE, on_both_engines};
use headwater_catalog::{Error, Outcome, Phase, Run, RunStatus};
use std::collections::HashSet;

on_both_engines!(
    a_claim_names_run_connector_and_request,
    the_longest_waiting_run_comes_first,
    many_nodes_at_once_never_share_a_run,
    a_held_run_is_not_claimed_until_its_lease_ends,
    a_heartbeat_renews_the_lease,
    after_a_takeover_the_first_node_can_write_nothing,
    a_run_handed_back_is_free_at_once,
    a_run_whose_node_died_is_cancelled_at_once,
    a_lease_from_a_clock_that_was_ahead_holds_nothing,
);

async fn a_claim_names_run_connector_and_request(bed: Bed) {
    let connector = bed.connector("orders").await;
    assert!(bed.claim("a").await.is_none());
    let run = bed.start(connector.id).await;
    let claim = bed.claim("a").await.unwrap();
    assert_eq!((claim.id(), claim.epoch), (run.id, 1));
    assert_eq!(claim.connector, connector);
    assert!(!claim.request.accept_source && claim.discovery.is_none());
    bed.store.set_phase(&claim, Phase::Discovering).await.unwrap();
    let seen = bed.store.get_run(bed.space, run.id).await.unwrap();
    assert_eq!(seen.phase, Some(Phase::Discovering));
}

async fn the_longest_waiting_run_comes_first(bed: Bed) {
    let mut asked = Vec::new();
    for name in ["a", "b", "c"] {
        let connector = bed.connector(name).await.id;
        asked.push(bed.start(connector).await.id);
    }
    for id in asked {
        assert_eq!(bed.claim("n").await.unwrap().id(), id);
    }
}

async fn many_nodes_at_once_never_share_a_run(bed: Bed) {
    let mut asked = HashSet::new();
    for n in 0..6 {
        let connector = bed.connector(&format!("c{n}")).await.id;
        asked.insert(bed.start(connector).await.id);
    }
    let nodes: Vec<_> = (0..12)
        .map(|n| {
            let store = bed.store.clone();
            tokio::spawn(async move { store.claim_run(&format!("node {n}"), LEASE).await.unwrap() })
        })
        .collect();
    let mut claimed = Vec::new();
    for node in nodes {
        claimed.extend(node.await.unwrap().map(|claim| claim.id()));
    }
    // A claimer may pass over a row that another holds just then; nothing is lost by it.
    while let Some(claim) = bed.claim("last").await {
        claimed.push(claim.id());
    }
    assert_eq!(claimed.len(), 6, "each run was claimed once");
    assert_eq!(claimed.into_iter().collect::<HashSet<_>>(), asked);
}

async fn a_held_run_is_not_claimed_until_its_lease_ends(bed: Bed) {
    bed.start(bed.connector("orders").await.id).await;
    let first = bed.claim("a").await.unwrap();
    assert!(bed.claim("b").await.is_none());
    bed.end_leases().await;
    let second = bed.claim("b").await.unwrap();
    assert_eq!((second.id(), second.epoch), (first.id(), first.epoch + 1));
}

async fn a_heartbeat_renews_the_lease(bed: Bed) {
    bed.start(bed.connector("orders").await.id).await;
    let claim = bed.claim("a").await.unwrap();
    bed.end_leases().await;
    bed.store.heartbeat(&claim).await.unwrap();
    assert!(bed.claim("b").await.is_none(), "the lease holds again");
}

async fn after_a_takeover_the_first_node_can_write_nothing(bed: Bed) {
    bed.start(bed.connector("orders").await.id).await;
    let first = bed.claim("a").await.unwrap();
    bed.end_leases().await;
    let second = bed.claim("b").await.unwrap();

    let is_lost = |result: Result<(), Error>| matches!(result, Err(Error::LeaseLost));
    let done = Outcome::new(RunStatus::Completed);
    assert!(is_lost(bed.store.heartbeat(&first).await.map(drop)));
    assert!(is_lost(bed.store.set_phase(&first, Phase::Finishing).await));
    assert!(is_lost(bed.store.begin_split(&first, 0).await));
    assert!(is_lost(
        bed.store.add_progress(&first, 1, Default::default()).await
    ));
    assert!(is_lost(bed.store.release(&first).await));
    assert!(is_lost(bed.store.finish_run(&first, &done).await.map(drop)));
    let run: Run = bed.store.get_run(bed.space, first.id()).await.unwrap();
    assert_eq!((run.status, run.progress.assets_seen), (RunStatus::Running, 0));
    bed.store.finish_run(&second, &done).await.unwrap();
}

async fn a_run_handed_back_is_free_at_once(bed: Bed) {
    let run = bed.start(bed.connector("orders").await.id).await.id;
    let first = bed.claim("a").await.unwrap();
    bed.store.release(&first).await.unwrap();
    let waiting = bed.store.get_run(bed.space, run).await.unwrap();
    assert_eq!(
        (waiting.status, waiting.phase),
        (RunStatus::Running, Some(Phase::Queued))
    );
    let late = bed.store.set_phase(&first, Phase::Reading).await;
    assert!(matches!(late, Err(Error::LeaseLost)), "{late:?}");
    assert!(bed.claim("b").await.unwrap().epoch > first.epoch);
}

async fn a_run_whose_node_died_is_cancelled_at_once(bed: Bed) {
    let run = bed.start(bed.connector("orders").await.id).await.id;
    let dead = bed.claim("a").await.unwrap();
    bed.end_leases().await;
    let cancelled = bed.store.cancel_run(bed.space, run, &bed.actor).await.unwrap();
    assert_eq!(cancelled.status, RunStatus::Cancelled);
    assert!(matches!(bed.store.heartbeat(&dead).await, Err(Error::LeaseLost)));
}

async fn a_lease_from_a_clock_that_was_ahead_holds_nothing(bed: Bed) {
    let year = 365 * 86_400 * 1_000_000_i64;
    let ahead = format!("UPDATE run SET lease_until = lease_until + {year} WHERE lease_until IS NOT NULL");
    bed.start(bed.connector("orders").await.id).await;
    let first = bed.claim("a").await.unwrap();
    bed.place.execute(&ahead).await;
    // Alive, it writes an end by the clock as it is now.
    bed.store.heartbeat(&first).await.unwrap();
    assert!(bed.claim("b").await.is_none());

    bed.place.execute(&ahead).await;
    let second = bed.claim("b").await.unwrap();
    assert_eq!((second.id(), second.epoch), (first.id(), first.epoch + 1));
    assert!(matches!(bed.store.heartbeat(&first).await, Err(Error::LeaseLost)));

    bed.place.execute(&ahead).await;
    let cancelled = bed
        .store
        .cancel_run(bed.space, second.id(), &bed.actor)
        .await
        .unwrap();
    assert_eq!(cancelled.status, RunStatus::Cancelled);
}
