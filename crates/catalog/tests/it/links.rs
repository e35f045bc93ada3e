//! Edges that lead out of their owner, into tables of other connectors: as from a dbt model.

use crate::{
    declared::{Declared, declare, path},
    support::{Bed, on_both_engines},
    toy::{ToyBed, id, options},
};
use headwater_catalog::{
    ConnectorId, ConnectorPatch, LineageDirection, LineageLink, PageRequest, ProductDetail, ProductFilter,
    Run, Trigger, engine::Engine,
};
use headwater_core::{Host, Registry};
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

on_both_engines!(
    a_table_may_come_after_the_model_that_builds_it,
    a_table_may_come_before_the_model_that_builds_it,
    a_graph_goes_through_links_both_ways,
    two_candidates_are_none_and_the_run_names_both,
    a_candidate_that_leaves_makes_the_other_the_only_one,
    the_connector_that_is_named_holds_all_ends,
    a_named_connector_that_was_deleted_is_a_warning,
    a_connector_of_another_space_is_no_candidate,
    links_are_replaced_as_a_whole_and_kept_where_they_were_not_read,
    a_model_that_is_gone_builds_nothing,
    only_the_first_warnings_of_many_are_kept,
    a_family_that_a_later_release_knows_is_linked_from_the_next_sync_on,
);

fn builds(table: &str) -> Value {
    json!([{"out": true, "table": table}])
}

fn reads(table: &str) -> Value {
    json!([{"out": false, "table": table}])
}

/// One model and what it has to do with a table.
fn model(links: Value) -> Value {
    json!({"marts.dbt.orders": links})
}

const MODEL: &str = "marts.dbt.orders";
const TABLE: &str = "shop.public.orders";

impl ToyBed {
    /// A connector of these tables, synced.
    async fn warehouse(&self, name: &str, tables: &[&str]) -> ConnectorId {
        let tables: BTreeMap<&str, Value> = tables.iter().map(|table| (*table, json!([]))).collect();
        let connector = declare(&self.bed, self.bed.space, "warehouse", name, json!(tables), None).await;
        self.sync_of(connector).await;
        connector
    }

    /// A connector of models, not synced yet.
    async fn models(&self, models: Value, named: Option<ConnectorId>) -> ConnectorId {
        declare(&self.bed, self.bed.space, "models", "models", models, named).await
    }

    async fn change(&self, connector: ConnectorId, patch: ConnectorPatch) {
        let (store, space) = (&self.bed.store, self.bed.space);
        store
            .update_connector(space, connector, patch, &self.bed.actor)
            .await
            .unwrap();
    }

    /// Gives a connector other assets, and syncs it.
    async fn redeclare(&self, connector: ConnectorId, assets: Value) -> Run {
        let config = Some(json!({"assets": assets, "warehouse": null}));
        self.change(
            connector,
            ConnectorPatch {
                config,
                ..ConnectorPatch::default()
            },
        )
        .await;
        self.sync_of(connector).await
    }

    async fn delete(&self, connector: ConnectorId) {
        let (store, space) = (&self.bed.store, self.bed.space);
        store
            .delete_connector(space, connector, &self.bed.actor)
            .await
            .unwrap();
    }

    async fn of(&self, connector: ConnectorId, location: &str) -> ProductDetail {
        let filter = ProductFilter {
            connector_id: Some(connector),
            include_archived: true,
            ..ProductFilter::default()
        };
        let (store, space) = (&self.bed.store, self.bed.space);
        let found = store
            .list_products(space, filter, PageRequest { page: 1, size: 100 })
            .await
            .unwrap();
        let mut found = found
            .items
            .into_iter()
            .filter(|product| product.hosting_location == location);
        store.get_product(space, found.next().unwrap().id).await.unwrap()
    }

    /// The one link out of the model.
    async fn built(&self, models: ConnectorId) -> LineageLink {
        let model = self.of(models, MODEL).await;
        assert_eq!(model.lineage.upstream, []);
        let [link] = model.lineage.downstream.as_slice() else {
            panic!("{:?}", model.lineage)
        };
        assert_eq!((link.kind.as_str(), link.family.as_str()), ("build", "warehouse"));
        link.clone()
    }

    /// The connector of the table that the model is linked to.
    async fn built_in(&self, models: ConnectorId) -> Option<ConnectorId> {
        let table = self.built(models).await.product_id?;
        let table = self.bed.store.get_product(self.bed.space, table).await.unwrap();
        Some(table.product.connector_id)
    }

    async fn warnings(&self, run: &Run) -> Vec<headwater_core::Warning> {
        let all = PageRequest { page: 1, size: 1000 };
        let warnings = self.bed.store.run_warnings(run.id, all).await.unwrap();
        assert_eq!(run.warnings_count, warnings.total);
        warnings.items
    }
}

