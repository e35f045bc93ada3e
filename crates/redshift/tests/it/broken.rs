//! One broken object costs itself, and what changes between two pages is found.

use crate::{peer::Peer, reading::asset};
use headwater_core::model::AssetKind;
use serde_json::json;
use std::sync::{Arc, atomic::Ordering};

#[tokio::test(flavor = "multi_thread")]
async fn a_view_that_the_server_stumbles_over_costs_its_own_text() {
    let peer = Peer::seeded().await;
    peer.sql(
        "CREATE VIEW public.bad AS SELECT 1 AS one;
         INSERT INTO redshift_catalog.view_texts VALUES ('public.bad'::regclass, 'broken')",
    )
    .await;
    let run = peer.read().await;
    let bad = asset(&run, &peer.path(&["public", "bad"]));
    assert!(bad.definition.is_unread() && !bad.fields.is_unread());
    assert!(
        !asset(&run, &peer.path(&["public", "recent"]))
            .definition
            .is_unread()
    );
    assert_eq!(
        asset(&run, &peer.path(&["public", "daily"])).kind,
        AssetKind::MATERIALIZED_VIEW
    );
    let warned = run
        .warnings
        .iter()
        .find(|warning| warning.code == "definition_unread")
        .unwrap();
    assert_eq!(warned.path, Some(bad.key.clone()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_binding_view_over_what_is_gone_keeps_its_columns() {
    let peer = Peer::seeded().await;
    peer.sql("DELETE FROM redshift_catalog.late_binding_columns")
        .await;
    let run = peer.read().await;
    let late = asset(&run, &peer.path(&["public", "late"]));
    assert!(late.fields.is_unread() && !late.definition.is_unread());
    assert!(
        run.warnings
            .iter()
            .any(|warning| warning.code == "columns_unread" && warning.path == Some(late.key.clone()))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_cannot_be_parsed_costs_its_own_lineage() {
    let peer = Peer::seeded().await;
    peer.sql(
        "UPDATE redshift_catalog.view_texts SET text = 'create view public.late as select from where ((( with no \
         schema binding' WHERE late_binding",
    )
    .await;
    let run = peer.read().await;
    let late = peer.path(&["public", "late"]);
    assert!(!run.lineage.contains_key(&late) && run.lineage.contains_key(&peer.path(&["public", "daily"])));
    let warned = run
        .warnings
        .iter()
        .find(|warning| warning.code == "lineage_unread")
        .unwrap();
    assert_eq!(warned.path, Some(late));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_takes_anothers_place_between_two_pages_is_found() {
    let peer = Arc::new(Peer::create().await);
    // Two pages, and the second of them waits.
    peer.sql(
        "DO $$ BEGIN FOR i IN 1..2005 LOOP EXECUTE format('CREATE TABLE t%s (a int)', i); END LOOP; END $$",
    )
    .await;
    peer.wire.gate.store(2, Ordering::SeqCst);
    let reader = peer.clone();
    let run = tokio::spawn(async move { reader.read_with(json!({})).await });
    peer.wire.reached.notified().await;
    peer.sql("ALTER TABLE t2005 RENAME TO old; ALTER TABLE t1 RENAME TO t2005")
        .await;
    peer.wire.open.notify_one();
    let run = run.await.unwrap();
    peer.assert_clean(&run);
    assert_eq!(run.repeated, []);
    for name in ["t2", "t2000", "t2004", "t2005", "old"] {
        asset(&run, &peer.path(&["public", name]));
    }
}
