use super::{asset::text, properties::is_contract_enforced, types};
use crate::artifact::{CatalogColumn, CatalogEntry, Column, Constraint as Declared, Node};
use headwater_core::{
    Facet,
    model::{Constraint, ConstraintKind, Field},
};
use std::collections::HashMap;

/// The columns: those of the warehouse in its order, then those that only the project writes down. Unread where
/// neither names one.
pub(crate) fn fields(node: &Node, catalog: Option<&CatalogEntry>) -> Facet<Vec<Field>> {
    let declared = node.columns.iter().flat_map(|columns| &columns.0);
    let mut declared: Vec<(&str, &Column)> = declared
        .map(|(key, column)| (column.name.as_deref().unwrap_or(key), column))
        .collect();
    let mut fields = Vec::new();
    let mut by_name: HashMap<String, usize> = HashMap::new();
    for (index, (name, _)) in declared.iter().enumerate() {
        by_name.entry(name.to_lowercase()).or_insert(index);
    }
    let mut joined = vec![false; declared.len()];
    for (name, column) in in_order(catalog) {
        let index = by_name.get(&name.to_lowercase()).copied();
        let own = index
            .and_then(|index| declared.get(index))
            .map(|(_, column)| *column);
        if let Some(joined) = index.and_then(|index| joined.get_mut(index)) {
            *joined = true;
        }
        fields.push(field(name, Some(column), own, node));
    }
    let mut joined = joined.into_iter();
    declared.retain(|_| joined.next() == Some(false));
    fields.extend(
        declared
            .into_iter()
            .map(|(name, column)| field(name, None, Some(column), node)),
    );
    match fields.is_empty() {
        true => Facet::Unread,
        false => Facet::Read(fields),
    }
}

fn in_order(catalog: Option<&CatalogEntry>) -> Vec<(&str, &CatalogColumn)> {
    let columns = catalog.and_then(|entry| entry.columns.as_ref());
    let all = columns.into_iter().flat_map(|columns| &columns.0);
    let mut all: Vec<_> = all.map(|(name, column)| (name.as_str(), column)).collect();
    all.sort_by_key(|(_, column)| column.index.unwrap_or(i64::MAX));
    all
}

fn field(name: &str, real: Option<&CatalogColumn>, declared: Option<&Column>, node: &Node) -> Field {
    let real_type = real.and_then(|column| column.data_type.as_deref());
    let declared_type = declared.and_then(|column| column.data_type.as_deref());
    let native = real_type.or(declared_type).unwrap_or_default();
    let mut field = Field::new(name, native, types::data_type(native));
    let described = declared.and_then(|column| text(column.description.as_deref()));
    let comment = || real.and_then(|column| text(column.comment.as_deref()));
    field.description = described.or_else(comment).into();
    field.tags = declared
        .map(|column| column.tags.0.clone())
        .unwrap_or_default()
        .into();
    let constraints = declared.and_then(|column| column.constraints.as_ref());
    let refuses_null = |one: &Declared| one.kind.as_deref() == Some("not_null");
    if is_contract_enforced(node) && constraints.into_iter().flatten().any(refuses_null) {
        field.nullable = Some(false);
    }
    field
}

/// The constraints of an enforced contract; others are wishes that dbt passes on to nobody.
pub(crate) fn constraints(node: &Node) -> Vec<Constraint> {
    if !is_contract_enforced(node) {
        return Vec::new();
    }
    let of_model = node.constraints.iter().flatten();
    let mut all: Vec<Constraint> = of_model.filter_map(|one| constraint(one, None)).collect();
    for (name, column) in node.columns.iter().flat_map(|columns| &columns.0) {
        let of_column = column.constraints.iter().flatten();
        all.extend(of_column.filter_map(|one| constraint(one, Some(name))));
    }
    all
}

fn constraint(declared: &Declared, column: Option<&str>) -> Option<Constraint> {
    let kind = match declared.kind.as_deref()? {
        "primary_key" => ConstraintKind::PRIMARY_KEY,
        "unique" => ConstraintKind::UNIQUE,
        "foreign_key" => ConstraintKind::FOREIGN_KEY,
        "check" => ConstraintKind::CHECK,
        // `not_null` belongs to the column, `custom` says nothing that others could read.
        _ => return None,
    };
    let own = declared.columns.iter().flatten().map(String::as_str);
    let mut constraint = Constraint::new(text(declared.name.as_deref()), kind, own.chain(column));
    let target = text(declared.to.as_deref()).map(|to| match &declared.to_columns {
        Some(columns) => format!("references {to} ({})", columns.join(", ")),
        None => format!("references {to}"),
    });
    constraint.expression = target.or_else(|| text(declared.expression.as_deref())).into();
    Some(constraint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use headwater_core::model::DataType;
    use serde_json::json;

    fn names(fields: &[Field]) -> Vec<(&str, &str)> {
        fields
            .iter()
            .map(|field| (&*field.name, &*field.native_type))
            .collect()
    }

    #[test]
    fn columns_meet_whatever_their_case_and_none_is_lost() {
        let node: Node = serde_json::from_value(json!({"columns": {
            "only_written": {"data_type": "text"},
            "id": {"name": "id", "description": "The key.", "data_type": "wrong", "tags": "pii"},
        }}))
        .unwrap();
        let catalog: CatalogEntry = serde_json::from_value(json!({"columns": {
            "ONLY_THERE": {"type": "DATE", "index": 2, "comment": "A day."},
            "ID": {"type": "NUMBER(38,0)", "index": 1},
        }}))
        .unwrap();
        let fields = fields(&node, Some(&catalog)).into_option().unwrap();
        assert_eq!(
            names(&fields),
            [
                ("ID", "NUMBER(38,0)"),
                ("ONLY_THERE", "DATE"),
                ("only_written", "text")
            ]
        );
        assert_eq!(fields[0].description.value().unwrap(), "The key.");
        assert_eq!(fields[0].tags.as_option().unwrap(), &["pii"]);
        assert_eq!(fields[1].description.value().unwrap(), "A day.");
        assert_eq!(fields[1].data_type, DataType::Date);
    }

    #[test]
    fn constraints_count_under_an_enforced_contract_only() {
        let node = |enforced: bool| -> Node {
            serde_json::from_value(json!({
                "config": {"contract": {"enforced": enforced}},
                "constraints": [{"type": "foreign_key", "columns": ["a"], "to": "t", "to_columns": ["b"]}],
                "columns": {"a": {"constraints": [{"type": "not_null"}, {"type": "unique"}]}},
            }))
            .unwrap()
        };
        let found = constraints(&node(true));
        assert_eq!(
            found.iter().map(|one| one.kind.as_str()).collect::<Vec<_>>(),
            ["foreign_key", "unique"]
        );
        assert_eq!(found[0].expression.value().unwrap(), "references t (b)");
        assert_eq!(found[1].fields, ["a"]);
        let nullable = |node: &Node| fields(node, None).into_option().unwrap()[0].nullable;
        assert_eq!(nullable(&node(true)), Some(false));
        assert_eq!(
            (nullable(&node(false)), constraints(&node(false)).len()),
            (None, 0)
        );
    }
}
