use super::{
    asset::{prose, text},
    properties::is_contract_enforced,
    types,
};
use crate::artifact::{CatalogColumn, CatalogEntry, Column, Constraint as Declared, Members, Node};
use headwater_core::{
    Facet,
    model::{Constraint, ConstraintKind, Field},
};
use std::{cell::OnceCell, collections::HashMap};

/// The columns: those of the warehouse in its order, then those that only the project writes down. Unread where
/// neither names one.
pub(crate) fn fields(node: &Node<'_>, catalog: Option<&CatalogEntry<'_>>) -> Facet<Vec<Field>> {
    let declared = Members::of(node.columns.as_ref()).iter();
    let declared: Vec<(&str, &Column<'_>)> = declared
        .map(|(key, column)| (column.name.as_deref().unwrap_or(key), column))
        .collect();
    let mut fields = Vec::with_capacity(declared.len());
    let mut joined = vec![false; declared.len()];
    let by_name = OnceCell::new();
    for (place, (name, column)) in in_order(catalog).into_iter().enumerate() {
        // Mostly both have the same columns in the same order.
        let index = match declared.get(place) {
            Some((own, _)) if *own == name => Some(place),
            _ => by_name
                .get_or_init(|| by_lower_name(&declared))
                .get(&name.to_lowercase())
                .copied(),
        };
        let own = index.and_then(|index| declared.get(index));
        if let Some(joined) = index.and_then(|index| joined.get_mut(index)) {
            *joined = true;
        }
        fields.push(field(name, Some(column), own.map(|(_, column)| *column), node));
    }
    let alone = declared.iter().zip(joined).filter(|(_, joined)| !joined);
    fields.extend(alone.map(|((name, column), _)| field(name, None, Some(column), node)));
    match fields.is_empty() {
        true => Facet::Unread,
        false => Facet::Read(fields),
    }
}

/// The first place of each name, whatever its case.
fn by_lower_name(declared: &[(&str, &Column<'_>)]) -> HashMap<String, usize> {
    let mut by_name = HashMap::new();
    for (index, (name, _)) in declared.iter().enumerate() {
        by_name.entry(name.to_lowercase()).or_insert(index);
    }
    by_name
}

fn in_order<'a>(catalog: Option<&'a CatalogEntry<'a>>) -> Vec<(&'a str, &'a CatalogColumn<'a>)> {
    let all = Members::of(catalog.and_then(|entry| entry.columns.as_ref())).iter();
    let mut all: Vec<_> = all.map(|(name, column)| (&**name, column)).collect();
    all.sort_by_key(|(_, column)| column.index.unwrap_or(i64::MAX));
    all
}

fn field(
    name: &str,
    real: Option<&CatalogColumn<'_>>,
    declared: Option<&Column<'_>>,
    node: &Node<'_>,
) -> Field {
    let real_type = real.and_then(|column| column.data_type.as_deref());
    let declared_type = declared.and_then(|column| column.data_type.as_deref());
    let native = real_type.or(declared_type).unwrap_or_default();
    let mut field = Field::new(name, native, types::data_type(native));
    let described = declared.and_then(|column| prose(column.description));
    let comment = || real.and_then(|column| prose(column.comment));
    field.description = described.or_else(comment).into();
    let tags = declared.into_iter().flat_map(|column| &column.tags.0);
    field.tags = tags.map(|tag| tag.to_string()).collect::<Vec<_>>().into();
    let constraints = declared.and_then(|column| column.constraints.as_ref());
    let refuses_null = |one: &Declared<'_>| one.kind.as_deref() == Some("not_null");
    if is_contract_enforced(node) && constraints.into_iter().flatten().any(refuses_null) {
        field.nullable = Some(false);
    }
    field
}

/// The constraints of an enforced contract; others are wishes that dbt passes on to nobody.
pub(crate) fn constraints(node: &Node<'_>) -> Vec<Constraint> {
    if !is_contract_enforced(node) {
        return Vec::new();
    }
    let of_model = node.constraints.iter().flatten();
    let mut all: Vec<Constraint> = of_model.filter_map(|one| constraint(one, None)).collect();
    for (name, column) in Members::of(node.columns.as_ref()) {
        let of_column = column.constraints.iter().flatten();
        all.extend(of_column.filter_map(|one| constraint(one, Some(name))));
    }
    all
}

fn constraint(declared: &Declared<'_>, column: Option<&str>) -> Option<Constraint> {
    let kind = match declared.kind.as_deref()? {
        "primary_key" => ConstraintKind::PRIMARY_KEY,
        "unique" => ConstraintKind::UNIQUE,
        "foreign_key" => ConstraintKind::FOREIGN_KEY,
        "check" => ConstraintKind::CHECK,
        // `not_null` belongs to the column, `custom` says nothing that others could read.
        _ => return None,
    };
    let own = declared.columns.iter().flatten().map(|name| &**name);
    let mut constraint = Constraint::new(text(declared.name.as_deref()), kind, own.chain(column));
    let target = text(declared.to.as_deref()).map(|to| match &declared.to_columns {
        Some(columns) => format!(
            "references {to} ({})",
            columns.iter().map(|name| &**name).collect::<Vec<_>>().join(", ")
        ),
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
        let node = json!({"columns": {
            "only_written": {"data_type": "text"},
            "id": {"name": "id", "description": "The key.", "data_type": "wrong", "tags": "pii"},
        }})
        .to_string();
        let catalog = json!({"columns": {
            "ONLY_THERE": {"type": "DATE", "index": 2, "comment": "A day."},
            "ID": {"type": "NUMBER(38,0)", "index": 1},
        }})
        .to_string();
        let node: Node<'_> = serde_json::from_str(&node).unwrap();
        let catalog: CatalogEntry<'_> = serde_json::from_str(&catalog).unwrap();
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
        let [enforced, wished] = [true, false].map(|enforced| {
            json!({
                "config": {"contract": {"enforced": enforced}},
                "constraints": [{"type": "foreign_key", "columns": ["a"], "to": "t", "to_columns": ["b"]}],
                "columns": {"a": {"constraints": [{"type": "not_null"}, {"type": "unique"}]}},
            })
            .to_string()
        });
        let [enforced, wished] =
            [&enforced, &wished].map(|node| serde_json::from_str::<Node<'_>>(node).unwrap());
        let found = constraints(&enforced);
        assert_eq!(
            found.iter().map(|one| one.kind.as_str()).collect::<Vec<_>>(),
            ["foreign_key", "unique"]
        );
        assert_eq!(found[0].expression.value().unwrap(), "references t (b)");
        assert_eq!(found[1].fields, ["a"]);
        let nullable = |node: &Node<'_>| fields(node, None).into_option().unwrap()[0].nullable;
        assert_eq!(nullable(&enforced), Some(false));
        assert_eq!((nullable(&wished), constraints(&wished).len()), (None, 0));
    }
}
