//! Results: formats, chunks, long statements, what is missing from them.

use crate::{
    fake::{Catalog, Fake, Knobs, credentials},
    support::{open, run, run_opened},
};
use headwater_core::{Cx, ErrorKind, Listing, Path};
use headwater_testkit::Collected;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

async fn shop(change: impl FnOnce(&mut Knobs)) -> (Fake, Collected) {
    let fake = Fake::with(Catalog::shop(), change).await;
    let run = run(fake.config(), credentials()).await;
    (fake, run)
}

fn columns(run: &Collected) -> Vec<(String, Vec<String>)> {
    run.assets
        .iter()
        .map(|(path, asset)| {
            let fields = asset.fields.as_option().expect("columns were read");
            (
                path.to_string(),
                fields.iter().map(|field| field.name.to_string()).collect(),
            )
        })
        .collect()
}

/// Whatever the format, the size of chunks and the order of rows, the same is read.
#[tokio::test(flavor = "multi_thread")]
async fn every_way_to_answer_gives_the_same() {
    let (_, whole) = shop(|knobs| knobs.chunk = None).await;
    assert!(whole.is_complete(), "{:?}", whole.ended);
    let lines = Path::new(["SHOP", "PUBLIC", "LINES"]);
    let expected = columns(&whole);
    let of_lines = expected
        .iter()
        .find(|(path, _)| *path == lines.to_string())
        .unwrap();
    assert_eq!(of_lines.1, ["ORDER_ID", "LINE", "PRODUCT"]);
    for (arrow, chunk, reversed) in [
        (false, Some(1), false),
        (false, Some(3), true),
        (true, None, false),
        (true, Some(1), false),
        (true, Some(2), true),
    ] {
        let (_, other) = shop(|knobs| {
            knobs.arrow = arrow;
            knobs.chunk = chunk;
            knobs.reversed = reversed;
        })
        .await;
        let case = format!("arrow {arrow}, chunk {chunk:?}, reversed {reversed}");
        assert!(other.is_complete(), "{case}: {:?}", other.ended);
        assert_eq!(columns(&other), expected, "{case}");
        assert_eq!(
            other.assets[&lines].constraints, whole.assets[&lines].constraints,
            "{case}"
        );
        assert_eq!(other.lineage, whole.lineage, "{case}");
    }
}

fn last_error(run: &Collected) -> (ErrorKind, String) {
    let last = run.ended.last().expect("a split ended");
    let error = last.result.as_ref().expect_err("the split failed");
    (error.kind(), error.to_string())
}

