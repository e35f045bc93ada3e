use super::*;

fn of(text: &str, dialect: Dialect) -> Vec<String> {
    let read = tables(&[text], dialect).remove(0).expect(text);
    read.into_iter().map(|name| name.join(".")).collect()
}

fn redshift(text: &str) -> Vec<String> {
    of(text, Dialect::Redshift)
}

#[test]
fn tables_of_every_clause_are_found() {
    assert_eq!(
        redshift(
            "select a.id, (select max(x) from s.scalar) from s.a a
               left join s.b on a.id = b.id, s.c
              where a.id in (select id from s.inner_one) and exists (select 1 from s.semi)
              union all select * from (select * from s.nested) n"
        ),
        [
            "s.a",
            "s.b",
            "s.c",
            "s.inner_one",
            "s.nested",
            "s.scalar",
            "s.semi"
        ]
    );
}

#[test]
fn the_header_and_the_tail_of_a_view_are_cut() {
    for text in [
        "SELECT id FROM s.t",
        "CREATE VIEW s.v AS SELECT id FROM s.t WITH NO SCHEMA BINDING;",
        "create or replace view s.v (id, \"as\") as (select id from s.t) with no schema binding",
        "create materialized view mv backup no diststyle key distkey (id) sortkey (id) auto refresh yes as
           select id from s.t",
        "create view s.v as -- a comment; with 'quotes\n with x as (select * from s.t) select * from x;;",
    ] {
        assert_eq!(redshift(text), ["s.t"], "{text}");
    }
}

#[test]
fn common_table_expressions_and_functions_are_no_tables() {
    assert_eq!(
        redshift(
            "with recursive t as (select * from s.a union all select * from t), u as (select * from t)
             select extract(year from day), trim(both ' ' from name) from u, generate_series(1, 3) g, plain"
        ),
        ["plain", "s.a"]
    );
}

#[test]
fn navigation_into_a_column_is_no_table() {
    assert_eq!(
        redshift("select o.id from s.customers c, c.orders o, o.items i"),
        ["s.customers"]
    );
    assert_eq!(
        redshift("select 1 from sales.orders sales join sales.items i on true"),
        ["sales.items", "sales.orders"],
        "a schema that bears the name of an alias"
    );
}

#[test]
fn names_fold_as_the_source_folds_them() {
    let text = r#"select * from Db.S."Odd.Name" join S.T on true"#;
    assert_eq!(redshift(text), ["db.s.Odd.Name", "s.t"]);
    assert_eq!(of(text, Dialect::Snowflake), ["DB.S.Odd.Name", "S.T"]);
}

#[test]
fn what_warehouses_add_to_sql_is_read() {
    for text in [
        "select top 10 id, listagg(name, ',') within group (order by id) from s.t group by 1",
        "select id::varchar(10), data.items[0].price from s.t where ts > dateadd(day, -1, getdate())",
        "select * from s.t qualify row_number() over (partition by id order by ts desc) = 1",
        "select id, convert_timezone('UTC', ts), nvl(a, b) from s.t where a is distinct from b",
    ] {
        assert_eq!(redshift(text), ["s.t"], "{text}");
    }
    let snowflake = "create or replace secure view v copy grants comment = 'x' as
                     select t.src:a.b::string, f.value from db.s.t t, lateral flatten(input => t.src) f";
    assert_eq!(of(snowflake, Dialect::Snowflake), ["DB.S.T"]);
}

#[test]
fn one_bad_text_does_not_cost_the_others() {
    let read = tables(
        &[
            "select * from s.a",
            "select from where (",
            "",
            "'",
            "drop table s.a",
            "select * from s.b s.c s.d",
        ],
        Dialect::Redshift,
    );
    assert!(read[0].is_ok());
    assert!(
        read[1..].iter().all(|one| *one == Err(Unread::Syntax)),
        "{read:?}"
    );
}

#[test]
fn a_text_of_any_shape_ends_without_harm() {
    let chain = format!("select 1 from s.t where {}", vec!["a = 1"; 4_900].join(" or "));
    assert_eq!(redshift(&chain), ["s.t"], "as deep as is allowed");
    let longer = format!("select 1 from s.t where {}", vec!["a = 1"; 6_000].join(" or "));
    let nested = format!("select {}1{} from s.t", "(".repeat(9_000), ")".repeat(9_000));
    let long = format!("select 1 from s.t -- {}", "x".repeat(LENGTH));
    let read = tables(&[&longer, &nested, &long], Dialect::Redshift);
    assert_eq!(read[0], Err(Unread::TooLong));
    assert!(read[1].is_err(), "deeper than the parser goes");
    assert_eq!(read[2], Err(Unread::TooLong));
}

#[test]
fn one_pair_of_quotes_may_hold_a_whole_name_of_bigquery() {
    let bigquery = |text| of(text, Dialect::BigQuery);
    assert_eq!(
        bigquery("SELECT * FROM `my-project.Sales.orders` o JOIN `my-project`.Sales.`returns` r USING (id)"),
        ["my-project.Sales.orders", "my-project.Sales.returns"]
    );
    assert_eq!(
        bigquery(
            "SELECT * FROM my-project.d.t CROSS JOIN UNNEST(items) AS item WHERE item.id IN (SELECT id FROM d.u)"
        ),
        ["d.u", "my-project.d.t"]
    );
    assert_eq!(
        bigquery(
            "WITH x AS (SELECT * EXCEPT (a) FROM `p.d.events_*` WHERE _TABLE_SUFFIX > '2026') SELECT * FROM x"
        ),
        ["p.d.events_*"]
    );
    assert_eq!(bigquery("SELECT item.id FROM d.t, t.items AS item"), ["d.t"]);
    assert_eq!(bigquery("SELECT item.id FROM d.t AS a, a.items AS item"), ["d.t"]);
    assert!(
        tables(&["SELECT * FROM [p:d.t]"], Dialect::BigQuery)[0].is_err(),
        "legacy SQL"
    );
}
