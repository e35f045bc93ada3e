use crate::support::{Bed, on_both_engines};
use headwater_catalog::{
    Completeness, ConnectorPatch, Error, Outcome, PageRequest, PartialPath, Phase, Removals, RunFilter,
    RunId, RunRequest, RunStatus, SplitEnd, SplitState, Trigger,
};
use headwater_core::{Container, Cost, Discovery, Listing, Path, Split, Visibility, Warning};
use serde_json::json;

on_both_engines!(
    a_run_waits_as_running_and_queued,
    a_second_run_is_refused_while_one_is_on_its_way,
    many_callers_at_once_start_one_run,
    an_inactive_connector_is_not_synced,
    a_queued_run_is_cancelled_at_once_and_once,
    a_claimed_run_is_told_to_stop,
    a_finished_run_keeps_its_numbers_and_dates_its_connector,
    a_failed_run_says_why_and_dates_nothing,
    the_history_is_newest_first_filtered_and_paged,
    splits_are_frozen_and_resumed_where_they_stand,
    warnings_are_all_counted_and_the_first_of_each_code_kept,
    progress_and_cost_add_up,
);

async fn a_run_waits_as_running_and_queued(bed: Bed) {
    let connector = bed.connector("orders").await.id;
    let run = bed.start(connector).await;
    assert_eq!((run.status, run.phase), (RunStatus::Running, Some(Phase::Queued)));
    assert_eq!(
        (run.trigger, run.connector_name.as_str()),
        (Trigger::Api, "orders")
    );
    assert_eq!((run.completed_at, run.completeness), (None, None));
    assert_eq!(bed.store.get_run(bed.space, run.id).await.unwrap(), run);
    let other = bed.another_space().await.id;
    for (space, id) in [(other, run.id), (bed.space, RunId::new())] {
        let error = bed.store.get_run(space, id).await.unwrap_err();
        assert!(matches!(error, Error::NotFound("sync job")), "{error:?}");
    }
}

async fn a_second_run_is_refused_while_one_is_on_its_way(bed: Bed) {
    let connector = bed.connector("orders").await.id;
    let first = bed.start(connector).await;
    let again = || {
        bed.store.start_run(
            bed.space,
            connector,
            RunRequest::default(),
            Trigger::Api,
            &bed.actor,
        )
    };
    let error = again().await.unwrap_err();
    assert_eq!(error.to_string(), "Sync already in progress");
    assert!(
        matches!(error, Error::SyncInProgress { run, started_at } if run == first.id && started_at == first.started_at)
    );
    bed.store
        .cancel_run(bed.space, first.id, &bed.actor)
        .await
        .unwrap();
    again().await.unwrap();
    let elsewhere = bed.connector("other").await.id;
    bed.start(elsewhere).await;
}

async fn many_callers_at_once_start_one_run(bed: Bed) {
    let connector = bed.connector("orders").await.id;
    let callers: Vec<_> = (0..12)
        .map(|_| {
            let (store, space, actor) = (bed.store.clone(), bed.space, bed.actor.clone());
            tokio::spawn(async move {
                store
                    .start_run(space, connector, RunRequest::default(), Trigger::Api, &actor)
                    .await
            })
        })
        .collect();
    let mut started = Vec::new();
    for caller in callers {
        match caller.await.unwrap() {
            Ok(run) => started.push(run.id),
            Err(error) => assert!(matches!(error, Error::SyncInProgress { .. }), "{error:?}"),
        }
    }
    assert_eq!(started.len(), 1);
}

async fn an_inactive_connector_is_not_synced(bed: Bed) {
    let connector = bed.connector("orders").await.id;
    let patch = ConnectorPatch {
        is_active: Some(false),
        ..ConnectorPatch::default()
    };
    bed.store
        .update_connector(bed.space, connector, patch, &bed.actor)
        .await
        .unwrap();
    let refused = bed
        .store
        .start_run(
            bed.space,
            connector,
            RunRequest::default(),
            Trigger::Api,
            &bed.actor,
        )
        .await;
    assert!(matches!(refused, Err(Error::ConnectorInactive)), "{refused:?}");
}

async fn a_queued_run_is_cancelled_at_once_and_once(bed: Bed) {
    let run = bed.start(bed.connector("orders").await.id).await.id;
    let cancelled = bed.store.cancel_run(bed.space, run, &bed.actor).await.unwrap();
    assert_eq!((cancelled.status, cancelled.phase), (RunStatus::Cancelled, None));
    assert!(cancelled.completed_at.is_some());
    let again = bed.store.cancel_run(bed.space, run, &bed.actor).await.unwrap();
    assert_eq!(again, cancelled);
    assert!(bed.claim("a").await.is_none());
}

