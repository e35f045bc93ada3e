//! The settings of a connector, and what they mean.

use crate::account::Account;
pub use headwater_core::Databases;
pub(crate) use headwater_core::Selection;
use headwater_core::{Case, Error, Filters, Host, Result, Scope};
use headwater_http::{Url, origin};
use schemars::JsonSchema;
use serde::Deserialize;

/// Which account and which databases of it to read, and how.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Account identifier: `myorg-myaccount`, or a locator with its region such as `xy12345.eu-central-1`.
    pub account: String,
    /// Where the account answers, if that is not `ACCOUNT.snowflakecomputing.com`: a host name, `host:port`, or an
    /// origin such as `http://127.0.0.1:8085`.
    #[serde(default)]
    pub host: Option<String>,
    /// The database to read. Give either this or `databases`. Names are taken as they are written: those that were
    /// created without quotes are upper case.
    #[serde(default)]
    pub database: Option<String>,
    /// The databases to read, or `"*"` for all that the role sees, without those shared from other accounts. Give
    /// either this or `database`.
    #[serde(default)]
    pub databases: Option<Databases>,
    /// The only schema to read: a short form of `filters.include_schemas`.
    #[serde(default)]
    pub schema: Option<String>,
    /// The warehouse that runs the reads of the information schema. The default is the user's own.
    #[serde(default)]
    pub warehouse: Option<String>,
    /// The role to read as. The default is the user's own.
    #[serde(default)]
    pub role: Option<String>,
    /// What marks the statements in the account's query history.
    #[serde(default = "default_query_tag")]
    #[schemars(length(max = 2000))]
    pub query_tag: String,
    /// Seconds that one statement may take.
    #[serde(default = "default_statement_timeout")]
    #[schemars(range(min = 1, max = 86400))]
    pub statement_timeout: u64,
    /// Whether tags, policies and the definitions of secure views are read from `SNOWFLAKE.ACCOUNT_USAGE`, which is
    /// one to three hours late.
    #[serde(default)]
    pub account_usage: bool,
    /// Days after which the columns of a table are read although its structure did not change. 0 reads them each
    /// time.
    #[serde(default = "default_full_refresh_interval")]
    #[schemars(range(max = 365))]
    pub full_refresh_interval: u32,
    /// Which schemas and tables to read.
    #[serde(default)]
    pub filters: Filters,
}

fn default_query_tag() -> String {
    "headwater".to_owned()
}

fn default_statement_timeout() -> u64 {
    600
}

fn default_full_refresh_interval() -> u32 {
    7
}

impl Config {
    /// The filters as a scope over the configured databases.
    pub(crate) fn scope(&self) -> Result<Scope> {
        let filters = self.filters.clone().with_schema(self.schema.as_deref())?;
        Ok(Scope::new(&filters, Case::Insensitive)?.within(&self.selection()?))
    }

    /// The databases to read.
    pub(crate) fn selection(&self) -> Result<Selection> {
        Selection::new(
            self.database.as_deref(),
            self.databases.as_ref(),
            "all that the role sees",
        )
    }

    /// The account, and where it answers.
    pub(crate) fn account(&self, host: &Host) -> Result<(Account, Url)> {
        let account = Account::parse(&self.account)?;
        let base = match &self.host {
            Some(text) => origin(text, "/config/host", host)?,
            None => origin(&account.host, "/config/account", host)?,
        };
        Ok((account, base))
    }

    /// What the type and the schema cannot say.
    pub(crate) fn validate(&self) -> Result<()> {
        if !(1..=86_400).contains(&self.statement_timeout) {
            let detail = "expected a number of seconds from 1 to 86400";
            return Err(Error::invalid_field("/config/statement_timeout", detail));
        }
        if self.full_refresh_interval > 365 {
            let detail = "expected a number of days from 0 to 365";
            return Err(Error::invalid_field("/config/full_refresh_interval", detail));
        }
        if self.query_tag.chars().count() > 2000 {
            let detail = "expected a text of at most 2000 characters";
            return Err(Error::invalid_field("/config/query_tag", detail));
        }
        for (name, value) in [("warehouse", &self.warehouse), ("role", &self.role)] {
            if value.as_deref() == Some("") {
                let detail = "is empty: leave it out for the user's own";
                return Err(Error::invalid_field(format!("/config/{name}"), detail));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use headwater_core::Path;
    use serde_json::{Value, json};

    fn config(change: Value) -> Config {
        let mut all = json!({"account": "myorg-acct", "database": "SHOP"});
        for (key, value) in change.as_object().unwrap() {
            all[key] = value.clone();
        }
        serde_json::from_value(all).unwrap()
    }

    fn pointer(result: Result<impl std::fmt::Debug>) -> String {
        result.unwrap_err().fields()[0].pointer.clone()
    }

    #[test]
    fn exactly_one_of_database_and_databases() {
        let named = |names: &[&str]| Selection::Named(names.iter().map(|name| (*name).to_owned()).collect());
        assert_eq!(config(json!({})).selection().unwrap(), named(&["SHOP"]));
        let several = config(json!({"database": null, "databases": ["B", "A"]}));
        assert_eq!(several.selection().unwrap(), named(&["B", "A"]));
        let all = config(json!({"database": null, "databases": "*"}));
        assert_eq!(all.selection().unwrap(), Selection::All);
        for (change, at) in [
            (json!({"database": null}), "/config/database"),
            (json!({"database": ""}), "/config/database"),
            (json!({"databases": ["X"]}), "/config/databases"),
            (json!({"database": null, "databases": []}), "/config/databases"),
            (
                json!({"database": null, "databases": ["A", "A"]}),
                "/config/databases",
            ),
            (
                json!({"database": null, "databases": "SHOP"}),
                "/config/databases",
            ),
        ] {
            assert_eq!(pointer(config(change).selection()), at);
        }
    }

    #[test]
    fn names_keep_their_case_and_filters_ignore_it() {
        let scope = config(json!({"schema": "sales"})).scope().unwrap();
        assert!(scope.admits_namespace(&Path::new(["SHOP", "SALES"])));
        assert!(!scope.admits_namespace(&Path::new(["shop", "SALES"])));
        assert!(!scope.admits_namespace(&Path::new(["SHOP", "HR"])));
    }

    #[test]
    fn a_host_stands_in_for_the_accounts_own() {
        let at = |change| {
            let (account, url) = config(change).account(&Host::default()).unwrap();
            (account.name, url.to_string())
        };
        assert_eq!(at(json!({})).1, "https://myorg-acct.snowflakecomputing.com/");
        let emulator = at(json!({"host": "http://127.0.0.1:8085"}));
        assert_eq!(
            emulator,
            ("MYORG-ACCT".to_owned(), "http://127.0.0.1:8085/".to_owned())
        );
        let bad = config(json!({"host": "http://db.example.com"}));
        assert_eq!(pointer(bad.account(&Host::default())), "/config/host");
    }

    #[test]
    fn numbers_and_names_out_of_range_are_told() {
        for (change, at) in [
            (json!({"statement_timeout": 0}), "/config/statement_timeout"),
            (
                json!({"full_refresh_interval": 400}),
                "/config/full_refresh_interval",
            ),
            (json!({"query_tag": "x".repeat(2001)}), "/config/query_tag"),
            (json!({"warehouse": ""}), "/config/warehouse"),
            (json!({"role": ""}), "/config/role"),
        ] {
            assert_eq!(pointer(config(change).validate()), at);
        }
        assert!(config(json!({})).validate().is_ok());
    }
}
