use crate::{
    support::{Bed, on_both_engines},
    toy::{ToyBed, add_tables, counts, id, text},
};
use headwater_catalog::{
    Change, Completeness, PageRequest, ProductOrigin, ProductPatch, Removals, RunRequest, RunStatus,
};
use headwater_core::{
    Error, ErrorKind, Facet, Path,
    model::{AssetKind, DataType, Definition, Stat, Stats, Version},
};
use headwater_testkit::{Call, Part, ToySource};
use serde_json::json;

on_both_engines!(
    a_first_sync_creates_each_product_with_all_its_parts,
    a_second_sync_writes_nothing,
    an_altered_column_is_exactly_that_change,
    a_view_that_becomes_a_table_is_the_same_product,
    unread_parts_change_nothing,
    what_people_wrote_survives_a_sync,
    a_retry_in_mid_split_doubles_nothing,
    statistics_do_not_move_updated_at,
    equal_slugs_are_numbered_and_stay,
    two_spaces_do_not_meet,
    two_connectors_of_one_space_sync_at_once,
    an_unchanged_version_is_not_read_again,
    warnings_are_kept,
);

async fn a_first_sync_creates_each_product_with_all_its_parts(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    toy.source
        .add_table(["shop", "public", "Orders"], [id(), text("note")]);
    toy.source.alter(["shop", "public", "Orders"], |orders| {
        orders.description = Some("all orders".to_owned()).into();
        orders.native_id = Some("16412".into());
        orders.properties.insert("engine".into(), json!("heap"));
    });
    let orders = Path::new(["shop", "public", "Orders"]);
    toy.source
        .add_view(["shop", "public", "recent"], [id()], "SELECT 1", [&orders]);

    let run = toy.sync().await;
    assert_eq!(run.status, RunStatus::Completed, "{:?}", run.error);
    assert_eq!(counts(&run), [2, 0, 0, 0]);
    assert_eq!(run.completeness, Some(Completeness::Complete));
    assert_eq!(run.removals, Removals::None);
    assert_eq!((run.progress.splits_total, run.progress.splits_done), (1, 1));
    assert_eq!(run.progress.assets_seen, 2);
    assert!(run.cost.requests > 0);

    let detail = toy.product("shop.public.Orders").await;
    let product = &detail.product;
    assert_eq!(product.path, orders);
    assert_eq!(
        (product.name.as_str(), product.slug.as_str()),
        ("Orders", "shop-public-orders")
    );
    assert_eq!(
        (product.family.as_str(), product.provider.as_str()),
        ("toy", "toy")
    );
    assert_eq!(product.product_type, "table");
    assert_eq!(product.description.as_deref(), Some("all orders"));
    assert_eq!(product.owners, Facet::Read(vec!["toy".into()]));
    assert_eq!(product.origins.description, ProductOrigin::Source);
    assert_eq!(detail.native_id.as_deref(), Some("16412"));
    assert_eq!(detail.properties["engine"], "heap");
    assert_eq!(detail.fields.as_option().unwrap().len(), 2);
    assert_eq!(detail.stats.as_option().unwrap().row_count, Some(Stat::exact(20)));
    assert_eq!(detail.schema_changes, []);
    assert_eq!(
        detail.lineage.downstream[0].path,
        Path::new(["shop", "public", "recent"])
    );

    let view = toy.product("shop.public.recent").await;
    assert_eq!(view.definition, Facet::Read(Some(Definition::sql("SELECT 1"))));
    assert_eq!(view.lineage.upstream[0].product_id, Some(product.id));
    let connector = toy
        .bed
        .store
        .get_connector(toy.bed.space, toy.connector.id)
        .await
        .unwrap();
    assert_eq!(connector.last_sync, Some(run.started_at));
    assert_eq!(connector.product_count, 2);
}

