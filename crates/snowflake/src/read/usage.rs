//! What only `SNOWFLAKE.ACCOUNT_USAGE` says: tags, policies, the texts of secure views. It is one to three hours late.

use crate::{row::Row, session::Session};
use headwater_core::{Result, model::Properties};
use serde_json::json;
use std::collections::{BTreeMap, HashMap};

/// What is known of the objects of a database.
#[derive(Debug, Default)]
pub(crate) struct Usage {
    objects: HashMap<(String, String), Object>,
    schemas: HashMap<String, Vec<String>>,
}

/// What is known of one object.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Object {
    /// `NAME=VALUE`.
    pub(crate) tags: Vec<String>,
    /// By column.
    pub(crate) column_tags: BTreeMap<String, Vec<String>>,
    /// Masking policies by column.
    pub(crate) masking: BTreeMap<String, String>,
    /// Row access policies.
    pub(crate) row_access: Vec<String>,
    /// The text of a secure view.
    pub(crate) text: Option<String>,
}

impl Usage {
    /// Reads it: one statement for a database.
    pub(crate) async fn read(session: &Session<'_>, database: &str) -> Result<Self> {
        let sql = include_str!("../queries/account_usage.sql");
        let mut rows = session.query(sql, &[database; 3]).await?;
        let mut usage = Self::default();
        while let Some(row) = session.next(&mut rows).await? {
            usage.add(row)?;
        }
        Ok(usage)
    }

    fn add(&mut self, mut row: Row) -> Result<()> {
        let part = row.require("PART")?;
        let kind = row.take("KIND").unwrap_or_default();
        let name = row.take("NAME").unwrap_or_default();
        let value = row.take("VALUE");
        if (part.as_str(), kind.as_str()) == ("tag", "SCHEMA") {
            let schema = row.require("OBJECT_NAME")?;
            self.schemas.entry(schema).or_default().push(tag(name, value));
            return Ok(());
        }
        let key = (row.require("SCHEMA_NAME")?, row.require("OBJECT_NAME")?);
        let object = self.objects.entry(key).or_default();
        match (part.as_str(), row.take_text("COLUMN_NAME")) {
            ("view", _) => object.text = value.filter(|text| !text.is_empty()),
            ("policy", Some(column)) => drop(object.masking.insert(column, name)),
            ("policy", None) => object.row_access.push(name),
            (_, Some(column)) => object
                .column_tags
                .entry(column)
                .or_default()
                .push(tag(name, value)),
            (_, None) => object.tags.push(tag(name, value)),
        }
        Ok(())
    }

    /// What is known of an object.
    pub(crate) fn take(&mut self, schema: &str, name: &str) -> Object {
        let found = self.objects.remove(&(schema.to_owned(), name.to_owned()));
        let mut object = found.unwrap_or_default();
        object.tags.sort();
        object.row_access.sort();
        object.column_tags.values_mut().for_each(|tags| tags.sort());
        object
    }

    /// The tags of a schema.
    pub(crate) fn schema_tags(&self, schema: &str) -> Vec<String> {
        let mut tags = self.schemas.get(schema).cloned().unwrap_or_default();
        tags.sort();
        tags
    }
}

impl Object {
    /// The policies as properties.
    pub(crate) fn policies(&self) -> Properties {
        let mut all = Properties::new();
        if !self.masking.is_empty() {
            all.insert("masking_policies".into(), json!(self.masking));
        }
        if !self.row_access.is_empty() {
            all.insert("row_access_policies".into(), json!(self.row_access));
        }
        all
    }
}

fn tag(name: String, value: Option<String>) -> String {
    match value.filter(|value| !value.is_empty()) {
        Some(value) => format!("{name}={value}"),
        None => name,
    }
}
