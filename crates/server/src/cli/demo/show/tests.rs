use super::*;
use serde_json::json;

fn product(kind: &str, path: &[&str], more: Value) -> Product {
    let mut product = json!({
        "id": path.concat(), "product_type": kind, "path": path, "description": null, "owners": [], "fields": null,
        "properties": {}, "stats": null, "lineage": {"upstream": [], "downstream": []}, "schema_changes": [],
    });
    let members = product.as_object_mut().unwrap();
    members.extend(more.as_object().unwrap().clone());
    serde_json::from_value(product).unwrap()
}

#[test]
fn a_table_goes_with_the_data_and_is_cut_at_the_terminals_edge() {
    let products = [
        product(
            "dbt_exposure",
            &["shop", "exposure", "report"],
            json!({"owners": ["Ada"]}),
        ),
        product(
            "dbt_source",
            &["shop", "source.till", "orders"],
            json!({"fields": [{}, {}], "description": "Receipts of the shops.",
                   "stats": {"properties": {"test_results": {
                       "a": {"status": "pass"}, "b": {"status": "warn"}, "c": {"status": "pass"}}}}}),
        ),
    ];
    let expected = "
  TYPE      NAME         COLUMNS  TESTS           OWNER  DESC...
  source    till.orders  2        2 pass, 1 warn         Rece...
  exposure  report                                Ada";
    assert_eq!(format!("\n{}", table(&products, 64)), expected);
}

#[test]
fn the_longest_way_is_told_and_tables_of_the_warehouse_are_none_of_it() {
    let end = |family: &str, name: &str| json!({"family": family, "path": ["shop", "model", name]});
    let edge = |from: Value, to: &str| json!({"upstream": from, "downstream": end("dbt", to)});
    let graph = json!({"edges": [
        edge(end("dbt", "a"), "report"), edge(end("dbt", "b"), "report"), edge(end("dbt", "a"), "b"),
        edge(end("duckdb", "t"), "a"),
    ]});
    let graph: Graph = serde_json::from_value(graph).unwrap();
    let report = ["shop", "model", "report"].map(str::to_owned);
    assert_eq!(
        lineage(&graph, &report),
        "  a -> b -> report\n  (2 products upstream in all)"
    );
}

#[test]
fn a_difference_is_one_line() {
    let told = |change: Value| line(&serde_json::from_value(change).unwrap());
    let removed = json!({"op": "removed", "part": "fields", "path": ["note"], "attribute": null,
                         "before": {"native_type": "VARCHAR"}, "after": null});
    assert_eq!(
        told(removed),
        Some(('-', "note".to_owned(), "VARCHAR".to_owned()))
    );
    let changed = |attribute: &str| {
        json!({"op": "changed", "part": "fields", "path": ["total"], "attribute": attribute,
               "before": "DECIMAL", "after": "DOUBLE"})
    };
    let expected = ('~', "total".to_owned(), "DECIMAL -> DOUBLE".to_owned());
    assert_eq!(told(changed("native_type")), Some(expected));
    assert_eq!(told(changed("data_type")), None, "said already");
    let code = json!({"op": "changed", "part": "definition", "path": [], "attribute": null,
                      "before": {"text": "select 1"}, "after": {"text": "select 2"}});
    assert_eq!(told(code), Some(('~', "the code".to_owned(), String::new())));
}
