//! The difference between two documents, as a person would tell it.

use super::doc::Doc;
use crate::change::{Change, ChangeOp};
use headwater_core::{
    Facet,
    model::{Constraint, Field, Properties},
};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap};

/// What differs. A part that was never read before has nothing to differ from: its first reading is no
/// change.
pub(crate) fn diff(before: &Doc, after: &Doc) -> Vec<Change> {
    let mut diff = Diff::new("kind");
    diff.attribute(&[], None, Some(&before.kind), Some(&after.kind));
    diff.part = "description";
    diff.attribute(&[], None, before.description.value(), after.description.value());
    diff.part = "tags";
    diff.set(&[], None, &before.tags, &after.tags);
    diff.part = "owners";
    diff.set(&[], None, &before.owners, &after.owners);
    diff.part = "fields";
    if let (Facet::Read(before), Facet::Read(after)) = (&before.fields, &after.fields) {
        diff.fields(&[], before, after);
    }
    diff.part = "constraints";
    if let (Facet::Read(before), Facet::Read(after)) = (&before.constraints, &after.constraints) {
        diff.constraints(before, after);
    }
    diff.part = "definition";
    diff.attribute(&[], None, before.definition.value(), after.definition.value());
    diff.part = "properties";
    diff.properties(&before.properties, &after.properties);
    diff.changes
}

struct Diff {
    part: &'static str,
    changes: Vec<Change>,
}

impl Diff {
    fn new(part: &'static str) -> Self {
        Self {
            part,
            changes: Vec::new(),
        }
    }

    fn push(&mut self, op: ChangeOp, path: &[String], attribute: Option<&str>, before: Value, after: Value) {
        self.changes.push(Change {
            op,
            part: self.part.to_owned(),
            path: path.to_vec(),
            attribute: attribute.map(str::to_owned),
            before,
            after,
        });
    }

    /// One value that may be absent. An attribute of a thing that stays is changed even where it was or
    /// becomes absent; a whole thing is then added or removed.
    fn attribute<T: Serialize + PartialEq>(
        &mut self,
        path: &[String],
        attribute: Option<&str>,
        before: Option<&T>,
        after: Option<&T>,
    ) {
        if before == after {
            return;
        }
        let op = match (attribute, before, after) {
            (None, None, _) => ChangeOp::Added,
            (None, _, None) => ChangeOp::Removed,
            _ => ChangeOp::Changed,
        };
        self.push(op, path, attribute, value(&before), value(&after));
    }

    /// Texts whose order says nothing.
    fn set(
        &mut self,
        path: &[String],
        attribute: Option<&str>,
        before: &Facet<Vec<String>>,
        after: &Facet<Vec<String>>,
    ) {
        let (Facet::Read(before), Facet::Read(after)) = (before, after) else {
            return;
        };
        if before.iter().collect::<BTreeSet<_>>() != after.iter().collect() {
            self.push(ChangeOp::Changed, path, attribute, value(before), value(after));
        }
    }

    /// The fields inside `parent`: a field is the same field when its path is.
    fn fields(&mut self, parent: &[String], before: &[Field], after: &[Field]) {
        let known = by_name(before);
        let present = by_name(after);
        for field in before
            .iter()
            .filter(|field| !present.contains_key(field.name.as_str()))
        {
            self.push(
                ChangeOp::Removed,
                &child(parent, field),
                None,
                value(field),
                Value::Null,
            );
        }
        for field in after {
            let path = child(parent, field);
            match known.get(field.name.as_str()) {
                Some(before) => self.field(&path, before, field),
                None => self.push(ChangeOp::Added, &path, None, Value::Null, value(field)),
            }
        }
        let old: Vec<&str> = names(before).filter(|name| present.contains_key(name)).collect();
        let new: Vec<&str> = names(after).filter(|name| known.contains_key(name)).collect();
        if old != new {
            self.push(ChangeOp::Changed, parent, Some("ordinal"), json!(old), json!(new));
        }
    }

    fn field(&mut self, path: &[String], before: &Field, after: &Field) {
        self.attribute(
            path,
            Some("native_type"),
            Some(&before.native_type),
            Some(&after.native_type),
        );
        self.attribute(
            path,
            Some("data_type"),
            Some(&before.data_type),
            Some(&after.data_type),
        );
        self.attribute(
            path,
            Some("nullable"),
            before.nullable.as_ref(),
            after.nullable.as_ref(),
        );
        self.attribute(
            path,
            Some("default"),
            before.default.value(),
            after.default.value(),
        );
        self.attribute(
            path,
            Some("identity"),
            before.identity.as_ref(),
            after.identity.as_ref(),
        );
        self.attribute(
            path,
            Some("generated"),
            before.generated.value(),
            after.generated.value(),
        );
        self.attribute(
            path,
            Some("description"),
            before.description.value(),
            after.description.value(),
        );
        self.set(path, Some("tags"), &before.tags, &after.tags);
        self.fields(path, &before.fields, &after.fields);
    }