async fn a_claimed_run_is_told_to_stop(bed: Bed) {
    let run = bed.start(bed.connector("orders").await.id).await.id;
    let claim = bed.claim("a").await.unwrap();
    assert!(!bed.store.heartbeat(&claim).await.unwrap().cancel_requested);
    let cancelled = bed.store.cancel_run(bed.space, run, &bed.actor).await.unwrap();
    assert_eq!(
        (cancelled.status, cancelled.cancel_requested),
        (RunStatus::Running, true)
    );
    assert!(bed.store.heartbeat(&claim).await.unwrap().cancel_requested);
    let ended = bed
        .store
        .finish_run(&claim, &Outcome::new(RunStatus::Cancelled))
        .await
        .unwrap();
    assert_eq!(ended.status, RunStatus::Cancelled);
}

async fn a_finished_run_keeps_its_numbers_and_dates_its_connector(bed: Bed) {
    let connector = bed.connector("orders").await.id;
    let run = bed.start(connector).await;
    let claim = bed.claim("a").await.unwrap();
    let partial = PartialPath {
        path: Path::new(["shop", "audit"]),
        code: "permission_denied".to_owned(),
        detail: "schema cannot be read".to_owned(),
    };
    let outcome = Outcome {
        products_created: 3,
        products_updated: 2,
        products_unchanged: 1,
        products_archived: 4,
        completeness: Some(Completeness::Partial),
        removals: Removals::Applied,
        partial: vec![partial.clone()],
        ..Outcome::new(RunStatus::Completed)
    };
    bed.store.finish_run(&claim, &outcome).await.unwrap();

    let run = bed.store.get_run(bed.space, run.id).await.unwrap();
    assert_eq!((run.status, run.phase), (RunStatus::Completed, None));
    assert_eq!((run.products_created, run.products_updated), (3, 2));
    assert_eq!((run.products_unchanged, run.products_archived), (1, 4));
    assert_eq!(
        (run.completeness, run.removals),
        (Some(Completeness::Partial), Removals::Applied)
    );
    assert_eq!(run.partial, [partial]);
    assert!(run.completed_at.unwrap() >= run.started_at);
    let connector = bed.store.get_connector(bed.space, connector).await.unwrap();
    assert_eq!(connector.last_sync, Some(run.started_at));

    let again = bed
        .store
        .finish_run(&claim, &Outcome::failed("late", "late"))
        .await;
    assert!(
        matches!(again, Err(Error::LeaseLost)),
        "a run ends once: {again:?}"
    );
}

async fn a_failed_run_says_why_and_dates_nothing(bed: Bed) {
    let connector = bed.connector("orders").await.id;
    bed.start(connector).await;
    let claim = bed.claim("a").await.unwrap();
    let failed = Outcome::failed("unauthenticated", "password refused");
    let run = bed.store.finish_run(&claim, &failed).await.unwrap();
    let error = run.error.unwrap();
    assert_eq!(
        (error.code.as_str(), error.detail.as_str()),
        ("unauthenticated", "password refused")
    );
    let connector = bed.store.get_connector(bed.space, connector).await.unwrap();
    assert_eq!(connector.last_sync, None);
    bed.start(connector.id).await;
}

async fn the_history_is_newest_first_filtered_and_paged(bed: Bed) {
    let (a, b) = (bed.connector("a").await.id, bed.connector("b").await.id);
    let mut ids = Vec::new();
    for connector in [a, a, b] {
        let run = bed.start(connector).await.id;
        bed.store.cancel_run(bed.space, run, &bed.actor).await.unwrap();
        ids.push(run);
    }
    ids.push(bed.start(a).await.id);
    ids.reverse();
    let list = |filter, page| bed.store.list_runs(bed.space, filter, page);
    let all = list(RunFilter::default(), PageRequest::default()).await.unwrap();
    assert_eq!(all.items.iter().map(|run| run.id).collect::<Vec<_>>(), ids);
    let second = list(RunFilter::default(), PageRequest { page: 2, size: 3 })
        .await
        .unwrap();
    assert_eq!(
        (second.total, second.items.len(), second.items[0].id),
        (4, 1, ids[3])
    );
    let cancelled = RunFilter {
        connector_id: Some(a),
        status: Some(RunStatus::Cancelled),
    };
    let filtered = list(cancelled, PageRequest::default()).await.unwrap();
    assert_eq!(
        filtered.items.iter().map(|run| run.id).collect::<Vec<_>>(),
        ids[2..]
    );
    assert_eq!(filtered.total, 2);
}

