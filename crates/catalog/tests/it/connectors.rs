use crate::support::{Bed, key_text, on_both_engines};
use headwater_catalog::{
    ConnectorId, ConnectorPatch, Error, KeyRing, NewConnector, Outcome, RunStatus, Store,
};
use serde_json::json;

on_both_engines!(
    a_connector_comes_back_as_it_was_sent,
    a_connector_of_another_space_is_not_found,
    a_patch_changes_what_it_names,
    a_patch_based_on_an_older_state_is_refused,
    credentials_are_nowhere_in_clear_text,
    a_new_key_opens_what_an_older_one_sealed_and_seals_anew,
    a_deleted_connector_leaves_its_products_disconnected_and_its_history,
    a_connector_may_be_deleted_while_its_run_ends,
);

async fn a_connector_comes_back_as_it_was_sent(bed: Bed) {
    let created = bed.connector("orders").await;
    assert_eq!(
        bed.store.get_connector(bed.space, created.id).await.unwrap(),
        created
    );
    assert_eq!(created.config, json!({"host": "db.example.com"}));
    assert!(created.is_active && created.last_sync.is_none());
    let second = bed.connector("orders").await;
    bed.seed_product(second.id, "orders", "active").await;
    let listed = bed.store.list_connectors(bed.space).await.unwrap();
    assert_eq!(
        listed.iter().map(|one| one.id).collect::<Vec<_>>(),
        [created.id, second.id]
    );
    assert_eq!(
        listed.iter().map(|one| one.product_count).collect::<Vec<_>>(),
        [0, 1]
    );
}

async fn a_connector_of_another_space_is_not_found(bed: Bed) {
    let connector = bed.connector("orders").await.id;
    let other = bed.another_space().await.id;
    let is_missing = |result: Result<_, Error>| matches!(result.map(drop), Err(Error::NotFound("connector")));
    assert!(is_missing(bed.store.get_connector(other, connector).await));
    assert!(is_missing(
        bed.store.get_connector(bed.space, ConnectorId::new()).await
    ));
    let patch = ConnectorPatch::default();
    assert!(is_missing(
        bed.store
            .update_connector(other, connector, patch, &bed.actor)
            .await
    ));
    let deleted = bed.store.delete_connector(other, connector, &bed.actor).await;
    assert!(matches!(deleted, Err(Error::NotFound("connector"))));
    let created = bed.store.get_connector(bed.space, connector).await;
    assert!(created.is_ok());
}

async fn a_patch_changes_what_it_names(bed: Bed) {
    let before = bed.connector("orders").await;
    let patch = ConnectorPatch {
        name: Some("sales".to_owned()),
        is_active: Some(false),
        source_system_id: Some(Some(json!(7))),
        changed: vec!["name".to_owned()],
        ..ConnectorPatch::default()
    };
    let after = bed
        .store
        .update_connector(bed.space, before.id, patch, &bed.actor)
        .await
        .unwrap();
    assert_eq!((after.name.as_str(), after.is_active), ("sales", false));
    assert_eq!(after.source_system_id, Some(json!(7)));
    assert_eq!(
        (&after.config, after.created_at),
        (&before.config, before.created_at)
    );
    assert!(after.updated_at > before.updated_at);
    let opened = bed.store.credentials(before.id).await.unwrap();
    assert_eq!(opened["password"], "hunter2-clear-text", "kept");

    let patch = ConnectorPatch {
        source_system_id: Some(None),
        credentials: Some(json!({"password": "new"})),
        ..ConnectorPatch::default()
    };
    let cleared = bed
        .store
        .update_connector(bed.space, before.id, patch, &bed.actor)
        .await
        .unwrap();
    assert_eq!(cleared.source_system_id, None);
    let opened = bed.store.credentials(before.id).await.unwrap();
    assert_eq!(opened, json!({"password": "new"}), "replaced whole");
}

async fn a_patch_based_on_an_older_state_is_refused(bed: Bed) {
    let read = bed.connector("orders").await;
    let to = |host: &str| ConnectorPatch {
        config: Some(json!({"host": host})),
        based_on: Some(read.updated_at),
        ..ConnectorPatch::default()
    };
    let update = |patch| bed.store.update_connector(bed.space, read.id, patch, &bed.actor);
    update(to("first.example.com")).await.unwrap();
    let error = update(to("second.example.com")).await.unwrap_err();
    assert!(matches!(error, Error::Conflict), "{error:?}");
    let kept = bed.store.get_connector(bed.space, read.id).await.unwrap();
    assert_eq!(kept.config["host"], "first.example.com");
}