async fn a_second_sync_writes_nothing(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    add_tables(&toy.source, "public", 7);
    let table = Path::new(["shop", "public", "t0"]);
    toy.source
        .add_view(["shop", "public", "v"], [id()], "SELECT 1", [&table]);
    toy.sync().await;
    toy.watch_writes().await;
    let second = toy.sync().await;
    assert_eq!(counts(&second), [0, 0, 8, 0]);
    assert_eq!(toy.writes().await, [""; 0]);
    let third = toy
        .sync_with(RunRequest {
            full_refresh: true,
            ..RunRequest::default()
        })
        .await;
    assert_eq!(counts(&third), [0, 0, 8, 0]);
    assert_eq!(toy.writes().await, [""; 0]);
}

async fn an_altered_column_is_exactly_that_change(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    add_tables(&toy.source, "public", 3);
    toy.sync().await;
    let before = toy.product("shop.public.t1").await.product;
    toy.source.alter(["shop", "public", "t1"], |table| {
        table.fields.as_mut().unwrap()[1].native_type = "varchar(80)".into();
    });
    let run = toy.sync().await;
    assert_eq!(counts(&run), [0, 1, 2, 0]);

    let after = toy.product("shop.public.t1").await;
    assert!(after.product.updated_at > before.updated_at);
    assert_eq!(after.product.created_at, before.created_at);
    let [change] = after.schema_changes.as_slice() else {
        panic!("{:?}", after.schema_changes)
    };
    assert_eq!((change.run_id, change.product_id), (run.id, after.product.id));
    assert_eq!(change.changes, [native_type("note", "text", "varchar(80)")]);
    assert_eq!(toy.product("shop.public.t0").await.schema_changes, []);
}

fn native_type(field: &str, before: &str, after: &str) -> Change {
    serde_json::from_value(json!({
        "op": "changed", "part": "fields", "path": [field], "attribute": "native_type",
        "before": before, "after": after,
    }))
    .unwrap()
}

async fn a_view_that_becomes_a_table_is_the_same_product(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    let upstream = Path::new(["shop", "public", "t0"]);
    add_tables(&toy.source, "public", 1);
    toy.source
        .add_view(["shop", "public", "m"], [id()], "SELECT 1", [&upstream]);
    toy.sync().await;
    let before = toy.product("shop.public.m").await;
    toy.source.add_table(["shop", "public", "m"], [id()]);
    toy.source
        .set_lineage(&Path::new(["shop", "public", "m"]), vec![]);
    let run = toy.sync().await;
    assert_eq!(counts(&run), [0, 1, 1, 0]);
    let after = toy.product("shop.public.m").await;
    assert_eq!(after.product.id, before.product.id);
    assert_eq!(after.product.product_type, AssetKind::TABLE.as_str());
    assert_eq!(after.lineage.upstream, []);
    let parts: Vec<&str> = after.schema_changes[0]
        .changes
        .iter()
        .map(|one| one.part.as_str())
        .collect();
    assert_eq!(parts, ["kind", "definition"]);
}

async fn unread_parts_change_nothing(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    add_tables(&toy.source, "public", 2);
    let table = Path::new(["shop", "public", "t0"]);
    toy.source
        .add_view(["shop", "public", "v"], [id()], "SELECT 1", [&table]);
    toy.sync().await;
    toy.watch_writes().await;
    for part in Part::ALL {
        toy.source.refuse_part(part);
    }
    let run = toy.sync().await;
    assert_eq!(counts(&run), [0, 0, 3, 0]);
    assert_eq!(toy.writes().await, [""; 0]);
    let view = toy.product("shop.public.v").await;
    assert!(view.fields.as_option().is_some() && view.definition.value().is_some());
    assert_eq!(view.lineage.upstream.len(), 1);

    // A change of a part that is read is seen, and nothing else with it.
    toy.source.alter(["shop", "public", "v"], |view| {
        view.description = Some("new".to_owned()).into()
    });
    let run = toy.sync().await;
    assert_eq!(counts(&run), [0, 1, 2, 0]);
    let view = toy.product("shop.public.v").await;
    assert_eq!(view.schema_changes[0].changes.len(), 1);
    assert!(view.fields.as_option().is_some() && view.definition.value().is_some());
}