fn discovery() -> Discovery {
    let split = |id: &str| Split {
        id: id.to_owned(),
        namespaces: vec![Path::new(["shop", id])],
        payload: json!({"database": "shop"}),
    };
    Discovery {
        identity: Some("cluster 7".to_owned()),
        containers: vec![Container {
            path: Path::new(["shop"]),
            children: Listing::Complete,
            visibility: Visibility::Everyone,
        }],
        splits: vec![split("one"), split("two")],
        max_parallel: Some(2),
    }
}

async fn splits_are_frozen_and_resumed_where_they_stand(bed: Bed) {
    let run = bed.start(bed.connector("orders").await.id).await.id;
    let claim = bed.claim("a").await.unwrap();
    assert_eq!(claim.discovery, None);
    bed.store.record_discovery(&claim, &discovery()).await.unwrap();
    let end = SplitEnd {
        state: SplitState::Done,
        closed: vec![(
            Path::new(["shop", "two"]),
            Listing::partial("timeout", "too slow"),
        )],
        seen: 7,
        error: None,
    };
    bed.store.end_split(&claim, 1, &end).await.unwrap();
    let seen = bed.store.get_run(bed.space, run).await.unwrap();
    assert_eq!((seen.progress.splits_total, seen.progress.splits_done), (2, 1));
    assert_eq!(seen.phase, Some(Phase::Reading));

    bed.end_leases().await;
    let next = bed.claim("b").await.unwrap();
    assert_eq!(next.discovery, Some(discovery()));
    let splits = bed.store.splits(run).await.unwrap();
    assert_eq!(splits[0].end.state, SplitState::Pending);
    assert_eq!(splits[1].end, end);
    bed.store.begin_split(&next, 1).await.unwrap();
    let splits = bed.store.splits(run).await.unwrap();
    assert_eq!(
        (splits[1].end.seen, splits[1].end.closed.len()),
        (0, 0),
        "a new attempt voids the claims"
    );
}

async fn warnings_are_all_counted_and_the_first_of_each_code_kept(bed: Bed) {
    let run = bed.start(bed.connector("orders").await.id).await.id;
    let claim = bed.claim("a").await.unwrap();
    let warning = |code: &str, n: usize| Warning {
        code: code.to_owned(),
        detail: format!("number {n}"),
        path: (n == 0).then(|| Path::new(["shop", "a.b"])),
    };
    let many: Vec<_> = (0..150).map(|n| warning("unread", n)).collect();
    bed.store.add_warnings(&claim, &many[..60]).await.unwrap();
    bed.store.add_warnings(&claim, &many[60..]).await.unwrap();
    bed.store
        .add_warnings(&claim, &[warning("odd", 1)])
        .await
        .unwrap();
    bed.store.add_warnings(&claim, &[]).await.unwrap();

    let page = |page| PageRequest { page, size: 100 };
    let first = bed.store.run_warnings(run, page(1)).await.unwrap();
    let second = bed.store.run_warnings(run, page(2)).await.unwrap();
    assert_eq!(
        (first.total, first.items.len(), second.items.len()),
        (151, 100, 1)
    );
    assert_eq!(first.items[0], warning("unread", 0));
    assert_eq!(first.items[99].detail, "number 99");
    assert_eq!(second.items[0].code, "odd");
    assert_eq!(
        bed.store.get_run(bed.space, run).await.unwrap().warnings_count,
        151
    );
}

async fn progress_and_cost_add_up(bed: Bed) {
    let run = bed.start(bed.connector("orders").await.id).await.id;
    let claim = bed.claim("a").await.unwrap();
    let cost = Cost {
        requests: 1,
        statements: 9,
        bytes_billed: 1 << 40,
        source_seconds: 0.5,
    };
    bed.store.add_progress(&claim, 500, cost).await.unwrap();
    bed.store.add_progress(&claim, 20, cost).await.unwrap();
    let run = bed.store.get_run(bed.space, run).await.unwrap();
    assert_eq!(run.progress.assets_seen, 520);
    assert_eq!(
        (run.cost.requests, run.cost.statements, run.cost.bytes_billed),
        (2, 18, 1 << 41)
    );
    assert!((run.cost.source_seconds - 1.0).abs() < 1e-9);
}