    /// Constraints are matched by name, else by what they are over.
    fn constraints(&mut self, before: &[Constraint], after: &[Constraint]) {
        let mut known: Vec<Option<&Constraint>> = before.iter().map(Some).collect();
        let mut pairs: Vec<Option<&Constraint>> = vec![None; after.len()];
        for is_same in [is_same_name, is_same_key] {
            for (constraint, pair) in after.iter().zip(&mut pairs).filter(|(_, pair)| pair.is_none()) {
                let found = known
                    .iter_mut()
                    .find(|one| one.is_some_and(|one| is_same(one, constraint)));
                *pair = found.and_then(Option::take);
            }
        }
        for gone in known.into_iter().flatten() {
            self.push(ChangeOp::Removed, &[label(gone)], None, value(gone), Value::Null);
        }
        for (constraint, pair) in after.iter().zip(pairs) {
            match pair {
                Some(before) => self.constraint(before, constraint),
                None => self.push(
                    ChangeOp::Added,
                    &[label(constraint)],
                    None,
                    Value::Null,
                    value(constraint),
                ),
            }
        }
    }

    fn constraint(&mut self, before: &Constraint, after: &Constraint) {
        let path = &[label(after)];
        self.attribute(path, Some("name"), before.name.as_ref(), after.name.as_ref());
        self.attribute(path, Some("type"), Some(&before.kind), Some(&after.kind));
        self.attribute(path, Some("fields"), Some(&before.fields), Some(&after.fields));
        self.attribute(
            path,
            Some("references"),
            before.references.as_ref(),
            after.references.as_ref(),
        );
        self.attribute(
            path,
            Some("expression"),
            before.expression.value(),
            after.expression.value(),
        );
    }

    fn properties(&mut self, before: &Properties, after: &Properties) {
        for name in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
            // One that is null was never read.
            let [before, after] = [before, after].map(|side| side.get(name).filter(|value| !value.is_null()));
            self.attribute(&[name.to_string()], None, before, after);
        }
    }
}

fn value(of: &impl Serialize) -> Value {
    serde_json::to_value(of).unwrap_or_default()
}

fn by_name(fields: &[Field]) -> HashMap<&str, &Field> {
    fields.iter().map(|field| (field.name.as_str(), field)).collect()
}

fn names(fields: &[Field]) -> impl Iterator<Item = &str> {
    fields.iter().map(|field| field.name.as_str())
}

fn child(parent: &[String], field: &Field) -> Vec<String> {
    [parent, &[field.name.to_string()]].concat()
}

fn is_same_name(one: &Constraint, other: &Constraint) -> bool {
    one.name.is_some() && one.name == other.name
}

fn is_same_key(one: &Constraint, other: &Constraint) -> bool {
    one.kind == other.kind && one.fields == other.fields && one.references == other.references
}