async fn what_people_wrote_survives_a_sync(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    add_tables(&toy.source, "public", 1);
    toy.sync().await;
    let product = toy.product("shop.public.t0").await.product;
    let patch = ProductPatch {
        description: Some(Some("ours".into())),
        tags: Some(Some(vec!["gold".into()])),
        owners: None,
    };
    let store = &toy.bed.store;
    let edited = store
        .update_product(toy.bed.space, product.id, patch, &toy.bed.actor)
        .await
        .unwrap();
    assert!(edited.product.updated_at > product.updated_at);

    toy.source.alter(["shop", "public", "t0"], |table| {
        table.description = Some("theirs".to_owned()).into();
        table.fields.as_mut().unwrap().push(text("more"));
    });
    toy.sync().await;
    let synced = toy.product("shop.public.t0").await;
    assert_eq!(synced.product.description.as_deref(), Some("ours"));
    assert_eq!(synced.product.tags, Facet::Read(vec!["gold".into()]));
    assert_eq!(synced.product.origins.description, ProductOrigin::Manual);
    assert_eq!(synced.product.origins.owners, ProductOrigin::Source);
    assert_eq!(synced.fields.as_option().unwrap().len(), 3);

    let give_back = ProductPatch {
        description: Some(None),
        ..ProductPatch::default()
    };
    let given = store
        .update_product(toy.bed.space, product.id, give_back, &toy.bed.actor)
        .await
        .unwrap();
    assert_eq!(given.product.description.as_deref(), Some("theirs"));
    assert_eq!(given.product.origins.description, ProductOrigin::Source);
}

async fn a_retry_in_mid_split_doubles_nothing(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    toy.source.set_page_size(2);
    add_tables(&toy.source, "public", 6);
    toy.source
        .fail(Call::Assets, 3, Error::new(ErrorKind::Unavailable, "broke off"));
    let run = toy.sync().await;
    assert_eq!(run.status, RunStatus::Completed);
    assert_eq!(counts(&run), [6, 0, 0, 0]);
    assert_eq!(toy.products().await.len(), 6);

    toy.source.alter(["shop", "public", "t0"], |table| {
        table.tags = vec!["a".to_owned()].into()
    });
    toy.source
        .fail(Call::Assets, 3, Error::new(ErrorKind::Unavailable, "broke off"));
    let run = toy.sync().await;
    assert_eq!(counts(&run), [0, 1, 5, 0]);
    assert_eq!(toy.product("shop.public.t0").await.schema_changes.len(), 1);
}

async fn statistics_do_not_move_updated_at(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    add_tables(&toy.source, "public", 1);
    toy.sync().await;
    let before = toy.product("shop.public.t0").await;
    let measure = |rows| {
        toy.source.alter(["shop", "public", "t0"], |table| {
            table.stats = Facet::Read(Stats {
                row_count: Some(Stat::exact(rows)),
                ..Stats::default()
            });
        });
    };
    let stored = async || {
        toy.product("shop.public.t0")
            .await
            .stats
            .as_option()
            .unwrap()
            .row_count
    };
    measure(1_000_000);
    assert_eq!(counts(&toy.sync().await), [0, 0, 1, 0]);
    assert_eq!(stored().await, Some(Stat::exact(1_000_000)));
    measure(1_010_000);
    assert_eq!(counts(&toy.sync().await), [0, 0, 1, 0]);
    assert_eq!(
        stored().await,
        Some(Stat::exact(1_000_000)),
        "one percent is not worth a write"
    );
    let after = toy.product("shop.public.t0").await;
    assert_eq!(after.product.updated_at, before.product.updated_at);
    assert_eq!(after.schema_changes, []);
}

