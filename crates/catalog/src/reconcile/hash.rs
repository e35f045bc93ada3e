//! The content hash: two documents of one hash are one schema to a person.
//!
//! It is taken over a canonical form written from the typed values, without a JSON text in between. Outside
//! it are all that [`Doc`] does not hold (native ids, statistics, versions), and within it the order of
//! tags, owners and constraints. The relative order of fields counts, their ordinals do not.

use super::doc::Doc;
use headwater_core::{
    Facet, Path,
    model::{Constraint, Field, LineageEdge},
};
use serde_json::Value;

/// The first 128 bits of a BLAKE3 hash.
pub(crate) type Digest = [u8; 16];

/// The hash of a document.
pub(crate) fn digest(doc: &Doc) -> Digest {
    let mut form = Form::default();
    form.text(doc.kind.as_str());
    form.option(doc.description.value().map(String::as_str));
    form.part(&doc.fields, |form, fields| {
        form.each(fields, Form::field);
    });
    form.part(&doc.constraints, |form, constraints| {
        form.constraints(constraints)
    });
    form.optional(doc.definition.value(), |form, definition| {
        form.text(&definition.language);
        form.text(&definition.text);
    });
    form.part(&doc.tags, |form, tags| form.set(tags));
    form.part(&doc.owners, |form, owners| form.set(owners));
    let read = doc.properties.iter().filter(|(_, value)| !value.is_null());
    form.each(read.collect::<Vec<_>>(), |form, (name, value)| {
        form.text(name);
        form.json(value);
    });
    form.finish()
}

/// The hash of all edges of one product, each with the folded path of its end: a release that folds the names of
/// a family otherwise stores them anew.
pub(crate) fn digest_edges(edges: &[(LineageEdge, Path)]) -> Digest {
    let mut form = Form::default();
    form.each(edges, |form, (edge, folded)| {
        form.mark(edge.flow as u8);
        form.text(&edge.end.family);
        form.each(edge.end.path.segments(), |form, name| form.text(name));
        form.each(folded.segments(), |form, name| form.text(name));
        form.text(&edge.kind);
        form.each(&edge.field_pairs, |form, pair| {
            form.each(&pair.upstream, |form, name| form.text(name));
            form.each(&pair.downstream, |form, name| form.text(name));
        });
    });
    form.finish()
}

/// The hash of a path: what a run remembers of each asset it saw.
pub(crate) fn digest_path(path: &Path) -> Digest {
    let mut form = Form::default();
    form.each(path.segments(), |form, name| form.text(name));
    form.finish()
}

/// The canonical form: each text with its length before it, each list with its count, so that no two
/// different documents are written alike.
#[derive(Default)]
struct Form(Vec<u8>);

impl Form {
    fn finish(self) -> Digest {
        let mut digest = Digest::default();
        blake3::Hasher::new()
            .update(&self.0)
            .finalize_xof()
            .fill(&mut digest);
        digest
    }

    fn count(&mut self, count: usize) {
        self.0.extend_from_slice(&(count as u64).to_le_bytes());
    }

    fn mark(&mut self, mark: u8) {
        self.0.push(mark);
    }

    fn text(&mut self, text: &str) {
        self.count(text.len());
        self.0.extend_from_slice(text.as_bytes());
    }

