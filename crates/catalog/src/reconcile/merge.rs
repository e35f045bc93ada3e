//! What was not read keeps what is stored.

use super::doc::Doc;
use headwater_core::{
    Facet,
    model::{Constraint, Field, Name, Properties},
};
use std::{collections::HashMap, mem::take};

/// What was read, with the stored answer for each part that was not, down to the parts of each field.
pub(crate) fn merge(read: Doc, stored: Doc) -> Doc {
    Doc {
        kind: read.kind,
        description: read.description.or(stored.description),
        fields: merge_part(read.fields, stored.fields, merge_fields),
        constraints: merge_part(read.constraints, stored.constraints, merge_constraints),
        definition: read.definition.or(stored.definition),
        tags: read.tags.or(stored.tags),
        owners: read.owners.or(stored.owners),
        properties: merge_properties(read.properties, &stored.properties),
    }
}

/// What was read, with the stored value of each property that was not.
pub(super) fn merge_properties(mut read: Properties, stored: &Properties) -> Properties {
    for (name, value) in read.iter_mut().filter(|(_, value)| value.is_null()) {
        if let Some(known) = stored.get(name) {
            value.clone_from(known);
        }
    }
    read
}

fn merge_part<T>(read: Facet<Vec<T>>, stored: Facet<Vec<T>>, merge: fn(&mut [T], Vec<T>)) -> Facet<Vec<T>> {
    match (read, stored) {
        (Facet::Read(mut read), Facet::Read(stored)) => {
            merge(&mut read, stored);
            Facet::Read(read)
        }
        (read, stored) => read.or(stored),
    }
}

/// A field is the same field when its path is.
fn merge_fields(read: &mut [Field], stored: Vec<Field>) {
    let mut stored: HashMap<Name, Field> = stored
        .into_iter()
        .map(|field| (field.name.clone(), field))
        .collect();
    for field in read {
        if let Some(known) = stored.remove(&field.name) {
            field.default = take(&mut field.default).or(known.default);
            field.generated = take(&mut field.generated).or(known.generated);
            field.description = take(&mut field.description).or(known.description);
            field.tags = take(&mut field.tags).or(known.tags);
            merge_fields(&mut field.fields, known.fields);
        }
    }
}

fn merge_constraints(read: &mut [Constraint], mut stored: Vec<Constraint>) {
    for constraint in read.iter_mut().filter(|one| one.expression.is_unread()) {
        if let Some(index) = stored.iter().position(|known| is_same(constraint, known)) {
            constraint.expression = stored.swap_remove(index).expression;
        }
    }
}

fn is_same(one: &Constraint, other: &Constraint) -> bool {
    one.kind == other.kind
        && match (&one.name, &other.name) {
            (Some(one), Some(other)) => one == other,
            _ => one.fields == other.fields,
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::{
        diff::diff,
        doc::tests::{column, orders, stored},
        hash::digest,
    };
    use headwater_core::model::{AssetKind, ConstraintKind, Definition};
    use serde_json::json;

    /// A document of which nothing but the kind was read.
    fn nothing() -> Doc {
        Doc {
            kind: AssetKind::TABLE,
            description: Facet::Unread,
            fields: Facet::Unread,
            constraints: Facet::Unread,
            definition: Facet::Unread,
            tags: Facet::Unread,
            owners: Facet::Unread,
            properties: Default::default(),
        }
    }

    #[test]
    fn unread_parts_keep_what_is_stored() {
        let mut known = orders();
        known.definition = Some(Definition::sql("select 1")).into();
        assert_eq!(digest(&merge(nothing(), stored(&known))), digest(&known));
    }

    #[test]
    fn parts_that_were_read_and_are_empty_replace_what_is_stored() {
        let mut read = orders();
        read.description = Facet::Read(None);
        read.constraints = Facet::Read(vec![]);
        let merged = merge(read, stored(&orders()));
        assert_eq!(merged.description, Facet::Read(None));
        assert_eq!(merged.constraints, Facet::Read(vec![]));
    }

    #[test]
    fn a_property_that_was_not_read_is_kept_and_one_that_is_gone_is_not() {
        let mut known = orders();
        known.properties = [("engine", json!("heap")), ("rls", json!(true))]
            .map(|(name, value)| (name.into(), value))
            .into();
        let mut read = orders();
        read.properties.insert("engine".into(), json!(null));
        read.properties.insert("server".into(), json!(null));
        let merged = merge(read, stored(&known));
        known.properties.remove("rls");
        assert_eq!(merged.properties["engine"], "heap");
        assert_eq!(
            digest(&merged),
            digest(&known),
            "never read is no more than missing"
        );
        assert!(diff(&known, &merged).is_empty());
    }

    #[test]
    fn unread_parts_of_a_field_are_kept_by_its_path() {
        let mut known = column("address", "record");
        let mut city = column("city", "text");
        city.description = Some("where".to_owned()).into();
        city.default = Some("'Oslo'".to_owned()).into();
        known.fields = vec![city];
        let mut read = column("address", "record");
        let mut city = column("city", "varchar");
        city.description = Facet::Unread;
        city.default = Facet::Unread;
        let mut other = column("zip", "text");
        other.description = Facet::Unread;
        read.fields = vec![other, city];

        let with = |field: Field| Doc {
            fields: vec![field].into(),
            ..nothing()
        };
        let merged = merge(with(read), stored(&with(known)));
        let fields = &merged.fields.as_option().unwrap()[0].fields;
        assert_eq!(fields[1].native_type, "varchar");
        assert_eq!(fields[1].description.value().unwrap(), "where");
        assert_eq!(fields[1].default.value().unwrap(), "'Oslo'");
        assert!(
            fields[0].description.is_unread(),
            "a new field has nothing to keep"
        );
    }

    #[test]
    fn the_unread_expression_of_a_check_is_kept() {
        let check = |name: &str, expression| {
            let mut check = Constraint::new(Some(name.into()), ConstraintKind::CHECK, ["total"]);
            check.expression = expression;
            check
        };
        let with = |constraints: Vec<Constraint>| Doc {
            constraints: constraints.into(),
            ..nothing()
        };
        let known = with(vec![
            check("a", Facet::Read(Some("total > 0".into()))),
            check("b", Facet::Read(Some("total < 9".into()))),
        ]);
        let read = with(vec![check("b", Facet::Unread), check("c", Facet::Unread)]);
        let merged = merge(read, stored(&known));
        let constraints = merged.constraints.as_option().unwrap();
        assert_eq!(constraints[0].expression.value().unwrap(), "total < 9");
        assert!(constraints[1].expression.is_unread());
    }
}
