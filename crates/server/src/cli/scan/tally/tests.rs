use super::*;
use headwater_core::{
    Container, Reason, Visibility,
    model::{Asset, AssetKind},
};
use std::{sync::Arc, time::Duration};

fn namespace(name: &str) -> Path {
    Path::new(["shop", name])
}

fn split(id: &str, namespaces: &[&str]) -> Arc<Split> {
    Arc::new(Split {
        id: id.to_owned(),
        namespaces: namespaces.iter().map(|name| namespace(name)).collect(),
        payload: serde_json::Value::Null,
    })
}

fn discovered(splits: &[&Arc<Split>], children: Listing) -> SyncEvent {
    SyncEvent::Discovered(Discovery {
        identity: None,
        containers: vec![Container {
            path: Path::new(["shop"]),
            children,
            visibility: Visibility::Everyone,
        }],
        splits: splits.iter().map(|split| Split::clone(split)).collect(),
        max_parallel: None,
    })
}

fn started(split: &Arc<Split>) -> SyncEvent {
    SyncEvent::Started {
        split: split.clone(),
        attempt: 1,
    }
}

fn item(split: &Arc<Split>, item: Item) -> SyncEvent {
    SyncEvent::Item {
        split: split.clone(),
        item,
    }
}

fn asset(split: &Arc<Split>) -> SyncEvent {
    let asset = Asset::new(namespace("sales").child("orders"), AssetKind::TABLE);
    item(split, Item::Asset(Box::new(asset)))
}

fn closed(split: &Arc<Split>, name: &str, listing: Listing) -> SyncEvent {
    item(split, Item::Closed(namespace(name), listing))
}

fn ended(split: &Arc<Split>, result: Result<()>, retry_in: Option<Duration>) -> SyncEvent {
    SyncEvent::Ended {
        split: split.clone(),
        attempt: 1,
        result,
        retry_in,
    }
}

fn unavailable() -> Error {
    Error::new(ErrorKind::Unavailable, "connection lost")
}

fn end_of(events: &[SyncEvent], interrupted: bool) -> EndLine {
    let mut tally = Tally::default();
    events.iter().for_each(|event| tally.observe(event));
    tally.end(interrupted)
}

#[test]
fn a_repeated_split_counts_once() {
    let sales = split("1", &["sales"]);
    let end = end_of(
        &[
            discovered(&[&sales], Listing::Complete),
            started(&sales),
            asset(&sales),
            ended(&sales, Err(unavailable()), Some(Duration::ZERO)),
            started(&sales),
            asset(&sales),
            closed(&sales, "sales", Listing::Complete),
            ended(&sales, Ok(()), None),
        ],
        false,
    );
    assert_eq!((end.completeness, end.assets), (Completeness::Complete, 1));
}

#[test]
fn what_was_not_read_makes_it_partial_and_is_named() {
    let (sales, stock) = (split("1", &["sales", "audit"]), split("2", &["stock"]));
    let end = end_of(
        &[
            discovered(
                &[&sales, &stock],
                Listing::partial("refused", "no list of schemas"),
            ),
            started(&sales),
            closed(&sales, "sales", Listing::Complete),
            ended(&sales, Ok(()), None),
            started(&stock),
            ended(&stock, Err(unavailable()), None),
        ],
        false,
    );
    assert_eq!(end.completeness, Completeness::Partial);
    let reasons: Vec<_> = end
        .partial
        .iter()
        .map(|one| (one.path.to_string(), &*one.code))
        .collect();
    assert_eq!(
        reasons,
        [
            ("shop".to_owned(), "refused"),
            ("shop.audit".to_owned(), "unclosed"),
            ("shop.stock".to_owned(), "unavailable"),
        ]
    );
    assert_eq!(end.error, None);
}

#[test]
fn a_run_in_which_no_split_succeeds_failed() {
    let sales = split("1", &["sales"]);
    let events = [
        discovered(&[&sales], Listing::Complete),
        started(&sales),
        ended(&sales, Err(unavailable()), None),
    ];
    let end = end_of(&events, false);
    assert_eq!(end.completeness, Completeness::Failed);
    assert_eq!(end.error.unwrap().code, "unavailable");
}

#[test]
fn an_interrupted_run_failed_and_names_what_is_missing() {
    let (sales, stock) = (split("1", &["sales"]), split("2", &["stock"]));
    let events = [
        discovered(&[&sales, &stock], Listing::Complete),
        started(&sales),
        closed(&sales, "sales", Listing::Complete),
        ended(&sales, Ok(()), None),
    ];
    let end = end_of(&events, true);
    assert_eq!(end.completeness, Completeness::Failed);
    assert_eq!(end.error.unwrap().code, "stopped");
    let missing: Vec<_> = end.partial.iter().map(|one| one.path.clone()).collect();
    assert_eq!(missing, [namespace("stock")]);
}

#[test]
fn a_source_without_schemas_in_scope_is_complete() {
    let end = end_of(&[discovered(&[], Listing::Complete)], false);
    assert_eq!((end.completeness, end.assets), (Completeness::Complete, 0));
}

#[test]
fn a_skipped_container_is_a_warning_and_nothing_missing() {
    let split = split("1", &["sales"]);
    let skipped = Listing::Skipped(Reason::from(&unavailable()));
    let end = end_of(
        &[
            discovered(&[&split], skipped),
            started(&split),
            closed(&split, "sales", Listing::Complete),
            ended(&split, Ok(()), None),
        ],
        false,
    );
    assert_eq!((end.completeness, end.warnings), (Completeness::Complete, 1));
    assert!(end.partial.is_empty());
}
