use crate::support::{Bed, on_both_engines};
use headwater_catalog::{ApiKey, Error, NewApiKey, Role, SpaceId};
use headwater_core::Secret;
use jiff::{SignedDuration, Timestamp};

on_both_engines!(
    a_key_opens_its_space_with_its_role,
    an_instance_key_belongs_to_no_space,
    a_key_ends_when_it_expires,
    a_revoked_key_opens_nothing_and_is_still_listed,
    only_a_keys_digest_is_stored,
);

async fn create(
    bed: &Bed,
    of: Option<SpaceId>,
    role: Role,
    expires_at: Option<Timestamp>,
) -> (ApiKey, Secret) {
    let new = NewApiKey {
        name: "ci".to_owned(),
        role,
        expires_at,
    };
    bed.store.create_api_key(of, new, &bed.actor).await.unwrap()
}

async fn a_key_opens_its_space_with_its_role(bed: Bed) {
    let (key, plain) = create(&bed, Some(bed.space), Role::Editor, None).await;
    assert_eq!(plain.expose().len(), 46);
    assert!(plain.expose().starts_with("hw_") && plain.expose().starts_with(&key.prefix));
    assert_eq!(key.prefix.len(), 7);
    assert_eq!(key.space.as_deref(), Some("shop"));

    let now = Timestamp::now();
    let principal = bed
        .store
        .authenticate(plain.expose(), now)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(principal.key_id, Some(key.id));
    assert_eq!((principal.role, principal.name.as_str()), (Role::Editor, "ci"));
    assert_eq!(principal.space.unwrap().slug, "shop");
    for wrong in ["", "hw_", &plain.expose()[..45], &format!("{}x", plain.expose())] {
        assert_eq!(bed.store.authenticate(wrong, now).await.unwrap(), None, "{wrong}");
    }
}

async fn an_instance_key_belongs_to_no_space(bed: Bed) {
    assert!(!bed.store.has_instance_key().await.unwrap());
    create(&bed, Some(bed.space), Role::Admin, None).await;
    assert!(!bed.store.has_instance_key().await.unwrap());
    let (key, plain) = create(&bed, None, Role::Admin, None).await;
    assert!(bed.store.has_instance_key().await.unwrap());
    let principal = bed
        .store
        .authenticate(plain.expose(), Timestamp::now())
        .await
        .unwrap();
    assert_eq!(principal.unwrap().space, None);

    let listed = bed.store.list_api_keys(None).await.unwrap();
    assert_eq!(listed, std::slice::from_ref(&key));
    let error = bed
        .store
        .revoke_api_key(Some(bed.space), key.id, &bed.actor)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::NotFound("api key")), "{error:?}");
    bed.store.revoke_api_key(None, key.id, &bed.actor).await.unwrap();
    assert!(!bed.store.has_instance_key().await.unwrap());
}

async fn a_key_ends_when_it_expires(bed: Bed) {
    let end = Timestamp::now() + SignedDuration::from_hours(1);
    let (_, plain) = create(&bed, Some(bed.space), Role::Viewer, Some(end)).await;
    let before = end - SignedDuration::from_secs(1);
    assert!(
        bed.store
            .authenticate(plain.expose(), before)
            .await
            .unwrap()
            .is_some()
    );
    assert!(
        bed.store
            .authenticate(plain.expose(), end)
            .await
            .unwrap()
            .is_none()
    );
}

async fn a_revoked_key_opens_nothing_and_is_still_listed(bed: Bed) {
    let (key, plain) = create(&bed, Some(bed.space), Role::Viewer, None).await;
    let (kept, _) = create(&bed, Some(bed.space), Role::Viewer, None).await;
    bed.store
        .revoke_api_key(Some(bed.space), key.id, &bed.actor)
        .await
        .unwrap();
    let now = Timestamp::now();
    assert_eq!(bed.store.authenticate(plain.expose(), now).await.unwrap(), None);

    let listed = bed.store.list_api_keys(Some(bed.space)).await.unwrap();
    let revoked_at = listed[0].revoked_at;
    assert_eq!(
        listed.iter().map(|key| key.id).collect::<Vec<_>>(),
        [key.id, kept.id]
    );
    assert!(revoked_at.is_some() && listed[1].revoked_at.is_none());
    bed.store
        .revoke_api_key(Some(bed.space), key.id, &bed.actor)
        .await
        .unwrap();
    let again = bed.store.list_api_keys(Some(bed.space)).await.unwrap();
    assert_eq!(again[0].revoked_at, revoked_at, "the first revocation stands");
}

async fn only_a_keys_digest_is_stored(bed: Bed) {
    let (_, plain) = create(&bed, Some(bed.space), Role::Viewer, None).await;
    let secret_part = &plain.expose()[7..];
    for column in ["name", "prefix", "role"] {
        let stored = bed
            .place
            .values(&format!("SELECT {column} AS value FROM api_key"))
            .await;
        assert!(!stored[0].contains(secret_part));
    }
    let lengths = bed
        .place
        .values("SELECT CAST(length(digest) AS TEXT) AS value FROM api_key")
        .await;
    assert_eq!(lengths, ["32"]);
}
