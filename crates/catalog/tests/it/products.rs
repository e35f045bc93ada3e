use crate::{
    support::{Bed, on_both_engines},
    toy::{ToyBed, add_tables, id, text},
};
use headwater_catalog::{
    Error, PageRequest, Product, ProductFilter, ProductId, ProductOrigin, ProductPatch, ProductState,
};
use headwater_core::{
    Facet, Path,
    model::{Constraint, ConstraintKind, Reference},
};
use headwater_testkit::ToySource;

on_both_engines!(
    a_list_is_sorted_filtered_and_paged,
    a_search_finds_names_paths_descriptions_and_columns,
    a_search_finds_what_people_wrote,
    a_foreign_key_leads_to_its_product,
    an_edit_is_audited_and_an_idle_one_writes_nothing,
    changes_are_newest_first_and_paged,
    a_deleted_connectors_products_are_disconnected,
    a_product_of_another_space_is_not_found,
);

async fn list(toy: &ToyBed, filter: ProductFilter, page: PageRequest) -> (Vec<String>, u64) {
    let found = toy
        .bed
        .store
        .list_products(toy.bed.space, filter, page)
        .await
        .unwrap();
    let location = |product: Product| product.hosting_location;
    (found.items.into_iter().map(location).collect(), found.total)
}

async fn search(toy: &ToyBed, text: &str) -> Vec<String> {
    let filter = ProductFilter {
        search: Some(text.to_owned()),
        ..ProductFilter::default()
    };
    list(toy, filter, PageRequest::default()).await.0
}

async fn a_list_is_sorted_filtered_and_paged(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    add_tables(&toy.source, "public", 5);
    toy.sync().await;
    let other = ToySource::new();
    other.add_table(["shop", "public", "t2b"], [id()]);
    other.add_table(["shop", "public", "T2"], [id()]);
    let connector = toy.connect(&other).await;
    toy.sync_of(connector.id).await;
    toy.source.remove(["shop", "public", "t0"]);
    toy.sync().await;

    let everything = list(&toy, ProductFilter::default(), PageRequest::default()).await;
    // By code points on either engine: capitals first.
    let expected = ["T2", "t1", "t2", "t2b", "t3", "t4"].map(|name| format!("shop.public.{name}"));
    assert_eq!(everything, (expected.to_vec(), 6));
    let second = list(&toy, ProductFilter::default(), PageRequest { page: 2, size: 2 }).await;
    assert_eq!(second, (expected[2..4].to_vec(), 6));
    let past = list(&toy, ProductFilter::default(), PageRequest { page: 9, size: 2 }).await;
    assert_eq!(past, (vec![], 6));

    let of_connector = ProductFilter {
        connector_id: Some(connector.id),
        ..ProductFilter::default()
    };
    assert_eq!(
        list(&toy, of_connector, PageRequest::default()).await.0,
        ["shop.public.T2", "shop.public.t2b"]
    );
    let archived = ProductFilter {
        include_archived: true,
        ..ProductFilter::default()
    };
    assert_eq!(list(&toy, archived.clone(), PageRequest::default()).await.1, 7);
    let stale = ProductFilter {
        state: Some(ProductState::Stale),
        ..archived
    };
    assert_eq!(
        list(&toy, stale, PageRequest::default()).await.0,
        ["shop.public.t0"]
    );
}

async fn a_search_finds_names_paths_descriptions_and_columns(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    toy.source
        .add_table(["shop", "public", "Orders"], [id(), text("Grand_Total")]);
    toy.source
        .add_table(["shop", "audit", "log"], [id(), text("100%")]);
    toy.source.alter(["shop", "audit", "log"], |log| {
        log.description = Some("Wer hat wann GEÄNDERT".to_owned()).into();
    });
    toy.sync().await;
    assert_eq!(search(&toy, "ORDER").await, ["shop.public.Orders"]);
    assert_eq!(search(&toy, "shop.audit").await, ["shop.audit.log"]);
    assert_eq!(search(&toy, "geändert").await, ["shop.audit.log"]);
    assert_eq!(search(&toy, "d_total").await, ["shop.public.Orders"]);
    assert_eq!(
        search(&toy, "d%total").await,
        [""; 0],
        "a wildcard stands for itself"
    );
    assert_eq!(search(&toy, "100%").await, ["shop.audit.log"]);
    assert_eq!(search(&toy, "o_ders").await, [""; 0]);
    assert_eq!(search(&toy, "\\").await, [""; 0]);
    assert_eq!(search(&toy, "a\0b").await, [""; 0]);
    assert_eq!(search(&toy, "").await.len(), 2);
}

async fn a_search_finds_what_people_wrote(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    add_tables(&toy.source, "public", 2);
    toy.sync().await;
    let product = toy.product("shop.public.t1").await.product;
    let patch = ProductPatch {
        description: Some(Some("Ledger".into())),
        ..ProductPatch::default()
    };
    let store = &toy.bed.store;
    store
        .update_product(toy.bed.space, product.id, patch, &toy.bed.actor)
        .await
        .unwrap();
    assert_eq!(search(&toy, "ledger").await, ["shop.public.t1"]);
    toy.source.alter(["shop", "public", "t1"], |table| {
        table.fields.as_mut().unwrap().push(text("amount"))
    });
    toy.sync().await;
    assert_eq!(search(&toy, "ledger").await, ["shop.public.t1"]);
    assert_eq!(search(&toy, "amount").await, ["shop.public.t1"]);
}

