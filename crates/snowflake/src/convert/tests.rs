use super::*;
use crate::{row::Columns, wire::ColumnType};

fn row(cells: &[(&str, &str)]) -> Row {
    let types = cells.iter().map(|(name, _)| ColumnType {
        name: (*name).into(),
        ..ColumnType::default()
    });
    let columns = Columns::new(types.collect());
    Row::new(
        &columns,
        cells.iter().map(|(_, text)| Some((*text).into())).collect(),
    )
    .unwrap()
}

fn table(change: &[(&str, &str)]) -> Option<TableRow> {
    let mut cells = vec![
        ("TABLE_SCHEMA", "S"),
        ("TABLE_NAME", "T"),
        ("TABLE_TYPE", "BASE TABLE"),
    ];
    cells.retain(|(name, _)| change.iter().all(|(other, _)| other != name));
    cells.extend(change);
    TableRow::read(row(&cells)).unwrap()
}

#[test]
fn every_kind_of_table_and_none_of_one_session() {
    for (listed, dynamic, kind) in [
        ("BASE TABLE", "NO", AssetKind::TABLE),
        ("BASE TABLE", "YES", AssetKind::DYNAMIC_TABLE),
        ("EVENT TABLE", "NO", AssetKind::TABLE),
        ("EXTERNAL TABLE", "NO", AssetKind::EXTERNAL_TABLE),
        ("VIEW", "NO", AssetKind::VIEW),
        ("MATERIALIZED VIEW", "NO", AssetKind::MATERIALIZED_VIEW),
    ] {
        let found = table(&[("TABLE_TYPE", listed), ("IS_DYNAMIC", dynamic)]).unwrap();
        assert_eq!(found.kind, kind, "{listed}");
    }
    for temporary in [
        ("TABLE_TYPE", "LOCAL TEMPORARY"),
        ("TABLE_TYPE", "TEMPORARY TABLE"),
        ("IS_TEMPORARY", "YES"),
    ] {
        assert!(table(&[temporary]).is_none(), "{temporary:?}");
    }
}

#[test]
fn a_version_moves_with_the_ddl_and_once_per_interval() {
    let of = |seconds, interval, today| {
        let row = table(&[("LAST_DDL", seconds)]).unwrap();
        row.version(interval, today)
    };
    let monday = of("1700000000.000000001", 7, 20_000);
    assert!(monday.is_some());
    assert_ne!(monday, of("1700000000.000000002", 7, 20_000));
    let week: Vec<_> = (0..7)
        .map(|day| of("1700000000.000000001", 7, 20_000 + day))
        .collect();
    let changes = week.windows(2).filter(|pair| pair[0] != pair[1]).count();
    assert!(changes <= 1, "{week:?}");
    assert_ne!(monday, of("1700000000.000000001", 7, 20_007));
    assert_eq!(of("1700000000.000000001", 0, 20_000), None);
    // An emulator that keeps no times says 1970.
    assert_eq!(of("0.000000000", 7, 20_000), None);
}

#[test]
fn clustering_keys_are_columns_where_they_are_over_nothing_else() {
    assert_eq!(clustering("LINEAR(region, DAY)".into()).fields, ["REGION", "DAY"]);
    let expression = clustering("LINEAR(TO_DATE(AT), ID)".into());
    assert!(expression.fields.is_empty());
    assert_eq!(expression.expression.value().unwrap(), "LINEAR(TO_DATE(AT), ID)");
}

#[test]
fn names_in_a_view_stand_in_its_own_schema() {
    let schema = Path::new(["SHOP", "SALES"]);
    let name = |parts: &[&str]| -> Name { parts.iter().map(|part| (*part).to_owned()).collect() };
    let names = [
        name(&["T"]),
        name(&["OTHER", "T"]),
        name(&["DB", "S", "T"]),
        name(&["A", "B", "C", "D"]),
    ];
    let edges = lineage(&schema, names.into());
    let paths: Vec<String> = edges.iter().map(|edge| edge.end.path.to_string()).collect();
    assert_eq!(paths, ["DB.S.T", "SHOP.OTHER.T", "SHOP.SALES.T"]);
}

#[test]
fn a_collation_is_part_of_the_type() {
    let column = row(&[
        ("COLUMN_NAME", "C"),
        ("DATA_TYPE", "TEXT"),
        ("CHARACTER_MAXIMUM_LENGTH", "20"),
        ("COLLATION_NAME", "en-ci"),
        ("IS_IDENTITY", "YES"),
    ]);
    let fields = fields("S", "T", vec![ColumnRow::read(column).unwrap()], None, None);
    assert_eq!(fields[0].native_type, "VARCHAR(20) COLLATE 'en-ci'");
    assert_eq!(fields[0].identity, Some(Identity::ByDefault));
}
