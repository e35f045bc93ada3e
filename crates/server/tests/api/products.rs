//! Products: the list, one product, what people write, changes of the schema, lineage.

use crate::{shape::assert_shape, test_app::TestApp};
use headwater_core::{
    Facet, Path,
    model::{Constraint, ConstraintKind, DataType, Definition, Field, Reference},
};
use headwater_testkit::{Part, ToySource};
use serde_json::{Value, json};

const PRODUCTS: &str = "/catalog/spaces/default/products";

fn item() -> Value {
    json!({
        "id": "uuid", "name": "string", "slug": "string", "description": "string?", "product_type": "string",
        "provider": "toy", "hosting_location": "string", "tags": ["string"],
        "state": "active|stale|out_of_scope|disconnected", "is_archived": "bool", "created_at": "time",
        "updated_at": "time", "connector_id": "uuid",
    })
}

fn change() -> Value {
    json!({
        "id": "uuid", "job_id": "uuid", "changed_at": "time",
        "changes": [{
            "op": "added|removed|changed", "part": "string", "path": ["string"], "attribute": "string?",
            "before": "any", "after": "any",
        }],
    })
}

fn detail() -> Value {
    let mut shape = item();
    let parts = json!({
        "path": ["string"], "native_id": "string?", "owners": ["string"], "properties": "object",
        "origins": {"description": "source|manual", "tags": "source|manual", "owners": "source|manual"},
        "fields": "any", "constraints": "any", "definition": "any", "stats": "any",
        "lineage": {"upstream": [link()], "downstream": [link()]}, "schema_changes": [change()],
    });
    shape
        .as_object_mut()
        .unwrap()
        .extend(parts.as_object().unwrap().clone());
    shape
}

fn link() -> Value {
    json!({
        "product_id": "uuid?", "path": ["string"], "family": "string", "kind": "string",
        "field_pairs": [{"upstream": ["string"], "downstream": ["string"]}],
    })
}

