use crate::support::{Bed, on_both_engines};
use headwater_catalog::{Actor, AuditEvent, ConnectorPatch, KeyId, NewApiKey, PageRequest, Role};
use serde_json::json;

on_both_engines!(
    each_change_leaves_one_event_with_names_but_no_values,
    a_change_that_is_refused_leaves_no_event,
    the_log_is_paged_newest_first_and_kept_apart_by_space,
);

async fn all(bed: &Bed) -> Vec<AuditEvent> {
    let page = PageRequest { page: 1, size: 100 };
    bed.store.list_audit(bed.space, page).await.unwrap().items
}

async fn each_change_leaves_one_event_with_names_but_no_values(bed: Bed) {
    let who = Actor {
        name: "bob".to_owned(),
        key_id: Some(KeyId::new()),
    };
    let connector = bed.connector("orders").await.id;
    let patch = ConnectorPatch {
        config: Some(json!({"host": "elsewhere.example.com"})),
        credentials: Some(json!({"password": "hunter3"})),
        changed: vec!["config.host".to_owned(), "credentials".to_owned()],
        ..ConnectorPatch::default()
    };
    bed.store
        .update_connector(bed.space, connector, patch, &who)
        .await
        .unwrap();
    let run = bed.start(connector).await;
    bed.store.cancel_run(bed.space, run.id, &who).await.unwrap();
    bed.store.cancel_run(bed.space, run.id, &who).await.unwrap();
    let key = NewApiKey {
        name: "ci".to_owned(),
        role: Role::Viewer,
        expires_at: None,
    };
    let (key, _) = bed
        .store
        .create_api_key(Some(bed.space), key, &who)
        .await
        .unwrap();
    bed.store
        .revoke_api_key(Some(bed.space), key.id, &who)
        .await
        .unwrap();
    bed.store
        .delete_connector(bed.space, connector, &who)
        .await
        .unwrap();

    let events = all(&bed).await;
    let actions: Vec<_> = events.iter().rev().map(|event| event.action.as_str()).collect();
    assert_eq!(
        actions,
        [
            "space.create",
            "connector.create",
            "credentials.update",
            "connector.update",
            "sync.start",
            "sync.cancel",
            "key.create",
            "key.revoke",
            "connector.delete",
        ]
    );
    let update = events
        .iter()
        .find(|event| event.action == "connector.update")
        .unwrap();
    assert_eq!(update.fields, ["config.host"]);
    assert_eq!((update.actor.as_str(), update.key_id), ("bob", who.key_id));
    assert_eq!(
        (update.object.as_str(), &update.object_id),
        ("connector", &connector.to_string())
    );
    let shown = format!("{events:?}");
    assert!(
        !shown.contains("elsewhere") && !shown.contains("hunter"),
        "{shown}"
    );
}

async fn a_change_that_is_refused_leaves_no_event(bed: Bed) {
    bed.connector("orders").await;
    let before = all(&bed).await.len();
    bed.store.delete_space(bed.space, &bed.actor).await.unwrap_err();
    bed.store
        .create_space("shop", "Again", &bed.actor)
        .await
        .unwrap_err();
    assert_eq!(all(&bed).await.len(), before);
}

async fn the_log_is_paged_newest_first_and_kept_apart_by_space(bed: Bed) {
    let other = bed.another_space().await;
    for name in ["a", "b", "c"] {
        bed.connector(name).await;
    }
    let page = |page| PageRequest { page, size: 3 };
    let first = bed.store.list_audit(bed.space, page(1)).await.unwrap();
    let second = bed.store.list_audit(bed.space, page(2)).await.unwrap();
    let third = bed.store.list_audit(bed.space, page(3)).await.unwrap();
    assert_eq!(
        (
            first.total,
            first.items.len(),
            second.items.len(),
            third.items.len()
        ),
        (4, 3, 1, 0)
    );
    assert_eq!(second.items[0].action, "space.create");
    assert!(first.items[0].at >= first.items[2].at);
    assert_eq!(bed.store.list_audit(other.id, page(1)).await.unwrap().total, 1);
}