/// The name, or what the constraint is: `primary_key(id)`.
fn label(constraint: &Constraint) -> String {
    let unnamed = || format!("{}({})", constraint.kind, constraint.fields.join(","));
    constraint.name.clone().unwrap_or_else(unnamed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::{
        doc::tests::{column, orders, stored},
        merge::merge,
    };
    use headwater_core::model::{AssetKind, ConstraintKind, Definition};

    /// `op part path attribute before after` of each change, made by `change` to the table of orders.
    fn told(change: impl FnOnce(&mut Doc)) -> Vec<String> {
        told_of(orders(), change)
    }

    fn told_of(before: Doc, change: impl FnOnce(&mut Doc)) -> Vec<String> {
        let mut after = before.clone();
        change(&mut after);
        diff(&stored(&before), &after).iter().map(tell).collect()
    }

    fn tell(change: &Change) -> String {
        let place = change.path.join("/");
        let attribute = change.attribute.as_deref().unwrap_or("-");
        let brief = |value: &Value| match value.get("name") {
            Some(name) => name.to_string(),
            None => value.to_string(),
        };
        let (before, after) = (brief(&change.before), brief(&change.after));
        format!(
            "{} {} {place} {attribute} {before} {after}",
            change.op, change.part
        )
    }

    fn fields(doc: &mut Doc) -> &mut Vec<Field> {
        doc.fields.as_mut().unwrap()
    }

    #[test]
    fn the_same_schema_has_no_difference() {
        assert_eq!(told(|_| {}), [""; 0]);
        assert_eq!(told(|doc| doc.definition = Facet::Unread), [""; 0]);
    }

    #[test]
    fn a_changed_type_is_one_change_of_one_attribute() {
        assert_eq!(
            told(|doc| fields(doc)[1].native_type = "numeric(14,2)".into()),
            [r#"changed fields total native_type "numeric(12,2)" "numeric(14,2)""#]
        );
    }

    #[test]
    fn columns_come_and_go_without_moving_the_others() {
        assert_eq!(
            told(|doc| {
                fields(doc).remove(1);
                fields(doc).insert(0, column("first", "text"));
            }),
            [
                r#"removed fields total - "total" null"#,
                r#"added fields first - null "first""#
            ]
        );
    }

    #[test]
    fn a_new_order_is_one_change() {
        assert_eq!(
            told(|doc| fields(doc).swap(0, 2)),
            [r#"changed fields  ordinal ["id","total","note"] ["note","total","id"]"#]
        );
    }

    #[test]
    fn nested_fields_have_paths() {
        let mut doc = orders();
        let mut address = column("address", "record");
        address.fields = vec![column("street", "text"), column("city", "text")];
        fields(&mut doc).push(address);
        let told = told_of(doc, |doc| {
            let inner = &mut fields(doc)[3].fields;
            inner[1].native_type = "varchar".into();
            inner.swap(0, 1);
            inner.push(column("zip", "text"));
        });
        assert_eq!(
            told,
            [
                r#"changed fields address/city native_type "text" "varchar""#,
                r#"added fields address/zip - null "zip""#,
                r#"changed fields address ordinal ["street","city"] ["city","street"]"#,
            ]
        );
    }

    #[test]
    fn texts_come_change_and_go() {
        assert_eq!(
            told(|doc| doc.description = Facet::Read(None)),
            [r#"removed description  - "all orders" null"#]
        );
        assert_eq!(
            told(|doc| doc.definition = Some(Definition::sql("select 1")).into()),
            [r#"added definition  - null {"language":"sql","text":"select 1"}"#]
        );
        assert_eq!(
            told(|doc| fields(doc)[0].default = Some("0".to_owned()).into()),
            [r#"changed fields id default null "0""#]
        );
        assert_eq!(
            told(|doc| doc.kind = AssetKind::VIEW),
            [r#"changed kind  - "table" "view""#]
        );
    }

    #[test]
    fn tags_are_a_set() {
        let mut doc = orders();
        doc.tags = vec!["a".to_owned(), "b".to_owned()].into();
        assert_eq!(
            told_of(doc.clone(), |doc| doc.tags.as_mut().unwrap().reverse()),
            [""; 0]
        );
        assert_eq!(
            told_of(doc, |doc| doc.tags.as_mut().unwrap().truncate(1)),
            [r#"changed tags  - ["a","b"] ["a"]"#]
        );
    }

    #[test]
    fn constraints_match_by_name_then_by_key() {
        let constraints = |doc: &mut Doc| doc.constraints.as_mut().unwrap().remove(0);
        assert_eq!(
            told(|doc| doc.constraints.as_mut().unwrap()[0].fields.push("total".into())),
            [r#"changed constraints orders_pkey fields ["id"] ["id","total"]"#]
        );
        assert_eq!(
            told(|doc| doc.constraints.as_mut().unwrap()[0].name = Some("pk".into())),
            [r#"changed constraints pk name "orders_pkey" "pk""#]
        );
        assert_eq!(
            told(|doc| {
                constraints(doc);
                let unique = Constraint::new(None, ConstraintKind::UNIQUE, ["total"]);
                doc.constraints.as_mut().unwrap().push(unique);
            }),
            [
                r#"removed constraints orders_pkey - "orders_pkey" null"#,
                r#"added constraints unique(total) - null null"#
            ]
        );
    }

    #[test]
    fn properties_are_told_by_name() {
        let mut doc = orders();
        doc.properties.insert("engine".into(), json!("heap"));
        assert_eq!(
            told_of(doc, |doc| {
                doc.properties.insert("engine".into(), json!("columnar"));
                doc.properties.insert("rls".into(), json!(true));
            }),
            [
                r#"changed properties engine - "heap" "columnar""#,
                r#"added properties rls - null true"#
            ]
        );
    }

    #[test]
    fn a_first_reading_is_no_change_and_a_refused_one_neither() {
        let mut unread = orders();
        unread.fields = Facet::Unread;
        unread.tags = Facet::Unread;
        assert_eq!(diff(&stored(&unread), &orders()), []);
        let merged = merge(unread, stored(&orders()));
        assert_eq!(diff(&stored(&orders()), &merged), []);
    }
}
