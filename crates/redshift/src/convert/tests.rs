use super::*;

fn column(number: i64, name: &str, sort_key: i64) -> ColumnRow {
    ColumnRow {
        number,
        name: name.into(),
        native: "integer".into(),
        encoding: Some("az64".into()),
        sort_key: Some(sort_key),
        ..ColumnRow::default()
    }
}

fn draft(columns: Vec<ColumnRow>) -> Draft {
    Draft {
        relation: RelationRow {
            oid: 100,
            schema: "s".into(),
            name: "t".into(),
            kind: "r".into(),
            owner: Some("me".into()),
            dist_style: Some(1),
        },
        columns: Some(columns),
        comments: Some(Vec::new()),
        constraints: Some(Vec::new()),
        upstreams: Some(Vec::new()),
        created: Some(None),
        size: Some(None),
        state: Some(None),
        keys: Vec::new(),
        view: None,
    }
}

fn asset(draft: Draft) -> Asset {
    draft.into_asset(Path::new(["dev", "s", "t"]), "dev")
}

#[test]
fn views_are_told_apart_by_their_text() {
    assert!(is_materialized(
        "v",
        Some("CREATE\n  materialized VIEW mv AS SELECT 1"),
        false
    ));
    assert!(!is_materialized(
        "v",
        Some("create view v as select 'create materialized view'"),
        true
    ));
    assert!(
        is_materialized("v", None, true),
        "the text was not read, the table behind it was"
    );
    assert!(!is_materialized("v", None, false));
}

#[test]
fn sort_keys_have_their_own_order_and_style() {
    let compound = sort_key([("a", 2), ("b", 0), ("c", 1)].into_iter()).unwrap();
    assert_eq!(compound.fields, ["c", "a"]);
    assert_eq!(
        compound.expression,
        Facet::Read(Some("COMPOUND SORTKEY (c, a)".into()))
    );
    let interleaved = sort_key([("a", 1), ("b", -2)].into_iter()).unwrap();
    assert_eq!(interleaved.fields, ["a", "b"]);
    assert!(interleaved.expression.value().unwrap().starts_with("INTERLEAVED"));
    assert_eq!(sort_key([("a", 0)].into_iter()), None);
}

#[test]
fn the_table_id_in_a_default_is_no_default() {
    let mut first = column(1, "id", 0);
    first.default = Some("\"identity\"(104323, 0, '1,1'::text)".into());
    let mut second = column(2, "other", 0);
    second.default = Some("default_identity(104323, 1, '0,1'::text)".into());
    let mut third = column(3, "plain", 0);
    third.default = Some("'identity'::character varying".into());
    let asset = asset(draft(vec![first, second, third]));
    let fields = asset.fields.as_option().unwrap();
    let of = |index: usize| (fields[index].identity, fields[index].default.value().is_some());
    assert_eq!(of(0), (Some(Identity::Always), false));
    assert_eq!(of(1), (Some(Identity::ByDefault), false));
    assert_eq!(of(2), (None, true));
}

#[test]
fn a_foreign_key_over_several_columns_keeps_its_pairs() {
    let row = |number: i64, name: &str| ConstraintRow {
        relation: 100,
        oid: 7,
        name: "fk".into(),
        kind: "f".into(),
        columns: Some("2,1".into()),
        referred_columns: Some("5,4".into()),
        schema: Some("s".into()),
        table: Some("other".into()),
        column_number: Some(number),
        column: Some(name.into()),
    };
    let mut draft = draft(vec![column(1, "a", 0), column(2, "b", 0)]);
    draft.constraints = Some(vec![row(4, "x"), row(5, "y")]);
    let asset = asset(draft);
    let constraint = &asset.constraints.as_option().unwrap()[0];
    assert_eq!(constraint.fields, ["b", "a"]);
    let references = constraint.references.as_ref().unwrap();
    assert_eq!(references.path, Path::new(["dev", "s", "other"]));
    assert_eq!(references.fields, ["y", "x"]);
}

#[test]
fn sizes_that_may_not_be_read_keep_what_is_stored() {
    let mut refused = draft(vec![]);
    refused.size = None;
    assert!(asset(refused).stats.is_unread());
    let empty = asset(draft(vec![]));
    assert_eq!(
        empty.stats.as_option().unwrap().row_count,
        None,
        "a table without rows is not listed"
    );
    let mut full = draft(vec![]);
    full.size = Some(Some(TableInfoRow {
        blocks: Some(3),
        rows: Some(10),
        visible_rows: Some(8),
        ..TableInfoRow::default()
    }));
    full.created = Some(Some(CreatedRow {
        at: Some("2025-06-01 10:20:30.456".into()),
        dist_style: Some(11),
        ..CreatedRow::default()
    }));
    let stats = asset(full).stats.into_option().unwrap();
    assert_eq!(stats.row_count, Some(Stat::estimate(8)));
    assert_eq!(stats.size_bytes, Some(Stat::exact(3 << 20)));
    assert_eq!(stats.properties["created_at"], "2025-06-01T10:20:30Z");
    assert_eq!(stats.properties["effective_dist_style"], "auto(even)");
}

#[test]
fn a_late_binding_view_without_known_columns_keeps_its_fields() {
    let mut view = draft(vec![]);
    view.view = Some(View {
        late_binding: true,
        text: Some("create view s.t as select 1 with no schema binding".into()),
        ..View::default()
    });
    assert!(view.text_to_parse().is_some());
    let asset = asset(view);
    assert!(asset.fields.is_unread());
    assert_eq!(asset.properties["late_binding"], true);
}
