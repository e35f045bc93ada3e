//! What the workspace holds, and how it misbehaves.

use super::{FOREVER, Seen, refusal, statements::Statement};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use wiremock::ResponseTemplate;

/// What happens to a workspace in the middle of a run.
pub(crate) type Change = Box<dyn FnOnce(&mut State) + Send>;

pub(crate) struct State {
    pub(crate) catalogs: Vec<Catalog>,
    /// Tags: catalog, schema, table, column, name, value.
    pub(crate) tags: Vec<[&'static str; 6]>,
    /// Lineage: catalog, schema and table of the target, the same of the source, a column of each.
    pub(crate) events: Vec<[&'static str; 8]>,
    /// Tables of the Hive metastore: schema, name, whether it is temporary, the text of `SHOW TABLE EXTENDED` or none.
    pub(crate) hive: Vec<[&'static str; 4]>,
    pub(crate) principal: String,
    pub(crate) groups: Vec<String>,
    pub(crate) privileges: Vec<String>,
    /// Objects in a page.
    pub(crate) page: usize,
    /// Whether each page is followed by one without objects.
    pub(crate) empty_pages: bool,
    /// Whether each page names itself as the next.
    pub(crate) endless: bool,
    /// Lists and objects that are refused with 403: `tables main.audit`.
    pub(crate) refused: BTreeSet<String>,
    /// The same that are not found.
    pub(crate) missing: BTreeSet<String>,
    /// What happens once to a request whose path holds a text.
    pub(crate) trouble: Vec<(&'static str, ResponseTemplate)>,
    /// What changes once, before the answer to a request whose path and query hold a text.
    pub(crate) changes: Vec<(&'static str, Change)>,
    /// Whether lists come in the opposite order.
    pub(crate) reversed: bool,
    /// Requests whose path and query hold a text are not answered.
    pub(crate) stalled: Option<&'static str>,
    pub(crate) delay: Duration,
    /// Tokens that are good. Those of OAuth are added as they are issued.
    pub(crate) tokens: BTreeSet<String>,
    pub(crate) issued: u32,
    pub(crate) token_lifetime: i64,
    /// Whether the workspace describes itself, and its OpenID server too.
    pub(crate) described: bool,
    pub(crate) oidc_described: bool,
    /// The paths of the OpenID server and of its token endpoint, as those descriptions name them.
    pub(crate) oidc_server: &'static str,
    pub(crate) token_endpoint: &'static str,
    /// How often a statement is still running when it is looked at.
    pub(crate) running: u32,
    /// Rows of a chunk.
    pub(crate) chunk: usize,
    /// Rows that come inline at most.
    pub(crate) inline: usize,
    /// A statement that holds this text is refused.
    pub(crate) refused_sql: Option<&'static str>,
    /// How a statement ends that did not fail.
    pub(crate) ends_as: &'static str,
    /// What results say in place of the truth: members of `manifest`, of `result`, and of a later `chunk`.
    pub(crate) said: Value,
    /// Links to results that have ended already.
    pub(crate) ended_links: u32,
    pub(crate) statements: BTreeMap<String, Statement>,
    pub(crate) cancelled: Vec<String>,
    pub(crate) seen: Vec<Seen>,
    pub(crate) keeps_requests: bool,
    /// Requests so far.
    pub(crate) count: u64,
}

pub(crate) struct Catalog {
    pub(crate) row: Value,
    pub(crate) schemas: Vec<Schema>,
}

pub(crate) struct Schema {
    pub(crate) row: Value,
    pub(crate) tables: Vec<Value>,
    pub(crate) volumes: Vec<Value>,
    pub(crate) functions: usize,
    pub(crate) models: usize,
}

impl Default for State {
    fn default() -> Self {
        Self {
            catalogs: Vec::new(),
            tags: Vec::new(),
            events: Vec::new(),
            hive: Vec::new(),
            principal: "reader@example.com".into(),
            groups: vec!["analysts".into()],
            privileges: vec!["USE_CATALOG".into()],
            page: 3,
            empty_pages: true,
            endless: false,
            refused: BTreeSet::new(),
            missing: BTreeSet::new(),
            trouble: Vec::new(),
            changes: Vec::new(),
            reversed: false,
            stalled: None,
            delay: Duration::ZERO,
            tokens: BTreeSet::from([super::TOKEN.to_owned()]),
            issued: 0,
            token_lifetime: 3600,
            described: true,
            oidc_described: true,
            oidc_server: "oidc",
            token_endpoint: "oidc/v1/token",
            running: 1,
            chunk: 2,
            inline: 1000,
            refused_sql: None,
            ends_as: "SUCCEEDED",
            said: Value::Null,
            ended_links: 0,
            statements: BTreeMap::new(),
            cancelled: Vec::new(),
            seen: Vec::new(),
            keeps_requests: true,
            count: 0,
        }
    }
}

impl State {
    /// 401 for a request without a good token.
    pub(super) fn unauthenticated(&self, seen: &Seen) -> Option<ResponseTemplate> {
        let token = seen
            .authorization
            .as_deref()
            .and_then(|text| text.strip_prefix("Bearer "));
        let good = token.is_some_and(|token| self.tokens.contains(token));
        (!good).then(|| refusal(401, "UNAUTHENTICATED"))
    }

    pub(super) fn trouble_for(&mut self, seen: &Seen) -> Option<ResponseTemplate> {
        let place = self
            .trouble
            .iter()
            .position(|(part, _)| seen.path.contains(part))?;
        Some(self.trouble.remove(place).1)
    }

    /// Changes what is to change when this request arrives.
    pub(super) fn change_for(&mut self, seen: &Seen) {
        let asked = seen.asked();
        let due = self.changes.iter().position(|(part, _)| asked.contains(part));
        if let Some(place) = due {
            let (_, change) = self.changes.remove(place);
            change(self);
        }
    }

    /// Once a request whose path and query hold a text arrives, the workspace changes before it answers.
    pub(crate) fn when(&mut self, part: &'static str, change: impl FnOnce(&mut State) + Send + 'static) {
        self.changes.push((part, Box::new(change)));
    }

    pub(super) fn delay_of(&self, seen: &Seen) -> Duration {
        match self.stalled {
            Some(part) if seen.asked().contains(part) => FOREVER,
            _ => self.delay,
        }
    }

    pub(crate) fn schema(&mut self, catalog: &str, schema: &str) -> &mut Schema {
        let catalog = self
            .catalogs
            .iter_mut()
            .find(|one| one.row["name"] == catalog)
            .unwrap();
        catalog
            .schemas
            .iter_mut()
            .find(|one| one.row["name"] == schema)
            .unwrap()
    }

    pub(crate) fn table(&mut self, catalog: &str, schema: &str, name: &str) -> &mut Value {
        let schema = self.schema(catalog, schema);
        schema.tables.iter_mut().find(|one| one["name"] == name).unwrap()
    }
}

impl Catalog {
    pub(crate) fn new(name: &str, schemas: Vec<Schema>) -> Self {
        let row = json!({
            "name": name, "full_name": name, "catalog_type": "MANAGED_CATALOG", "comment": format!("the catalog {name}"),
            "owner": "admins", "metastore_id": "m-1", "created_at": 1_700_000_000_000_i64, "browse_only": false,
            "options": {"connection.secret": "in-the-options"}, "isolation_mode": "OPEN",
        });
        Self { row, schemas }
    }
}

impl Schema {
    pub(crate) fn new(catalog: &str, name: &str, tables: Vec<Value>) -> Self {
        let row = json!({
            "name": name, "catalog_name": catalog, "full_name": format!("{catalog}.{name}"), "owner": "admins",
            "comment": format!("the schema {name}"), "metastore_id": "m-1", "schema_id": format!("s-{name}"),
            "properties": {"team": "finance"}, "browse_only": false,
        });
        let in_schema = |mut table: Value| {
            let full_name = format!("{catalog}.{name}.{}", table["name"].as_str().unwrap());
            let place = json!({"catalog_name": catalog, "schema_name": name, "full_name": full_name});
            table
                .as_object_mut()
                .unwrap()
                .extend(place.as_object().unwrap().clone());
            table
        };
        Self {
            row,
            tables: tables.into_iter().map(in_schema).collect(),
            volumes: Vec::new(),
            functions: 0,
            models: 0,
        }
    }
}

/// A managed Delta table, with whatever else is given.
pub(crate) fn table(name: &str, columns: Vec<Value>, more: Value) -> Value {
    let placed = columns.into_iter().enumerate().map(|(position, mut column)| {
        column["position"] = json!(position);
        column
    });
    let mut table = json!({
        "name": name, "table_type": "MANAGED", "data_source_format": "DELTA", "owner": "shop",
        "columns": placed.collect::<Vec<_>>(), "table_id": format!("t-{name}"), "metastore_id": "m-1",
        "storage_location": format!("s3://bucket/{name}"), "created_at": 1_700_000_000_000_i64,
        "created_by": "shop", "updated_at": 1_700_000_000_000_i64, "updated_by": "shop",
    });
    table
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    table
}

/// A column by its name, its type in SQL and its type as Spark writes it.
pub(crate) fn column(name: &str, text: &str, of_type: Value) -> Value {
    let field = json!({"name": name, "type": of_type, "nullable": true, "metadata": {}});
    let type_name = match &of_type {
        Value::String(name) => name.split('(').next().unwrap().to_uppercase(),
        nested => nested["type"].as_str().unwrap().to_uppercase(),
    };
    json!({
        "name": name, "type_text": text, "type_json": field.to_string(), "type_name": type_name,
        "nullable": true, "type_precision": 0, "type_scale": 0,
    })
}
