use crate::{
    support::{Bed, on_both_engines},
    toy::{ToyBed, id},
};
use headwater_catalog::{LineageDirection, LineageGraph, ProductId};
use headwater_core::{
    Path,
    model::{FieldPair, Flow, LineageEdge, LineageEnd},
};
use headwater_testkit::ToySource;

on_both_engines!(
    either_side_may_come_first,
    the_own_connector_comes_first_and_two_others_are_none,
    another_space_is_never_linked,
    an_end_that_went_stale_is_no_product,
    new_edges_replace_the_old_ones,
    a_graph_follows_hops_both_ways,
);

fn edge(upstream: [&str; 3]) -> LineageEdge {
    LineageEdge {
        flow: Flow::In,
        end: LineageEnd::new("toy", Path::new(upstream)),
        kind: "dbt".into(),
        field_pairs: vec![FieldPair {
            upstream: vec!["id".into()],
            downstream: vec!["order_id".into()],
        }],
    }
}

/// A source of one model that reads a table of another source.
fn reader(of: [&str; 3]) -> ToySource {
    let source = ToySource::new();
    source.add_table(["models", "marts", "orders"], [id()]);
    source.set_lineage(&Path::new(["models", "marts", "orders"]), vec![edge(of)]);
    source
}

const RAW: [&str; 3] = ["shop", "public", "orders"];

async fn upstream_of_model(toy: &ToyBed) -> Option<ProductId> {
    let model = toy.product("models.marts.orders").await;
    let [link] = model.lineage.upstream.as_slice() else {
        panic!("{:?}", model.lineage)
    };
    assert_eq!((link.kind.as_str(), &link.path), ("dbt", &Path::new(RAW)));
    assert_eq!(link.field_pairs[0].downstream, ["order_id"]);
    link.product_id
}

async fn either_side_may_come_first(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    let models = toy.connect(&reader(RAW)).await;
    toy.sync_of(models.id).await;
    assert_eq!(upstream_of_model(&toy).await, None, "the table is not known yet");
    toy.source.add_table(RAW, [id()]);
    toy.sync().await;
    let table = toy.product("shop.public.orders").await;
    assert_eq!(upstream_of_model(&toy).await, Some(table.product.id));
    let model = toy.product("models.marts.orders").await.product.id;
    assert_eq!(table.lineage.downstream[0].product_id, Some(model));
    assert_eq!(table.lineage.upstream, []);
}

async fn the_own_connector_comes_first_and_two_others_are_none(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    let (own, other) = (reader(RAW), ToySource::new());
    own.add_table(RAW, [id()]);
    other.add_table(RAW, [id()]);
    toy.source.add_table(RAW, [id()]);
    let (own_id, other_id) = (toy.connect(&own).await.id, toy.connect(&other).await.id);
    toy.sync().await;
    toy.sync_of(other_id).await;
    toy.sync_of(own_id).await;
    let upstream = upstream_of_model(&toy).await.unwrap();
    let found = toy.bed.store.get_product(toy.bed.space, upstream).await.unwrap();
    assert_eq!(found.product.connector_id, own_id);
    own.remove(RAW);
    toy.sync_of(own_id).await;
    assert_eq!(upstream_of_model(&toy).await, None, "two fit equally well");
}

