use crate::{
    support::{Bed, on_both_engines},
    toy::{ToyBed, add_tables, counts, id, text},
};
use headwater_catalog::{
    Completeness, ConnectorPatch, Decision, Error, ProductFilter, ProductState, RemovalReason, Removals, Run,
    RunStatus,
};
use headwater_core::{Error as SourceError, ErrorKind, Path, Visibility};
use headwater_testkit::{Action, Call, Gate};
use serde_json::json;

on_both_engines!(
    a_dropped_table_is_stale_and_comes_back,
    a_dropped_schema_is_stale_where_everyone_sees_everything,
    a_refused_schema_removes_nothing,
    a_refused_list_of_schemas_removes_nothing,
    a_skipped_database_is_missed_only_where_it_was_known,
    a_split_that_fails_removes_nothing,
    too_many_removals_are_held_and_applied_once,
    few_removals_are_applied_whatever_their_share,
    discarded_removals_stay,
    a_newer_run_supersedes_an_undecided_list,
    a_product_that_came_back_is_not_removed,
    removals_after_a_changed_grant_are_held,
    a_vanished_schema_is_held_where_grants_decide,
    what_leaves_the_filters_is_out_of_scope_and_never_held,
    a_cancelled_run_removes_nothing,
);

fn fingerprint(text: &str) -> Visibility {
    Visibility::Fingerprint(text.to_owned())
}

async fn state(toy: &ToyBed, location: &str) -> String {
    toy.states().await.remove(location).unwrap()
}

async fn decide(toy: &ToyBed, run: &Run, decision: Decision) -> Result<Run, Error> {
    let store = &toy.bed.store;
    store
        .decide_removals(toy.bed.space, run.id, decision, &toy.bed.actor)
        .await
}

async fn a_dropped_table_is_stale_and_comes_back(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    add_tables(&toy.source, "public", 3);
    toy.sync().await;
    let before = toy.product("shop.public.t1").await.product;
    toy.source.remove(["shop", "public", "t1"]);
    let run = toy.sync().await;
    assert_eq!((counts(&run), run.removals), ([0, 0, 2, 1], Removals::Applied));
    let stale = toy.product("shop.public.t1").await.product;
    assert_eq!((stale.id, stale.state), (before.id, ProductState::Stale));
    assert!(stale.updated_at > before.updated_at);
    assert_eq!(toy.products().await.len(), 2, "a list shows the active ones");
    assert!(toy.bed.store.removal_candidates(run.id).await.unwrap().is_none());

    let run = toy.sync().await;
    assert_eq!(
        (counts(&run), run.removals),
        ([0, 0, 2, 0], Removals::None),
        "once is enough"
    );

    toy.source
        .add_table(["shop", "public", "t1"], [id(), text("note")]);
    assert_eq!(counts(&toy.sync().await), [0, 1, 2, 0]);
    let back = toy.product("shop.public.t1").await;
    assert_eq!(
        (back.product.id, back.product.state),
        (before.id, ProductState::Active)
    );
    assert_eq!(back.schema_changes, [], "it is as it was");
}

async fn a_dropped_schema_is_stale_where_everyone_sees_everything(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    add_tables(&toy.source, "public", 2);
    add_tables(&toy.source, "audit", 2);
    toy.sync().await;
    toy.source.remove_schema(["shop", "audit"]);
    let run = toy.sync().await;
    assert_eq!((counts(&run), run.removals), ([0, 0, 2, 2], Removals::Applied));
    assert_eq!(state(&toy, "shop.audit.t0").await, "stale");
}

