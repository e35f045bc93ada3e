//! The settings of a connector, and what they mean.

use crate::hive;
use headwater_core::{Case, Error, Filters, Host, Result, Scope};
use headwater_http::{Url, origin};
use schemars::JsonSchema;
use serde::Deserialize;

/// What names a secret in the options of a JDBC URL:
/// <https://docs.databricks.com/integrations/jdbc/authentication.html>.
const SECRETS: [&str; 4] = ["pwd=", "token=", "secret=", "password="];

/// Which workspace, which of its catalogs, and how they are read.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Address of the workspace, in any form that a browser or a tool shows:
    /// `dbc-a1b2345c-d6e7.cloud.databricks.com`.
    pub host: String,
    /// A SQL warehouse by its HTTP path: `/sql/1.0/warehouses/1234567890abcdef`. Tags, lineage between tables, and
    /// keys without a request for each table need one.
    #[serde(default)]
    pub http_path: Option<String>,
    /// The SQL warehouse by its id, in place of `http_path`.
    #[serde(default)]
    pub warehouse_id: Option<String>,
    /// The only catalog to read. Give either this or `catalogs`.
    #[serde(default)]
    pub catalog: Option<String>,
    /// The catalogs to read, or `"*"` for all that the principal sees but Databricks' own. That is the default.
    #[serde(default)]
    pub catalogs: Option<Catalogs>,
    /// The only schema to read: a short form of `filters.include_schemas`.
    #[serde(default)]
    pub schema: Option<String>,
    /// Where primary and foreign keys are read. The default is `sql` where a warehouse is given, else `get`.
    #[serde(default)]
    pub constraints: Option<Constraints>,
    /// Whether to read what the principal may only browse: the names, comments and columns of tables without SELECT.
    #[serde(default = "yes")]
    pub include_browse: bool,
    /// Whether to read the workspace's own `hive_metastore` too, through the SQL warehouse.
    #[serde(default)]
    pub include_hive_metastore: bool,
    /// How many days back the events of lineage are read; 0 reads none.
    #[serde(default = "default_lineage_days")]
    #[schemars(range(min = 0, max = 365))]
    pub lineage_days: u16,
    /// How many requests run at once.
    #[serde(default = "default_concurrency")]
    #[schemars(range(min = 1, max = 64))]
    pub concurrency: u16,
    /// Address of Microsoft Entra ID, for `auth_type` `azure_client_secret`. The default follows from `host`.
    #[serde(default)]
    pub azure_authority: Option<String>,
    /// Which schemas and tables to read.
    #[serde(default)]
    pub filters: Filters,
}

fn yes() -> bool {
    true
}

fn default_lineage_days() -> u16 {
    30
}

fn default_concurrency() -> u16 {
    8
}

/// Some catalogs by name, or all.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Catalogs {
    /// These.
    Names(Vec<String>),
    /// `"*"`: all that the principal sees.
    All(#[schemars(extend("const" = "*"))] String),
}

/// Where primary and foreign keys come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Constraints {
    /// They are not read.
    None,
    /// One request for each table that changed.
    Get,
    /// The information schema of each catalog, through a SQL warehouse.
    Sql,
}

/// Which catalogs a valid config asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Selection {
    /// At least one, each once.
    Named(Vec<String>),
    /// All that the principal sees.
    All,
}

impl Config {
    /// The filters as a scope over the configured catalogs.
    pub(crate) fn scope(&self) -> Result<Scope> {
        let filters = self.filters.clone().with_schema(self.schema.as_deref())?;
        let scope = Scope::new(&filters, Case::Insensitive)?;
        Ok(match self.selection()? {
            Selection::Named(names) => {
                let hive = self.include_hive_metastore.then(|| hive::CATALOG.to_owned());
                scope.with_catalogs(names.into_iter().chain(hive))
            }
            Selection::All => scope,
        })
    }

    /// The catalogs to read. Unity Catalog keeps all names in lower case.
    pub(crate) fn selection(&self) -> Result<Selection> {
        let (names, pointer) = match (&self.catalog, &self.catalogs) {
            (Some(name), None) => (vec![name.to_lowercase()], "/config/catalog"),
            (None, Some(Catalogs::Names(names))) => (
                names.iter().map(|name| name.to_lowercase()).collect(),
                "/config/catalogs",
            ),
            (None, None) => return Ok(Selection::All),
            (None, Some(Catalogs::All(star))) if star == "*" => return Ok(Selection::All),
            (None, Some(Catalogs::All(_))) => {
                let detail = "expected a list of names, or \"*\" for all that the principal sees; a single name \
                              belongs in catalog";
                return Err(Error::invalid_field("/config/catalogs", detail));
            }
            (Some(_), Some(_)) => {
                let detail = "give either catalog or catalogs, not both";
                return Err(Error::invalid_field("/config/catalogs", detail));
            }
        };
        let mut sorted: Vec<&str> = names.iter().map(String::as_str).collect();
        sorted.sort_unstable();
        let twice = sorted.windows(2).any(|pair| pair.first() == pair.last());
        if twice || sorted.first().is_none_or(|first| first.is_empty()) {
            let detail = "expected at least one catalog name, none empty and none twice";
            return Err(Error::invalid_field(pointer, detail));
        }
        Ok(Selection::Named(names))
    }