/// Both ends of the link show each other.
async fn assert_linked(toy: &ToyBed, models: ConnectorId, warehouse: ConnectorId) {
    let (model, table) = (
        toy.of(models, MODEL).await,
        toy.of(warehouse, "SHOP.PUBLIC.ORDERS").await,
    );
    let link = toy.built(models).await;
    assert_eq!(link.product_id, Some(table.product.id));
    assert_eq!(
        link.path, table.product.path,
        "as the table's own connector spells it"
    );
    let [link] = table.lineage.upstream.as_slice() else {
        panic!("{:?}", table.lineage)
    };
    assert_eq!((link.kind.as_str(), link.family.as_str()), ("build", "models"));
    assert_eq!(
        (link.product_id, &link.path),
        (Some(model.product.id), &model.product.path)
    );
    assert_eq!(table.lineage.downstream, []);
}

async fn a_table_may_come_after_the_model_that_builds_it(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    let models = toy.models(model(builds(TABLE)), None).await;
    let run = toy.sync_of(models).await;
    let link = toy.built(models).await;
    assert_eq!((link.product_id, link.path), (None, path(TABLE)));
    assert_eq!(
        toy.warnings(&run).await,
        [],
        "a table that is still to come is no fault"
    );
    let warehouse = toy.warehouse("prod", &["SHOP.PUBLIC.ORDERS"]).await;
    assert_linked(&toy, models, warehouse).await;
}

async fn a_table_may_come_before_the_model_that_builds_it(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    let warehouse = toy.warehouse("prod", &["SHOP.PUBLIC.ORDERS"]).await;
    let models = toy.models(model(builds(TABLE)), None).await;
    toy.sync_of(models).await;
    assert_linked(&toy, models, warehouse).await;
    toy.watch_writes().await;
    let run = toy.sync_of(models).await;
    assert_eq!(run.products_unchanged, 1);
    assert_eq!(
        toy.writes().await,
        [""; 0],
        "a second sync of the same writes nothing"
    );
}

async fn a_graph_goes_through_links_both_ways(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    let tables = json!({"shop.public.raw": [], "shop.public.orders": [], "shop.public.report": reads(TABLE)});
    let warehouse = declare(&toy.bed, toy.bed.space, "warehouse", "prod", tables, None).await;
    toy.sync_of(warehouse).await;
    let links = json!([{"out": false, "table": "shop.public.raw"}, {"out": true, "table": TABLE}]);
    let models = toy.models(model(links), None).await;
    toy.sync_of(models).await;
    let around = async |product: ProductDetail, depth, direction| -> Vec<String> {
        let (store, space) = (&toy.bed.store, toy.bed.space);
        let graph = store
            .lineage(space, product.product.id, depth, direction)
            .await
            .unwrap();
        assert!(graph.nodes.iter().all(|node| node.product_id.is_some()));
        let arc = |arc: &headwater_catalog::LineageArc| {
            assert!(arc.upstream_id.is_some() && arc.downstream_id.is_some());
            format!("{} > {}", arc.upstream.path, arc.downstream.path)
        };
        graph.edges.iter().map(arc).collect()
    };
    let all = [
        "shop.public.raw > marts.dbt.orders",
        "marts.dbt.orders > shop.public.orders",
        "shop.public.orders > shop.public.report",
    ];
    let raw = toy.of(warehouse, "shop.public.raw").await;
    assert_eq!(around(raw.clone(), 9, LineageDirection::Downstream).await, all);
    assert_eq!(around(raw, 2, LineageDirection::Downstream).await, all[..2]);
    let report = toy.of(warehouse, "shop.public.report").await;
    let mut backwards = around(report, 9, LineageDirection::Upstream).await;
    backwards.reverse();
    assert_eq!(backwards, all);
    let model = toy.of(models, MODEL).await;
    assert_eq!(around(model, 1, LineageDirection::Both).await, all[..2]);
}