async fn a_refused_schema_removes_nothing(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    add_tables(&toy.source, "public", 2);
    add_tables(&toy.source, "audit", 2);
    toy.sync().await;
    toy.source.refuse_listing(["shop", "audit"]);
    let run = toy.sync().await;
    assert_eq!(
        (run.status, run.completeness),
        (RunStatus::Completed, Some(Completeness::Partial))
    );
    assert_eq!((counts(&run), run.removals), ([0, 0, 2, 0], Removals::None));
    assert_eq!(run.partial[0].path, Path::new(["shop", "audit"]));
    assert_eq!(run.partial[0].code, "permission_denied");
    assert!(
        run.partial[0].detail.contains("GRANT READ"),
        "{}",
        run.partial[0].detail
    );
    assert_eq!(toy.products().await.len(), 4);
}

async fn a_refused_list_of_schemas_removes_nothing(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    add_tables(&toy.source, "public", 2);
    toy.sync().await;
    toy.source.refuse_listing(["shop"]);
    let run = toy.sync().await;
    assert_eq!(
        (counts(&run), run.completeness),
        ([0, 0, 0, 0], Some(Completeness::Partial))
    );
    assert_eq!(run.partial[0].path, Path::new(["shop"]));
    assert_eq!(toy.products().await.len(), 2);
}

async fn a_skipped_database_is_missed_only_where_it_was_known(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    toy.source.skip(["other"]);
    add_tables(&toy.source, "public", 2);
    let run = toy.sync().await;
    assert_eq!(
        (run.completeness, run.warnings_count),
        (Some(Completeness::Complete), 1)
    );

    toy.source.skip(["shop"]);
    let run = toy.sync().await;
    assert_eq!(
        (counts(&run), run.completeness),
        ([0, 0, 0, 0], Some(Completeness::Partial))
    );
    assert_eq!(run.partial.len(), 1, "{:?}", run.partial);
    assert_eq!(run.partial[0].path, Path::new(["shop"]));
    assert_eq!(toy.products().await.len(), 2);
}

async fn a_split_that_fails_removes_nothing(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    toy.source.set_max_parallel(Some(1));
    add_tables(&toy.source, "audit", 2);
    add_tables(&toy.source, "public", 2);
    toy.sync().await;
    toy.source.remove(["shop", "public", "t0"]);
    toy.source.remove(["shop", "audit", "t0"]);
    // The split of audit is the first to ask for a page.
    toy.source.fail(
        Call::Assets,
        1,
        SourceError::new(ErrorKind::DataInvalid, "cannot be understood"),
    );
    let run = toy.sync().await;
    assert_eq!(
        (run.status, run.completeness),
        (RunStatus::Completed, Some(Completeness::Partial))
    );
    assert_eq!(
        (run.partial.len(), run.partial[0].code.as_str()),
        (1, "data_invalid")
    );
    assert_eq!(run.partial[0].path, Path::new(["shop", "audit"]));
    assert_eq!(state(&toy, "shop.audit.t0").await, "active");
    assert_eq!(state(&toy, "shop.public.t0").await, "stale");
}

/// A run that holds the removal of 12 of 15 tables.
async fn held(toy: &ToyBed) -> Run {
    add_tables(&toy.source, "public", 15);
    toy.sync().await;
    for n in 0..12 {
        toy.source.remove(["shop", "public", &format!("t{n}")]);
    }
    let run = toy.sync().await;
    assert_eq!((run.status, run.removals), (RunStatus::Completed, Removals::Held));
    run
}

async fn too_many_removals_are_held_and_applied_once(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    let run = held(&toy).await;
    assert_eq!(run.removal_reason, Some(RemovalReason::Limit));
    assert_eq!(counts(&run), [0, 0, 3, 0]);
    assert_eq!(toy.products().await.len(), 15, "nothing is removed yet");
    let candidates = toy.bed.store.removal_candidates(run.id).await.unwrap().unwrap();
    assert_eq!((candidates.reason, candidates.total), (RemovalReason::Limit, 12));
    assert_eq!(candidates.items[0].1, Path::new(["shop", "public", "t0"]));

    let run = decide(&toy, &run, Decision::Apply).await.unwrap();
    assert_eq!((run.removals, run.products_archived), (Removals::Applied, 12));
    assert_eq!(toy.products().await.len(), 3);
    assert_eq!(state(&toy, "shop.public.t0").await, "stale");
    for decision in [Decision::Apply, Decision::Discard] {
        let again = decide(&toy, &run, decision).await;
        assert!(matches!(again, Err(Error::RemovalsDecided)), "{again:?}");
    }
    let next = toy.sync().await;
    assert_eq!((counts(&next), next.removals), ([0, 0, 3, 0], Removals::None));
    let none = decide(&toy, &next, Decision::Apply).await;
    assert!(matches!(none, Err(Error::NoRemovalsHeld)), "{none:?}");
}