    /// The workspace's address, out of whatever was pasted: with a path, a query, or as a JDBC URL.
    pub(crate) fn workspace(&self, host: &Host) -> Result<Url> {
        let text = self.host.trim();
        let options = text.to_ascii_lowercase();
        if SECRETS.iter().any(|secret| options.contains(secret)) {
            let detail = "holds a secret: give it in the credentials, and here the address alone";
            return Err(Error::invalid_field("/config/host", detail));
        }
        let jdbc = ["jdbc:databricks://", "jdbc:spark://"]
            .iter()
            .find_map(|prefix| text.strip_prefix(prefix));
        let (scheme, rest) = match (jdbc, text.split_once("://")) {
            (Some(rest), _) => ("https", rest),
            (None, Some((scheme, rest))) => (scheme, rest),
            (None, None) => ("https", text),
        };
        let authority = rest.split(['/', '?', '#', ';']).next().unwrap_or_default();
        let url = origin(&format!("{scheme}://{authority}"), "/config/host", host)?;
        let name = url.host_str().unwrap_or_default();
        if ["accounts.", "accounts-dod."]
            .iter()
            .any(|console| name.starts_with(console))
        {
            let detail = "is the account console: give the address of a workspace";
            return Err(Error::invalid_field("/config/host", detail));
        }
        Ok(url)
    }

    /// The SQL warehouse.
    pub(crate) fn warehouse(&self) -> Result<Option<String>> {
        let from_path = self.http_path.as_deref().map(warehouse_in).transpose()?;
        let id = match (&self.warehouse_id, from_path) {
            (Some(id), Some(other)) if *id != other => {
                let detail = "names another warehouse than http_path: give one of them";
                return Err(Error::invalid_field("/config/warehouse_id", detail));
            }
            (Some(id), _) => id,
            (None, Some(id)) => id,
            (None, None) => return Ok(None),
        };
        if id.is_empty() || !id.chars().all(|one| one.is_ascii_alphanumeric() || one == '-') {
            let detail = "expected the id of a SQL warehouse, such as 1234567890abcdef";
            return Err(Error::invalid_field("/config/warehouse_id", detail));
        }
        Ok(Some(id.to_owned()))
    }

    /// Where keys are read.
    pub(crate) fn constraints(&self) -> Result<Constraints> {
        match (self.constraints, self.warehouse()?) {
            (Some(Constraints::Sql), None) => {
                let detail = "sql needs a SQL warehouse: give warehouse_id, or choose get";
                Err(Error::invalid_field("/config/constraints", detail))
            }
            (Some(chosen), _) => Ok(chosen),
            (None, Some(_)) => Ok(Constraints::Sql),
            (None, None) => Ok(Constraints::Get),
        }
    }

    /// What the types cannot say.
    pub(crate) fn validate(&self) -> Result<()> {
        if self.include_hive_metastore && self.warehouse()?.is_none() {
            let detail = "needs a SQL warehouse: give warehouse_id or http_path";
            return Err(Error::invalid_field("/config/include_hive_metastore", detail));
        }
        if self.lineage_days > 365 {
            return Err(Error::invalid_field(
                "/config/lineage_days",
                "expected an integer from 0 to 365",
            ));
        }
        if !(1..=64).contains(&self.concurrency) {
            return Err(Error::invalid_field(
                "/config/concurrency",
                "expected an integer from 1 to 64",
            ));
        }
        Ok(())
    }
}

