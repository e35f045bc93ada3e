//! The scripted source does what it is told.

use headwater_core::{Error, ErrorKind, Listing, Options, Path, Visibility};
use headwater_testkit::{Action, Call, Collected, Part, ToySource, collect};
use std::time::Duration;

async fn run(source: &ToySource) -> Collected {
    let mut options = Options::default();
    options.backoff = Duration::from_millis(1);
    collect(source.open().connector, options).await
}

#[tokio::test]
async fn the_shop_is_read_whole_over_pages_with_an_empty_one_among_them() {
    let source = ToySource::shop();
    let run = run(&source).await;
    assert!(run.is_complete(), "{:?}", run.closed);
    assert_eq!(run.paths().into_iter().collect::<Vec<_>>(), source.paths());
    assert_eq!(source.calls(Call::Assets), 4 + 1 + 2);
    let view = Path::new(["shop", "public", "recent_orders"]);
    assert_eq!(
        run.lineage[&view][0].end.path,
        Path::new(["shop", "public", "orders"])
    );
    assert!(run.warnings.is_empty() && run.repeated.is_empty());
}

#[tokio::test]
async fn a_change_between_two_syncs_shows_in_the_second() {
    let source = ToySource::shop();
    run(&source).await;
    source.remove(["shop", "audit", "events"]);
    source.alter(["shop", "public", "orders"], |orders| {
        orders.fields.as_mut().unwrap().truncate(1)
    });
    let second = run(&source).await;
    assert!(second.is_complete());
    assert!(
        !second
            .assets
            .contains_key(&Path::new(["shop", "audit", "events"]))
    );
    let orders = &second.assets[&Path::new(["shop", "public", "orders"])];
    assert_eq!(orders.fields.as_option().unwrap().len(), 1);
}

#[tokio::test]
async fn a_hidden_schema_is_missing_without_a_word_and_a_refused_one_is_partial() {
    let source = ToySource::shop();
    source.set_visibility(Visibility::Fingerprint("role=reader".into()));
    source.hide_schema(["shop", "audit"]);
    source.refuse_listing(["shop", "public"]);
    let run = run(&source).await;
    assert!(!run.closed.contains_key(&Path::new(["shop", "audit"])));
    let Listing::Partial(reasons) = &run.closed[&Path::new(["shop", "public"])] else {
        panic!("{:?}", run.closed)
    };
    assert_eq!(reasons[0].code, "permission_denied");
    assert_eq!(
        reasons[0].grant.as_deref(),
        Some("GRANT READ ON shop.public TO toy")
    );
}

#[tokio::test]
async fn a_refused_list_of_schemas_is_partial_and_no_schema_is_listed() {
    let source = ToySource::shop();
    source.refuse_listing(["shop"]);
    let run = run(&source).await;
    let discovery = run.discovery.as_ref().unwrap();
    let shop = discovery
        .containers
        .iter()
        .find(|container| container.path == Path::new(["shop"]));
    assert!(!shop.unwrap().children.is_complete());
    assert!(discovery.splits.is_empty() && !run.is_complete());
}

#[tokio::test]
async fn a_failed_call_is_tried_again() {
    let source = ToySource::shop();
    source.fail(Call::Assets, 2, Error::new(ErrorKind::Unavailable, "503"));
    let run = run(&source).await;
    assert!(run.is_complete());
    assert_eq!(run.ended.iter().filter(|ended| ended.result.is_err()).count(), 1);
    assert!(run.repeated.is_empty());
}

#[tokio::test]
async fn a_refused_part_is_unread_with_one_warning_for_each_schema() {
    let source = ToySource::shop();
    source.refuse_part(Part::Constraints);
    source.refuse_part(Part::Lineage);
    let run = run(&source).await;
    assert!(run.is_complete() && run.lineage.is_empty());
    assert!(
        run.assets
            .values()
            .all(|asset| asset.constraints.is_unread() && !asset.fields.is_unread())
    );
    assert_eq!(run.warnings.len(), 4);
}

#[tokio::test]
async fn a_panic_fails_its_split_only() {
    let source = ToySource::shop();
    source.on(Call::Assets, 1, Action::Panic);
    let run = run(&source).await;
    let failed: Vec<_> = run
        .ended
        .iter()
        .filter_map(|ended| ended.result.as_ref().err())
        .collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0].kind(), ErrorKind::Unexpected);
    assert_eq!(
        run.closed
            .values()
            .filter(|listing| listing.is_complete())
            .count(),
        1
    );
}

#[tokio::test]
async fn a_gate_holds_a_run_until_it_opens() {
    let source = ToySource::shop();
    let gate = source.hold(Call::Assets);
    let running = tokio::spawn({
        let source = source.clone();
        async move { run(&source).await }
    });
    gate.reached().await;
    assert!(!running.is_finished());
    gate.open();
    assert!(running.await.unwrap().is_complete());
}