async fn credentials_are_nowhere_in_clear_text(bed: Bed) {
    let connector = bed.connector("orders").await;
    let opened = bed.store.credentials(connector.id).await.unwrap();
    assert_eq!(opened["password"], "hunter2-clear-text");
    assert!(!format!("{:?} {connector:?}", bed.store).contains("hunter2"));

    let patch = ConnectorPatch {
        credentials: Some(opened.clone()),
        ..ConnectorPatch::default()
    };
    let new = NewConnector {
        name: connector.name,
        kind: connector.kind,
        config: connector.config,
        credentials: opened,
        source_system_id: None,
        links_into: None,
    };
    assert!(!format!("{new:?} {patch:?}").contains("hunter2"));

    if let Some(file) = bed.place.file() {
        let mut searched = 0;
        for entry in std::fs::read_dir(file.parent().unwrap()).unwrap() {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            searched += bytes.len();
            assert!(!bytes.windows(7).any(|window| window == b"hunter2"));
        }
        assert!(searched > 0);
    } else {
        let stored = bed
            .place
            .values("SELECT encode(credentials, 'escape') AS value FROM connector")
            .await;
        assert!(!stored[0].contains("hunter2"), "{stored:?}");
    }
}

async fn a_new_key_opens_what_an_older_one_sealed_and_seals_anew(bed: Bed) {
    let connector = bed.connector("orders").await.id;
    let new = "0b".repeat(32);
    let both = KeyRing::parse(&format!("{new}\n{}", key_text())).unwrap();
    let store = Store::open(&bed.place.url(), both).await.unwrap();
    assert_eq!(store.credentials(connector).await.unwrap()["username"], "reader");

    let only_new = || async {
        Store::open(&bed.place.url(), KeyRing::parse(&new).unwrap())
            .await
            .unwrap()
    };
    let error = only_new().await.credentials(connector).await.unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("credentials are sealed with a key that is not in the key ring")
    );

    let patch = ConnectorPatch {
        credentials: Some(json!({"username": "writer"})),
        ..ConnectorPatch::default()
    };
    store
        .update_connector(bed.space, connector, patch, &bed.actor)
        .await
        .unwrap();
    let opened = only_new().await.credentials(connector).await.unwrap();
    assert_eq!(opened, json!({"username": "writer"}));
}

async fn a_deleted_connector_leaves_its_products_disconnected_and_its_history(bed: Bed) {
    let connector = bed.connector("orders").await.id;
    bed.seed_product(connector, "orders", "active").await;
    bed.seed_product(connector, "gone", "stale").await;
    let run = bed.start(connector).await;
    let claim = bed.claim("a").await.unwrap();
    bed.store
        .delete_connector(bed.space, connector, &bed.actor)
        .await
        .unwrap();

    let gone = bed.store.get_connector(bed.space, connector).await;
    assert!(matches!(gone, Err(Error::NotFound("connector"))));
    assert!(matches!(
        bed.store.credentials(connector).await,
        Err(Error::NotFound("connector"))
    ));
    let run = bed.store.get_run(bed.space, run.id).await.unwrap();
    assert_eq!(
        (run.status, run.connector_name.as_str()),
        (RunStatus::Cancelled, "orders")
    );
    assert!(run.completed_at.is_some() && run.phase.is_none());
    let late = bed.store.heartbeat(&claim).await;
    assert!(
        matches!(late, Err(Error::LeaseLost)),
        "its worker is cut off: {late:?}"
    );
    let states = bed
        .place
        .values("SELECT DISTINCT state AS value FROM product")
        .await;
    assert_eq!(states, ["disconnected"]);
}

async fn a_connector_may_be_deleted_while_its_run_ends(bed: Bed) {
    for n in 0..20 {
        let connector = bed.connector(&format!("c{n}")).await.id;
        bed.start(connector).await;
        let claim = bed.claim("a").await.unwrap();
        let (store, run) = (bed.store.clone(), claim.id());
        let ending = tokio::spawn(async move {
            store
                .finish_run(&claim, &Outcome::new(RunStatus::Completed))
                .await
        });
        bed.store
            .delete_connector(bed.space, connector, &bed.actor)
            .await
            .unwrap();
        let ended = ending.await.unwrap();
        assert!(matches!(ended, Ok(_) | Err(Error::LeaseLost)), "{ended:?}");
        let status = bed.store.get_run(bed.space, run).await.unwrap().status;
        assert_eq!(status == RunStatus::Completed, ended.is_ok());
    }
}
