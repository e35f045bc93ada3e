use super::*;

/// A row as it comes; `-` is null.
fn row<const N: usize>(values: [&str; N]) -> Row {
    let value = |text: &str| (text != "-").then(|| text.to_owned());
    values.into_iter().map(value).collect()
}

#[test]
fn tags_reach_the_schema_its_tables_and_their_columns() {
    let mut tags = tags_of(vec![
        row(["sales", "", "", "tier", "gold"]),
        row(["sales", "orders", "", "pii", ""]),
        row(["sales", "orders", "", "team", "finance"]),
        row(["sales", "orders", "total", "unit", "EUR"]),
        row(["sales", "orders", "total", "masked", "-"]),
        row(["sales", "returns", "id", "key", "yes"]),
    ]);
    assert_eq!(tags.own, ["tier=gold"]);
    let orders = tags.tables.remove("orders").unwrap();
    assert_eq!(
        orders.own,
        ["pii", "team=finance"],
        "a tag without a value is its name"
    );
    assert_eq!(orders.columns["total"], ["unit=EUR", "masked"]);
    let returns = tags.tables.remove("returns").unwrap();
    assert!(returns.own.is_empty(), "a column's tag is not the table's");
    assert_eq!(returns.columns["id"], ["key=yes"]);
}

fn told(keys: &[Constraint]) -> Vec<String> {
    let told = |key: &Constraint| {
        let reference = key.references.as_ref();
        let reference = reference.map_or_else(String::new, |to| format!(" -> {} {:?}", to.path, to.fields));
        let name = key.name.as_deref().unwrap_or_default();
        format!("{} {name} {:?}{reference}", key.kind.as_str(), key.fields)
    };
    keys.iter().map(told).collect()
}

#[test]
fn a_key_is_gathered_from_the_rows_of_its_columns() {
    let parent = |column| ["main", "crm", "customers", column];
    let foreign = |column, [catalog, schema, table, other]: [&'static str; 4]| {
        row([
            "sales",
            "orders",
            "orders_fk",
            "FOREIGN KEY",
            column,
            catalog,
            schema,
            table,
            other,
        ])
    };
    let primary =
        |table, name, column| row(["sales", table, name, "PRIMARY KEY", column, "-", "-", "-", "-"]);
    let keys = keys_of(vec![
        primary("lines", "pk", "order_id"),
        primary("lines", "pk", "line"),
        foreign("region", parent("area")),
        foreign("customer", parent("id")),
        // Constraints of two tables may have one name.
        primary("orders", "pk", "id"),
    ]);
    assert_eq!(told(&keys["lines"]), [r#"primary_key pk ["order_id", "line"]"#]);
    assert_eq!(
        told(&keys["orders"]),
        [
            r#"foreign_key orders_fk ["region", "customer"] -> main.crm.customers ["area", "id"]"#,
            r#"primary_key pk ["id"]"#
        ]
    );
}

#[test]
fn a_foreign_key_into_another_catalog_keeps_its_own_columns() {
    let keys = keys_of(vec![row([
        "sales",
        "orders",
        "orders_fk",
        "FOREIGN KEY",
        "customer",
        "-",
        "-",
        "-",
        "-",
    ])]);
    assert_eq!(told(&keys["orders"]), [r#"foreign_key orders_fk ["customer"]"#]);
}

#[test]
fn events_become_one_upstream_for_each_table_with_its_pairs_of_columns() {
    let events = events_of(
        &Path::new(["main", "sales"]),
        vec![
            row(["sales", "daily", "main", "sales", "orders", "-", "-"]),
            row(["sales", "daily", "main", "sales", "orders", "id", "order_id"]),
            row(["sales", "daily", "main", "sales", "orders", "total", "total"]),
            row(["sales", "daily", "main", "sales", "daily", "total", "total"]),
            row(["sales", "weekly", "other", "x", "y", "-", "-"]),
        ],
    );
    let upstreams = |table: &str| -> Vec<(String, usize)> {
        let all = events[table].iter();
        all.map(|(path, pairs)| (path.to_string(), pairs.len())).collect()
    };
    assert_eq!(
        upstreams("daily"),
        [("main.sales.orders".to_owned(), 2)],
        "a table that is written from itself has no edge"
    );
    assert_eq!(upstreams("weekly"), [("other.x.y".to_owned(), 0)]);
}

#[test]
fn a_part_that_was_not_read_is_unread_for_each_table_and_one_that_was_is_known_to_be_empty() {
    let mut extra = Extra {
        keys: Facet::Unread,
        tags: Facet::Read(tags_of(vec![row(["sales", "orders", "", "pii", ""])])),
        events: None,
    };
    let orders = extra.of_table("orders");
    assert!(orders.keys.is_unread() && orders.events.is_none());
    assert_eq!(orders.tags.as_option().unwrap().own, ["pii"]);
    let other = extra.of_table("customers");
    assert!(other.tags.as_option().unwrap().own.is_empty());
    let mut extra = Extra {
        keys: Facet::Read(BTreeMap::new()),
        tags: Facet::Unread,
        events: Some(Facet::Unread),
    };
    let orders = extra.of_table("orders");
    assert_eq!(orders.keys, Facet::Read(vec![]));
    assert!(orders.tags.is_unread() && orders.events.is_some_and(|events| events.is_unread()));
}