/// The id at the end of `/sql/1.0/warehouses/ID`, or of the older `/sql/1.0/endpoints/ID`.
fn warehouse_in(path: &str) -> Result<&str> {
    let path = path.trim().trim_start_matches('/').trim_end_matches('/');
    let id = ["sql/1.0/warehouses/", "sql/1.0/endpoints/"]
        .iter()
        .find_map(|prefix| path.strip_prefix(prefix));
    id.ok_or_else(|| {
        let detail = "expected the HTTP path of a SQL warehouse: /sql/1.0/warehouses/ID";
        Error::invalid_field("/config/http_path", detail)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use headwater_core::Path;
    use serde_json::{Value, json};

    fn config(more: Value) -> Config {
        let mut config = json!({"host": "dbc.cloud.databricks.com"});
        config
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        serde_json::from_value(config).unwrap()
    }

    fn fault<T: std::fmt::Debug>(result: Result<T>) -> String {
        result.unwrap_err().fields()[0].pointer.clone()
    }

    #[test]
    fn a_host_in_any_pasted_form() {
        for text in [
            "dbc.cloud.databricks.com",
            " https://dbc.cloud.databricks.com/ ",
            "https://dbc.cloud.databricks.com/?o=123456789#job/5",
            "https://DBC.cloud.databricks.com/explore/data/main?o=1",
            "dbc.cloud.databricks.com:443",
            "jdbc:databricks://dbc.cloud.databricks.com:443/default;httpPath=/sql/1.0/warehouses/a1",
        ] {
            let url = config(json!({"host": text})).workspace(&Host::default()).unwrap();
            assert_eq!(url.as_str(), "https://dbc.cloud.databricks.com/", "{text}");
        }
        let emulator = config(json!({"host": "http://127.0.0.1:8085/x"}));
        assert_eq!(
            emulator.workspace(&Host::default()).unwrap().as_str(),
            "http://127.0.0.1:8085/"
        );
        for text in [
            "",
            "https://u:p@dbc.cloud.databricks.com",
            "http://dbc.cloud.databricks.com",
            "accounts.cloud.databricks.com",
            "jdbc:databricks://dbc.cloud.databricks.com:443;AuthMech=3;UID=token;PWD=hunter2",
            "jdbc:databricks://dbc.cloud.databricks.com:443;AuthMech=11;Auth_Flow=0;Auth_AccessToken=hunter2",
            "jdbc:databricks://dbc.cloud.databricks.com:443;AuthMech=11;Auth_Flow=1;OAuth2Secret=hunter2",
        ] {
            assert_eq!(
                fault(config(json!({"host": text})).workspace(&Host::default())),
                "/config/host",
                "{text}"
            );
        }
    }

    #[test]
    fn a_warehouse_by_id_or_path() {
        let id = |more| config(more).warehouse();
        assert_eq!(id(json!({})).unwrap(), None);
        for path in ["/sql/1.0/warehouses/a1b2", "sql/1.0/endpoints/a1b2/"] {
            assert_eq!(id(json!({"http_path": path})).unwrap().as_deref(), Some("a1b2"));
        }
        assert!(id(json!({"http_path": "/sql/1.0/warehouses/a1", "warehouse_id": "a1"})).is_ok());
        assert_eq!(
            fault(id(
                json!({"http_path": "/sql/1.0/warehouses/a1", "warehouse_id": "b2"})
            )),
            "/config/warehouse_id"
        );
        assert_eq!(
            fault(id(json!({"http_path": "/sql/protocolv1/o/1/2"}))),
            "/config/http_path"
        );
        assert_eq!(
            fault(id(json!({"warehouse_id": "a/../b"}))),
            "/config/warehouse_id"
        );
    }

    #[test]
    fn keys_come_by_sql_where_there_is_a_warehouse() {
        let chosen = |more| config(more).constraints();
        assert_eq!(chosen(json!({})).unwrap(), Constraints::Get);
        assert_eq!(chosen(json!({"warehouse_id": "a1"})).unwrap(), Constraints::Sql);
        assert_eq!(
            chosen(json!({"warehouse_id": "a1", "constraints": "none"})).unwrap(),
            Constraints::None
        );
        assert_eq!(
            fault(chosen(json!({"constraints": "sql"}))),
            "/config/constraints"
        );
    }

    #[test]
    fn catalogs_are_named_or_all() {
        let selection = |more| config(more).selection();
        assert_eq!(selection(json!({})).unwrap(), Selection::All);
        assert_eq!(selection(json!({"catalogs": "*"})).unwrap(), Selection::All);
        assert_eq!(
            selection(json!({"catalog": "Main"})).unwrap(),
            Selection::Named(vec!["main".into()])
        );
        for (more, pointer) in [
            (json!({"catalog": "a", "catalogs": ["b"]}), "/config/catalogs"),
            (json!({"catalogs": "main"}), "/config/catalogs"),
            (json!({"catalogs": []}), "/config/catalogs"),
            (json!({"catalogs": ["a", "A"]}), "/config/catalogs"),
            (json!({"catalog": ""}), "/config/catalog"),
        ] {
            assert_eq!(fault(selection(more.clone())), pointer, "{more}");
        }
    }

    #[test]
    fn numbers_out_of_range_are_named() {
        assert_eq!(
            fault(config(json!({"lineage_days": 366})).validate()),
            "/config/lineage_days"
        );
        assert_eq!(
            fault(config(json!({"concurrency": 0})).validate()),
            "/config/concurrency"
        );
        assert!(
            config(json!({"lineage_days": 0, "concurrency": 64}))
                .validate()
                .is_ok()
        );
    }

    #[test]
    fn the_hive_metastore_is_read_by_statements_only() {
        let hive = |more: Value| {
            let mut config = config(more);
            config.include_hive_metastore = true;
            config
        };
        assert_eq!(
            fault(hive(json!({})).validate()),
            "/config/include_hive_metastore"
        );
        let config = hive(json!({"warehouse_id": "a1", "catalog": "main"}));
        assert!(config.validate().is_ok());
        let admitted = |name: &str| config.scope().unwrap().admits_namespace(&Path::new([name]));
        assert!(admitted("hive_metastore") && admitted("main") && !admitted("other"));
    }
}
