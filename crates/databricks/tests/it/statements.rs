//! Statements on a warehouse: results in many chunks, inline or by links, and the end of what nobody waits for.

use crate::{
    fake::{Fake, State},
    shop::{open, options, run, shop, token, with_warehouse},
};
use futures_util::StreamExt;
use headwater_core::{Facet, Path, SyncEvent};
use headwater_testkit::Collected;
use std::time::Duration;

async fn read(state: State) -> (Fake, Collected) {
    let fake = Fake::start(state).await;
    let run = run(with_warehouse(&fake), token()).await;
    (fake, run)
}

fn is_tagged(run: &Collected) -> bool {
    let odd = &run.assets[&Path::new(["main", "ops", "Upper&Lower+?#"])];
    odd.tags == Facet::Read(vec!["odd=yes".into()])
}

#[tokio::test]
async fn a_result_is_read_chunk_by_chunk_to_its_end() {
    for chunk in [1, 2, 1000] {
        let (_, run) = read(State { chunk, ..shop() }).await;
        assert!(run.warnings.is_empty(), "{:?}", run.warnings);
        assert!(is_tagged(&run), "{chunk}");
        let orders = &run.assets[&Path::new(["main", "sales", "orders"])];
        assert_eq!(orders.constraints.as_option().unwrap().len(), 2, "{chunk}");
    }
}

#[tokio::test]
async fn a_result_that_is_too_large_to_come_inline_comes_by_links_without_credentials() {
    let (fake, run) = read(State { inline: 0, ..shop() }).await;
    assert!(run.warnings.is_empty(), "{:?}", run.warnings);
    assert!(is_tagged(&run));
    let fetched = fake.seen("results/");
    assert!(fetched.len() > 3, "{fetched:?}");
    assert!(fetched.iter().all(|seen| seen.authorization.is_none()));
}

#[tokio::test]
async fn a_link_that_has_ended_is_asked_for_again() {
    let (fake, run) = read(State {
        inline: 0,
        ended_links: 1,
        ..shop()
    })
    .await;
    assert!(run.warnings.is_empty(), "{:?}", run.warnings);
    assert!(is_tagged(&run));
    assert_eq!(fake.state().ended_links, 0);
}

#[tokio::test]
async fn a_result_that_was_cut_short_is_no_result() {
    let (_, run) = read(State {
        lost_rows: 1,
        ..shop()
    })
    .await;
    let codes: Vec<&str> = run.warnings.iter().map(|warning| &*warning.code).collect();
    assert!(codes.contains(&"tags_unread"), "{codes:?}");
    // The last schema is the one whose rows may be among those that are missing.
    assert!(
        run.assets[&Path::new(["main", "sales", "orders"])]
            .tags
            .is_unread()
    );
    assert!(run.is_complete(), "the lists are whole");
}

#[tokio::test]
async fn a_stop_cancels_the_statements_at_the_source() {
    let fake = Fake::start(State {
        running: u32::MAX,
        ..shop()
    })
    .await;
    let opened = open(with_warehouse(&fake), token());
    let options = options(&opened);
    let stop = options.cx.stop().clone();
    let mut events = headwater_core::sync(opened.connector, options);
    while let Some(event) = events.next().await {
        if matches!(event, SyncEvent::Started { .. }) {
            break;
        }
    }
    while fake.seen("sql/statements/statement-3").is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stop.cancel();
    while events.next().await.is_some() {}
    let mut cancelled = fake.state().cancelled.clone();
    cancelled.sort();
    assert_eq!(cancelled, ["statement-1", "statement-2", "statement-3"]);
}

#[tokio::test]
async fn a_stop_while_a_statement_is_being_sent_cancels_it_too() {
    let fake = Fake::start(shop()).await;
    let opened = open(with_warehouse(&fake), token());
    let options = options(&opened);
    let stop = options.cx.stop().clone();
    let mut events = headwater_core::sync(opened.connector, options);
    while let Some(event) = events.next().await {
        if matches!(event, SyncEvent::Started { .. }) {
            break;
        }
    }
    fake.state().delay = Duration::from_millis(300);
    while fake.seen("sql/statements").is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    stop.cancel();
    while events.next().await.is_some() {}
    assert!(!fake.state().cancelled.is_empty());
}