async fn a_foreign_key_leads_to_its_product(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    toy.source.add_table(["shop", "public", "customers"], [id()]);
    toy.source
        .add_table(["shop", "public", "orders"], [id(), text("customer_id")]);
    toy.source.alter(["shop", "public", "orders"], |orders| {
        let mut to = Constraint::new(Some("to".into()), ConstraintKind::FOREIGN_KEY, ["customer_id"]);
        let refer = |path: [&str; 3]| Reference {
            path: Path::new(path),
            fields: vec!["id".into()],
        };
        let mut nowhere = to.clone();
        to.references = Some(refer(["shop", "public", "customers"]));
        nowhere.name = Some("nowhere".into());
        nowhere.references = Some(refer(["shop", "public", "gone"]));
        let key = Constraint::new(None, ConstraintKind::PRIMARY_KEY, ["id"]);
        orders.constraints = vec![key, nowhere, to].into();
    });
    toy.sync().await;
    let customers = toy.product("shop.public.customers").await.product.id;
    assert_eq!(
        toy.product("shop.public.orders").await.referred,
        [None, None, Some(customers)]
    );
}

async fn an_edit_is_audited_and_an_idle_one_writes_nothing(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    add_tables(&toy.source, "public", 1);
    toy.sync().await;
    let (store, space, actor) = (&toy.bed.store, toy.bed.space, &toy.bed.actor);
    let product = toy.product("shop.public.t0").await.product.id;
    let patch = ProductPatch {
        tags: Some(Some(vec!["b".into(), "a".into()])),
        owners: Some(Some(vec![])),
        ..ProductPatch::default()
    };
    let edited = store
        .update_product(space, product, patch.clone(), actor)
        .await
        .unwrap()
        .product;
    assert_eq!(edited.tags, Facet::Read(vec!["b".into(), "a".into()]));
    assert_eq!(
        (edited.owners, edited.origins.owners),
        (Facet::Read(vec![]), ProductOrigin::Manual)
    );
    let again = store
        .update_product(space, product, patch, actor)
        .await
        .unwrap()
        .product;
    assert_eq!(again.updated_at, edited.updated_at);
    let audit = store
        .list_audit(space, PageRequest::default())
        .await
        .unwrap()
        .items;
    let events: Vec<_> = audit
        .iter()
        .filter(|event| event.action == "product.update")
        .collect();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].fields, ["tags", "owners"]);
    assert_eq!(events[0].object_id, product.to_string());
}

async fn changes_are_newest_first_and_paged(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    add_tables(&toy.source, "public", 1);
    toy.sync().await;
    for n in 0..12 {
        toy.source.alter(["shop", "public", "t0"], |table| {
            table.fields.as_mut().unwrap().push(text(&format!("c{n}")));
        });
        toy.sync().await;
    }
    let detail = toy.product("shop.public.t0").await;
    let newest = |changes: &[headwater_catalog::SchemaChange]| -> Vec<String> {
        changes
            .iter()
            .map(|change| change.changes[0].path[0].clone())
            .collect()
    };
    assert_eq!(detail.schema_changes.len(), 10);
    assert_eq!(newest(&detail.schema_changes)[..2], ["c11", "c10"]);
    let page = PageRequest { page: 3, size: 5 };
    let changes = toy
        .bed
        .store
        .schema_changes(toy.bed.space, detail.product.id, page)
        .await
        .unwrap();
    assert_eq!(
        (newest(&changes.items), changes.total),
        (vec!["c1".to_owned(), "c0".to_owned()], 12)
    );
}

async fn a_deleted_connectors_products_are_disconnected(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    add_tables(&toy.source, "public", 1);
    toy.sync().await;
    let store = &toy.bed.store;
    store
        .delete_connector(toy.bed.space, toy.connector.id, &toy.bed.actor)
        .await
        .unwrap();
    let product = toy.product("shop.public.t0").await.product;
    assert_eq!(product.state, ProductState::Disconnected);
    let anew = toy.connect(&toy.source).await;
    toy.sync_of(anew.id).await;
    assert_ne!(toy.products().await["shop.public.t0"].id, product.id);
}

async fn a_product_of_another_space_is_not_found(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    add_tables(&toy.source, "public", 1);
    toy.sync().await;
    let product = toy.product("shop.public.t0").await.product.id;
    let (store, other) = (&toy.bed.store, toy.bed.another_space().await.id);
    let is_unknown = |error: Error| matches!(error, Error::NotFound("product"));
    assert!(is_unknown(store.get_product(other, product).await.unwrap_err()));
    let patch = ProductPatch::default();
    assert!(is_unknown(
        store
            .update_product(other, product, patch, &toy.bed.actor)
            .await
            .unwrap_err()
    ));
    let page = PageRequest::default();
    assert!(is_unknown(
        store.schema_changes(other, product, page).await.unwrap_err()
    ));
    assert!(is_unknown(
        store
            .lineage(other, product, 1, Default::default())
            .await
            .unwrap_err()
    ));
    assert!(is_unknown(
        store
            .get_product(toy.bed.space, ProductId::new())
            .await
            .unwrap_err()
    ));
}
