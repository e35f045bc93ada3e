use super::*;
use headwater_core::model::{DataType, Identity};

fn row(more: Value) -> TableRow {
    let mut row = json!({"name": "orders", "table_type": "MANAGED", "owner": "shop", "updated_at": 1_700_000_000_000_i64});
    row.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    serde_json::from_value(row).unwrap()
}

fn asset(more: Value) -> Asset {
    table(&Path::new(["main", "sales"]), &row(more))
}

#[test]
fn kinds() {
    for (text, kind_name) in [
        ("MANAGED", "table"),
        ("MANAGED_SHALLOW_CLONE", "table"),
        ("EXTERNAL", "external_table"),
        ("EXTERNAL_SHALLOW_CLONE", "external_table"),
        ("VIEW", "view"),
        ("MATERIALIZED_VIEW", "materialized_view"),
        ("STREAMING_TABLE", "streaming_table"),
        ("FOREIGN", "foreign_table"),
        ("METRIC_VIEW", "metric_view"),
        ("SOMETHING_NEW", "table"),
    ] {
        assert_eq!(kind(Some(text)).as_str(), kind_name);
    }
    assert_eq!(
        asset(json!({"table_type": "SOMETHING_NEW"})).properties["table_type"],
        "SOMETHING_NEW"
    );
}