async fn another_space_is_never_linked(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    let models = toy.connect(&reader(RAW)).await;
    toy.sync_of(models.id).await;
    let space = toy.bed.another_space().await.id;
    toy.source.add_table(RAW, [id()]);
    let elsewhere = toy.connect_in(space, &toy.source).await;
    let request = Default::default();
    let trigger = headwater_catalog::Trigger::Api;
    let run = toy
        .bed
        .store
        .start_run(space, elsewhere.id, request, trigger, &toy.bed.actor)
        .await
        .unwrap();
    toy.engine.wake();
    while toy
        .bed
        .store
        .get_run(space, run.id)
        .await
        .unwrap()
        .completed_at
        .is_none()
    {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(upstream_of_model(&toy).await, None);
    let listed = toy
        .bed
        .store
        .list_products(space, Default::default(), Default::default())
        .await
        .unwrap();
    let table = toy
        .bed
        .store
        .get_product(space, listed.items[0].id)
        .await
        .unwrap();
    assert_eq!(table.lineage.downstream, []);
}

async fn an_end_that_went_stale_is_no_product(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    let models = reader(RAW);
    let connector = toy.connect(&models).await;
    toy.source.add_table(RAW, [id()]);
    toy.sync().await;
    toy.sync_of(connector.id).await;
    assert!(upstream_of_model(&toy).await.is_some());
    models.remove(["models", "marts", "orders"]);
    toy.sync_of(connector.id).await;
    assert_eq!(toy.product("shop.public.orders").await.lineage.downstream, []);
    toy.source.remove(RAW);
    toy.sync().await;
    assert_eq!(upstream_of_model(&toy).await, None);
}

async fn new_edges_replace_the_old_ones(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    let (a, b) = (["shop", "public", "a"], ["shop", "public", "b"]);
    for path in [a, b] {
        toy.source.add_table(path, [id()]);
    }
    let view = ["shop", "public", "v"];
    toy.source.add_view(view, [id()], "SELECT 1", [&Path::new(a)]);
    toy.sync().await;
    let before = toy.product("shop.public.v").await;
    toy.source.set_lineage(&Path::new(view), vec![edge(b), edge(a)]);
    toy.sync().await;
    let after = toy.product("shop.public.v").await;
    let paths: Vec<String> = after
        .lineage
        .upstream
        .iter()
        .map(|link| link.path.to_string())
        .collect();
    assert_eq!(paths, ["shop.public.a", "shop.public.b"]);
    assert_eq!(
        after.product.updated_at, before.product.updated_at,
        "its schema is as it was"
    );
    toy.watch_writes().await;
    toy.source.set_lineage(&Path::new(view), vec![edge(a), edge(b)]);
    toy.sync().await;
    assert_eq!(toy.writes().await, [""; 0], "the order of edges says nothing");
}

async fn a_graph_follows_hops_both_ways(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    let path = |name: &str| Path::new(["shop", "public", name]);
    toy.source.add_table(["shop", "public", "a"], [id()]);
    for (name, upstream) in [("b", "a"), ("c", "b"), ("d", "c"), ("side", "b")] {
        toy.source
            .add_view(["shop", "public", name], [id()], "SELECT 1", [&path(upstream)]);
    }
    toy.source
        .set_lineage(&path("a"), vec![edge(["raw", "files", "a"])]);
    // A loop, as a pair of models may have.
    toy.source.set_lineage(
        &path("b"),
        vec![edge(["shop", "public", "a"]), edge(["shop", "public", "d"])],
    );
    toy.sync().await;
    let c = toy.product("shop.public.c").await.product.id;
    let graph = async |depth, direction| {
        toy.bed
            .store
            .lineage(toy.bed.space, c, depth, direction)
            .await
            .unwrap()
    };

    let upstream = graph(1, LineageDirection::Upstream).await;
    assert_eq!(arcs(&upstream), ["b > c"]);
    assert_eq!(upstream.nodes[0].product_id, Some(c));
    let upstream = graph(9, LineageDirection::Upstream).await;
    assert_eq!(arcs(&upstream), ["a > a", "a > b", "b > c", "c > d", "d > b"]);
    let unknown = upstream
        .nodes
        .iter()
        .find(|node| node.product_id.is_none())
        .unwrap();
    assert_eq!(unknown.end.path, Path::new(["raw", "files", "a"]));
    let downstream = graph(2, LineageDirection::Downstream).await;
    assert_eq!(arcs(&downstream), ["c > d", "d > b"]);
    let both = graph(1, LineageDirection::Both).await;
    assert_eq!(arcs(&both), ["b > c", "c > d"]);
    assert!(!both.truncated && both.nodes.len() == 3);
    assert_eq!(graph(0, LineageDirection::Both).await.nodes.len(), 1);
}

/// The edges by the names of their ends, sorted.
fn arcs(graph: &LineageGraph) -> Vec<String> {
    let name = |end: &LineageEnd| end.path.name().unwrap().to_owned();
    let mut arcs: Vec<String> = graph
        .edges
        .iter()
        .map(|edge| format!("{} > {}", name(&edge.upstream), name(&edge.downstream)))
        .collect();
    arcs.sort();
    arcs
}
