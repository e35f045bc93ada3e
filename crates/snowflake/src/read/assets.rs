//! What goes out: assets made of all that was found of them, and what views read.

use super::{Part, Reader, nested::Nested, pages::Wanted, secondary};
use crate::convert::{self, ColumnRow, Parts};
use headwater_core::{Error, ErrorKind, Path, Result, model::Asset};
use headwater_sql_lineage::Dialect;

impl Reader<'_> {
    /// Sends a page of tables, and the lineage of its views.
    pub(super) async fn emit(&mut self, page: Vec<Wanted>) -> Result<()> {
        let mut texts = Vec::new();
        for wanted in page {
            let Some(schema) = self.schemas.get(wanted.row.schema.as_str()).copied() else {
                continue;
            };
            let changed = wanted.changed;
            let asset = self.asset(wanted, schema).await?;
            if let (true, Some(definition)) = (changed, asset.definition.value()) {
                texts.push((asset.key.clone(), definition.text.clone()));
            }
            self.out.asset(asset).await?;
        }
        self.lineage(texts).await?;
        self.out.cost(self.session.take_cost()).await
    }

    async fn asset(&mut self, wanted: Wanted, schema: &Path) -> Result<Asset> {
        let key = wanted.key();
        let mut columns = wanted.columns.flatten();
        let is_nested = |columns: &Vec<ColumnRow>| columns.iter().any(|column| column.kind.is_nested());
        if columns.as_ref().is_some_and(is_nested) && !self.has_nested().await? {
            columns = None;
        } else if columns.is_none() && wanted.changed && !self.columns.source.0.refused.contains_key(&key.0) {
            let detail = "its columns were not listed: it was made or dropped meanwhile";
            self.out
                .warn("columns_unread", detail, Some(schema.child(key.1.as_str())))
                .await?;
        }
        let usage = self.usage.as_mut().map(|usage| usage.take(&key.0, &key.1));
        let (text, secure) = wanted
            .text
            .flatten()
            .map_or((None, None), |(text, secure)| (text, Some(secure)));
        let parts = Parts {
            text: text.or_else(|| usage.as_ref().and_then(|object| object.text.clone())),
            keys: self.keys.take(&key.0, &key.1),
            columns,
            secure,
            usage,
        };
        if wanted.row.has_text() && parts.text.is_none() && !self.is_text_refused(&key.0) {
            let detail =
                "its text is hidden from the role: of a secure view it can be read with account_usage";
            self.out
                .warn("definition_unread", detail, Some(schema.child(key.1.as_str())))
                .await?;
        }
        let nested = match &self.nested {
            Part::Read(nested) => Some(nested),
            Part::Unasked | Part::Refused => None,
        };
        let mut asset = wanted.row.into_asset(schema, parts, nested);
        asset.version = wanted.version;
        Ok(asset)
    }

    /// Whether the texts of a schema could not be listed, which is told once for all.
    fn is_text_refused(&self, schema: &str) -> bool {
        let lists = [&self.views, &self.dynamic];
        lists
            .iter()
            .any(|list| list.source.0.refused.contains_key(schema))
    }

    /// Whether inner types can be read; reads them the first time.
    async fn has_nested(&mut self) -> Result<bool> {
        if matches!(self.nested, Part::Unasked) {
            let read = Nested::read(self.session, self.database).await;
            let read = secondary(read, self.database, "nested_types_unread", self.out).await?;
            self.nested = read.map_or(Part::Refused, Part::Read);
        }
        Ok(matches!(self.nested, Part::Read(_)))
    }

    /// What the texts of views read. Parsing takes a stack of its own.
    async fn lineage(&self, views: Vec<(Path, String)>) -> Result<()> {
        if views.is_empty() {
            return Ok(());
        }
        let (paths, texts): (Vec<Path>, Vec<String>) = views.into_iter().unzip();
        let parse = move || {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            headwater_sql_lineage::tables(&texts, Dialect::Snowflake)
        };
        let parsed = tokio::task::spawn_blocking(parse).await.map_err(|error| {
            Error::new(ErrorKind::Unexpected, "the reading of view texts broke off").with_source(error)
        })?;
        for (path, names) in paths.into_iter().zip(parsed) {
            match names {
                Ok(names) => {
                    let schema = path.parent().unwrap_or_else(Path::root);
                    self.out.lineage(path, convert::lineage(&schema, names)).await?;
                }
                Err(unread) => {
                    self.out
                        .warn("lineage_unread", unread.to_string(), Some(path))
                        .await?
                }
            }
        }
        Ok(())
    }
}