async fn few_removals_are_applied_whatever_their_share(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    add_tables(&toy.source, "public", 10);
    toy.sync().await;
    toy.source.remove_schema(["shop", "public"]);
    let run = toy.sync().await;
    assert_eq!((run.removals, run.products_archived), (Removals::Applied, 10));
}

async fn discarded_removals_stay(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    let run = held(&toy).await;
    let run = decide(&toy, &run, Decision::Discard).await.unwrap();
    assert_eq!((run.removals, run.products_archived), (Removals::Discarded, 0));
    assert_eq!(toy.products().await.len(), 15);
    assert!(matches!(
        decide(&toy, &run, Decision::Apply).await,
        Err(Error::RemovalsDecided)
    ));
}

async fn a_newer_run_supersedes_an_undecided_list(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    let first = held(&toy).await;
    let second = toy.sync().await;
    assert_eq!(second.removals, Removals::Held);
    let first = toy.bed.store.get_run(toy.bed.space, first.id).await.unwrap();
    assert_eq!(first.removals, Removals::Superseded);
    assert!(matches!(
        decide(&toy, &first, Decision::Apply).await,
        Err(Error::RemovalsDecided)
    ));
    decide(&toy, &second, Decision::Apply).await.unwrap();
    assert_eq!(toy.products().await.len(), 3);
}

async fn a_product_that_came_back_is_not_removed(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    let run = held(&toy).await;
    toy.source
        .add_table(["shop", "public", "t0"], [id(), text("note")]);
    // A run that is cancelled has seen the table, and supersedes nothing.
    add_tables(&toy.source, "zoo", 1);
    toy.source.set_max_parallel(Some(1));
    let gate = Gate::default();
    toy.source.on(Call::Assets, 2, Action::Hold(gate.clone()));
    let started = toy.start(Default::default()).await;
    gate.reached().await;
    toy.until(started.id, |run| run.progress.splits_done == 1).await;
    toy.bed
        .store
        .cancel_run(toy.bed.space, started.id, &toy.bed.actor)
        .await
        .unwrap();
    toy.engine.wake();
    assert_eq!(toy.ended(started.id).await.status, RunStatus::Cancelled);

    let run = decide(&toy, &run, Decision::Apply).await.unwrap();
    assert_eq!(run.products_archived, 11);
    assert_eq!(state(&toy, "shop.public.t0").await, "active");
}

async fn removals_after_a_changed_grant_are_held(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    toy.source.set_visibility(fingerprint("role reader: public"));
    add_tables(&toy.source, "public", 3);
    toy.sync().await;
    toy.source.set_visibility(fingerprint("role reader: nothing"));
    toy.source.remove(["shop", "public", "t0"]);
    let run = toy.sync().await;
    assert_eq!(
        (run.removals, run.removal_reason),
        (Removals::Held, Some(RemovalReason::Visibility))
    );
    let again = toy.sync().await;
    assert_eq!(
        again.removal_reason,
        Some(RemovalReason::Visibility),
        "nobody has decided yet"
    );
    decide(&toy, &again, Decision::Apply).await.unwrap();
    assert_eq!(state(&toy, "shop.public.t0").await, "stale");

    // Once applied, the new grants are what removals are believed under.
    toy.source.remove(["shop", "public", "t1"]);
    let run = toy.sync().await;
    assert_eq!((run.removals, run.products_archived), (Removals::Applied, 1));
}