async fn two_candidates_are_none_and_the_run_names_both(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    let prod = toy.warehouse("prod", &[TABLE]).await;
    let staging = toy.warehouse("staging", &[TABLE]).await;
    let models = toy.models(model(builds(TABLE)), None).await;
    let run = toy.sync_of(models).await;
    assert_eq!(toy.built(models).await.product_id, None);
    for warehouse in [prod, staging] {
        assert_eq!(toy.of(warehouse, TABLE).await.lineage.upstream, []);
    }
    let warnings = toy.warnings(&run).await;
    let [warning] = warnings.as_slice() else {
        panic!("{warnings:?}")
    };
    assert_eq!(
        (warning.code.as_str(), &warning.path),
        ("ambiguous_link", &Some(path(MODEL)))
    );
    for says in [
        &format!("\"prod\" ({prod})"),
        &format!("\"staging\" ({staging})"),
        "warehouse shop.public.orders",
        "config.warehouse",
    ] {
        assert!(warning.detail.contains(says), "{says}: {}", warning.detail);
    }
    let run = toy.sync_of(prod).await;
    assert_eq!(
        toy.warnings(&run).await,
        [],
        "told by the run that reports the link"
    );
    let run = toy.redeclare(models, json!({"marts.dbt.other": []})).await;
    assert_eq!(run.products_archived, 1);
    assert_eq!(
        toy.warnings(&run).await,
        [],
        "a model that is gone is linked to nothing"
    );
}

async fn a_candidate_that_leaves_makes_the_other_the_only_one(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    let models = toy.models(model(builds(TABLE)), None).await;
    toy.sync_of(models).await;
    let prod = toy.warehouse("prod", &[TABLE, "shop.public.other"]).await;
    let staging = toy.warehouse("staging", &[TABLE]).await;
    assert_eq!(toy.built_in(models).await, None);
    let switched = |is_active| ConnectorPatch {
        is_active: Some(is_active),
        ..ConnectorPatch::default()
    };
    toy.change(prod, switched(false)).await;
    assert_eq!(
        toy.built_in(models).await,
        Some(staging),
        "what is switched off does not count"
    );
    toy.change(prod, switched(true)).await;
    assert_eq!(toy.built_in(models).await, None);
    toy.delete(staging).await;
    assert_eq!(toy.built_in(models).await, Some(prod));
    toy.redeclare(prod, json!({"shop.public.other": []})).await;
    let link = toy.built(models).await;
    assert_eq!(
        (link.product_id, link.path),
        (None, path(TABLE)),
        "a table that is gone is no end"
    );
}

async fn the_connector_that_is_named_holds_all_ends(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    let prod = toy.warehouse("prod", &["SHOP.PUBLIC.ORDERS"]).await;
    let staging = toy.warehouse("staging", &[TABLE, "shop.public.drafts"]).await;
    let models = toy.models(model(builds(TABLE)), Some(prod)).await;
    let run = toy.sync_of(models).await;
    assert_eq!(toy.warnings(&run).await, []);
    assert_eq!(
        toy.built_in(models).await,
        Some(prod),
        "though another has the very letters"
    );
    assert_eq!(toy.of(staging, TABLE).await.lineage.upstream, []);
    toy.redeclare(models, model(builds("shop.public.drafts"))).await;
    assert_eq!(
        toy.built_in(models).await,
        None,
        "only another connector holds it"
    );
    let to_staging = ConnectorPatch {
        links_into: Some(Some(staging)),
        ..ConnectorPatch::default()
    };
    toy.change(models, to_staging).await;
    assert_eq!(
        toy.built_in(models).await,
        Some(staging),
        "at once, without a sync"
    );
}

async fn a_named_connector_that_was_deleted_is_a_warning(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    let prod = toy.warehouse("prod", &[TABLE]).await;
    let models = toy.models(model(builds(TABLE)), Some(prod)).await;
    toy.sync_of(models).await;
    toy.delete(prod).await;
    assert_eq!(toy.built_in(models).await, None, "its tables are disconnected");
    let anew = toy.warehouse("prod", &[TABLE]).await;
    assert_eq!(toy.built_in(models).await, Some(anew));
    let run = toy.sync_of(models).await;
    let warnings = toy.warnings(&run).await;
    let [warning] = warnings.as_slice() else {
        panic!("{warnings:?}")
    };
    assert_eq!(warning.code, "linked_connector_gone");
    assert!(warning.detail.contains(&prod.to_string()), "{}", warning.detail);
}

async fn a_connector_of_another_space_is_no_candidate(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    let other = toy.bed.another_space().await.id;
    let elsewhere = declare(&toy.bed, other, "warehouse", "theirs", json!({TABLE: []}), None).await;
    let (store, actor) = (&toy.bed.store, &toy.bed.actor);
    let run = store
        .start_run(other, elsewhere, Default::default(), Trigger::Api, actor)
        .await
        .unwrap();
    toy.engine.wake();
    while store.get_run(other, run.id).await.unwrap().completed_at.is_none() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let models = toy.models(model(builds(TABLE)), None).await;
    toy.sync_of(models).await;
    assert_eq!(toy.built_in(models).await, None);
    let ours = toy.warehouse("ours", &[TABLE]).await;
    let run = toy.sync_of(models).await;
    assert_eq!(toy.warnings(&run).await, []);
    assert_eq!(toy.built_in(models).await, Some(ours));
    let theirs = store
        .list_products(other, Default::default(), Default::default())
        .await
        .unwrap();
    let theirs = store.get_product(other, theirs.items[0].id).await.unwrap();
    assert_eq!(theirs.lineage.upstream, []);
}

