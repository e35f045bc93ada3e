//! What is sent, and what a real server would say to it.

use crate::peer::{
    Peer,
    proxy::{Wire, judge},
};
use headwater_core::Cx;
use serde_json::json;
use std::{collections::BTreeSet, sync::atomic::Ordering};

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_that_redshift_refuses() {
    let peer = Peer::seeded().await;
    let run = peer
        .read_with(json!({"database": null, "databases": [peer.name, "partner"]}))
        .await;
    peer.assert_clean(&run);
    let report = peer
        .open(json!({}))
        .connector
        .check(&Cx::default())
        .await
        .unwrap();
    assert!(
        report
            .message
            .starts_with("Amazon Redshift 1.0.113477 (provisioned) at "),
        "{}",
        report.message
    );
    assert_eq!(*peer.wire.violations.lock().unwrap(), [""; 0]);
    let statements = peer.wire.statements.lock().unwrap();
    let changes = [
        "insert", "update", "delete", "create", "drop", "alter", "grant", "copy", "unload", "call",
    ];
    for (_, statement) in statements.iter() {
        let first = statement
            .split_whitespace()
            .find(|word| !word.starts_with("--"))
            .unwrap()
            .to_lowercase();
        assert!(!changes.contains(&first.as_str()), "{statement}");
    }
    assert!(
        statements
            .iter()
            .any(|(_, statement)| statement == "BEGIN READ ONLY")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_read_stands_in_a_read_only_transaction() {
    let peer = Peer::seeded().await;
    peer.read().await;
    let mut open = BTreeSet::new();
    let mut reads = 0;
    for (connection, statement) in peer.wire.statements.lock().unwrap().iter() {
        match statement.as_str() {
            "BEGIN READ ONLY" => assert!(open.insert(*connection), "a transaction within another"),
            "COMMIT" | "ROLLBACK" => assert!(open.remove(connection)),
            setting if setting.starts_with("SET ") => {}
            read => {
                reads += 1;
                assert!(open.contains(connection), "{read}");
            }
        }
    }
    assert!(reads > 20 && open.is_empty());
}

#[test]
fn the_wire_refuses_what_redshift_refuses() {
    for (sql, code) in [
        ("SELECT 1 FROM pg_class JOIN svv_table_info ON true", "0A000"),
        ("SELECT 1 FROM pg_class JOIN svv_external_tables ON true", "0A000"),
        ("SELECT format_type(1, 2) FROM svv_redshift_columns", "0A000"),
        ("SELECT 1 FROM pg_enum", "42P01"),
        ("SELECT typarray FROM pg_type", "42P01"),
        ("SET extra_float_digits = 3", "22023"),
        ("SET jit = off", "42704"),
        ("SELECT 1 FROM stl_query", "42501"),
    ] {
        let wire = Wire::default();
        wire.refuses_stv.store(true, Ordering::SeqCst);
        assert_eq!(judge(sql, &wire).unwrap().0, code, "{sql}");
    }
    let wire = Wire::default();
    for sql in [
        "SELECT 1 FROM pg_class -- like svv_table_info",
        "SELECT 1 FROM stv_slices",
        "SET search_path TO x",
    ] {
        assert_eq!(judge(sql, &wire), None, "{sql}");
    }
    assert_eq!(*wire.violations.lock().unwrap(), [""; 0]);
}
