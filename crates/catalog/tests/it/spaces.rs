use crate::support::{Bed, on_both_engines};
use headwater_catalog::{Error, NewApiKey, Role};

on_both_engines!(
    a_space_is_found_by_its_slug_with_its_counts,
    a_slug_is_taken_once,
    a_space_with_connectors_stays_and_an_empty_one_goes_with_all_it_left,
);

async fn a_space_is_found_by_its_slug_with_its_counts(bed: Bed) {
    let connector = bed.connector("orders").await;
    bed.seed_product(connector.id, "orders", "active").await;
    bed.seed_product(connector.id, "gone", "stale").await;
    let space = bed.store.get_space("shop").await.unwrap();
    assert_eq!((space.connector_count, space.product_count), (1, 1));
    assert_eq!((space.id, space.name.as_str()), (bed.space, "The shop"));

    bed.another_space().await;
    let all = bed.store.list_spaces().await.unwrap();
    let counts: Vec<_> = all
        .iter()
        .map(|space| (space.slug.as_str(), space.connector_count, space.product_count))
        .collect();
    assert_eq!(counts, [("other", 0, 0), ("shop", 1, 1)]);

    assert_eq!(
        bed.store.resolve_space("shop").await.unwrap().unwrap().id,
        bed.space
    );
    assert!(bed.store.find_space("nowhere").await.unwrap().is_none());
    let error = bed.store.get_space("nowhere").await.unwrap_err();
    assert_eq!(error.to_string(), "space not found");
}

async fn a_slug_is_taken_once(bed: Bed) {
    let error = bed
        .store
        .create_space("shop", "Again", &bed.actor)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::SlugTaken), "{error:?}");
    assert_eq!(bed.store.list_spaces().await.unwrap().len(), 1);
}

async fn a_space_with_connectors_stays_and_an_empty_one_goes_with_all_it_left(bed: Bed) {
    let connector = bed.connector("orders").await;
    let error = bed.store.delete_space(bed.space, &bed.actor).await.unwrap_err();
    assert!(matches!(error, Error::SpaceNotEmpty), "{error:?}");

    bed.seed_product(connector.id, "orders", "active").await;
    bed.start(connector.id).await;
    let key = NewApiKey {
        name: "ci".to_owned(),
        role: Role::Editor,
        expires_at: None,
    };
    let (_, plain) = bed
        .store
        .create_api_key(Some(bed.space), key, &bed.actor)
        .await
        .unwrap();
    bed.store
        .delete_connector(bed.space, connector.id, &bed.actor)
        .await
        .unwrap();
    bed.store.delete_space(bed.space, &bed.actor).await.unwrap();

    assert!(bed.store.list_spaces().await.unwrap().is_empty());
    let now = jiff::Timestamp::now();
    assert_eq!(bed.store.authenticate(plain.expose(), now).await.unwrap(), None);
    let error = bed.store.delete_space(bed.space, &bed.actor).await.unwrap_err();
    assert!(matches!(error, Error::NotFound("space")), "{error:?}");
}
