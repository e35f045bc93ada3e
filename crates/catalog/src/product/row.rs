//! The row of a product.

use super::{Origins, Product, ProductOrigin};
use crate::{
    Error, Result,
    error::stored,
    id, path,
    reconcile::{Doc, field_names},
    schema::product,
    store::time,
};
use diesel::prelude::*;
use headwater_core::{Facet, Path};
use serde::{Deserialize, Serialize};

/// A row of `product`.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = product)]
pub(crate) struct ProductRow {
    pub(crate) id: String,
    pub(crate) space_id: String,
    pub(crate) connector_id: String,
    pub(crate) key: String,
    pub(crate) namespace: String,
    pub(crate) family: String,
    pub(crate) folded: String,
    pub(crate) provider: String,
    pub(crate) native_id: Option<String>,
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) slug: String,
    pub(crate) hosting_location: String,
    pub(crate) search: String,
    pub(crate) doc: String,
    pub(crate) manual: Option<String>,
    pub(crate) hash: Vec<u8>,
    pub(crate) edges_hash: Option<Vec<u8>>,
    pub(crate) version: Option<String>,
    pub(crate) state: String,
    pub(crate) created_run: String,
    pub(crate) changed_run: String,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
}

impl ProductRow {
    /// What the source says.
    pub(crate) fn doc(&self) -> Result<Doc> {
        serde_json::from_str(&self.doc).map_err(|_quotes_values| Error::corrupt("product.doc"))
    }

    /// What people wrote over it.
    pub(crate) fn manual(&self) -> Result<Manual> {
        match &self.manual {
            Some(text) => {
                serde_json::from_str(text).map_err(|_quotes_values| Error::corrupt("product.manual"))
            }
            None => Ok(Manual::default()),
        }
    }

    /// Replaces what the source says, and what is found by it.
    pub(crate) fn set_doc(&mut self, doc: &Doc) -> Result<()> {
        self.kind = doc.kind.to_string();
        self.doc = serde_json::to_string(doc).map_err(Error::store)?;
        self.search = search_text(&self.path(), doc, &self.manual()?);
        Ok(())
    }

    /// Replaces what people wrote, and what is found by it.
    pub(crate) fn set_manual(&mut self, manual: &Manual, doc: &Doc) -> Result<()> {
        self.manual = match manual.is_empty() {
            true => None,
            false => Some(serde_json::to_string(manual).map_err(Error::store)?),
        };
        self.search = search_text(&self.path(), doc, manual);
        Ok(())
    }

    /// Its path in the source.
    pub(crate) fn path(&self) -> Path {
        path::path(&self.key)
    }

    /// The product, its document beside it.
    pub(crate) fn into_product(self) -> Result<(Product, Doc)> {
        let (mut doc, manual) = (self.doc()?, self.manual()?);
        let origins = manual.origins();
        let product = Product {
            id: id::stored(&self.id, "product.id")?,
            space_id: id::stored(&self.space_id, "product.space_id")?,
            connector_id: id::stored(&self.connector_id, "product.connector_id")?,
            path: self.path(),
            family: self.family,
            name: self.name,
            slug: self.slug,
            description: manual.description.or_else(|| doc.description.value().cloned()),
            product_type: self.kind,
            provider: self.provider,
            hosting_location: self.hosting_location,
            tags: written_over(manual.tags, std::mem::take(&mut doc.tags)),
            owners: written_over(manual.owners, std::mem::take(&mut doc.owners)),
            state: stored(&self.state, "product.state")?,
            created_at: time(self.created_at),
            updated_at: time(self.updated_at),
            origins,
        };
        Ok((product, doc))
    }
}

fn written_over(manual: Option<Vec<String>>, source: Facet<Vec<String>>) -> Facet<Vec<String>> {
    manual.map_or(source, Facet::Read)
}

/// What people wrote over what the source says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Manual {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tags: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) owners: Option<Vec<String>>,
}

impl Manual {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn origins(&self) -> Origins {
        let origin = |written| match written {
            true => ProductOrigin::Manual,
            false => ProductOrigin::Source,
        };
        Origins {
            description: origin(self.description.is_some()),
            tags: origin(self.tags.is_some()),
            owners: origin(self.owners.is_some()),
        }
    }
}

/// The text that a search looks through, in lower case: path, description and names of columns.
pub(crate) fn search_text(path: &Path, doc: &Doc, manual: &Manual) -> String {
    let mut text = path.to_string();
    let description = manual.description.as_ref().or(doc.description.value());
    let fields = doc
        .fields
        .as_option()
        .map_or_else(Vec::new, |fields| field_names(fields));
    for part in description.map(String::as_str).into_iter().chain(fields) {
        text.push('\n');
        text.push_str(part);
    }
    // PostgreSQL has no NUL in texts.
    text.to_lowercase().replace('\0', " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::tests::orders;

    #[test]
    fn a_search_finds_path_description_and_columns() {
        let path = Path::new(["Shop", "public", "Orders"]);
        let text = search_text(&path, &orders(), &Manual::default());
        assert_eq!(text, "shop.public.orders\nall orders\nid\ntotal\nnote");
        let manual = Manual {
            description: Some("Ours".into()),
            ..Manual::default()
        };
        assert!(search_text(&path, &orders(), &manual).contains("\nours\n"));
    }
}