async fn a_vanished_schema_is_held_where_grants_decide(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    toy.source.set_visibility(fingerprint("role reader"));
    add_tables(&toy.source, "public", 3);
    add_tables(&toy.source, "audit", 2);
    toy.sync().await;
    toy.source.hide_schema(["shop", "audit"]);
    let run = toy.sync().await;
    assert_eq!(
        (run.removals, run.removal_reason),
        (Removals::Held, Some(RemovalReason::NamespaceVanished))
    );
    assert_eq!(
        toy.bed
            .store
            .removal_candidates(run.id)
            .await
            .unwrap()
            .unwrap()
            .total,
        2
    );
    toy.source.show_schema(["shop", "audit"]);
    toy.source.remove(["shop", "audit", "t0"]);
    let run = toy.sync().await;
    assert_eq!(
        (run.removals, run.products_archived),
        (Removals::Applied, 1),
        "one of two is believed"
    );
    toy.source.remove(["shop", "audit", "t1"]);
    let run = toy.sync().await;
    assert_eq!(
        run.removal_reason,
        Some(RemovalReason::NamespaceVanished),
        "the schema is empty now"
    );
}

async fn what_leaves_the_filters_is_out_of_scope_and_never_held(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    add_tables(&toy.source, "public", 2);
    add_tables(&toy.source, "staging", 30);
    toy.source.add_table(["shop", "public", "tmp_1"], [id()]);
    toy.sync().await;
    let filter = async |filters| {
        let mut config = toy.source.config();
        config["filters"] = filters;
        let patch = ConnectorPatch {
            config: Some(config),
            ..ConnectorPatch::default()
        };
        let store = &toy.bed.store;
        store
            .update_connector(toy.bed.space, toy.connector.id, patch, &toy.bed.actor)
            .await
            .unwrap();
    };
    filter(json!({"exclude_schemas": ["staging"], "exclude_tables": ["tmp_.*"]})).await;
    // Gone as well as out of scope: the filters say so first.
    toy.source.remove(["shop", "staging", "t0"]);
    let run = toy.sync().await;
    assert_eq!((counts(&run), run.removals), ([0, 0, 2, 31], Removals::None));
    assert_eq!(state(&toy, "shop.staging.t0").await, "out_of_scope");
    assert_eq!(state(&toy, "shop.public.tmp_1").await, "out_of_scope");
    let out = ProductFilter {
        state: Some(ProductState::OutOfScope),
        ..ProductFilter::default()
    };
    let listed = toy
        .bed
        .store
        .list_products(toy.bed.space, out, Default::default())
        .await
        .unwrap();
    assert_eq!(listed.total, 31);

    filter(json!({})).await;
    assert_eq!(counts(&toy.sync().await), [0, 30, 2, 0]);
    assert_eq!(state(&toy, "shop.staging.t1").await, "active");
    assert_eq!(state(&toy, "shop.staging.t0").await, "out_of_scope");
}

async fn a_cancelled_run_removes_nothing(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    toy.source.set_max_parallel(Some(1));
    add_tables(&toy.source, "audit", 2);
    add_tables(&toy.source, "public", 2);
    toy.sync().await;
    toy.source.remove(["shop", "audit", "t0"]);
    let gate = Gate::default();
    toy.source.on(Call::Assets, 2, Action::Hold(gate.clone()));
    let run = toy.start(Default::default()).await;
    gate.reached().await;
    toy.until(run.id, |run| run.progress.splits_done == 1).await;
    toy.bed
        .store
        .cancel_run(toy.bed.space, run.id, &toy.bed.actor)
        .await
        .unwrap();
    toy.engine.wake();
    let run = toy.ended(run.id).await;
    assert_eq!(run.status, RunStatus::Cancelled);
    assert_eq!((counts(&run), run.removals), ([0, 0, 1, 0], Removals::None));
    assert_eq!(state(&toy, "shop.audit.t0").await, "active");
}