#[test]
fn columns_come_in_their_order_with_their_own_text() {
    let asset = asset(json!({"columns": [
        {"name": "total", "position": 1, "type_text": "decimal(12,2)", "nullable": true,
         "type_json": r#"{"name":"total","type":"decimal(12,2)","nullable":true,"metadata":{"CURRENT_DEFAULT":"0"}}"#},
        {"name": "id", "position": 0, "type_text": "bigint", "type_json": "\"long\"", "nullable": false, "comment": "the key"},
        {"name": "code", "position": 2, "type_text": "varchar(8)", "type_json": r#"{"name":"code","type":"string","nullable":true,"metadata":{}}"#},
        {"name": "odd", "position": 3, "type_json": "{not json", "type_name": "DECIMAL", "type_precision": 5, "type_scale": 1},
    ]}));
    let fields = asset.fields.as_option().unwrap();
    let names: Vec<&str> = fields.iter().map(|field| &*field.name).collect();
    assert_eq!(names, ["id", "total", "code", "odd"]);
    assert_eq!(
        (
            fields[0].nullable,
            fields[0].description.value().unwrap().as_str()
        ),
        (Some(false), "the key")
    );
    assert_eq!(
        fields[1].data_type,
        DataType::Decimal {
            precision: Some(12),
            scale: Some(2)
        }
    );
    assert_eq!(fields[1].default.value().unwrap(), "0");
    assert!(fields[0].default.is_unread());
    assert_eq!(
        (fields[2].native_type.as_str(), &fields[2].data_type),
        ("varchar(8)", &DataType::String { length: Some(8) })
    );
    assert_eq!(fields[3].native_type, "decimal(5,1)");
}

#[test]
fn what_delta_keeps_of_a_column_is_read_where_it_is_told() {
    let column = |metadata: Value| {
        let of_type = json!({"name": "c", "type": "long", "nullable": true, "metadata": metadata});
        json!({"name": "c", "type_text": "bigint", "type_json": of_type.to_string()})
    };
    let identity = |explicit: bool| json!({"delta.identity.start": 1, "delta.identity.step": 1, "delta.identity.allowExplicitInsert": explicit});
    let asset = asset(json!({"columns": [
        column(json!({"delta.generationExpression": "a + b"})), column(identity(false)), column(identity(true)), column(json!({})),
    ]}));
    let [generated, always, by_default, plain] = &asset.fields.as_option().unwrap()[..] else {
        panic!("{asset:?}")
    };
    assert_eq!(generated.generated.value().unwrap(), "a + b");
    assert_eq!(always.identity, Some(Identity::Always));
    assert_eq!(by_default.identity, Some(Identity::ByDefault));
    assert!(plain.identity.is_none() && plain.generated.is_unread() && plain.default.is_unread());
}

#[test]
fn a_catalog_says_what_stands_behind_it_and_not_how_to_get_in() {
    let properties = |more: Value| {
        let mut row = json!({"name": "c", "options": {"password": "hunter2"}});
        row.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        catalog(&serde_json::from_value(row).unwrap()).properties
    };
    let foreign = properties(json!({"catalog_type": "FOREIGN_CATALOG", "connection_name": "postgres_prod"}));
    assert_eq!(
        (&foreign["catalog_type"], &foreign["connection_name"]),
        (&json!("FOREIGN_CATALOG"), &json!("postgres_prod"))
    );
    assert!(!format!("{foreign:?}").contains("hunter2"));
    let shared = properties(
        json!({"catalog_type": "DELTASHARING_CATALOG", "provider_name": "acme", "share_name": "public"}),
    );
    assert_eq!(
        (&shared["provider_name"], &shared["share_name"]),
        (&json!("acme"), &json!("public"))
    );
}

#[test]
fn what_may_only_be_browsed_is_unread_where_it_is_left_out() {
    let browsed = asset(json!({"browse_only": true, "owner": null, "columns": [], "table_type": "VIEW"}));
    assert!(browsed.fields.is_unread() && browsed.owners.is_unread() && browsed.definition.is_unread());
    assert!(
        asset(json!({})).fields.is_unread(),
        "a list that omits the columns says nothing of them"
    );
    assert_eq!(asset(json!({"columns": []})).fields, Facet::Read(vec![]));
}

#[test]
fn what_moves_by_itself_is_measured_and_what_may_be_secret_is_left_out() {
    let asset = asset(json!({"properties": {
        "spark.sql.statistics.numRows": "1200", "spark.sql.statistics.totalSize": "52000",
        "delta.lastCommitTimestamp": "1", "delta.minReaderVersion": "1",
        "option.dbPassword": "hunter2", "team": "finance",
    }}));
    let stats = asset.stats.as_option().unwrap();
    assert_eq!(stats.row_count, Some(Stat::estimate(1200)));
    assert_eq!(stats.size_bytes, Some(Stat::estimate(52000)));
    assert_eq!(
        stats.last_altered.unwrap().value.to_string(),
        "2023-11-14T22:13:20Z"
    );
    assert_eq!(stats.properties["delta.lastCommitTimestamp"], "1");
    assert_eq!(
        asset.properties["table_properties"],
        json!({"delta.minReaderVersion": "1", "team": "finance"})
    );
    assert!(!format!("{asset:?}").contains("hunter2"));
}

#[test]
fn masks_filters_and_partitions() {
    let row = row(
        json!({"row_filter": {"function_name": "main.sec.by_region"}, "columns": [
            {"name": "day", "partition_index": 1}, {"name": "region", "partition_index": 0},
            {"name": "ssn", "mask": {"function_name": "main.sec.mask"}},
        ]}),
    );
    let asset = table(&Path::new(["main", "sales"]), &row);
    assert_eq!(asset.properties["column_masks"], json!({"ssn": "main.sec.mask"}));
    assert_eq!(asset.properties["row_filter"], "main.sec.by_region");
    assert_eq!(asset.properties["partition_columns"], json!(["region", "day"]));
    let cut = constraints(&row, vec![]);
    assert_eq!(
        (cut[0].kind.as_str(), &cut[0].fields[..]),
        ("partition_key", &["region".to_owned(), "day".to_owned()][..])
    );
}

#[test]
fn keys_and_what_they_refer_to() {
    let rows: Vec<ConstraintRow> = serde_json::from_value(json!([
        {"foreign_key_constraint": {"name": "orders_fk", "child_columns": ["a", "b"],
            "parent_table": "main.sales.customers", "parent_columns": ["x", "y"]}},
        {"primary_key_constraint": {"name": "a_pk", "child_columns": ["id"]}},
        {"named_table_constraint": {"name": "other"}},
    ]))
    .unwrap();
    let keys = keys(&rows);
    assert_eq!(keys.len(), 2);
    assert_eq!(
        (keys[0].kind.as_str(), keys[0].name.as_deref()),
        ("primary_key", Some("a_pk"))
    );
    let reference = keys[1].references.as_ref().unwrap();
    assert_eq!(
        (reference.path.to_string().as_str(), &reference.fields[..]),
        ("main.sales.customers", &["x".to_owned(), "y".to_owned()][..])
    );
    assert_eq!(path_of("a.b"), None);
    assert_eq!(path_of("a.b.c.d"), None);
    assert_eq!(path_of("`a`.b.`c d`"), Some(Path::new(["a", "b", "c d"])));
}

#[test]
fn a_metric_view_is_defined_in_yaml_and_a_view_in_sql() {
    let language = |of: &str| {
        let asset = asset(json!({"table_type": of, "view_definition": "x"}));
        asset.definition.value().unwrap().language.clone()
    };
    assert_eq!(
        (language("METRIC_VIEW"), language("VIEW")),
        ("yaml".into(), "sql".into())
    );
    assert_eq!(asset(json!({})).definition, Facet::Read(None));
}

#[test]
fn tags_reach_columns_and_say_where_there_are_none() {
    let mut asset = asset(json!({"columns": [{"name": "ssn"}, {"name": "id"}]}));
    tag(
        &mut asset,
        vec!["gold".into()],
        BTreeMap::from([("ssn".to_owned(), vec!["pii=yes".to_owned()])]),
    );
    assert_eq!(asset.tags, Facet::Read(vec!["gold".to_owned()]));
    let fields = asset.fields.as_option().unwrap();
    assert_eq!(fields[0].tags, Facet::Read(vec!["pii=yes".to_owned()]));
    assert_eq!(fields[1].tags, Facet::Read(vec![]));
}
