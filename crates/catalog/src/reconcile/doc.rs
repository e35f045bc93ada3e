//! The stored document: what the source says of an asset, as one JSON text that is read and written whole.

use headwater_core::{
    Facet,
    model::{Asset, AssetKind, Constraint, Definition, Field, Properties},
};
use serde::{Deserialize, Serialize};

/// What a person would call the schema of an asset. Identity (path, native id) stands in columns beside it,
/// statistics in a table beside it.
///
/// A text that was read and is absent is stored as one that was not read: both show as `null`, and neither
/// is a change of the other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Doc {
    pub(crate) kind: AssetKind,
    pub(crate) description: Facet<Option<String>>,
    pub(crate) fields: Facet<Vec<Field>>,
    pub(crate) constraints: Facet<Vec<Constraint>>,
    pub(crate) definition: Facet<Option<Definition>>,
    pub(crate) tags: Facet<Vec<String>>,
    pub(crate) owners: Facet<Vec<String>>,
    pub(crate) properties: Properties,
}

impl Doc {
    /// The document of what was read.
    pub(crate) fn of(asset: Asset) -> Self {
        Self {
            kind: asset.kind,
            description: asset.description,
            fields: asset.fields,
            constraints: asset.constraints,
            definition: asset.definition,
            tags: asset.tags,
            owners: asset.owners,
            properties: asset.properties,
        }
    }
}

/// The names of all fields, nested ones included.
pub(crate) fn field_names(fields: &[Field]) -> Vec<&str> {
    let mut names = Vec::with_capacity(fields.len());
    for field in fields {
        names.push(field.name.as_str());
        names.extend(field_names(&field.fields));
    }
    names
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use headwater_core::{
        Path,
        model::{ConstraintKind, DataType},
    };

    /// A table `orders(id, total)` of which everything was read.
    pub(crate) fn orders() -> Doc {
        let mut asset = Asset::new(Path::new(["shop", "public", "orders"]), AssetKind::TABLE);
        asset.description = Some("all orders".to_owned()).into();
        asset.fields = vec![
            column("id", "bigint"),
            column("total", "numeric(12,2)"),
            column("note", "text"),
        ]
        .into();
        asset.constraints = vec![Constraint::new(
            Some("orders_pkey".into()),
            ConstraintKind::PRIMARY_KEY,
            ["id"],
        )]
        .into();
        asset.definition = Facet::Read(None);
        asset.tags = vec!["gold".to_owned()].into();
        asset.owners = vec!["shop".to_owned()].into();
        Doc::of(asset)
    }

    /// A column whose every part was read.
    pub(crate) fn column(name: &str, native_type: &str) -> Field {
        let mut field = Field::new(name, native_type, DataType::Other);
        field.nullable = Some(true);
        field.default = Facet::Read(None);
        field.generated = Facet::Read(None);
        field.description = Facet::Read(None);
        field.tags = Facet::Read(vec![]);
        field
    }

    /// The document as it comes back from the store.
    pub(crate) fn stored(doc: &Doc) -> Doc {
        serde_json::from_str(&serde_json::to_string(doc).unwrap()).unwrap()
    }

    #[test]
    fn a_part_read_and_empty_comes_back_as_such() {
        let mut doc = orders();
        doc.tags = Facet::Read(vec![]);
        doc.owners = Facet::Unread;
        let back = stored(&doc);
        assert_eq!(back.tags, Facet::Read(vec![]));
        assert!(back.owners.is_unread());
    }

    #[test]
    fn nested_names_are_found() {
        let mut address = column("address", "record");
        address.fields = vec![column("city", "text")];
        assert_eq!(
            field_names(&[column("id", "int"), address]),
            ["id", "address", "city"]
        );
    }
}
