//! One broken object costs itself, and what changes between two pages is found.

use crate::{peer::Peer, reading::asset};
use headwater_core::model::AssetKind;

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