    fn optional<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        match value {
            Some(value) => {
                self.mark(1);
                write(self, value);
            }
            None => self.mark(0),
        }
    }

    fn option(&mut self, text: Option<&str>) {
        self.optional(text, Self::text);
    }

    fn part<T>(&mut self, part: &Facet<T>, write: impl FnOnce(&mut Self, &T)) {
        self.optional(part.as_option(), write);
    }

    fn each<T>(
        &mut self,
        items: impl IntoIterator<Item = T, IntoIter: ExactSizeIterator>,
        write: impl Fn(&mut Self, T),
    ) {
        let items = items.into_iter();
        self.count(items.len());
        for item in items {
            write(self, item);
        }
    }

    fn set(&mut self, texts: &[String]) {
        let mut texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        texts.sort_unstable();
        texts.dedup();
        self.each(texts, Self::text);
    }

    fn field(&mut self, field: &Field) {
        self.text(&field.name);
        self.text(&field.native_type);
        // The one part written as JSON: the vocabulary of types is open, its JSON is fixed.
        if serde_json::to_writer(&mut self.0, &field.data_type).is_err() {
            self.mark(0);
        }
        self.mark(match field.nullable {
            None => 0,
            Some(false) => 1,
            Some(true) => 2,
        });
        self.option(field.default.value().map(String::as_str));
        self.mark(field.identity.map_or(0, |identity| 1 + identity as u8));
        self.option(field.generated.value().map(String::as_str));
        self.option(field.description.value().map(String::as_str));
        self.part(&field.tags, |form, tags| form.set(tags));
        self.each(&field.fields, Self::field);
    }

    fn constraints(&mut self, constraints: &[Constraint]) {
        let mut sorted: Vec<&Constraint> = constraints.iter().collect();
        sorted.sort_by_key(|one| (&one.kind, &one.name, &one.fields, one.expression.value()));
        self.each(sorted, Self::constraint);
    }

    fn constraint(&mut self, constraint: &Constraint) {
        self.option(constraint.name.as_deref());
        self.text(constraint.kind.as_str());
        self.each(&constraint.fields, |form, name| form.text(name));
        self.optional(constraint.references.as_ref(), |form, other| {
            form.each(other.path.segments(), |form, name| form.text(name));
            form.each(&other.fields, |form, name| form.text(name));
        });
        self.option(constraint.expression.value().map(String::as_str));
    }

    fn json(&mut self, value: &Value) {
        match value {
            Value::Null => self.mark(0),
            Value::Bool(value) => self.mark(1 + u8::from(*value)),
            Value::Number(number) => {
                self.mark(3);
                self.text(&number.to_string());
            }
            Value::String(text) => {
                self.mark(4);
                self.text(text);
            }
            Value::Array(values) => {
                self.mark(5);
                self.each(values, Self::json);
            }
            Value::Object(map) => {
                self.mark(6);
                let mut entries: Vec<(&String, &Value)> = map.iter().collect();
                entries.sort_unstable_by_key(|(name, _)| *name);
                self.each(entries, |form, (name, value)| {
                    form.text(name);
                    form.json(value);
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::doc::tests::{column, orders, stored};
    use headwater_core::model::{
        AssetKind, ConstraintKind, DataType, Definition, Flow, Identity, LineageEnd, Reference,
    };
    use serde_json::json;

    fn changed(change: impl FnOnce(&mut Doc)) -> bool {
        let mut doc = orders();
        change(&mut doc);
        digest(&doc) != digest(&orders())
    }

    fn field_changed(change: impl FnOnce(&mut Field)) -> bool {
        changed(|doc| change(&mut doc.fields.as_mut().unwrap()[1]))
    }

    #[test]
    fn the_store_keeps_the_hash() {
        assert_eq!(digest(&stored(&orders())), digest(&orders()));
    }

    #[test]
    fn each_part_counts() {
        assert!(changed(|doc| doc.kind = AssetKind::VIEW));
        assert!(changed(|doc| doc.description = Facet::Read(None)));
        assert!(changed(
            |doc| doc.definition = Some(Definition::sql("select 1")).into()
        ));
        assert!(changed(|doc| doc.tags = vec!["silver".to_owned()].into()));
        assert!(changed(|doc| doc.owners = Facet::Read(vec![])));
        assert!(changed(|doc| {
            doc.properties.insert("engine".into(), json!("heap"));
        }));
        assert!(changed(|doc| doc.constraints = Facet::Read(vec![])));
        assert!(changed(|doc| doc.constraints.as_mut().unwrap()[0].references =
            Some(Reference {
                path: Path::new(["a"]),
                fields: vec![],
            })));
    }

    #[test]
    fn each_part_of_a_field_counts() {
        let text = || Facet::Read(Some("x".to_owned()));
        assert!(field_changed(|field| field.name = "sum".into()));
        assert!(field_changed(|field| field.native_type = "numeric(14,2)".into()));
        assert!(field_changed(|field| field.data_type = DataType::Money));
        assert!(field_changed(|field| field.nullable = Some(false)));
        assert!(field_changed(|field| field.nullable = None));
        assert!(field_changed(|field| field.default = text()));
        assert!(field_changed(|field| field.identity = Some(Identity::Always)));
        assert!(field_changed(|field| field.generated = text()));
        assert!(field_changed(|field| field.description = text()));
        assert!(field_changed(|field| field.tags = vec!["pii".to_owned()].into()));
        assert!(field_changed(|field| field.fields = vec![column("inner", "text")]));
    }

    #[test]
    fn the_order_of_fields_counts_and_that_of_sets_does_not() {
        assert!(changed(|doc| doc.fields.as_mut().unwrap().swap(0, 1)));
        let with = |tags: [&str; 2], swap: bool| {
            let mut doc = orders();
            doc.tags = tags.map(str::to_owned).to_vec().into();
            let constraints = doc.constraints.as_mut().unwrap();
            constraints.push(Constraint::new(None, ConstraintKind::UNIQUE, ["total"]));
            if swap {
                constraints.swap(0, 1);
            }
            digest(&doc)
        };
        assert_eq!(with(["a", "b"], false), with(["b", "a"], true));
    }

    #[test]
    fn unread_and_absent_texts_are_one() {
        assert!(!changed(|doc| doc.definition = Facet::Unread));
        assert!(!field_changed(|field| field.default = Facet::Unread));
        assert!(
            field_changed(|field| field.tags = Facet::Unread),
            "null is shown, not []"
        );
    }

    #[test]
    fn edges_that_flow_or_fold_otherwise_are_others() {
        let edge = |flow, folded: &str| {
            let end = LineageEnd::new("postgres", Path::new(["Orders"]));
            digest_edges(&[(LineageEdge::new(flow, end, "view"), Path::new([folded]))])
        };
        assert_ne!(edge(Flow::In, "orders"), edge(Flow::Out, "orders"));
        assert_ne!(edge(Flow::In, "orders"), edge(Flow::In, "Orders"));
    }

    #[test]
    fn neighbouring_texts_do_not_run_together() {
        let edges = |family: &str, kind: &str| {
            let end = LineageEnd::new(family, Path::root());
            digest_edges(&[(LineageEdge::new(Flow::In, end, kind), Path::root())])
        };
        assert_ne!(edges("ab", "c"), edges("a", "bc"));
        assert_ne!(
            digest_path(&Path::new(["a", "b.c"])),
            digest_path(&Path::new(["a.b", "c"]))
        );
    }
}
