//! Tables that are renamed, moved or rebuilt, as their ids at the source tell.

use crate::{
    support::{Bed, on_both_engines},
    toy::{ToyBed, add_tables, counts, id, text},
};
use headwater_catalog::{ProductPatch, Removals};
use headwater_core::{Path, model::Stat};
use headwater_testkit::ToySource;
use serde_json::json;

on_both_engines!(
    a_rebuilt_table_with_a_new_id_is_unchanged,
    a_renamed_table_keeps_its_product,
    a_table_moved_to_another_schema_keeps_its_product,
    an_id_in_another_database_is_another_table,
    two_tables_that_swap_names_stay_where_they_are,
);

async fn a_rebuilt_table_with_a_new_id_is_unchanged(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    add_tables(&toy.source, "public", 1);
    let set_id = |id: &str| {
        let id = id.into();
        toy.source
            .alter(["shop", "public", "t0"], |table| table.native_id = Some(id));
    };
    set_id("1");
    toy.sync().await;
    let before = toy.product("shop.public.t0").await;
    set_id("2");
    assert_eq!(counts(&toy.sync().await), [0, 0, 1, 0]);
    let after = toy.product("shop.public.t0").await;
    assert_eq!(after.native_id.as_deref(), Some("2"));
    assert_eq!(after.product, before.product);
}

/// Moves a table, its id with it.
fn rename(source: &ToySource, from: [&str; 3], to: [&str; 3]) {
    let mut moved = None;
    source.alter(from, |table| moved = Some(table.clone()));
    let mut moved = moved.unwrap();
    source.remove(from);
    moved.key = Path::new(to);
    source.put(moved);
}

async fn renamed_to(toy: &ToyBed, to: [&str; 3]) {
    add_tables(&toy.source, "public", 3);
    toy.source.add_schema(["shop", "archive"]);
    toy.source.alter(["shop", "public", "t1"], |table| {
        table.native_id = Some("16412".into())
    });
    toy.sync().await;
    let before = toy.product("shop.public.t1").await.product;
    let patch = ProductPatch {
        description: Some(Some("ours".into())),
        ..ProductPatch::default()
    };
    let store = &toy.bed.store;
    store
        .update_product(toy.bed.space, before.id, patch, &toy.bed.actor)
        .await
        .unwrap();

    rename(&toy.source, ["shop", "public", "t1"], to);
    let run = toy.sync().await;
    assert_eq!(counts(&run), [0, 1, 2, 0]);
    assert_eq!(run.removals, Removals::None);
    let after = toy.product(&to.join(".")).await;
    assert_eq!((after.product.id, &after.product.slug), (before.id, &before.slug));
    assert_eq!(
        (after.product.name.as_str(), &after.product.path),
        (to[2], &Path::new(to))
    );
    assert_eq!(after.product.description.as_deref(), Some("ours"));
    assert_eq!(after.stats.as_option().unwrap().row_count, Some(Stat::exact(20)));
    let change = &after.schema_changes[0].changes[0];
    assert_eq!((change.part.as_str(), &change.after), ("path", &json!(to)));
    assert_eq!(
        toy.all_products().await.len(),
        3,
        "nothing is left at the old path"
    );
    assert_eq!(counts(&toy.sync().await), [0, 0, 3, 0]);
}

async fn a_renamed_table_keeps_its_product(bed: Bed) {
    renamed_to(&ToyBed::new(bed).await, ["shop", "public", "renamed"]).await;
}

async fn a_table_moved_to_another_schema_keeps_its_product(bed: Bed) {
    renamed_to(&ToyBed::new(bed).await, ["shop", "archive", "t1"]).await;
}

async fn an_id_in_another_database_is_another_table(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    toy.source.add_table(["shop", "public", "t"], [id()]);
    toy.source.alter(["shop", "public", "t"], |table| {
        table.native_id = Some("16412".into())
    });
    toy.sync().await;
    toy.source.add_schema(["copy", "public"]);
    rename(&toy.source, ["shop", "public", "t"], ["copy", "public", "t"]);
    assert_eq!(counts(&toy.sync().await), [1, 0, 0, 1]);
    assert_eq!(toy.states().await["shop.public.t"], "stale");
}

async fn two_tables_that_swap_names_stay_where_they_are(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    toy.source.add_table(["shop", "public", "live"], [id()]);
    toy.source
        .add_table(["shop", "public", "next"], [id(), text("more")]);
    let give = |name: &str, native_id: &str| {
        let native_id = native_id.into();
        toy.source.alter(["shop", "public", name], |table| {
            table.native_id = Some(native_id)
        });
    };
    give("live", "1");
    give("next", "2");
    toy.sync().await;
    let before = toy.product("shop.public.live").await.product;
    toy.source
        .add_table(["shop", "public", "live"], [id(), text("more")]);
    toy.source.add_table(["shop", "public", "next"], [id()]);
    give("live", "2");
    give("next", "1");
    let run = toy.sync().await;
    assert_eq!(counts(&run), [0, 2, 0, 0]);
    let after = toy.product("shop.public.live").await;
    assert_eq!(after.product.id, before.id);
    assert_eq!(after.fields.as_option().unwrap().len(), 2);
}