fn locations(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().unwrap().iter();
    items
        .map(|item| item["hosting_location"].as_str().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_is_sorted_paged_and_searched() {
    let app = TestApp::start().await;
    let connector = app.create_toy(&ToySource::shop()).await;
    app.sync(&connector).await;
    let all = app.get(PRODUCTS).await.expect(200);
    assert_shape(
        &all,
        &json!({"items": [item()], "total": "integer", "page": "integer", "size": "integer"}),
    );
    assert_eq!(
        (&all["total"], &all["page"], &all["size"]),
        (&json!(9), &json!(1), &json!(20))
    );
    let mut sorted = locations(&all);
    sorted.sort_unstable();
    assert_eq!(locations(&all), sorted);

    let mut paged = Vec::new();
    for page in 1..=3 {
        let page = app
            .get(&format!("{PRODUCTS}?size=4&page={page}"))
            .await
            .expect(200);
        paged.extend(locations(&page).into_iter().map(str::to_owned));
    }
    assert_eq!(paged, sorted);

    for (query, expected) in [
        ("search=RECENT", vec!["shop.public.recent_orders"]),
        ("search=audit.EV", vec!["shop.audit.events"]),
        ("search=%25", vec![]),
        ("search=a.b", vec!["shop.public.a.b"]),
        ("state=stale", vec![]),
        ("connector_id=019a0000-0000-7000-8000-000000000000", vec![]),
    ] {
        let page = app.get(&format!("{PRODUCTS}?{query}")).await.expect(200);
        assert_eq!(locations(&page), expected, "{query}");
    }
    let by_column = app.get(&format!("{PRODUCTS}?search=Note")).await.expect(200);
    assert_eq!(by_column["total"], 7, "columns are searched too");
    assert_eq!(
        app.get(&format!("{PRODUCTS}?search=")).await.expect(200)["total"],
        9
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_has_the_published_shape() {
    let app = TestApp::start().await;
    let source = ToySource::shop();
    source.alter(["shop", "public", "orders"], |orders| {
        let mut address = Field::new("address", "record", DataType::Struct);
        address.fields = vec![Field::new("street", "text", DataType::String { length: None })];
        let mut total = Field::new(
            "total",
            "numeric(12,2)",
            DataType::Decimal {
                precision: Some(12),
                scale: Some(2),
            },
        );
        total.nullable = Some(false);
        let id = Field::new("id", "bigint", DataType::Integer { bits: 64 });
        orders.fields = Facet::Read(vec![id, address, total]);
        let mut foreign = Constraint::new(Some("fk".into()), ConstraintKind::FOREIGN_KEY, ["id"]);
        foreign.references = Some(Reference {
            path: Path::new(["shop", "public", "customers"]),
            fields: vec!["id".into()],
        });
        let primary = Constraint::new(Some("pk".into()), ConstraintKind::PRIMARY_KEY, ["id"]);
        orders.constraints = Facet::Read(vec![foreign, primary]);
    });
    let connector = app.create_toy(&source).await;
    app.sync(&connector).await;
    let customers = app.product("shop.public.customers").await;
    let orders = app.product("shop.public.orders").await;
    assert_shape(&orders, &detail());
    let field = json!({
        "name": "string", "path": ["string"], "ordinal": "integer", "native_type": "string", "data_type": "object",
        "nullable": "any", "default": "string?", "identity": "string?", "generated": "string?", "description": "string?",
        "tags": "any", "keys": ["primary|unique|foreign"], "fields": "any",
    });
    assert_shape(&orders["fields"], &json!([field]));
    assert_shape(&orders["fields"][1]["fields"], &json!([field]));
    assert_eq!(orders["fields"][0]["keys"], json!(["primary", "foreign"]));
    assert_eq!(
        orders["fields"][1]["fields"][0]["path"],
        json!(["address", "street"])
    );
    assert_eq!(orders["fields"][2]["ordinal"], 3);
    assert_eq!(
        orders["fields"][2]["data_type"],
        json!({"type": "decimal", "precision": 12, "scale": 2})
    );

    let constraint = json!({
        "name": "string?", "type": "string", "fields": ["string"], "references": "any", "expression": "string?",
    });
    assert_shape(&orders["constraints"], &json!([constraint]));
    let constraints = orders["constraints"].as_array().unwrap();
    let foreign = constraints
        .iter()
        .find(|one| one["type"] == "foreign_key")
        .unwrap();
    let references = json!({
        "path": ["shop", "public", "customers"], "fields": ["id"], "product_id": customers["id"],
    });
    assert_eq!(foreign["references"], references);
    let stat = json!({"value": "integer", "origin": "exact|estimate"});
    assert_shape(
        &orders["stats"],
        &json!({"row_count": stat, "size_bytes": "any", "last_altered": "any"}),
    );
    assert_eq!(
        (&orders["definition"], &orders["schema_changes"]),
        (&json!(null), &json!([]))
    );

    let view = app.product("shop.public.recent_orders").await;
    assert_shape(&view, &detail());
    assert_eq!(view["product_type"], "view");
    assert_eq!(
        view["definition"],
        json!({"language": "sql", "text": "SELECT id FROM orders"})
    );
    assert_eq!(view["lineage"]["upstream"][0]["product_id"], orders["id"]);
    assert_eq!(orders["lineage"]["downstream"][0]["product_id"], view["id"]);
    assert_eq!(view["slug"], "shop-public-recent-orders");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_was_never_read_is_null_and_one_that_is_empty_is_not() {
    let app = TestApp::start().await;
    let source = ToySource::shop();
    source.refuse_part(Part::Constraints);
    source.refuse_part(Part::Stats);
    let connector = app.create_toy(&source).await;
    app.sync(&connector).await;
    let before = app.product("shop.audit.events").await;
    assert_eq!(
        (&before["constraints"], &before["stats"]),
        (&json!(null), &json!(null))
    );
    source.grant_part(Part::Constraints);
    app.sync(&connector).await;
    let after = app.product("shop.audit.events").await;
    assert_eq!(
        (&after["constraints"], &after["stats"]),
        (&json!([]), &json!(null))
    );
    assert_eq!(after["tags"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_write_stays_until_they_give_it_back() {
    let app = TestApp::start().await;
    let source = ToySource::shop();
    let connector = app.create_toy(&source).await;
    app.sync(&connector).await;
    let before = app.product("shop.public.orders").await;
    let path = format!("{PRODUCTS}/{}", before["id"].as_str().unwrap());
    let patch = json!({"description": "What was bought", "tags": ["money", "pii"], "owners": ["ann"]});
    let written = app.patch(&path, &patch).await.expect(200);
    assert_shape(&written, &detail());
    for part in ["description", "tags", "owners"] {
        assert_eq!(
            (&written[part], &written["origins"][part]),
            (&patch[part], &json!("manual"))
        );
    }
    source.alter(["shop", "public", "orders"], |orders| {
        orders.description = Facet::Read(Some("from the source".into()));
        orders.tags = Facet::Read(vec!["raw".into()]);
    });
    app.sync(&connector).await;
    let synced = app.get(&path).await.expect(200);
    assert_eq!(
        (&synced["description"], &synced["tags"]),
        (&patch["description"], &patch["tags"])
    );

    let given_back = app.patch(&path, &json!({"description": null})).await.expect(200);
    assert_eq!(given_back["description"], "from the source");
    assert_eq!(given_back["origins"]["description"], "source");
    assert_eq!(given_back["tags"], patch["tags"], "what is absent stays");

    for (bad, pointer) in [
        (json!({"name": "x"}), "/name"),
        (json!({"tags": "x"}), "/tags"),
        (json!({"tags": [1]}), "/tags/0"),
    ] {
        assert_eq!(
            app.patch(&path, &bad).await.pointers(400, "invalid_body"),
            [pointer],
            "{bad}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_column_is_told_once() {
    let app = TestApp::start().await;
    let source = ToySource::shop();
    let connector = app.create_toy(&source).await;
    app.sync(&connector).await;
    source.alter(["shop", "public", "orders"], |orders| {
        let fields = orders.fields.as_mut().unwrap();
        fields[1] = Field::new("note", "varchar(10)", DataType::String { length: Some(10) });
    });
    let job = app.sync(&connector).await;
    assert_eq!(
        (&job["products_updated"], &job["products_unchanged"]),
        (&json!(1), &json!(8))
    );
    let orders = app.product("shop.public.orders").await;
    let path = format!("{PRODUCTS}/{}/schema-changes", orders["id"].as_str().unwrap());
    let changes = app.get(&path).await.expect(200);
    assert_shape(
        &changes,
        &json!({"items": [change()], "total": "integer", "page": "integer", "size": "integer"}),
    );
    assert_eq!(changes["items"], orders["schema_changes"]);
    assert_eq!(
        (&changes["total"], &changes["items"][0]["job_id"]),
        (&json!(1), &job["id"])
    );
    let told = changes["items"][0]["changes"].as_array().unwrap();
    let native = told
        .iter()
        .find(|change| change["attribute"] == "native_type")
        .unwrap();
    assert_eq!(
        native,
        &json!({
            "op": "changed", "part": "fields", "path": ["note"], "attribute": "native_type", "before": "text",
            "after": "varchar(10)",
        })
    );
    app.sync(&connector).await;
    assert_eq!(
        app.get(&path).await.expect(200)["total"],
        1,
        "a sync without a change tells nothing"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_gone_is_stale_and_comes_back() {
    let app = TestApp::start().await;
    let source = ToySource::shop();
    let connector = app.create_toy(&source).await;
    app.sync(&connector).await;
    let before = app.product("shop.public.a.b").await;
    source.remove(["shop", "public", "a.b"]);
    app.sync(&connector).await;
    assert_eq!(app.get(PRODUCTS).await.expect(200)["total"], 8);
    assert_eq!(
        app.get(&format!("{PRODUCTS}?include_archived=true"))
            .await
            .expect(200)["total"],
        9
    );
    let stale = app.get(&format!("{PRODUCTS}?state=stale")).await.expect(200);
    assert_eq!(locations(&stale), ["shop.public.a.b"]);
    assert_eq!(
        (&stale["items"][0]["state"], &stale["items"][0]["is_archived"]),
        (&json!("stale"), &json!(true))
    );

    source.add_table(
        ["shop", "public", "a.b"],
        [Field::new("id", "bigint", DataType::Integer { bits: 64 })],
    );
    app.sync(&connector).await;
    let back = app.product("shop.public.a.b").await;
    assert_eq!(
        (&back["id"], &back["state"], &back["is_archived"]),
        (&before["id"], &json!("active"), &json!(false))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_filters_leave_out_is_out_of_scope() {
    let app = TestApp::start().await;
    let connector = app.create_toy(&ToySource::shop()).await;
    app.sync(&connector).await;
    app.patch(&connector, &json!({"config": {"schema": "public"}}))
        .await
        .expect(200);
    let job = app.sync(&connector).await;
    assert_eq!(
        (&job["products_archived"], &job["removals"]),
        (&json!(1), &json!("none"))
    );
    let events = app.product("shop.audit.events").await;
    assert_eq!(
        (&events["state"], &events["is_archived"]),
        (&json!("out_of_scope"), &json!(true))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn lineage_is_followed_as_far_as_asked() {
    let app = TestApp::start().await;
    let source = ToySource::new();
    let path = |name: &str| Path::new(["shop", "public", name]);
    source.add_table(["shop", "public", "a"], []);
    for (name, upstream) in [("b", "a"), ("c", "b"), ("d", "c")] {
        source.add_view(["shop", "public", name], [], "SELECT 1", [&path(upstream)]);
    }
    let connector = app.create_toy(&source).await;
    app.sync(&connector).await;
    let b = app.product("shop.public.b").await;
    let lineage = format!("{PRODUCTS}/{}/lineage", b["id"].as_str().unwrap());
    let node =
        json!({"product_id": "uuid?", "family": "string", "path": ["string"], "product_type": "string?"});
    let end = json!({"family": "string", "path": ["string"]});
    let edge = json!({
        "upstream": end, "upstream_id": "uuid?", "downstream": end, "downstream_id": "uuid", "kind": "string",
        "field_pairs": [{"upstream": ["string"], "downstream": ["string"]}],
    });
    let graph = app.get(&lineage).await.expect(200);
    assert_shape(
        &graph,
        &json!({"nodes": [node], "edges": [edge], "truncated": "bool"}),
    );
    for (query, names) in [
        ("", vec!["a", "b", "c"]),
        ("?depth=10", vec!["a", "b", "c", "d"]),
        ("?direction=upstream&depth=3", vec!["a", "b"]),
        ("?direction=downstream&depth=2", vec!["b", "c", "d"]),
    ] {
        let graph = app.get(&format!("{lineage}{query}")).await.expect(200);
        let nodes = graph["nodes"].as_array().unwrap().iter();
        let mut found: Vec<&str> = nodes.map(|node| node["path"][2].as_str().unwrap()).collect();
        found.sort_unstable();
        assert_eq!(found, names, "{query}");
        assert_eq!(
            graph["edges"].as_array().unwrap().len(),
            names.len() - 1,
            "{query}"
        );
    }
    for bad in ["depth=0", "depth=11", "depth=far", "direction=sideways"] {
        app.get(&format!("{lineage}?{bad}"))
            .await
            .problem(400, "invalid_parameter");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_definition_is_a_change() {
    let app = TestApp::start().await;
    let source = ToySource::shop();
    let connector = app.create_toy(&source).await;
    app.sync(&connector).await;
    source.alter(["shop", "public", "recent_orders"], |view| {
        view.definition = Facet::Read(Some(Definition::sql("SELECT id FROM orders LIMIT 5")));
    });
    assert_eq!(app.sync(&connector).await["products_updated"], 1);
    let view = app.product("shop.public.recent_orders").await;
    assert_eq!(view["schema_changes"][0]["changes"][0]["part"], "definition");
}