fn nothing_is_complete(run: &Collected) {
    assert!(!run.closed.is_empty(), "{:?}", run.ended);
    assert!(
        run.closed.values().all(|listing| !listing.is_complete()),
        "{:?}",
        run.closed
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn fewer_rows_than_said_are_an_error() {
    let (_, run) = shop(|knobs| knobs.total_off_by = 1).await;
    let error = run.failed.expect("nothing can be listed");
    assert_eq!(error.kind(), ErrorKind::DataInvalid, "{error}");
    assert!(error.to_string().contains("[expected="), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chunk_with_fewer_rows_than_its_link_says_is_an_error() {
    let (_, run) = shop(|knobs| {
        knobs.chunk = Some(9);
        knobs.chunk_short = true;
    })
    .await;
    assert_eq!(last_error(&run).0, ErrorKind::DataInvalid);
    nothing_is_complete(&run);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chunk_that_is_gone_is_an_error_and_never_fewer_rows() {
    let (_, run) = shop(|knobs| {
        knobs.chunk = Some(9);
        knobs.chunks_gone = 1000;
    })
    .await;
    assert_eq!(last_error(&run).0, ErrorKind::Unavailable);
    nothing_is_complete(&run);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_statement_is_asked_for_again_until_it_is_done() {
    let (fake, run) = shop(|knobs| knobs.slow = Some(("INFORMATION_SCHEMA.COLUMNS", 3))).await;
    assert!(run.is_complete(), "{:?}", run.ended);
    assert_eq!(run.assets.len(), 9);
    assert_eq!(fake.lock().polls, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_requests_and_outages_are_waited_for() {
    let (_, run) = shop(|knobs| knobs.statuses = vec![503, 429, 429]).await;
    assert!(run.is_complete(), "{:?} {:?}", run.failed, run.ended);
    assert_eq!(run.assets.len(), 9);
}

/// A schema that cannot be read in any way does not take the others with it.
#[tokio::test(flavor = "multi_thread")]
async fn one_broken_schema_is_partial() {
    let (_, run) = shop(|knobs| knobs.broken_schema = Some("AUDIT")).await;
    let listing = |name: &str| &run.closed[&Path::new(["SHOP", name])];
    assert_eq!(*listing("PUBLIC"), Listing::Complete);
    let Listing::Partial(reasons) = listing("AUDIT") else {
        panic!("{:?}", listing("AUDIT"))
    };
    assert_eq!(reasons[0].code, "unavailable");
    assert_eq!(run.assets.len(), 7);
    assert!(!run.ended.is_empty());
    assert!(run.ended.iter().all(|ended| ended.result.is_ok()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_aborts_the_running_statement_and_ends_the_session() {
    let fake = Fake::with(Catalog::shop(), |knobs| knobs.stalled = Some("IS_HYBRID")).await;
    let stop = CancellationToken::new();
    let opened = open(fake.config(), credentials()).unwrap();
    let running = tokio::spawn(run_opened(opened, Cx::new(stop.clone())));
    while !fake.lock().statements.iter().any(|sql| sql.contains("IS_HYBRID")) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stop.cancel();
    let run = running.await.unwrap();
    assert!(!run.is_complete(), "{:?}", run.ended);
    nothing_is_complete(&run);
    let state = fake.lock();
    assert_eq!(state.aborted.len(), 1, "{:?}", state.aborted);
    assert!(state.aborted[0].contains("INFORMATION_SCHEMA.TABLES"));
    assert!(!state.logins.is_empty());
    assert_eq!(state.closed as usize, state.logins.len());
}

/// Statements for a database: twelve at most, and none for each table.
#[tokio::test(flavor = "multi_thread")]
async fn statements_are_counted_and_few() {
    let mut catalog = Catalog::wide(20, 2000, 3);
    catalog.tables[0].dynamic = true;
    catalog.tables[0].text = Some("SELECT 1".into());
    catalog.tables[1].kind = "VIEW";
    catalog.tables[2].columns[0].1 = "ARRAY".into();
    let fake = Fake::with(catalog, |knobs| knobs.chunk = None).await;
    let mut config = fake.config();
    config["account_usage"] = true.into();
    let run = run(config, credentials()).await;
    assert!(run.is_complete(), "{:?} {:?}", run.failed, run.ended);
    assert_eq!(run.assets.len(), 2000);
    let statements = fake.lock().statements.clone();
    let of_account = |sql: &&String| sql.contains("CURRENT_ACCOUNT()") || sql.starts_with("SHOW GRANTS");
    assert_eq!(statements.iter().filter(of_account).count(), 2);
    assert!(statements.len() - 2 <= 12, "{statements:#?}");
    // Those of the discovery are not part of the split's cost: two, and two of the account.
    assert_eq!(run.cost.statements as usize, statements.len() - 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_session_is_ended() {
    let (fake, run) = shop(|_| ()).await;
    assert!(run.is_complete());
    let opened = open(fake.config(), credentials()).unwrap();
    opened.connector.check(&Cx::default()).await.unwrap();
    let state = fake.lock();
    assert_eq!(state.logins.len(), 3);
    assert_eq!(state.closed, 3);
    let parameters = &state.logins[0]["SESSION_PARAMETERS"];
    assert_eq!(parameters["QUERY_TAG"], "headwater");
    assert_eq!(parameters["STATEMENT_TIMEOUT_IN_SECONDS"], 600);
}
