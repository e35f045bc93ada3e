//! Statements on a warehouse: results in many chunks, inline or by links, and the end of what nobody waits for.

use crate::{
    fake::{Fake, State},
    shop::{open, options, run, shop, token, with_warehouse},
};
use futures_util::StreamExt;
use headwater_core::{Cx, Facet, Path, SyncEvent};
use headwater_testkit::Collected;
use serde_json::json;
use std::time::Duration;
use wiremock::ResponseTemplate;

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

/// What a run says of its tags. A part that is unread is no reason to doubt the lists.
fn said_of_tags(run: &Collected) -> &str {
    assert!(run.is_complete(), "{:?}", run.closed);
    let orders = &run.assets[&Path::new(["main", "sales", "orders"])];
    assert!(orders.tags.is_unread());
    let warning = run.warnings.iter().find(|one| one.code == "tags_unread");
    &warning.unwrap_or_else(|| panic!("{:?}", run.warnings)).detail
}

#[tokio::test]
async fn a_result_that_was_cut_short_is_no_result() {
    // Fewer rows than were counted are noticed at the end, among the rows of the last schema.
    for said in [json!({"truncated": true}), json!({"total_row_count": 99})] {
        let said = json!({"manifest": said});
        let (_, run) = read(State { said, ..shop() }).await;
        assert!(said_of_tags(&run).contains("cut the result of a statement short"));
    }
}

#[tokio::test]
async fn a_result_of_another_form_is_no_result() {
    for said in [
        json!({"manifest": {"schema": {"column_count": 1}}}),
        json!({"result": {"data_array": [["sales"]]}}),
        json!({"result": {"next_chunk_index": 0}}),
        json!({"chunk": {"next_chunk_index": 1}}),
    ] {
        let (_, run) = read(State {
            said: said.clone(),
            ..shop()
        })
        .await;
        assert!(
            said_of_tags(&run).contains("cannot be understood"),
            "{said}: {:?}",
            run.warnings
        );
    }
}

#[tokio::test]
async fn rows_out_of_order_are_no_result() {
    let tag = |schema: &str| json!([schema, "", "", "tier", "gold"]);
    let result = json!({"data_array": [tag("sales"), tag("ops")], "next_chunk_index": null});
    let said = json!({"manifest": {"total_row_count": 2}, "result": result});
    let (_, run) = read(State { said, ..shop() }).await;
    assert!(said_of_tags(&run).contains("did not sort"), "{:?}", run.warnings);
}

#[tokio::test]
async fn a_result_is_not_fetched_from_an_address_that_is_not_safe() {
    let link = json!({"chunk_index": 0, "external_link": "http://storage.example.com/results/1"});
    let said = json!({"result": {"external_links": [link]}});
    let (_, run) = read(State {
        inline: 0,
        said,
        ..shop()
    })
    .await;
    assert!(
        said_of_tags(&run).contains("an address that is not safe"),
        "{:?}",
        run.warnings
    );
}

#[tokio::test]
async fn a_warehouse_that_takes_no_statements_is_named_with_what_would_help() {
    let fake = Fake::start(shop()).await;
    let mut config = with_warehouse(&fake);
    config["warehouse_id"] = json!("another");
    let told = run(config, token()).await;
    let detail = said_of_tags(&told);
    assert!(
        detail.contains("look whether the id is right [warehouse=another]"),
        "{detail}"
    );

    let refused = || ResponseTemplate::new(403).set_body_json(json!({"error_code": "PERMISSION_DENIED"}));
    fake.state().trouble = [(); 6].map(|()| ("sql/statements", refused())).into();
    let told = run(with_warehouse(&fake), token()).await;
    let detail = said_of_tags(&told);
    assert!(
        detail.contains("CAN USE on the SQL warehouse a1b2c3") && !detail.contains("GRANT"),
        "{detail}"
    );
    let opened = open(with_warehouse(&fake), token());
    let report = opened.connector.check(&Cx::default()).await.unwrap();
    let tags = &report.capabilities["tags"];
    assert_eq!(
        tags.grant.as_deref(),
        Some("CAN USE on the SQL warehouse a1b2c3"),
        "{tags:?}"
    );
}

#[tokio::test]
async fn a_statement_that_someone_else_ends_leaves_its_part_unread() {
    for ends_as in ["CANCELED", "CLOSED", "SOMETHING_NEW"] {
        let (_, run) = read(State { ends_as, ..shop() }).await;
        said_of_tags(&run);
    }
}

#[tokio::test]
async fn a_statement_that_cannot_be_looked_at_is_cancelled() {
    let gone = ResponseTemplate::new(404).set_body_json(json!({"error_code": "NOT_FOUND"}));
    let (fake, run) = read(State {
        trouble: vec![("sql/statements/statement-1", gone)],
        ..shop()
    })
    .await;
    assert_eq!(fake.state().cancelled, ["statement-1"]);
    assert_eq!(run.warnings.len(), 1, "the others are read: {:?}", run.warnings);
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