async fn links_are_replaced_as_a_whole_and_kept_where_they_were_not_read(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    let prod = toy.warehouse("prod", &[TABLE, "shop.public.renamed"]).await;
    let models = toy.models(model(builds(TABLE)), None).await;
    toy.sync_of(models).await;
    let builders = async |table| toy.of(prod, table).await.lineage.upstream.len();
    assert_eq!(
        (builders(TABLE).await, builders("shop.public.renamed").await),
        (1, 0)
    );
    toy.redeclare(models, model(builds("shop.public.renamed"))).await;
    assert_eq!(
        (builders(TABLE).await, builders("shop.public.renamed").await),
        (0, 1)
    );
    toy.redeclare(models, model(Value::Null)).await;
    assert_eq!(builders("shop.public.renamed").await, 1, "not read is not gone");
    toy.redeclare(models, model(reads("shop.public.renamed"))).await;
    let table = toy.of(prod, "shop.public.renamed").await;
    assert_eq!(
        (table.lineage.upstream.len(), table.lineage.downstream.len()),
        (0, 1)
    );
    toy.redeclare(models, model(json!([]))).await;
    let model = toy.of(models, MODEL).await;
    assert_eq!(
        (model.lineage.upstream.len(), model.lineage.downstream.len()),
        (0, 0)
    );
}

async fn a_model_that_is_gone_builds_nothing(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    let prod = toy.warehouse("prod", &[TABLE]).await;
    let mut both = model(builds(TABLE));
    both["marts.dbt.other"] = json!([]);
    let models = toy.models(both, None).await;
    toy.sync_of(models).await;
    assert_eq!(toy.of(prod, TABLE).await.lineage.upstream.len(), 1);
    toy.redeclare(models, json!({"marts.dbt.other": []})).await;
    assert_eq!(toy.of(prod, TABLE).await.lineage.upstream, []);
    toy.delete(models).await;
    assert_eq!(toy.of(prod, TABLE).await.lineage.upstream, []);
}

async fn only_the_first_warnings_of_many_are_kept(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    toy.warehouse("prod", &[TABLE]).await;
    toy.warehouse("staging", &[TABLE]).await;
    let many: BTreeMap<String, Value> = (0..1_100)
        .map(|n| (format!("marts.dbt.m{n}"), builds(TABLE)))
        .collect();
    let models = toy.models(json!(many), None).await;
    let run = toy.sync_of(models).await;
    assert_eq!(run.warnings_count, 1_100, "each is counted");
    let warnings = toy
        .bed
        .store
        .run_warnings(run.id, PageRequest { page: 1, size: 1000 })
        .await
        .unwrap();
    assert_eq!(warnings.items.len(), 100);
    assert!(
        warnings
            .items
            .iter()
            .all(|warning| warning.code == "ambiguous_link")
    );
}

/// Syncs a connector with an engine that knows models and nothing else.
async fn sync_with_models_only(bed: &Bed, connector: ConnectorId) {
    let mut registry = Registry::default();
    registry.register::<Declared<true>>();
    let (store, stop) = (bed.store.clone(), CancellationToken::new());
    let engine = Engine::new(store, Arc::new(registry), Host::default(), options());
    let (running, stopped) = (engine.clone(), stop.clone());
    let running = tokio::spawn(async move { running.run(stopped).await });
    let run = bed.start(connector).await;
    engine.wake();
    while bed
        .store
        .get_run(bed.space, run.id)
        .await
        .unwrap()
        .completed_at
        .is_none()
    {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    stop.cancel();
    running.await.unwrap();
}

async fn a_family_that_a_later_release_knows_is_linked_from_the_next_sync_on(bed: Bed) {
    let links = json!([{"out": true, "table": "Shop.public.Orders", "family": "toy"}]);
    let models = declare(&bed, bed.space, "models", "models", model(links), None).await;
    sync_with_models_only(&bed, models).await;
    let toy = ToyBed::new(bed).await;
    toy.source.add_table(["Shop", "public", "Orders"], [id()]);
    toy.sync().await;
    toy.sync_of(models).await;
    let table = toy.product("Shop.public.Orders").await;
    let model = toy.of(models, MODEL).await;
    assert_eq!(table.lineage.upstream[0].product_id, Some(model.product.id));
    assert_eq!(model.lineage.downstream[0].product_id, Some(table.product.id));
}