async fn equal_slugs_are_numbered_and_stay(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    let another = ToySource::new();
    for source in [&toy.source, &another] {
        source.add_table(["shop", "public", "a b"], [id()]);
        source.add_table(["shop", "public", "a.b"], [id()]);
    }
    toy.sync().await;
    let other = toy.connect(&another).await;
    assert_eq!(counts(&toy.sync_of(other.id).await), [2, 0, 0, 0]);
    let slugs = async || -> Vec<String> {
        toy.bed
            .place
            .values("SELECT slug AS value FROM product ORDER BY connector_id, key")
            .await
    };
    let first = slugs().await;
    let mut sorted = first.clone();
    sorted.sort();
    assert_eq!(
        sorted,
        [
            "shop-public-a-b",
            "shop-public-a-b-2",
            "shop-public-a-b-3",
            "shop-public-a-b-4"
        ]
    );
    another.alter(["shop", "public", "a b"], |table| {
        table.tags = vec!["x".to_owned()].into()
    });
    toy.sync_of(other.id).await;
    assert_eq!(slugs().await, first);
}

async fn two_spaces_do_not_meet(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    add_tables(&toy.source, "public", 2);
    toy.sync().await;
    let space = toy.bed.another_space().await.id;
    let other = toy.connect_in(space, &toy.source).await;
    let store = &toy.bed.store;
    let run = store
        .start_run(
            space,
            other.id,
            RunRequest::default(),
            headwater_catalog::Trigger::Api,
            &toy.bed.actor,
        )
        .await
        .unwrap();
    toy.engine.wake();
    loop {
        let run = store.get_run(space, run.id).await.unwrap();
        if run.status != RunStatus::Running {
            assert_eq!(counts(&run), [2, 0, 0, 0]);
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let listed = store
        .list_products(space, Default::default(), PageRequest::default())
        .await
        .unwrap();
    assert_eq!(listed.total, 2);
    assert_eq!(
        listed.items[0].slug, "shop-public-t0",
        "slugs are unique within a space"
    );
    let own = toy.product("shop.public.t0").await.product;
    assert!(
        store.get_product(space, own.id).await.is_err(),
        "a product of another space is not found"
    );
}

async fn two_connectors_of_one_space_sync_at_once(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    let mut connectors = vec![toy.connector.id];
    add_tables(&toy.source, "public", 120);
    for _ in 0..3 {
        connectors.push(toy.connect(&toy.source).await.id);
    }
    let mut runs = Vec::new();
    for connector in &connectors {
        runs.push(toy.bed.start(*connector).await.id);
    }
    toy.engine.wake();
    for run in runs {
        let run = toy.ended(run).await;
        assert_eq!(
            (run.status, counts(&run)),
            (RunStatus::Completed, [120, 0, 0, 0]),
            "{:?}",
            run.error
        );
    }
}

async fn an_unchanged_version_is_not_read_again(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    add_tables(&toy.source, "public", 2);
    let version = |text: &str| {
        let version = Version(text.into());
        toy.source
            .alter(["shop", "public", "t0"], |table| table.version = Some(version));
    };
    version("v1");
    toy.sync().await;
    // The toy reports an asset of a known version as unchanged, whatever it holds.
    toy.source.alter(["shop", "public", "t0"], |table| {
        table.fields.as_mut().unwrap().push(text("more"))
    });
    assert_eq!(counts(&toy.sync().await), [0, 0, 2, 0]);
    assert_eq!(
        toy.product("shop.public.t0")
            .await
            .fields
            .as_option()
            .unwrap()
            .len(),
        2
    );

    let full = RunRequest {
        full_refresh: true,
        ..RunRequest::default()
    };
    assert_eq!(counts(&toy.sync_with(full).await), [0, 1, 1, 0]);
    toy.source.alter(["shop", "public", "t0"], |table| {
        table.fields.as_mut().unwrap()[0].data_type = DataType::Uuid;
    });
    version("v2");
    assert_eq!(counts(&toy.sync().await), [0, 1, 1, 0]);
}

async fn warnings_are_kept(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    add_tables(&toy.source, "public", 1);
    toy.source.refuse_part(Part::Definition);
    let run = toy.sync().await;
    let warnings = toy
        .bed
        .store
        .run_warnings(run.id, PageRequest::default())
        .await
        .unwrap();
    assert_eq!((run.warnings_count, warnings.total), (1, 1));
    assert_eq!(warnings.items[0].code, "definition_unread");
}
