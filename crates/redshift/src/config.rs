//! The settings of a connector, and what they mean.

use headwater_core::{Case, Databases, Endpoint, Error, Filters, Result, Scope, Selection};
use headwater_pg_wire::{SslMode, bare_host};
use schemars::JsonSchema;
use serde::Deserialize;
use std::time::Duration;

/// Where the databases are, which of them to read, and how.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Host name or address of the cluster's or workgroup's endpoint.
    pub host: String,
    /// Port of the endpoint.
    #[serde(default = "default_port")]
    #[schemars(range(min = 1, max = 65535))]
    pub port: u16,
    /// The database to read. Give either this or `databases`.
    #[serde(default)]
    pub database: Option<String>,
    /// The databases to read, those made of datashares among them, or `"*"` for all local ones. Give either this
    /// or `database`.
    #[serde(default)]
    pub databases: Option<Databases>,
    /// The only schema to read: a short form of `filters.include_schemas`.
    #[serde(default)]
    pub schema: Option<String>,
    /// Whether the connection is encrypted and the server's certificate checked.
    #[serde(default = "default_sslmode")]
    pub sslmode: SslMode,
    /// The certificate authorities to trust instead of the public ones, as PEM text. With it, `require`
    /// checks the certificate as `verify-ca` does.
    #[serde(default)]
    pub sslrootcert: Option<String>,
    /// The cluster's identifier, for `auth_type` `iam`. The default is the first label of the endpoint's name.
    #[serde(default)]
    pub cluster_identifier: Option<String>,
    /// The Serverless workgroup's name, for `auth_type` `iam`. The default is the first label of the endpoint's name.
    #[serde(default)]
    pub workgroup_name: Option<String>,
    /// AWS region, for `auth_type` `iam`. The default is the one in the endpoint's name.
    #[serde(default)]
    pub region: Option<String>,
    /// The address at which AWS is asked for logins, for `auth_type` `iam`, in place of the public ones of the region:
    /// a VPC endpoint.
    #[serde(default)]
    pub aws_endpoint: Option<String>,
    /// The same for STS, where a role is assumed.
    #[serde(default)]
    pub sts_endpoint: Option<String>,
    /// Whether external schemas are read: tables of the Glue data catalog and Hive, federated databases.
    #[serde(default = "default_include_external")]
    pub include_external: bool,
    /// Whether `"*"` stands for the databases made of datashares, too.
    #[serde(default)]
    pub include_datashares: bool,
    /// Seconds that connecting and logging in may take. A paused workgroup answers when it has resumed.
    #[serde(default = "default_connect_timeout")]
    #[schemars(range(min = 1, max = 600))]
    pub connect_timeout: u64,
    /// Seconds that one statement may take.
    #[serde(default = "default_statement_timeout")]
    #[schemars(range(min = 1, max = 86400))]
    pub statement_timeout: u64,
    /// Which schemas and tables to read.
    #[serde(default)]
    pub filters: Filters,
}

fn default_port() -> u16 {
    5439
}

fn default_sslmode() -> SslMode {
    SslMode::VerifyFull
}

fn default_include_external() -> bool {
    true
}

fn default_connect_timeout() -> u64 {
    30
}

fn default_statement_timeout() -> u64 {
    300
}

impl Config {
    /// The filters as a scope over the configured databases.
    pub(crate) fn scope(&self) -> Result<Scope> {
        let filters = self.filters.clone().with_schema(self.schema.as_deref())?;
        Ok(Scope::new(&filters, Case::Insensitive)?.within(&self.selection()?))
    }

    /// The databases to read.
    pub(crate) fn selection(&self) -> Result<Selection> {
        let (database, databases) = (self.database.as_deref(), self.databases.as_ref());
        let selection = Selection::new(database, databases, "all local databases")?;
        if self.include_datashares && matches!(selection, Selection::Named(_)) {
            let detail =
                "belongs to databases \"*\": where databases are named, name those of datashares, too";
            return Err(Error::invalid_field("/config/include_datashares", detail));
        }
        Ok(selection)
    }

    /// Where to connect.
    pub(crate) fn endpoint(&self) -> Result<Endpoint> {
        Ok(Endpoint::Tcp {
            host: bare_host(&self.host)?.to_owned(),
            port: self.port,
        })
    }

    pub(crate) fn connect_timeout(&self) -> Duration {
        Duration::from_secs(self.connect_timeout)
    }

    pub(crate) fn statement_timeout(&self) -> Duration {
        Duration::from_secs(self.statement_timeout)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use headwater_core::Path;
    use serde_json::{Value, json};

    fn config(change: Value) -> Config {
        let mut all = json!({"host": "c.abc.eu-west-1.redshift.amazonaws.com", "database": "dev"});
        for (key, value) in change.as_object().unwrap() {
            all[key] = value.clone();
        }
        serde_json::from_value(all).unwrap()
    }

    fn pointer(result: Result<impl std::fmt::Debug>) -> String {
        result.unwrap_err().fields()[0].pointer.clone()
    }

    #[test]
    fn the_defaults_are_those_of_redshift_and_strict() {
        let config = config(json!({}));
        assert_eq!((config.port, config.sslmode), (5439, SslMode::VerifyFull));
        assert!(config.include_external && !config.include_datashares);
    }

    #[test]
    fn exactly_one_of_database_and_databases() {
        let two = config(json!({"database": null, "databases": ["b", "a"]}));
        assert_eq!(
            two.selection().unwrap(),
            Selection::Named(vec!["b".into(), "a".into()])
        );
        let all = config(json!({"database": null, "databases": "*", "include_datashares": true}));
        assert_eq!(all.selection().unwrap(), Selection::All);
        for (change, at) in [
            (json!({"database": null}), "/config/database"),
            (json!({"database": ""}), "/config/database"),
            (json!({"databases": ["x"]}), "/config/databases"),
            (json!({"database": null, "databases": []}), "/config/databases"),
            (
                json!({"database": null, "databases": ["a", "a"]}),
                "/config/databases",
            ),
            (json!({"database": null, "databases": "dev"}), "/config/databases"),
            (json!({"include_datashares": true}), "/config/include_datashares"),
        ] {
            assert_eq!(pointer(config(change).selection()), at);
        }
    }

    #[test]
    fn other_databases_and_schemas_are_out_of_scope() {
        let scope = config(json!({"schema": "sales"})).scope().unwrap();
        assert!(scope.admits_namespace(&Path::new(["dev", "Sales"])));
        assert!(!scope.admits_namespace(&Path::new(["dev", "hr"])));
        assert!(!scope.admits_namespace(&Path::new(["other", "sales"])));
    }

    #[test]
    fn a_pasted_url_is_refused_without_being_quoted() {
        let error = config(json!({"host": "redshift://u:hunter2@h"}))
            .endpoint()
            .unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}
